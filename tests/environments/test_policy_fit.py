"""The policies of a new environment take the stack that was made: what was chosen loosens a rule, what was left unset is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments import clone
from environments.errors import EnvironmentRefusedError
from environments.policy_fit import JUDGED, NEVER_CONTRADICTED, JudgedRule, Misfit
from policies.rules import RULES
from tests.environments.conftest import Project
from tests.kit.authorities import hierarchy, pem_of
from tests.kit.repository import ROOT

PROD: dict[str, Any] = json.loads((ROOT / "policies/prod.json").read_text())
STRICT = {name: {**({} if isinstance(value, str) else value), "enforcementLevel": "mandatory"} for name, value in PROD.items()}
KEPT = {"caCustody": "key-vault", "caVault": "make", "publicNetworkAccess": "Disabled"}


def planned(project: Project, *given: str) -> clone.Plan:
    return clone.plan(project.folder, project.engine, "prod", "trial", given=given)


def differences(project: Project, *given: str) -> dict[str, Any]:
    """The rules that differ from prod's, except the CAs of others, with what differs in them."""
    policies = planned(project, *given).policies
    assert policies
    before = {**STRICT, "required-tags": {**STRICT["required-tags"], "values": {"environment": "trial"}}}
    found = json.loads(policies.text)
    assert found.pop("authority-not-shared")["elsewhere"].keys() == {"prod"}
    return {
        name: {key: each for key, each in rule.items() if before[name].get(key) != each}
        for name, rule in found.items()
        if rule != before[name]
    }


@pytest.fixture
def strict(project: Project) -> Project:
    """A prod whose policies are all mandatory, and which satisfies them."""
    tags = ["environment=prod", "owner=us"]
    project.write("prod", name="hubtrust-prod", caName="hubtrust prod", tags=tags, **KEPT)
    project.policies("prod", STRICT)
    return project


SOMEBODY = "0f0f0f0f-aaaa-4bbb-8ccc-0d0d0d0d0d0d"
SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/theirs"
ADVISORY = {"enforcementLevel": "advisory"}
CHOSEN: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "nothing": ((), {}),
    "no protection": (("protect=false",), {"hub-protected": ADVISORY}),
    "protection in words": (('protect="false"',), {"hub-protected": ADVISORY}),
    "old TLS": (("minTlsVersion='1.0'",), {"tls-minimum": ADVISORY}),
    "shared keys": (("localAuth=true",), {"shared-keys-off": ADVISORY}),
    "a public hub": (("publicNetworkAccess=Enabled",), {"public-access": ADVISORY, "network-exposure": ADVISORY}),
    "a public hub for some": (("publicNetworkAccess=Enabled", "ipRules=[plant=203.0.113.0/24]"), {"public-access": ADVISORY}),
    "a public hub for many": (
        ("publicNetworkAccess=Enabled", "ipRules=[10.0.0.0/8, 203.0.0.0/15, 203.0.113.0/24]"),
        {"public-access": ADVISORY, "network-exposure": {"addresses": 131072}},
    ),
    "a key in the state": (
        ("caCustody=state", "caVault="),
        {"custody-allowed": {"allowed": ["key-vault", "pkcs11", "offline", "state"]}},
    ),
    "a longer root": (("caRootDays=5000",), {"authority-lifetime": {"rootDays": 5000}}),
    "a longer CA": (("caIssuingDays=2000",), {"authority-lifetime": {"issuingDays": 2000}}),
    "both longer": (("caRootDays=5000", "caIssuingDays=2000"), {"authority-lifetime": {"rootDays": 5000, "issuingDays": 2000}}),
    "one CA alone": (("caIntermediates=0", "caIssuingDays=3000"), {}),
    "a short CA": (("caIssuingDays=60",), {"authority-expiry": {"days": 30}, "renewal-window": {"days": 6}}),
    "a short CA that is renewed": (("caIssuingDays=60", "caIssuingRenewBeforeDays=10"), {"authority-expiry": {"days": 10}}),
    "a CA that is renewed late": (("caIssuingRenewBeforeDays=2",), {"renewal-window": {"days": 2}}),
    "a CA of a week": (
        ("caRootDays=7", "caRootRenewBeforeDays=4", "caIssuingDays=6", "caIssuingRenewBeforeDays=3"),
        {"authority-expiry": {"days": 3}, "renewal-window": {"days": 3}, "certificate-expiry": {"days": 3}},
    ),
    "a CA of a day": (
        ("caRootDays=1", "caIssuingDays=1"),
        {"authority-expiry": ADVISORY, "renewal-window": ADVISORY, "certificate-expiry": ADVISORY},
    ),
    "a short root that is trusted": (
        ("caRootDays=100", "caTrust=root"),
        {"authority-expiry": {"days": 50}, "certificate-expiry": ADVISORY},  # its issuing CA is cut to 100 days, all in its window
    ),
    "another owner's tag": (("tags=[environment=test, owner=me]",), {"required-tags": {"values": {"environment": "test"}}}),
    "two generations": (("caKeepPrevious=true", "caGeneration=2"), {"previous-generation": ADVISORY}),
    "several": (
        ("protect=false", "localAuth=true", "caRootDays=5000"),
        {"hub-protected": ADVISORY, "shared-keys-off": ADVISORY, "authority-lifetime": {"rootDays": 5000}},
    ),
    "a provisioning service": (
        ("provisioning=true",),
        {"shared-keys-off": {"serviceKeys": True}, "public-access": ADVISORY, "network-exposure": ADVISORY},
    ),
    "a provisioning service that is reached by private endpoints": (
        ("provisioning=true", "dpsPublicNetworkAccess=Disabled", f"dpsOperators=[Group:{SOMEBODY}]"),
        {"shared-keys-off": {"serviceKeys": True}, "enrollment-holders": {"holders": [SOMEBODY]}},
    ),
    "one for some addresses, and keys for devices": (
        ("provisioning=true", "dpsIpRules=[10.0.0.0/8, 203.0.0.0/15]", "localAuth=true"),
        {"shared-keys-off": ADVISORY, "public-access": ADVISORY, "network-exposure": {"addresses": 131072}},
    ),
    "one that is not protected": (
        ("provisioning=true", "protect=false", "dpsPublicNetworkAccess=Disabled"),
        {"shared-keys-off": {"serviceKeys": True}, "hub-protected": ADVISORY},
    ),
    "another team's service": ((f"existingDps={SERVICE}", "enrollmentGroups=[presses]"), {}),
    "another team's hub": (
        ("existingHub=/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/theirs", "publicNetworkAccess="),
        {},
    ),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_a_rule_is_loosened_to_what_was_chosen(case: str, strict: Project) -> None:
    """As little as it takes, and no other rule."""
    given, expected = CHOSEN[case]
    assert differences(strict, *given) == expected


@pytest.mark.parametrize(("key", "fit"), [("rsaBits", 3072), ("curves", ["P-384", "P-256"]), ("hashes", ["sha384", "sha256"])])
def test_a_weaker_key_is_taken_where_it_was_chosen(key: str, fit: Any, strict: Project) -> None:
    """Every algorithm of the program satisfies the pack's defaults, but not each stricter configuration."""
    stricter = {"rsaBits": 4096, "curves": ["P-384"], "hashes": ["sha384"]}
    strict.policies("prod", STRICT | {"key-strength": {**STRICT["key-strength"], key: stricter[key]}})
    algorithm = "rsa-3072" if key == "rsaBits" else "ec-p256"
    policies = planned(strict, f"caKeyAlgorithm={algorithm}").policies
    assert policies
    assert policies.found["key-strength"][key] == fit
    if key != "rsaBits":  # the program's default is EC P-256
        with pytest.raises(EnvironmentRefusedError, match="set caKeyAlgorithm as the policy wants it"):
            planned(strict)


def test_a_given_ca_is_read(strict: Project) -> None:
    """Its key, its lifetime and its path length are those of its certificates; its root is not judged where the hub trusts the lowest."""
    chain = hierarchy()
    (strict.folder / "trial.pem").write_text(pem_of(*chain.up))
    given = ("caSource=import", "caCustody=offline", "caVault=", "caChainFile=trial.pem")
    lowest = chain.up[0]
    days = (lowest.not_valid_after_utc - lowest.not_valid_before_utc).days
    strict.policies("prod", STRICT | {"authority-lifetime": {"issuingDays": 1}, "authority-expiry": "advisory"})
    policies = planned(strict, *given).policies
    assert policies
    assert policies.found["authority-lifetime"] == {"issuingDays": days}
    assert lowest.not_valid_after_utc - datetime.now(UTC) > timedelta(0)


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "possession that is only attested": (("attest=true",), "proof-required .* attest is true"),
    "a key in the state, by default": (("caCustody=", "caVault="), "custody-allowed .* custody 'state': set caCustody"),
    "a tag that is missing": (("tags=[environment=trial]",), "required-tags .* the tag 'owner' is missing"),
    "an adopted hub's TLS and keys": (
        ("adoptHub=/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/theirs",),
        "tls-minimum .* minTlsVersion is not set, .*\n.*shared-keys-off .* localAuth is not set",
    ),
    "whoever runs the program writes enrollments": (
        ("provisioning=true", "dpsPublicNetworkAccess=Disabled", "dpsOperators=[deployer]"),
        "enrollment-holders .* dpsOperators has 'deployer', whose object id the rule must name",
    ),
    "a public hub, by default": (("publicNetworkAccess=",), "public-access .* publicNetworkAccess is not set"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nobody_chose_is_refused_with_the_key_to_set(case: str, strict: Project) -> None:
    """Nothing is written, and a rule about who gets in is not loosened even where somebody chose."""
    given, printed = REFUSED[case]
    with pytest.raises(EnvironmentRefusedError, match=f"(?s)the policy {printed}"):
        planned(strict, *given)
    assert not (strict.folder / "policies/trial.json").exists()


def test_an_adopted_hub_that_is_declared_is_taken(strict: Project) -> None:
    """With these keys its stack is judged as one that makes its hub."""
    adopted = "adoptHub=/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/theirs"
    assert differences(strict, adopted, "minTlsVersion='1.2'", "localAuth=false") == {}


def test_a_file_that_somebody_wrote_is_never_loosened(strict: Project) -> None:
    """It is refused with the key and the file."""
    strict.policies("trial", {"hub-protected": "mandatory"})
    with pytest.raises(EnvironmentRefusedError, match=r"hub-protected of policies/trial\.json .* change protect in .*, or this rule"):
        planned(strict, "protect=false", "publicNetworkAccess=Disabled")
    strict.policies("trial", {"all": "advisory"})
    policies = planned(strict, "protect=false").policies
    assert policies
    assert policies.found.keys() == {"all", "authority-not-shared"}


PUBLIC = {"public-access": "advisory", "network-exposure": "advisory"}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, {"hub-protected": "advisory"}),  # mandatory in the pack itself
        ({"all": "mandatory", **PUBLIC}, {"all": "mandatory", **PUBLIC, "hub-protected": "advisory"}),
        ({"all": "disabled"}, {"all": "disabled"}),
        ({"all": "disabled", "hub-protected": "mandatory"}, {"all": "disabled", "hub-protected": "advisory"}),
        ({"hub-protected": "remediate"}, {"hub-protected": "advisory"}),
        ({"hub-protected": {}}, {"hub-protected": {"enforcementLevel": "advisory"}}),
    ],
)
def test_every_way_to_give_a_level_counts(policies: dict[str, Any], expected: dict[str, Any], project: Project) -> None:
    """By name, by `all`, as an object, and by the pack's own default."""
    project.policies("prod", policies)
    found = planned(project, "protect=false").policies
    assert found
    assert {name: value for name, value in found.found.items() if name != "authority-not-shared"} == expected


def test_only_values_of_tags_are_an_environments_name(project: Project) -> None:
    """A stack may be called like a custody or a level."""
    written = {"custody-allowed": {"allowed": ["state", "trial"]}, "required-tags": {"values": {"stage": "prod", "prod": "x"}}}
    project.policies("prod", written | {"tls-minimum": "prod"})
    found = planned(project).policies
    assert found
    assert found.found["custody-allowed"] == {"allowed": ["state", "trial"]}
    assert found.found["required-tags"] == {"values": {"stage": "trial", "prod": "x"}}
    assert found.found["tls-minimum"] == "prod"


@pytest.mark.parametrize("value", [{"rootDays": "3650"}, {"rootDays": True}, {"issuingDays": None}, ["mandatory"], 3])
def test_settings_that_no_rule_takes_are_told(value: Any, project: Project) -> None:
    """The run would end before it begins."""
    project.policies("prod", {"authority-lifetime": value})
    with pytest.raises(EnvironmentRefusedError, match=r"^trial\.json: .*authority-lifetime is "):
        planned(project)


def test_a_rule_that_can_not_be_loosened_to_a_fact_is_refused(strict: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a rule of the table gives as its fit, the command ends."""
    stubborn = JudgedRule(lambda _stack, _rule: iter([Misfit("protect is false", "protect", {"hours": 1})]))
    monkeypatch.setitem(JUDGED, "hub-protected", stubborn)  # type: ignore[arg-type] # the table is final, but for this test
    with pytest.raises(EnvironmentRefusedError, match=r"hub-protected .* protect is false"):
        planned(strict, "protect=false")


def test_every_rule_of_the_pack_has_a_place() -> None:
    """A new rule needs one in environments/policy_fit.py: can a setting contradict it? Defaults and levels are the pack's."""
    names = {rule.name for rule in RULES} | {"private-key-secret"}
    assert names == JUDGED.keys() | NEVER_CONTRADICTED.keys()
    assert not JUDGED.keys() & NEVER_CONTRADICTED.keys()
    for rule in RULES:
        if rule.name in JUDGED:
            judged = JUDGED[rule.name]
            assert judged.advisory == rule.advisory, rule.name
            assert judged.defaults.items() <= rule.defaults.items(), rule.name
