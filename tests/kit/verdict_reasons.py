"""Where our verdict may differ from another judge's: each reason by what the judge says that refuses, with its source.

A difference that none of these explains is a wrong verdict of ours, or one of theirs that nobody has looked at yet.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.kit.judged_kinds import ANCHOR, DEVICE, INTERMEDIATE, NAMES, SIGNATURES
from tests.kit.judges import CRYPTOGRAPHY, HUBTRUST, OPENSSL, Verdict

_AUTHORITIES = (ANCHOR, INTERMEDIATE)
_BELOW = (INTERMEDIATE, DEVICE)
_CERTIFICATES = (ANCHOR, INTERMEDIATE, DEVICE)


@dataclass(frozen=True)
class Reason:
    """Why ``refuses`` refuses what ``takes`` takes; one of the two is ours. ``said`` is a pattern of what the one that refuses says."""

    refuses: str
    takes: str
    kinds: tuple[str, ...]  # where it occurs
    said: str
    because: str
    alone: bool = False  # it only explains why this judge differs, where the third one says what we say

    def explains(self, refusing: Verdict, taking: Verdict, kind: str) -> bool:
        """Whether it explains this difference."""
        same = (self.refuses, self.takes) == (refusing.judge, taking.judge) and kind in self.kinds
        return same and re.search(self.said, refusing.said) is not None

    def __str__(self) -> str:
        """As the table shows it."""
        return f"{self.refuses} refuses and {self.takes} takes it: {self.because}"


def reason_for(verdicts: Sequence[Verdict], other: Verdict, kind: str) -> Reason | None:
    """The reason why ``other`` differs from ours, the first of ``verdicts``; None if none explains it."""
    ours = verdicts[0]
    refusing, taking = (other, ours) if ours.accepts else (ours, other)
    found = (reason for reason in REASONS if reason.explains(refusing, taking, kind))
    return next((reason for reason in found if not reason.alone or _third_agrees(verdicts, other, kind)), None)


def _third_agrees(verdicts: Sequence[Verdict], other: Verdict, kind: str) -> bool:
    """Whether the judge beside us and ``other`` says what we say, or differs for a reason of its own."""
    ours, *others = verdicts
    (third,) = (one for one in others if one is not other)
    refusing, taking = (third, ours) if ours.accepts else (ours, third)
    return third.accepts is ours.accepts or any(one.explains(refusing, taking, kind) for one in REASONS if not one.alone)


def _we_refuse(takes: str, kinds: tuple[str, ...], said: str, because: str, *, alone: bool = False) -> Reason:
    return Reason(HUBTRUST, takes, kinds, said, because, alone)


def _we_take(refuses: str, kinds: tuple[str, ...], said: str, because: str, *, alone: bool = False) -> Reason:
    return Reason(refuses, HUBTRUST, kinds, said, because, alone)


_EMPTY_RDN = "a relative name has one attribute or more, each once (X.501 9.3)"
_NO_TEXT = "a value in a name is no text, and can't be shown (X.520)"
_WHAT_CANNOT_BE_READ = (
    _we_refuse(OPENSSL, _CERTIFICATES, r"octets follow its end|\(ExtraData", "octets after the end belong to nothing (X.690 8.1.1)"),
    _we_refuse(
        OPENSSL, _CERTIFICATES, r"its version is \d|at tbs_cert\.version", "a version that RFC 5280 4.1.2.1 does not know may mean anything"
    ),
    _we_refuse(OPENSSL, _CERTIFICATES, "cannot be empty|duplicate attributes", _EMPTY_RDN),
    _we_refuse(CRYPTOGRAPHY, _CERTIFICATES, "cannot be empty|duplicate attributes", _EMPTY_RDN),
    _we_refuse(
        OPENSSL,
        _CERTIFICATES,
        r"\.type_id\)|UnexpectedTag",
        "`cryptography`, which reads for us, knows no attribute types of such numbers, and no tags but DER's",
    ),
    _we_refuse(OPENSSL, _CERTIFICATES, "occurs twice", "an extension occurs once (RFC 5280 4.2)"),
    _we_refuse(
        OPENSSL,
        _CERTIFICATES,
        "extension (certificatePolicies|policyConstraints|inhibitAnyPolicy) is malformed",
        "a critical extension that can't be processed is a reason to refuse (RFC 5280 4.2); OpenSSL does not read policies",
    ),
    _we_refuse(
        OPENSSL,
        _AUTHORITIES,
        "it requires a certificate policy",
        "devices have no policy, and a path is invalid that needs one (RFC 5280 6.1.5 g); OpenSSL looks only when asked to",
    ),
    _we_refuse(
        OPENSSL,
        (ANCHOR,),
        "basicConstraints is missing",
        "an authority of version 3 says so in its basic constraints (RFC 5280 6.1.4 k); OpenSSL takes a key usage for it",
    ),
)
_WHAT_ONE_JUDGE_DOES_NOT_LOOK_AT = (
    _we_refuse(
        CRYPTOGRAPHY,
        _CERTIFICATES,
        "with which OpenSSL can't read the certificate",
        "OpenSSL reads no certificate with such a value in a name (X.520), so no device could connect",
        alone=True,
    ),
    _we_refuse(
        CRYPTOGRAPHY,
        _CERTIFICATES,
        r"extension \w+ is malformed",
        "OpenSSL refuses a certificate in which this is malformed, so no device could connect",
        alone=True,
    ),
    _we_refuse(
        CRYPTOGRAPHY,
        _BELOW,
        "its authority key identifier (is|names)",
        "the identifiers of the issuer's key must be equal where both are there (RFC 5280 4.2.1.1)",
        alone=True,
    ),
    _we_refuse(
        CRYPTOGRAPHY,
        _CERTIFICATES,
        r"its critical extension 2\.5\.29\.(14|35) is not supported",
        "a key identifier must not be critical (RFC 5280 4.2.1.1, 4.2.1.2), and OpenSSL does not understand one that is",
        alone=True,
    ),
    _we_refuse(
        CRYPTOGRAPHY,
        (DEVICE,),
        "its key is of the algorithm|its EC key|its RSA key",
        "a device signs with its key when it connects, which is no matter of its path",
    ),
    *(
        _we_take(
            judge,
            (DEVICE,),
            said,
            "what a device's key is for is no matter of RFC 5280 6; `issue.device` sets it, and local Azure refuses the connection",
        )
        for judge, said in ((OPENSSL, "26 0 unsuitable certificate purpose"), (CRYPTOGRAPHY, "no digitalSignature|no clientAuth"))
    ),
)
_WHAT_IS_ISSUED_HERE = tuple(  # is held to RFC 5280 section 4
    _we_refuse(judge, (DEVICE,), said, because)
    for said, because in (
        ("serial number is not a positive number", "a serial number is positive and has 20 octets at most (RFC 5280 4.1.2.2)"),
        (
            "has no (authority|subject) key identifier|has no key usage|which has no extensions|its subject is empty",
            "what is issued has version 3, a subject, a key usage and key identifiers (RFC 5280 4.1.2, 4.2.1)",
        ),
        (r"its extension \w+ is (not )?critical", "what is issued has each extension as critical as RFC 5280 4.2.1 wants it"),
        ("(keyCertSign|name constraints), but it is not a CA", "these are for authorities (RFC 5280 4.2.1.3, 4.2.1.10)"),
    )
    for judge in (OPENSSL, CRYPTOGRAPHY)
)
_PARSE = "ValueError: error parsing asn1 value: ParseError"
_WHERE_CRYPTOGRAPHY_WANTS_MORE = tuple(
    _we_take(CRYPTOGRAPHY, kinds, said, because, alone=True)
    for kinds, said, because in (
        (_CERTIFICATES, f"{_PARSE}.*(EncodedDefault|Extension::critical)", "FALSE in so many words, and TRUE of any octet, are BER"),
        (
            (*_CERTIFICATES, NAMES),
            rf"{_PARSE}.*(AttributeValue::|\"subject\"|kind: InvalidValue \}})",
            "a string in a name has characters that its type has not; OpenSSL reads them as Latin-1",
        ),
        (_CERTIFICATES, "validity dates between 1950 and 2049 must be UtcTime", "GeneralizedTime is a date before 2050 too"),
        (
            _CERTIFICATES,
            "InvalidVersion: 1 is|must be an X509v3",
            "versions 1 and 2 are certificates, and whoever imports a root knows that it is one (RFC 5280 6.1.4 k)",
        ),
        (_AUTHORITIES, "ASN.1 parsing error: (invalid value|integer overflow|DEFAULT)", "BER in an extension, or a large path length"),
        (_CERTIFICATES, "while converting Extension to Python object", "bits after the last one of a key usage say nothing"),
        (
            _CERTIFICATES,
            r"invalid extension: 2\.5\.29\.(32|36|54|31): certificate contains unaccounted-for",
            "nobody here requires a policy (RFC 5280 6.1.1 c, e), and Azure reads no CRL",
        ),
        (
            _AUTHORITIES,
            "serial number cannot be negative|serial between 1 and 20 octets|TbsCertificate::serial",
            "no step of RFC 5280 6.1 looks at the serial number of an authority; a notice tells of it",
        ),
        (_AUTHORITIES, "non-empty Issuer", "no step of RFC 5280 6.1 minds an empty name; a notice tells of it"),
        ((ANCHOR,), "mismatch between signatureAlgorithm", "the signature of the trusted certificate is not checked (RFC 5280 6.1.1 d)"),
        (_BELOW, "all candidates exhausted with no interior errors", "names are compared without their string types (RFC 5280 7.1)"),
        (
            (DEVICE, NAMES),
            "UnsupportedGeneralNameType|validation failed: ASN.1 parsing error: invalid value|does not appear to be an IPv4",
            "an alternative name that this judge can't read is nothing to anybody, without constraints on its form (RFC 5280 4.2.1.10)",
        ),
    )
)
_NAME = "(excludes|does not permit|constrains) its name"
_MAILBOX = f"{_NAME} '([^'=]*=)?(@|[^'@]*@')"
_NAME_CONSTRAINTS = (
    _we_refuse(
        OPENSSL,
        (NAMES,),
        "excludes its name '[a-z]*://",
        "a URI without a host name is refused where hosts are constrained (RFC 5280 4.2.1.10); its host is what RFC 3986 says",
    ),
    *(_we_refuse(judge, (NAMES,), _MAILBOX, "a mailbox has a local part and a host (RFC 5321 4.1.2)") for judge in (OPENSSL, CRYPTOGRAPHY)),
    _we_refuse(
        OPENSSL,
        (NAMES,),
        "excludes its name '.*(Stra|STRA|fen)",
        "a name is excluded in upper and lower case of all letters (RFC 5280 7.1); OpenSSL knows those of ASCII",
    ),
    _we_refuse(OPENSSL, (NAMES,), "constrains its name .* by", "OpenSSL looks at no further subtree once one has permitted the name"),
    _we_refuse(
        CRYPTOGRAPHY,
        (NAMES,),
        f"{_NAME}|constrains names, and ",
        "this judge compares alternative names, and neither subjects nor forms that RFC 5280 4.2.1.10 lets anybody leave out",
        alone=True,
    ),
    *(
        _we_take(CRYPTOGRAPHY, (NAMES,), said, because, alone=True)
        for said, because in (
            (
                "Invalid netmask|has host bits set",
                "a network as an alternative name is nothing to anybody, without constraints on addresses",
            ),
            (
                "unsupported (directoryName|name) constraint",
                "this judge can't compare directory names; we do (RFC 5280 7.1)",
            ),
            (
                r"candidates exhausted: (ASN.1 parsing error|malformed \w+ name constraint)",
                "a constraint that can't be compared refuses names of its form, and no others (RFC 5280 4.2.1.10)",
            ),
            ("malformed SAN", "this judge wants hosts to be RFC 1034's and mailboxes RFC 5321's; OpenSSL compares their text"),
        )
    ),
)
_KEYS_AND_SIGNATURES = (
    *(
        _we_refuse(OPENSSL, (SIGNATURES,), said, because)
        for said, because in (
            ("its RSA key has 1024 bits", "an RSA key of less than 2048 bits is too weak (NIST SP 800-131A)"),
            ("its key is Ed25519|its EC key is on the curve", "Azure IoT documents RSA, and EC on P-256, P-384 and P-521"),
            ("its RSA key is for RSASSA-PSS only", "what is signed here is PKCS#1 v1.5, which such a key does not verify (RFC 4055 1.2)"),
            (
                "signed with (SHA1|SHA224)|its signature algorithm SHA1",
                "a signature below the trusted certificate has SHA-256 or a longer hash (NIST SP 800-131A, RFC 5480 4)",
            ),
            (r"EncodedDefault at tbs_cert\.signature_alg", "a default parameter of RSASSA-PSS in so many words is BER (RFC 4055 3.1)"),
        )
    ),
    _we_refuse(
        CRYPTOGRAPHY,
        (SIGNATURES,),
        "its signature does not verify",
        "a signature is octets, with no bits left over (RFC 5480 A, RFC 8017 8); OpenSSL refuses others",
        alone=True,
    ),
    _we_take(
        CRYPTOGRAPHY,
        (SIGNATURES,),
        "Forbidden signature algorithm",
        "this judge takes the algorithms of the Web's PKI; RSASSA-PSS may have other parameters (RFC 4055 3.1)",
        alone=True,
    ),
)
REASONS = (
    *_WHAT_CANNOT_BE_READ,
    *_WHAT_ONE_JUDGE_DOES_NOT_LOOK_AT,
    *_WHAT_IS_ISSUED_HERE,
    *_WHERE_CRYPTOGRAPHY_WANTS_MORE,
    *_NAME_CONSTRAINTS,
    *_KEYS_AND_SIGNATURES,
)
