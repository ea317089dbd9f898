"""One setting leads the whole program to one cloud: azure-native's own."""

import pulumi
import pytest

from hubtrust.cloud_choice import CloudChoiceError, chosen

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
def test_azure_natives_settings_count(config: dict[str, str], environment: dict[str, str], expected: str) -> None:
    """Read as azure-native reads them: a metadata host before a name, the configuration before a variable."""
    assert _chosen(None, config, environment) == expected


def test_what_is_said_must_agree_where_azure_native_is_at_work() -> None:
    """A hub in one cloud and its certificates in another is refused; on a hub that exists only what is said counts."""
    assert _chosen("usgovernment", {"environment": "usgovernment"}) == "usgovernment"
    assert _chosen(f"{STACK}/", {"metadataHost": STACK}) == f"{STACK}/"
    assert chosen("china", makes_hub=False, environment={}) == "china"
    with pytest.raises(
        CloudChoiceError, match="cloud: it is 'china' and azure-native creates the hub in 'public'; remove it, and set only azure-"
    ):
        _chosen("china", {})


@pytest.mark.parametrize("named", [None, "mars"])
def test_no_such_cloud_is_told(named: str | None) -> None:
    """Whichever of the two says it, in one line that Pulumi shows as it is."""
    with pytest.raises(pulumi.RunError, match="cloud 'mars': there is no such cloud; use public, usgovernment, china or the https URL"):
        _chosen(named, {"environment": "mars"})


def _chosen(cloud: str | None, config: dict[str, str], environment: dict[str, str] | None = None) -> str:
    pulumi.runtime.set_all_config({f"azure-native:{name}": value for name, value in config.items()})
    try:
        return chosen(cloud, makes_hub=True, environment=environment or {})
    finally:
        pulumi.runtime.set_all_config({})
