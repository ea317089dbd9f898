"""No value of any property ends a rule: it is judged, or reported as one that can't be; and a rule that fails all the same says so."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.rules import RULES, Rule, declared_ways, opaque
from policies.rules import resource as resources
from policies.rules.failures import messages_of
from policies.rules.resource import NotKnownYetError, Resource, known_copy
from policies.rules.secrecy import PlainTextKeys
from tests.kit.authorities import Forged, ec_key, pem_of, private_pem
from tests.kit.policy_analyzer import Declared, PolicyAnalyzer
from tests.kit.repository import ROOT
from tests.kit.samples import SEED, WHOLE
from tests.policies.judging import before

NOW = datetime.now(UTC)
DYNAMIC = "pulumi-python:dynamic/hubtrust:"
CA = pem_of(Forged("Trial", path_length=0, start=NOW - timedelta(hours=1), end=NOW + timedelta(days=30)).certificate)
TYPES = sorted(
    {
        *(value for value in vars(resources).values() if isinstance(value, str) and value.count(":") == 2),
        *declared_ways._BY_TYPE,
        *(f"azure-native:{module}:{noun}" for module in sorted(declared_ways._MODULES) for noun in declared_ways._NATIVE),
        *(f"azure-native:{module}:{noun}" for module, noun in opaque._NATIVE),
        *opaque._OTHERS,
        declared_ways.AZAPI_RESOURCE,
        "azure-native:resources:Resource",
        *(f"{DYNAMIC}{noun}" for noun in ("DeviceIdentity", "ModuleIdentity", "DeviceFleet")),
        "kubernetes:core/v1:Secret",
    }
    - {resources.STACK}
)


def damaged_zip(method: int) -> str:
    """A ZIP file in base64 whose member was changed in its middle."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("key", b"a long text" * 9)
        whole = bytearray(file.getvalue())
    whole[40:44] = b"\xff" * 4
    return base64.b64encode(whole).decode()


# What rules look for, so that a random resource gets far into them.
USUAL: list[Any] = [
    CA, private_pem(ec_key()), "device", "root", "intermediate", "verified", "possession", "RSA", "ECDSA", "P256", "1.2", "Deny",
    "Disabled", "true", 1024.0, True, ["EnrollmentWrite"], [{"action": "Accept", "ipMask": "0.0.0.0/0"}],
    "Microsoft.Devices/IotHubs@2023-06-30",
    "Microsoft.Resources/deployments", "Microsoft.Authorization/roleDefinitions@2022-04-01", "PUT", {"resources": [{"type": "a/b"}]},
    "Microsoft.Devices/IotHubs/certificates@2023-06-30", "microsoft.devices", "iothubs", "/subscriptions/s", {"custody": "state"},
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0.0, -1.0, 1e308, float("inf"), float("nan"), 0.5, "", " ", "one", "1e999", "nan", "9" * 5000, "True", "\0",
    "\u2028", "é" * 40, "[", "{}", '{"a":', "null", json.dumps({"properties": 7}),
    "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----", "MII=", "1.", "1.eJwDAAAAAAE=", base64.b64encode(gzip.compress(b"x")[:-9]).decode(), "UEsDBBQAAAAIAA==",
    "%", "[concat('a')]", "/", "..", "@", [], [None], [[]], [{}], ["a"], [1.0] * 40, [-1.0] * 40, [float("nan")] * 40, {}, {"": None},
    {"a": {"a": {"a": []}}}, {"value": []}, [{"ipMask": [], "action": {}}], [{"actions": 1.0, "dataActions": {"a": []}}], {"custody": []},
    "[" * 20_000, '{"a":' * 20_000, "1." + base64.b64encode(zlib.compress(b"[" * 20_000)).decode(),
    *map(damaged_zip, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
    *(base64.b64encode(pack(b"a long text" * 9)[:-6]).decode() for pack in (bz2.compress, lzma.compress, zlib.compress)),
    {"PROPERTIES": 1.0, "properties": {}}, UNKNOWN_STRING_VALUE, [UNKNOWN_STRING_VALUE], {"a": UNKNOWN_STRING_VALUE},
]  # fmt: skip
ROUNDS = 150 if WHOLE else 6  # of each type; in each round every rule is asked about one random resource


class Recording(Mapping[str, Any]):
    """Properties that note which names a rule asks for, so that the next resource has values there."""

    def __init__(self, found: Mapping[str, Any], asked: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> None:
        self._found, self._asked, self._path = found, asked, path

    def __getitem__(self, name: str) -> Any:
        """What is missing is noted."""
        if name not in set(self._found):  # not `in` the mapping: the SDK's raises there for an unknown value
            self._asked.add((*self._path, name))
        found = self._found[name]
        return Recording(found, self._asked, (*self._path, name)) if isinstance(found, Mapping) else found

    def __iter__(self) -> Iterator[str]:
        """The names that are there."""
        return iter(self._found)

    def __len__(self) -> int:
        """Of these."""
        return len(self._found)

    def __repr__(self) -> str:
        """The properties, for the note of a failed test."""
        return repr(known_copy(self._found))


def places_of(type_: str) -> set[tuple[str, ...]]:
    """Where the pack's table has facts of this type; of ARM's bodies all, because rules take names there in any letter case."""
    _, noun = declared_ways.native_type(type_)
    if type_ in {declared_ways.AZAPI_RESOURCE, "azure-native:resources:Resource"}:
        ways, prefix = [*declared_ways._ARM.values()], (("body",) if type_ == declared_ways.AZAPI_RESOURCE else ())
    else:
        ways, prefix = [each for each in (declared_ways._NATIVE.get(noun), declared_ways._BY_TYPE.get(type_)) if each], ()
    found = [path for way in ways for place in way.places.values() for path in (place.path, *place.elsewhere)]
    texts = {(*prefix, *(step for step in path if isinstance(step, str))) for path in found}
    inner = {(*prefix, "properties", name) for name in ("template", "templateLink")} | {("policyRule", "then", "details", "deployment")}
    return (texts | (inner if type_.startswith(("az", "azapi")) else set())) - {()}


def settings_of(rule: Rule) -> dict[str, Any]:
    """Such that the rule has work to do."""
    strict = {
        "elsewhere": {"prod": {"trusts": [CA], "above": ["A" * 64]}},
        "allowed": ["offline"],
        "required": ["owner"],
        "values": {"a": "b"},
    }
    return rule.defaults | {name: value for name, value in strict.items() if name in rule.settings}


def ask_every_rule(resource: Resource) -> None:
    """Nothing but NotKnownYetError leaves a rule."""
    for rule in RULES:
        for check, what in ((rule.validate, [resource] if rule.stack else resource), (rule.at_end, [resource])):
            if check is not None:
                try:
                    list(check(what, settings_of(rule)))
                except NotKnownYetError:
                    continue
                except Exception as error:
                    error.add_note(f"{rule.name} on {resource.type} with {resource.props}")
                    raise


def assigned(paths: Sequence[tuple[str, ...]], chance: random.Random) -> dict[str, Any]:
    """Properties with an odd or a usual value at some of these paths."""
    whole: dict[str, Any] = {}
    for path in chance.sample(paths, min(len(paths), 12)):
        holds_others = any(each[: len(path)] == path for each in paths if len(each) > len(path))
        if chance.random() < (0.7 if holds_others else 0.2):
            continue  # what is left out is an object if another path leads through it
        place: Any = whole
        for step in path[:-1]:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            value = chance.choice(ODD if chance.random() < 0.5 else USUAL)
            place[path[-1]] = json.loads(json.dumps(value))  # a copy
    return whole if chance.random() < 0.8 else {name: [value] if isinstance(value, dict) else value for name, value in whole.items()}


@pytest.mark.parametrize("type_", TYPES)
def test_no_value_ends_a_rule(type_: str) -> None:
    """Every type that a rule knows; every property that a rule asks for, once it has asked; odd values and usual ones together."""
    chance = random.Random(f"{SEED} {type_}")  # noqa: S311 - no secret
    asked = {("name",), ("other", "name"), *places_of(type_)}
    for _ in range(ROUNDS):
        found = unknown_checking_proxy(assigned(sorted(asked), chance))
        ask_every_rule(Resource(type_, Recording(found, asked), "it", "urn:pulumi:dev::program::t::it"))
        list(PlainTextKeys().violations("urn:it", lambda: assigned(sorted(asked), chance)))
    assert type_.startswith("kubernetes:") or len(asked) > 2, "a rule asked for something"


@pytest.mark.parametrize(
    ("rule", "resource", "message"),
    [
        ("key-strength", Resource("tls:index/privateKey:PrivateKey", {"algorithm": "RSA", "rsaBits": "1024"}), "RSA with 1024 bits"),
        ("key-strength", Resource("tls:index/privateKey:PrivateKey", {"algorithm": "RSA", "rsaBits": ["a"]}), "rsaBits is not a number"),
        (
            "authority-lifetime",
            Resource("tls:index/selfSignedCert:SelfSignedCert", {"isCaCertificate": "true", "validityPeriodHours": "999999"}),
            "lifetime of 41666.6 days",
        ),
        (
            "authority-lifetime",
            Resource("tls:index/selfSignedCert:SelfSignedCert", {"isCaCertificate": True, "validityPeriodHours": "one"}),
            "validityPeriodHours is not a number",
        ),
        (
            "authority-lifetime",
            Resource("tls:index/locallySignedCert:LocallySignedCert", {"isCaCertificate": "1", "validityPeriodHours": 99999.0}),
            "this CA is declared",
        ),
        ("authority-lifetime", Resource(f"{DYNAMIC}IssuedCertificate", {"profile": "root", "lifetimeDays": {}}), ""),
        ("authority-lifetime", Resource(f"{DYNAMIC}IssuedCertificate", {"profile": "root", "lifetimeDays": "NaN"}), "lifetimeDays is not"),
        ("device-lifetime", Resource("tls:index/locallySignedCert:LocallySignedCert", {"validityPeriodHours": "9000"}), "of 375 days"),
        ("device-lifetime", Resource(f"{DYNAMIC}IssuedBatch", {"lifetimeDays": [400.0]}), "lifetimeDays is not a number"),
        ("renewal-window", Resource("tls:index/selfSignedCert:SelfSignedCert", {"earlyRenewalHours": "1"}), "from 0.0416667 days"),
        ("renewal-window", Resource(f"{DYNAMIC}IssuedBatch", {"renewBeforeDays": True}), "renewBeforeDays is not a number"),
    ],
)
def test_numbers_and_flags_count_also_as_text(rule: str, resource: Resource, message: str) -> None:
    """As providers take them; what is no number is reported, without its value. An empty object is as good as none."""
    assert [message in each for each in before(rule, resource)] == ([True] if message else [])


def test_a_ca_whose_flag_is_text_is_no_device() -> None:
    """Its lifetime is one of a CA."""
    ca = Resource("tls:index/locallySignedCert:LocallySignedCert", {"isCaCertificate": "True", "validityPeriodHours": 9000.0})
    assert before("device-lifetime", ca) == []


def test_a_path_length_is_asked_for_also_where_the_flag_is_text() -> None:
    """At the end of a run, of the certificate that was made."""
    loose = pem_of(Forged("Loose", path_length=None).certificate)
    made = Resource("tls:index/selfSignedCert:SelfSignedCert", {"isCaCertificate": "true", "certPem": loose}, urn="urn:it")
    (found,) = next(rule for rule in RULES if rule.name == "issuing-path-length").validate([made], {})
    assert "no path length" in found[0]


def test_what_is_asked_of_groups_is_asked_of_every_group() -> None:
    """No input says which one has a hub, so the message says what to do with another."""
    group = Resource("azure-native:resources:ResourceGroup", {}, protect=False)
    for rule, settings in (("hub-protected", {}), ("required-tags", {"required": ["owner"]})):
        (message,) = before(rule, group, **settings)
        assert message.endswith("a group that has no hub can be in a stack of its own, or this policy advisory")


PACK = """
import sys
sys.path.insert(0, {folder!r})
from pulumi_policy import PolicyPack
from rules import Rule, policy_of

SECRET = "hunter2"

def fails(resource, settings):
    '''A rule that fails.'''
    yield "found before: mend it"
    raise KeyError(resource.read("password"))

def fails_at_once(resource, settings):
    '''A rule that is no generator.'''
    raise RecursionError(resource.read("password"))

def fails_at_the_end(resources, settings):
    '''A rule that fails on one resource.'''
    for each in resources:
        if each.name == "odd":
            raise ValueError(each.read("password"))
        yield "checked: mend it", each.urn

def fails_together(resources, settings):
    '''A rule that fails on several resources only.'''
    if len(resources) > 1:
        raise TypeError(resources[0].read("password"))
    yield from ()

def sees_unknown(resource, settings):
    '''A rule that reads past what is not known.'''
    yield resource.props["later"]

PolicyPack("failing", policies=[policy_of(rule) for rule in (
    Rule("fails", fails),
    Rule("fails-at-once", fails_at_once),
    Rule("fails-at-the-end", fails_at_the_end, stack=True),
    Rule("fails-together", fails_together, stack=True),
    Rule("sees-unknown", sees_unknown),
)])
"""


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[PolicyAnalyzer]:
    """A pack of rules that fail, which the real pack's code serves."""
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (tmp_path / "__main__.py").write_text(PACK.format(folder=str(ROOT / "policies")))
    with PolicyAnalyzer(tmp_path) as analyzer:
        yield analyzer


def test_a_rule_that_fails_is_a_violation(failing: PolicyAnalyzer) -> None:
    """It names the rule, the resource and the exception's kind, and no value; what other rules say, and what it said before, stays."""
    found = failing.analyze(Declared("a:b:C", {"password": "hunter2", "later": UNKNOWN_STRING_VALUE}))
    said = "failed on 'it' (a:b:C) with {}, so it has not been checked: "
    before_it, failed = found.violations["fails"]
    assert before_it.endswith("\nfound before: mend it")  # the SDK puts the rule's description before each message
    assert f"the rule 'fails' {said.format('KeyError')}" in failed
    (failed,) = found.violations["fails-at-once"]
    assert f"the rule 'fails-at-once' {said.format('RecursionError')}" in failed
    assert found.violations.keys() == {"fails", "fails-at-once"}
    assert found.not_applicable == {"sees-unknown"}
    assert "hunter2" not in repr(found)


def test_a_rule_that_fails_at_the_end_is_a_violation(failing: PolicyAnalyzer) -> None:
    """The resource on which it fails is reported, and the others are checked; if it fails on all together, the stack is."""
    found = failing.analyze_stack([Declared("a:b:C", {"password": "hunter2"}, name=name) for name in ("one", "odd", "two")])
    first, *others = found.violations["fails-at-the-end"]
    assert "\nthe rule 'fails-at-the-end' failed on 'odd' (a:b:C) with ValueError" in first
    assert [each.endswith("\nchecked: mend it") for each in others] == [True, True]
    (together,) = found.violations["fails-together"]
    assert "\nthe rule 'fails-together' failed on the stack's 3 resources with TypeError" in together
    assert "hunter2" not in repr(found)


def test_a_remediation_that_fails_is_reported_by_its_validation() -> None:
    """An object that is deeper than the interpreter follows: no call fails, and the resource is not taken for one without keys."""
    deep: Any = {"a": 1.0}
    for _ in range(sys.getrecursionlimit()):
        deep = {"a": deep}
    found = list(messages_of("private-key-secret", Resource("a:b:C", name="it"), lambda: PlainTextKeys().violations("urn", lambda: deep)))
    assert [("'it' (a:b:C) with RecursionError" in each) for each in found] == [True]
