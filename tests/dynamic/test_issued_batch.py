"""IssuedBatch over gRPC: certificates for many requests; each is kept until its renewal, and every invalid request is reported."""

import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.dynamic.issued_batch import IssuedBatchProvider, _requested
from hubtrust.errors import HubtrustError
from hubtrust.pki.certificate import load_certificate
from hubtrust.pki.keys import public_pem
from hubtrust.pki.names import common_name
from hubtrust.pki.request_batch import joined
from tests.kit.authorities import ec_key, name, private_pem, rsa_key
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority

PLANT = RootAuthority()


def csr(device_id: str, key: Any = None, signed_by: Any = None) -> str:
    """A request; ``signed_by`` another key breaks its signature."""
    key = key or ec_key()
    created = x509.CertificateSigningRequestBuilder().subject_name(name(device_id)).sign(key, hashes.SHA256())
    if signed_by:
        der = bytearray(created.public_bytes(serialization.Encoding.DER))
        der[-1] ^= 1
        created = x509.load_der_x509_csr(bytes(der))
    return created.public_bytes(serialization.Encoding.PEM).decode()


def declared(*requests: str, **changes: Any) -> dict[str, Any]:
    signer = {"custody": "state", "privateKey": PLANT.private_pem}
    news = {"requests": "".join(requests), "issuerCertificate": PLANT.pem, "signer": signer}
    return {name: value for name, value in (news | changes).items() if value is not None}


@pytest.fixture(scope="module")
def batches(named_process: ProviderProcess) -> Provider:
    return named_process.of(IssuedBatchProvider)


def test_each_request_becomes_a_certificate(batches: Provider) -> None:
    """Common name and DNS name are the device's id, the key is the device's own; sorted by id; no key of ours is an output."""
    keys = {device_id: ec_key() for device_id in ("press-2", "press-1")}
    created = batches.create(declared(*(csr(one, key) for one, key in keys.items())))
    found = [load_certificate(one, what="c") for one in created.outs["certificates"]]
    assert [common_name(one.subject) for one in found] == ["press-1", "press-2"]
    for one in found:
        assert one.public_key() == keys[common_name(one.subject)].public_key()
        assert one.is_signed_by(PLANT.certificate.public_key()) is True
        names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [common_name(one.subject)]
    assert (created.outs["issuerChain"], created.outs["count"], "PRIVATE" in str(created.outs)) == (PLANT.pem, 2, False)


def test_existing_certificates_are_kept(batches: Provider) -> None:
    """A second run changes nothing; another request adds its certificate, a missing one removes it, and the others are unchanged."""
    first, second = csr("press-1"), csr("press-2")
    created = batches.create(declared(first))
    assert batches.diff(created, declared(first)).changes is False
    more = batches.up(created, declared(first, second))
    assert (more.outs["certificates"][0], more.outs["count"]) == (created.outs["certificates"][0], 2)
    fewer = batches.up(more, declared(second))
    assert fewer.outs["certificates"] == more.outs["certificates"][1:]
    rekeyed = batches.up(fewer, declared(csr("press-2")))
    assert rekeyed.outs["certificates"] != fewer.outs["certificates"]
    batches.delete(rekeyed)


def test_devices_with_the_same_key_keep_their_certificates(batches: Provider) -> None:
    """Copies of one device's image have one key; that is not refused here, and a second run changes nothing."""
    key = ec_key()
    given = declared(csr("press-1", key), csr("press-2", key))
    assert batches.diff(batches.create(given), given).changes is False


def test_another_lifetime_reissues_all_certificates(batches: Provider) -> None:
    """Another lifetime reissues all of them."""
    request = csr("press-1")
    created = batches.create(declared(request))
    longer = declared(request, lifetimeDays=500)
    assert (batches.diff(created, longer).changes, batches.diff(created, longer).replaces) == (True, [])
    assert batches.update(created, longer).outs["certificates"] != created.outs["certificates"]


def test_every_invalid_request_is_reported(batches: Provider) -> None:
    """A broken signature, weak key, invalid id or duplicate device is reported by its position, in one line, and nothing is signed."""
    small = csr("press-3", ec.generate_private_key(ec.SECP192R1()))
    given = declared(
        csr("press-1"), csr("press-2", signed_by=True), small, csr("press 4"), csr("press-1"), csr("x" * 64), csr("press-5", rsa_key(1024))
    )
    ((_, reason),) = batches.check(given).failures
    assert "\n" not in reason
    assert reason.startswith("requests: 5 of 7 are invalid: request 2 ('press-2'): its signature does not verify with the key in it; ")
    for each in (
        "request 3 ('press-3'): its EC key is on the curve secp192r1",
        "request 4 ('press 4'): its id has the character ' '",
        "request 5 ('press-1'): request 1 is of device 'press-1' too",
        "request 7 ('press-5'): its RSA key has 1024 bits",
    ):
        assert each in reason
    assert re.findall(r"request (\d) \(", reason) == ["2", "3", "4", "5", "7"]


def test_the_first_twenty_are_named_and_the_others_counted(batches: Provider) -> None:
    """In one line of bounded length, however many they are and whatever their names hold."""
    key = ec_key()
    named = "x" * 50 + "\u200e"
    ((_, reason),) = batches.check(declared(*(csr(f"{number}{named}", key) for number in range(500)), csr("press-1", key))).failures
    assert reason.startswith("requests: 500 of 501 are invalid, the first 20: request 1 (")
    assert re.findall(r"request (\d+) \(", reason) == [str(number) for number in range(1, 21)]
    assert "; and 480 more; use letters, digits and" in reason
    assert (len(reason) < 4000, "\u200e" in reason, r"\u200e" in reason) == (True, False, True)


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [("\0", r"\x00"), ("\u200e", r"\u200e"), ("\xa0", r"\xa0"), (" ", " "), ("\n", r"\n"), ("\xad", r"\xad"), ("\u2028", r"\u2028")],
    ids=["NUL", "left-to-right mark", "no-break space", "space", "line feed", "soft hyphen", "line separator"],
)
def test_a_hidden_character_in_a_name_is_shown(batches: Provider, hidden: str, shown: str) -> None:
    """A name that looks like another one is not taken for it."""
    ((_, reason),) = batches.check(declared(csr("press-1"), csr(f"press-1{hidden}"))).failures
    assert f"request 2 ('press-1{shown}'): its id has the character '{shown}'" in reason
    assert reason.isprintable()


def test_one_that_can_not_be_read_is_named_too(batches: Provider) -> None:
    """Damaged base64, an end that is missing, something else in place of a request: by number, and by the name if it is still there."""
    good, cut = csr("press-1"), csr("press-2")
    stray = csr("press-3").replace("\n", "\n*", 2)
    head, _, tail = stray.partition("*")
    damaged = head + tail[:60] + "*" + tail[60:].replace("*", "")
    given = declared(good, cut[: len(cut) // 2] + "\n", damaged, PLANT.pem, public_pem(ec_key().public_key()))
    ((_, reason),) = batches.check(given).failures
    assert reason.startswith("requests: 4 of 5 are invalid: request 2 ('press-2'): block 1 (CERTIFICATE REQUEST) is incomplete")
    assert "request 3 ('press-3'): block 1 (CERTIFICATE REQUEST) is damaged: its base64 has the character '*'" in reason
    assert "request 4 ('Plant A'): it contains a certificate, which is not a request" in reason
    assert "request 5: it contains a public key, which is not a request" in reason


def test_what_is_around_the_requests_is_passed_over(batches: Provider) -> None:
    """EC parameters before each, as OpenSSL writes them, Microsoft's label, text between, other line ends, a byte order mark."""
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    new = csr("press-2").replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    created = batches.create(
        declared("\ufeff", parameters, csr("press-1"), "Certificate Request:\n", new, parameters, csr("press-3").replace("\n", "\r\n"))
    )
    assert [common_name(load_certificate(one, what="c").subject) for one in created.outs["certificates"]] == [
        "press-1",
        "press-2",
        "press-3",
    ]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"requests": "noise"}, "requests: it contains no certificate, key or request"),
        ({"requests": csr("a") + private_pem(ec_key())}, "requests: it contains a private key, at place 2; give only the requests"),
        ({"signer": {"custody": "state", "privateKey": private_pem(ec_key())}}, "the given key is .* give the key that belongs"),
        ({"renewBeforeDays": 400}, "renewBeforeDays: it is 400, but lifetimeDays is only 365"),
        ({"signer": {"custody": "offline"}}, "signer: custody 'offline' can't sign here"),
    ],
)
def test_each_invalid_input_is_reported(batches: Provider, changes: dict[str, Any], match: str) -> None:
    """Each error is one line and contains no part of a key."""
    ((_, reason),) = batches.check(declared(csr("press-1"), **changes)).failures
    assert re.search(match, reason), reason
    assert "PRIVATE" not in reason


def test_requests_of_a_list_are_each_read() -> None:
    """A list of texts, in PEM or as base64 of DER, as `openssl req -outform der | base64` writes it: none is passed over."""
    keys = [ec_key() for _ in range(3)]
    texts = [csr(f"press-{number}", key) for number, key in enumerate(keys)]
    given = [texts[0], "".join(texts[1].splitlines()[1:-1]), texts[2].replace("\n", "\\n")]
    assert _requested(joined(given)) == {f"press-{number}": key.public_key() for number, key in enumerate(keys)}
    with pytest.raises(HubtrustError, match="requests: 1 of 3 is invalid: request 2: it ends in the middle of an element"):
        _requested(joined([texts[0], "bm8gcmVxdWVzdA==", texts[2]]))


def test_a_single_request_may_be_base64_of_der(batches: Provider) -> None:
    """As a device's management tool hands it out."""
    assert batches.create(declared("".join(csr("press-1").splitlines()[1:-1]))).outs["count"] == 1


def test_ten_thousand_requests_are_read_and_one_more_is_refused() -> None:
    """Each of them is verified."""
    key = ec_key()
    many = [csr(f"press-{number:05}", key) for number in range(10_001)]
    assert len(_requested("".join(many[1:]))) == 10_000
    with pytest.raises(HubtrustError, match="requests: there are 10,001 requests; use at most 10,000 in one batch"):
        _requested("".join(many))
