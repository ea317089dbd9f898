"""azure-native's own setting selects the cloud for the whole program."""

import pulumi
import pytest

from hubtrust.cloud_choice import CloudChoiceError, choose_cloud

STACK = "https://stack.example"


@pytest.mark.parametrize(
    ("config", "environment", "expected"),
    [
        ({}, {}, "public"),
        ({"environment": "usgovernment"}, {}, "usgovernment"),
        ({"environment": "AzureChinaCloud"}, {}, "china"),
        ({}, {"ARM_ENVIRONMENT": "usgovernment"}, "usgovernment"),
        ({}, {"AZURE_ENVIRONMENT": "AzureUSGovernmentCloud"}, "usgovernment"),
        ({"environment": "china"}, {"ARM_ENVIRONMENT": "usgovernment"}, "china"),
        ({"environment": ""}, {"ARM_ENVIRONMENT": "usgovernment"}, "public"),
        ({"metadataHost": "stack.example", "environment": "china"}, {}, STACK),
        ({}, {"ARM_METADATA_HOSTNAME": STACK}, STACK),
    ],
)
def test_azure_natives_settings_are_used(config: dict[str, str], environment: dict[str, str], expected: str) -> None:
    """Read as azure-native reads them: a metadata host before a name, the configuration before a variable."""
    assert _chosen(None, config, environment) == expected


def test_two_clouds_in_one_program_are_refused() -> None:
    """A hub in one cloud and its certificates in another are refused; for an existing hub only the given cloud counts."""
    assert _chosen("usgovernment", {"environment": "usgovernment"}) == "usgovernment"
    assert _chosen(f"{STACK}/", {"metadataHost": STACK}) == f"{STACK}/"
    assert choose_cloud("china", creates_hub=False, environment={}) == "china"
    with pytest.raises(
        CloudChoiceError, match="cloud: it is 'china' and azure-native creates the hub in 'public'; remove it, and set only azure-"
    ):
        _chosen("china", {})


@pytest.mark.parametrize("named", [None, "mars"])
def test_an_unknown_cloud_is_reported(named: str | None) -> None:
    """From azure-native's setting or from the argument: in one line that Pulumi shows unchanged."""
    with pytest.raises(pulumi.RunError, match="cloud 'mars': there is no such cloud; use public, usgovernment, china or the https URL"):
        _chosen(named, {"environment": "mars"})


def _chosen(cloud: str | None, config: dict[str, str], environment: dict[str, str] | None = None) -> str:
    pulumi.runtime.set_all_config({f"azure-native:{name}": value for name, value in config.items()})
    try:
        return choose_cloud(cloud, creates_hub=True, environment=environment or {})
    finally:
        pulumi.runtime.set_all_config({})
