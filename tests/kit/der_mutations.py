"""Changes to certificates and requests that real files show, and hypothesis strategies over them.

`CERTIFICATE_CHANGES` and `REQUEST_CHANGES` map what is changed, in words, to a function from shape to shape: for tests that go through
all of them. `mutated_certificates` and `mutated_requests` draw one to three of them, or a random change at a random place.
Whoever signs the changed shape has a good signature on it (`tests/kit/certificate_shapes.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st

from tests.kit import der
from tests.kit.certificate_shapes import CertificateShape, RequestShape
from tests.kit.der_extensions import EXTENSION_CHANGES
from tests.kit.der_names import ODD_ATTRIBUTES, ODD_COMMON_NAMES, retyped, with_attribute, with_common_name, with_string_type

Change = Callable[[Any], Any]  # from shape to shape


def _dates() -> Iterator[tuple[str, Change]]:
    for label, tag, form in (
        ("GeneralizedTime before 2050", der.GENERALIZED_TIME, "{}Z"),
        ("dates with a fraction", der.GENERALIZED_TIME, "{}.5Z"),
        ("dates without a zone", der.GENERALIZED_TIME, "{}"),
        ("GeneralizedTime without seconds", der.GENERALIZED_TIME, "{:.12}Z"),
        ("UTCTime without seconds", der.UTC_TIME, "{:.12}Z"),
        ("dates with an offset", der.UTC_TIME, "{}+0100"),
        ("dates with a fraction in UTCTime", der.UTC_TIME, "{}.5Z"),
    ):
        yield label, partial(_dated, tag, form)
    for label, tag, text in (
        ("no end (9999)", der.GENERALIZED_TIME, b"99991231235959Z"),
        ("an end before its beginning", der.UTC_TIME, b"500101000000Z"),
        ("an end in year 0", der.GENERALIZED_TIME, b"00000101000000Z"),
        ("an end in month 13", der.UTC_TIME, b"401301000000Z"),
        ("an end on 30 February", der.UTC_TIME, b"400230000000Z"),
        ("an end at second 60", der.UTC_TIME, b"401231235960Z"),
        ("an end that is a word", der.UTC_TIME, b"some day"),
        ("an end that is empty", der.UTC_TIME, b""),
        ("an end with a NUL", der.UTC_TIME, b"401231235959\0"),
        ("an end that is an INTEGER", der.INTEGER, b"@"),
        ("an end that is a UTF8String", der.UTF8_STRING, b"400101000000Z"),
    ):
        yield label, partial(_part, not_after=der.encode(tag, text))


def _dated(tag: int, form: str, shape: CertificateShape) -> CertificateShape:
    """With both dates in another form: `form` takes `20260131235959`."""
    first, last = (
        der.encode(tag, form.format(text)[2 if tag == der.UTC_TIME else 0 :].encode())
        for text in (_digits(shape.not_before), _digits(shape.not_after))
    )
    return replace(shape, not_before=first, not_after=last)


def _digits(time: bytes) -> str:
    text = der.content(time).decode()[:-1]
    century = "" if time[0] == der.GENERALIZED_TIME else "19" if text >= "50" else "20"
    return century + text


def _names() -> Iterator[tuple[str, Change]]:
    for tag, (kind, _) in der.STRING_TYPES.items():
        if tag != der.UTF8_STRING:  # what it is when `cryptography` made it
            yield f"the common name is a {kind}", partial(with_string_type, tag)
    for label, attribute in ODD_ATTRIBUTES.items():
        yield f"the subject has {label}", partial(with_attribute, attribute)
    for label, form in ODD_COMMON_NAMES.items():
        yield f"the common name {label}", partial(with_common_name, form)
    for label, name in (("an empty subject", ()), ("an empty RDN in the subject", (der.encode(der.SET),))):
        yield label, partial(_named, der.encode(der.SEQUENCE, *name))


def _named(name: bytes, shape: Any) -> Any:
    return shape.named(name)


def _part(shape: Any, **parts: Any) -> Any:
    return replace(shape, **parts)


def _issuer_retyped(tag: int, shape: CertificateShape) -> CertificateShape:
    return replace(shape, issuer=retyped(shape.issuer, tag))


def _versions_and_serials() -> Iterator[tuple[str, Change]]:
    for label, number in (("version 1, encoded", 0), ("version 2", 1), ("version 4", 3), ("version 0", -1)):
        yield label, partial(_part, version=der.encode(0xA0, der.integer(number)))
    yield "version 1 with extensions", partial(_part, version=None)
    yield "version 1 without extensions", partial(_part, version=None, extensions=None)
    for label, octets in (
        ("serial number 0", b"\0"),
        ("serial number -1", b"\xff"),
        ("a negative serial number of 20 octets", b"\x80" + b"\1" * 19),
        ("a serial number of 30 octets", b"\1" * 30),
        ("a serial number of 2,000 octets", b"\1" * 2000),
        ("a serial number with zeros before it", b"\0\0\1"),
        ("a serial number of no octets", b""),
    ):
        yield label, partial(_part, serial=der.encode(der.INTEGER, octets))


def _rest() -> Iterator[tuple[str, Change]]:
    sha1 = der.encode(der.SEQUENCE, der.oid("1.2.840.113549.1.1.5"), der.encode(der.NULL))
    for tag in (der.PRINTABLE_STRING, der.TELETEX_STRING, der.BMP_STRING):
        yield f"the issuer's common name is a {der.STRING_TYPES[tag][0]}", partial(_issuer_retyped, tag)
    yield "another signature algorithm outside than inside", partial(_part, outer_algorithm=sha1)
    yield "an unknown signature algorithm", partial(_part, algorithm=der.encode(der.SEQUENCE, der.oid("1.3.6.1.4.1.99999.1")))
    yield "unique identifiers", partial(_part, unique_ids=der.encode(0x81, b"\0ab") + der.encode(0x82, b"\0cd"))
    yield "more after the extensions", partial(_part, end=der.encode(der.NULL))
    yield "octets after the certificate", partial(_part, trailing=b"\0\0\0\0")


CERTIFICATE_CHANGES: dict[str, Change] = dict([*_names(), *_dates(), *_versions_and_serials(), *EXTENSION_CHANGES, *_rest()])
_DATES = frozenset(dict(_dates()))


def _request_changes() -> Iterator[tuple[str, Change]]:
    yield from _names()
    for number, label in ((1, "version 2"), (2, "version 3"), (-1, "version 0")):
        yield label, partial(_part, version=der.integer(number))
    password = der.encode(der.SET, der.encode(der.TELETEX_STRING, b"K\xf6ln"))
    challenge = der.encode(der.SEQUENCE, der.oid("1.2.840.113549.1.9.7"), password)
    for label, attributes in (
        ("no attributes", None),
        ("empty attributes", ()),
        ("a request for no extensions", (_requested(der.encode(der.SEQUENCE)),)),
        ("two requests for extensions", (_requested(der.encode(der.SEQUENCE)),) * 2),
        ("extensions that can't be read", (_requested(der.encode(der.NULL)),)),
        ("a challenge password in a TeletexString", (challenge,)),
        ("an attribute without values", (der.encode(der.SEQUENCE, der.oid("1.2.3.4"), der.encode(der.SET)),)),
        ("attributes that are none", (der.encode(der.NULL),)),
    ):
        yield label, partial(_part, attributes=None if attributes is None else der.encode(0xA0, *attributes))
    yield "octets after the request", partial(_part, trailing=b"\0\0\0\0")


def _requested(extensions: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.oid("1.2.840.113549.1.9.14"), der.encode(der.SET, extensions))


REQUEST_CHANGES: dict[str, Change] = dict(_request_changes())


def mutated_certificates(shape: CertificateShape, key: Any) -> st.SearchStrategy[tuple[bytes, str]]:
    """Changed forms of a certificate, signed by this key: (DER, what was changed)."""
    return st.one_of(
        _changed(CERTIFICATE_CHANGES).map(lambda found: (found[0](shape).signed(key), found[1])),
        _anywhere(shape, ("serial", "issuer", "not_before", "not_after", "subject", "key", "extensions"), key),
    )


def mutated_requests(shape: RequestShape, key: Any) -> st.SearchStrategy[tuple[bytes, str]]:
    """Changed forms of a request, signed by this key: (DER, what was changed)."""
    return st.one_of(
        _changed(REQUEST_CHANGES).map(lambda found: (found[0](shape).signed(key), found[1])),
        _anywhere(shape, ("subject", "key", "attributes", "version"), key),
    )


def _changed(changes: dict[str, Change]) -> st.SearchStrategy[tuple[Change, str]]:
    """One to three of the changes, one after the other."""

    def together(labels: list[str]) -> tuple[Change, str]:
        def change(shape: Any) -> Any:
            for label in labels:
                shape = changes[label](shape)
            return shape

        return change, "; ".join(labels)

    labels = st.lists(st.sampled_from(sorted(changes)), min_size=1, max_size=3, unique=True)
    # A change of dates reads those that are there, so it can't follow another one.
    return labels.filter(lambda chosen: len(_DATES.intersection(chosen)) < 2).map(together)


@st.composite
def _anywhere(draw: st.DrawFn, shape: Any, parts: tuple[str, ...], key: Any) -> tuple[bytes, str]:
    """One value at a random place of a random part has another type, other octets, is left out or is doubled."""
    part = draw(st.sampled_from([each for each in parts if getattr(shape, each)]))
    before = getattr(shape, part)
    whole = der.encode(der.SEQUENCE, *before) if part == "extensions" else before
    place = draw(st.sampled_from(list(der.places(whole))))
    old = der.at(whole, place)
    how = draw(st.sampled_from(["other type", "other octets", "left out", "doubled", "one octet", "wrapped"]))
    if how == "other type":
        new = bytes((draw(st.integers(0, 255)),)) + old[1:]
    elif how == "other octets":
        new = der.encode(old[0], draw(st.binary(max_size=40)))
    elif how == "one octet":
        new = _one_octet(draw, old)
    elif how == "wrapped":
        new = der.encode(draw(st.sampled_from([der.SEQUENCE, der.SET, 0xA0, der.OCTET_STRING])), old)
    else:
        new = b"" if how == "left out" else old * 2
    after = der.replaced(whole, place, new)
    label = f"{part} at {'.'.join(map(str, place)) or 'its top'}: {how} ({new[:40].hex()})"
    if part == "extensions":  # as one piece of DER, because it need not be a list any more
        return replace(shape, extensions=None, end=der.encode(0xA3, after)).signed(key), label
    return replace(shape, **{part: after}).signed(key), label


def _one_octet(draw: st.DrawFn, old: bytes) -> bytes:
    inner = bytearray(der.content(old))
    if inner:
        inner[draw(st.integers(0, len(inner) - 1))] = draw(st.integers(0, 255))
    return der.encode(old[0], bytes(inner))
