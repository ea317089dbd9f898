"""Registering a CA and proving possession of its key, on hubs and on provisioning services."""

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from local_azure_iot.settings import Settings
from tests.local_azure.in_process import Answer, InProcess, version
from tests.local_azure.makers import authority, encoded, name, private_pem, uploaded

KINDS = ("IotHubs", "provisioningServices")
CODE = re.compile(r"[0-9A-F]{48}")


@pytest.fixture(params=KINDS)
def hub(azure: InProcess, request: pytest.FixtureRequest) -> str:
    """A hub, then a provisioning service: both answer the same."""
    return azure.hub(kind=request.param)


def url(hub: str, certificate: str = "", operation: str = "") -> str:
    """The path of a certificate's operation, with the api-version."""
    path = "/".join(part for part in (hub, "certificates", certificate, operation) if part)
    return f"{path}?api-version={version(hub)}"


def put(azure: InProcess, hub: str, text: str, **headers: str) -> Answer:
    """Register `ca`."""
    return azure.ask("PUT", url(hub, "ca"), uploaded(text), **headers)


def code_of(azure: InProcess, hub: str, etag: str) -> tuple[str, str]:
    """A new code for `ca`, and the certificate's new etag."""
    answer = azure.must("POST", url(hub, "ca", "generateVerificationCode"), if_match=etag)
    return answer["properties"]["verificationCode"], answer["etag"]


def verify(azure: InProcess, hub: str, proof: str, etag: str) -> Answer:
    """Send a proof; the body is flat at every api-version."""
    return azure.ask("POST", url(hub, "ca", "verify"), {"certificate": encoded(proof)}, if_match=etag)


def shown(azure: InProcess, hub: str) -> dict[str, object]:
    """The properties of `ca`."""
    found: dict[str, object] = azure.must("GET", url(hub, "ca"))["properties"]
    return found


@pytest.mark.parametrize("key", ["rsa", "rsa-pss", "p256", "p384", "p521"])
def test_a_proof_by_the_cas_key_verifies(azure: InProcess, hub: str, key: str) -> None:
    """PUT, generate, verify: each answers 200 with a new etag, and after the last one the certificate is verified, with RSA and EC keys."""
    curve = {"p384": ec.SECP384R1(), "p521": ec.SECP521R1()}.get(key, ec.SECP256R1())
    ca = authority(key=rsa.generate_private_key(65537, 2048) if "rsa" in key else ec.generate_private_key(curve))
    made = put(azure, hub, ca.pem)
    code, etag = code_of(azure, hub, made.json()["etag"])
    verified = verify(azure, hub, ca.proof(code, pss=key == "rsa-pss"), etag)

    assert (made.status, verified.status) == (200, 200)
    assert CODE.fullmatch(code)
    assert made.json()["properties"]["isVerified"] is False
    assert verified.json()["properties"]["isVerified"] is True
    assert "verificationCode" not in verified.json()["properties"]
    assert len({made.json()["etag"], etag, verified.json()["etag"]}) == 3
    assert azure.must("GET", url(hub, "ca"))["etag"] == verified.json()["etag"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_azure_shows_of_a_certificate(azure: InProcess, kind: str) -> None:
    """The common name, the SHA-1 thumbprint in upper case, the end of its validity; hubs return the text, provisioning services null."""
    hub, ca = azure.hub(kind=kind), authority("Plant A")
    found = put(azure, hub, ca.pem).json()
    thumbprint = ca.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the name that Azure gives it

    assert found["type"] == f"Microsoft.Devices/{kind}/Certificates"
    assert found["id"] == f"{hub}/certificates/ca"
    assert found["properties"]["subject"] == "Plant A"
    assert found["properties"]["thumbprint"] == thumbprint
    assert found["properties"]["expiry"] == f"{ca.certificate.not_valid_after_utc:%a, %d %b %Y %H:%M:%S} GMT"
    assert found["properties"]["certificate"] == (encoded(ca.pem) if kind == "IotHubs" else None)
    assert re.fullmatch(rb'"[0-9a-f]{8}-0000-0700-0000-[0-9a-f]{8}0000"', base64.b64decode(found["etag"]))


@pytest.mark.parametrize("form", ["base64 of PEM", "PEM", "base64 of DER", "bundle"])
def test_every_recorded_encoding_is_accepted(azure: InProcess, hub: str, form: str) -> None:
    """The text may be PEM, base64 of PEM or of DER; of a bundle the first certificate is used."""
    ca = authority("First")
    text = {
        "base64 of PEM": encoded(ca.pem),
        "PEM": ca.pem.replace("\n", "\r\n"),
        "base64 of DER": base64.b64encode(ca.certificate.public_bytes(serialization.Encoding.DER)).decode(),
        "bundle": encoded(ca.pem + authority("Second").pem),
    }[form]
    answer = azure.ask("PUT", url(hub, "ca"), {"properties": {"certificate": text}})

    assert answer.status == 200
    assert answer.json()["properties"]["subject"] == "First"


def test_recorded_leniencies(azure: InProcess, hub: str) -> None:
    """An expired CA, one without basic constraints, and the same one under three names are accepted; so is isVerified without a proof."""
    expired, plain = authority(ends=timedelta(days=-2)), authority(ca=False)
    for number, ca in enumerate((expired, plain, plain, plain)):
        assert azure.ask("PUT", url(hub, f"ca-{number}"), uploaded(ca.pem)).status == 200
    attested = azure.must("PUT", url(hub, "ca"), uploaded(plain.pem, isVerified=True))

    assert attested["properties"]["isVerified"] is True
    assert len(azure.must("GET", url(hub))["value"]) == 5


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("another key under the same name", 400, 400053),
        ("another issuer", 400, 400053),
        ("another code", 400, 400053),
        ("expired", 400, 400053),
        ("not valid yet", 400, 400053),
        ("an old code", 400, 400053),
        ("garbage", 500, 500019),
        ("empty", 500, 500019),
    ],
)
def test_invalid_proofs(azure: InProcess, hub: str, fault: str, status: int, code: int) -> None:
    """Each is refused in the provider's envelope, and the certificate stays unverified, with its code and etag unchanged."""
    ca, other = authority(), authority()
    old, etag = code_of(azure, hub, put(azure, hub, ca.pem).json()["etag"])
    fresh, etag = code_of(azure, hub, etag)
    proof = {
        "another key under the same name": ca.proof(fresh, key=other.key),
        "another issuer": ca.proof(fresh, issuer=name("Somebody else")),
        "another code": ca.proof(fresh[::-1]),
        "expired": ca.proof(fresh, starts=timedelta(days=-3), lasts=timedelta(days=1)),
        "not valid yet": ca.proof(fresh, starts=timedelta(hours=1)),
        "an old code": ca.proof(old),
        "garbage": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "empty": "",
    }[fault]
    answer = verify(azure, hub, proof, etag)

    assert (answer.status, answer.code) == (status, code)
    assert shown(azure, hub)["isVerified"] is False
    assert verify(azure, hub, ca.proof(fresh), etag).status == 200


def test_azures_message_for_a_proof_by_another_key(azure: InProcess) -> None:
    """The message as clients report it."""
    hub, ca = azure.hub(), authority("Trial CA")
    code, etag = code_of(azure, hub, put(azure, hub, ca.pem).json()["etag"])
    message = verify(azure, hub, ca.proof(code, key=authority().key), etag).json()["message"]

    assert message.startswith(
        "Proof-Of-Possession failed. Issuer certificate 'CN=Trial CA' cannot be found in the certificate chain. If you"
    )


def test_a_proof_needs_a_code(azure: InProcess, hub: str) -> None:
    """Before the first code, and once the code was used, every proof is refused."""
    ca = authority()
    made = put(azure, hub, ca.pem).json()
    refused = verify(azure, hub, ca.proof("0" * 48), made["etag"])
    code, etag = code_of(azure, hub, made["etag"])
    verified = verify(azure, hub, ca.proof(code), etag).json()
    again = verify(azure, hub, ca.proof(code), verified["etag"])

    assert (refused.status, refused.code) == (400, 400053)
    assert (again.status, again.code) == (400, 400053)


def test_a_new_code_and_a_replacement_end_verification(azure: InProcess, hub: str) -> None:
    """Both as recorded: the earlier proof no longer counts."""
    ca, other = authority(), authority("Another")
    code, etag = code_of(azure, hub, put(azure, hub, ca.pem).json()["etag"])
    etag = verify(azure, hub, ca.proof(code), etag).json()["etag"]
    _, etag = code_of(azure, hub, etag)
    assert shown(azure, hub)["isVerified"] is False

    azure.must("PUT", url(hub, "ca"), uploaded(ca.pem, isVerified=True), if_match=etag)
    assert shown(azure, hub)["isVerified"] is True
    put(azure, hub, other.pem, if_match="*")
    assert (shown(azure, hub)["isVerified"], shown(azure, hub)["subject"]) == (False, "Another")


@pytest.mark.parametrize("condition", [None, "stale", '"stale"', "AAAAAAAAAAA="])
def test_stale_and_missing_etags(azure: InProcess, hub: str, condition: str | None) -> None:
    """PUT on one that exists, generate and verify all require the current etag: 412, code 412001, and nothing changes.

    So does DELETE, if it has an If-Match; without one it deletes, as Terraform's azapi expects.
    """
    ca = authority()
    before = put(azure, hub, ca.pem).json()
    headers = {} if condition is None else {"if_match": condition}
    answers = [
        put(azure, hub, ca.pem, **headers),
        azure.ask("POST", url(hub, "ca", "generateVerificationCode"), **headers),
        azure.ask("POST", url(hub, "ca", "verify"), {"certificate": ca.pem}, **headers),
    ]
    kept = azure.must("GET", url(hub, "ca"))["etag"]
    deleted = azure.ask("DELETE", url(hub, "ca"), **headers)

    assert [(answer.status, answer.code) for answer in answers] == [(412, 412001)] * 3
    assert kept == before["etag"]
    assert (deleted.status, azure.ask("GET", url(hub, "ca")).status) == ((412, 200) if condition else (200, 404))


@pytest.mark.parametrize("form", ["{}", '"{}"', "*"])
def test_an_etag_counts_bare_and_in_quotes(azure: InProcess, hub: str, form: str) -> None:
    """Newer SDKs quote it, older ones do not; `*` always matches. DELETE answers 200 without a body, then 204."""
    etag = put(azure, hub, authority().pem).json()["etag"]
    first = azure.ask("DELETE", url(hub, "ca"), if_match=form.format(etag))
    second = azure.ask("DELETE", url(hub, "ca"), if_match=form.format(etag))

    assert (first.status, first.body, "content-type" in first.headers) == (200, b"", False)
    assert (second.status, "content-length" in second.headers) == (204, False)


def test_names_and_case(azure: InProcess, hub: str) -> None:
    """A name outside the pattern is refused; names differ by more than case, and the first spelling stays."""
    for bad in ("a" * 65, "a b", "ä", "a%2520b"):
        assert azure.ask("PUT", url(hub, bad.replace(" ", "%20").replace("ä", "%C3%A4")), uploaded(authority().pem)).status == 400
    put(azure, hub, authority().pem)
    loud = (
        hub.replace("/resourceGroups/", "/RESOURCEGROUPS/")
        .replace("/providers/", "/PROVIDERS/")
        .replace("Microsoft.Devices", "microsoft.devices")
    )

    assert azure.must("GET", url(loud, "CA"))["name"] == "ca"
    assert azure.ask("PUT", url(loud, "CA"), uploaded(authority().pem)).status == 412


def test_a_26th_certificate_is_refused(azure: InProcess, hub: str) -> None:
    """25 are documented; the answer to the 26th is a guess, but it is refused, and replacing one of the 25 still works."""
    ca = authority()
    for number in range(25):
        azure.must("PUT", url(hub, f"ca-{number}"), uploaded(ca.pem))
    refused = azure.ask("PUT", url(hub, "one-more"), uploaded(ca.pem))

    assert refused.status == 400
    assert refused.code
    assert azure.ask("PUT", url(hub, "ca-7"), uploaded(ca.pem), if_match="*").status == 200


def test_a_private_key_is_never_kept(azure: InProcess, hub: str) -> None:
    """An upload with a key in it is refused (a guess), in every encoding, and no part of it is stored or returned."""
    ca = authority()
    both = ca.pem + private_pem(ca.key)
    for text in (both, encoded(both)):
        answer = azure.ask("PUT", url(hub, "ca"), {"properties": {"certificate": text}})
        assert (answer.status, "PRIVATE" in answer.body.decode()) == (400, False)

    assert azure.must("GET", url(hub))["value"] == []


@pytest.mark.parametrize("kind", ["ed25519", "dsa"])
def test_unsupported_keys_prove_nothing(azure: InProcess, hub: str, kind: str) -> None:
    """The upload is accepted like any other; every proof by such a key is refused."""
    ca = authority(key=ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else dsa.generate_private_key(2048))
    code, etag = code_of(azure, hub, put(azure, hub, ca.pem).json()["etag"])
    answer = verify(azure, hub, ca.proof(code), etag)

    assert (answer.status, answer.code) == (400, 400053)


@pytest.mark.parametrize("what", ["attested", "bundle", "expired", "no CA"])
def test_strict_refuses_what_azure_accepts(azure: InProcess, hub: str, what: str) -> None:
    """With the setting on, what a careful client would not send is refused with the reason; with it off, it is accepted."""
    text, properties = {
        "attested": (authority().pem, {"isVerified": True}),
        "bundle": (authority().pem + authority().pem, {}),
        "expired": (authority(ends=timedelta(days=-2)).pem, {}),
        "no CA": (authority(ca=False).pem, {}),
    }[what]
    azure.azure.settings = Settings(strict=True)
    refused = azure.ask("PUT", url(hub, "ca"), uploaded(text, **properties))
    careful = azure.ask("PUT", url(hub, "careful"), uploaded(authority().pem))
    azure.azure.settings = Settings()

    assert (refused.status, refused.code, careful.status) == (400, 400000, 200)
    assert "--strict" in refused.json()["message"]
    assert azure.ask("PUT", url(hub, "ca"), uploaded(text, **properties)).status == 200


@pytest.mark.parametrize(("setting", "zero"), [(None, {"IotHubs": False, "provisioningServices": True}), (True, None), (False, None)])
def test_created_is_the_zero_date_where_azure_says_so(azure: InProcess, setting: bool | None, zero: dict[str, bool] | None) -> None:
    """In the newest recordings provisioning services show year 1 and hubs the real date; the setting sets either for both."""
    azure.azure.settings = Settings(created_zero_date=setting)
    for kind in KINDS:
        created = put(azure, azure.hub(kind=kind), authority().pem).json()["properties"]["created"]
        assert (created == "Mon, 01 Jan 0001 00:00:00 GMT") is (zero[kind] if zero else setting)


def test_nothing_is_written_while_the_hub_changes(azure: InProcess, hub: str) -> None:
    """While a hub is being changed its certificates can be read but not written: 409002, as clients report."""
    etag = put(azure, hub, authority().pem).json()["etag"]
    azure.azure.settings = Settings(operation_seconds=60)
    body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
    azure.must("PUT", f"{hub}?api-version={version(hub)}", body)
    busy = azure.ask("DELETE", url(hub, "ca"), if_match=etag)

    assert (busy.status, busy.code) == (409, 409002)
    assert azure.ask("GET", url(hub, "ca")).status == 200
    azure.azure.clock.advance(61)
    assert azure.ask("DELETE", url(hub, "ca"), if_match=etag).status == 200


def test_certificates_are_deleted_with_their_hub(azure: InProcess, hub: str) -> None:
    """A new hub of the same name has none of the old one's certificates."""
    put(azure, hub, authority().pem)
    azure.must("DELETE", f"{hub}?api-version={version(hub)}")
    gone = azure.ask("GET", url(hub, "ca"))
    group, _, tail = hub.partition("/providers/")
    azure.hub(group, kind=tail.split("/")[1], name=tail.split("/")[2])

    assert gone.status == 404
    assert azure.must("GET", url(hub))["value"] == []
