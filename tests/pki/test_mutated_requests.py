"""Requests with any oddness: no error but ours, in one line; and the same verdict as `openssl req -verify`, but for named reasons."""

import base64
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.dynamic.issued_batch import _requested
from hubtrust.errors import HubtrustError
from hubtrust.pki import errors
from hubtrust.pki.keys import PublicKey, public_pem
from hubtrust.pki.request import load_request, requested_key
from policies.rules.certified_keys import certified_keys
from policies.rules.key_kinds import kind_of_key
from tests.kit.authorities import ec_key, name
from tests.kit.certificate_shapes import RequestShape, key_info
from tests.kit.mutated_requests import MutatedRequest, requests
from tests.kit.mutated_runs import counted, mutated, require_one_line

KEY = ec_key()
_BUILDER = x509.CertificateSigningRequestBuilder().subject_name(name("press-001"))
_ASKING = _BUILDER.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
SHAPE = RequestShape.of(_ASKING.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


@dataclass(frozen=True)
class Verdicts:
    """What we say of a request, and what OpenSSL says."""

    key: PublicKey | None  # None: we refuse it
    error: HubtrustError | None
    readable: bool  # for OpenSSL
    verified: bool  # its signature, by OpenSSL
    public_key: str  # PEM, as OpenSSL reads it; empty if it can't
    said: str  # by OpenSSL

    @property
    def alike(self) -> bool:
        """Both take it and read the same key, or both refuse it."""
        if self.key is None:
            return not (self.readable and self.verified)
        return self.readable and self.verified and public_pem(self.key) == self.public_key

    def is_refused(self, kind: type[HubtrustError], *words: str) -> bool:
        """Whether we alone refuse it, with an error of this kind that has one of these words."""
        return type(self.error) is kind and self.verified and any(word in str(self.error) for word in words)


def pem(encoding: bytes) -> str:
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{base64.encodebytes(encoding).decode()}-----END CERTIFICATE REQUEST-----\n"


def ours(encoding: bytes) -> tuple[PublicKey | None, HubtrustError | None]:
    """The key that we would certify, or the error, which is one bounded line."""
    try:
        return requested_key(load_request(pem(encoding), what="request"), what="request"), None
    except HubtrustError as error:
        require_one_line(error)
        return None, error


def judged(encoding: bytes) -> Verdicts:
    key, error = ours(encoding)
    command = ["openssl", "req", "-inform", "DER", "-verify", "-noout", "-pubkey"]
    done = subprocess.run(command, input=encoding, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    found = re.search(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n", done.stdout.decode(), re.DOTALL)
    return Verdicts(key, error, "Unable to load" not in said, "verify OK" in said, found[0] if found else "", said)


TEXT = pem(SHAPE.signed(KEY))
_NOT_USED = re.compile("bmpstring|universalstring|utf8string|mstring|illegal characters|ASN1_mbstring|Field=version")

# For each: whether it is why the two verdicts differ.
REASONS: dict[str, Callable[[Verdicts], bool]] = {
    "we refuse RSA keys of less than 2048 bits": lambda found: found.is_refused(errors.WeakError, "its RSA key has"),
    "we refuse curves that are not NIST's P-256, P-384 and P-521": lambda found: found.is_refused(errors.WeakError, "on the curve"),
    "we refuse keys that are neither RSA nor EC": lambda found: found.is_refused(errors.WeakError, "its key is Ed25519"),
    "we refuse keys for RSASSA-PSS alone": lambda found: found.is_refused(errors.KeyEncodingError, "RSASSA-PSS only"),
    "we refuse SHA-1 and MD5": lambda found: found.is_refused(errors.WeakError, "it is signed with"),
    "we refuse several common names": lambda found: found.is_refused(errors.RequestError, "common names"),
    "we refuse octets after the end": lambda found: found.is_refused(errors.UnreadableError, "octets follow its end"),
    "we refuse a relative name without a part": lambda found: found.is_refused(errors.UnreadableError, "name cannot be empty"),
    "we can't read it, and say where": lambda found: found.is_refused(
        errors.UnreadableError, "it can't be read (", "nested", "structure of"
    ),
    "OpenSSL can't read the version, or a name, of which we use the common name alone": lambda found: (
        found.key is not None and not found.readable and _NOT_USED.search(found.said) is not None
    ),
}


def test_the_verdicts_are_openssls() -> None:
    """It takes what we take, and reads the same key, as policies do; a signature that it does not verify is never taken."""
    with counted("requests", REASONS) as found:

        @mutated
        @given(made=requests(SHAPE))
        def judge(made: MutatedRequest) -> None:
            verdicts = judged(made.encoding)
            reasons = [reason for reason, applies in REASONS.items() if applies(verdicts)]
            assert verdicts.alike or reasons, (made.odd, verdicts, made.encoding.hex())
            assert verdicts.key is None or verdicts.verified or not verdicts.readable, (made.odd, verdicts)
            found["agreed" if verdicts.alike else reasons[0]] += 1
            seen_by_policies = certified_keys(pem(made.encoding))
            assert verdicts.key is None or seen_by_policies == (kind_of_key(key_info(verdicts.key)),), made.odd

        judge()


@mutated
@given(made=st.lists(requests(SHAPE), min_size=1, max_size=4))
def test_a_batch_names_exactly_the_guilty_ones(made: list[MutatedRequest]) -> None:
    """By number, whatever else is wrong with the others; only a second request of the same device is guilty by its place."""
    guilty = {number for number, each in enumerate(made, 1) if ours(each.encoding)[0] is None}
    told = batch_error("".join(pem(each.encoding) for each in made))
    named = {
        int(number): fact for number, fact in re.findall(r"(?:: |; )request (\d+)(?: \('.*?'\))?: (.*?)(?=; request \d|; [a-z]|$)", told)
    }
    assert guilty <= named.keys()
    for number in named.keys() - guilty:
        assert re.search("is of device|its id (has|is)|no common name", named[number]), named


def batch_error(text: str) -> str:
    """The error of a batch; empty if there is none."""
    try:
        _requested(text)
    except HubtrustError as error:
        require_one_line(error)
        return str(error)
    return ""


@mutated
@given(data=st.data())
def test_a_text_that_is_changed_anywhere_is_read_or_told(data: st.DataObject) -> None:
    """Characters are left out, doubled or replaced in the PEM text."""
    text = TEXT * data.draw(st.integers(1, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.sampled_from([0, 1, 2, 30]))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
    for read in (lambda: load_request(text, what="request"), lambda: _requested(text)):
        try:
            read()
        except HubtrustError as error:
            require_one_line(error)
