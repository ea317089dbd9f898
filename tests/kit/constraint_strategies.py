"""Name constraints and names to judge by them (RFC 5280 4.2.1.10), of every form, near each other so that many match."""

from hypothesis import strategies as st

from tests.kit import der
from tests.kit.certificate_shapes import COMMON_NAME, ORGANIZATION, attribute, name

_EMAIL = "1.2.840.113549.1.9.1"
_OTHER_NAME = der.encode(0xA0, der.oid("1.3.6.1.4.1.99999.9"), der.encode(0xA0, der.encode(der.UTF8_STRING, b"kiln")))
_X400 = der.encode(0xA3, der.encode(der.SEQUENCE))
_EDI_PARTY = der.encode(0xA5, der.encode(0xA1, der.encode(der.UTF8_STRING, b"kiln")))
_REGISTERED = der.encode(0x88, der.content(der.oid("1.3.6.1.4.1.99999.9")))
_LABELS = [b"plant", b"PLANT", b"a", b"b", b"aplant", b"example", b"*", b"a_b", b"k\xf6ln", b"-a", b""]
_hosts = st.lists(st.sampled_from(_LABELS), min_size=1, max_size=4).map(b".".join)
_locals = st.sampled_from([b"x", b"X", b"y", b"x@y", b'"a b"', b""])


def _address(low: int, high: int, sizes: tuple[int, ...]) -> st.SearchStrategy[bytes]:
    return st.sampled_from(sizes).flatmap(lambda size: st.lists(st.integers(low, high), min_size=size, max_size=size).map(bytes))


def _network(half: int) -> st.SearchStrategy[bytes]:
    masks = st.one_of(
        st.integers(0, half * 8).map(lambda bits: ((1 << bits) - 1 << half * 8 - bits).to_bytes(half)),
        st.binary(min_size=half, max_size=half),
    )
    return st.tuples(_address(0, 1, (half,)), masks).map(b"".join)


def _text(tag: int, octets: bytes) -> bytes:
    return octets.decode("latin-1").encode(der.STRING_TYPES[tag][1])


_strings = st.sampled_from(
    [
        (der.UTF8_STRING, b"Kiln"),
        (der.PRINTABLE_STRING, b"kILN"),
        (der.UTF8_STRING, b"  Kiln   Works "),
        (der.TELETEX_STRING, b"kiln works"),
        (der.BMP_STRING, "Kiln".encode("utf-16-be")),
        (der.UTF8_STRING, "Öfen".encode()),
        (der.TELETEX_STRING, b"\xf6fen"),
        (der.UTF8_STRING, "Straße".encode()),
        (der.UTF8_STRING, b"STRASSE"),
    ]
)
_attributes = st.tuples(st.sampled_from([ORGANIZATION, COMMON_NAME]), _strings).map(lambda found: attribute(found[0], *found[1]))
directories = st.lists(_attributes, max_size=3).map(lambda found: name(*found))

_names = st.one_of(
    _hosts.map(lambda octets: der.encode(0x82, octets)),
    st.tuples(_locals, st.sampled_from([b"@", b""]), _hosts).map(lambda parts: der.encode(0x81, b"".join(parts))),
    st.tuples(
        st.sampled_from([b"https://", b"urn:", b"//", b"coap://u@", b""]),
        _hosts,
        st.sampled_from([b"", b"/x", b":5683", b":5683/x", b"?q", b"#f"]),
    ).map(lambda parts: der.encode(0x86, b"".join(parts))),
    st.sampled_from([b"https://192.0.2.1/", b"https://[2001:db8::1]/"]).map(lambda octets: der.encode(0x86, octets)),
    _address(0, 1, (4, 16, 8, 5, 0)).map(lambda octets: der.encode(0x87, octets)),
    directories.map(lambda found: der.encode(0xA4, found)),
    st.sampled_from([_OTHER_NAME, _X400, _EDI_PARTY, _REGISTERED]),
)
_bases = st.one_of(
    st.tuples(st.sampled_from([b"", b"", b"."]), _hosts).map(lambda parts: der.encode(0x82, b"".join(parts))),
    st.tuples(st.sampled_from([b"x@", b"X@", b"", b".", b"@"]), _hosts).map(lambda parts: der.encode(0x81, b"".join(parts))),
    st.tuples(st.sampled_from([b"", b"."]), _hosts).map(lambda parts: der.encode(0x86, b"".join(parts))),
    st.one_of(_network(4), _network(16), st.just(b"\1\2\3\4\5")).map(lambda octets: der.encode(0x87, octets)),
    directories.map(lambda found: der.encode(0xA4, found)),
    st.sampled_from([_OTHER_NAME, _X400, _EDI_PARTY, _REGISTERED]),
)
_distances = st.sampled_from([b""] * 9 + [der.encode(0x80, b"\0"), der.encode(0x80, b"\1"), der.encode(0x81, b"\2")])
_ALIKE = [  # in RFC 5280 7.1, and not for OpenSSL
    name(attribute(ORGANIZATION, *value))
    for value in (
        (der.UTF8_STRING, "Öfen".encode()),
        (der.TELETEX_STRING, b"\xf6fen"),
        (der.UTF8_STRING, b"STRASSE"),
        (der.UTF8_STRING, "Straße".encode()),
    )
]
_alike = st.sampled_from(_ALIKE)
_alike_tree = _alike.map(lambda found: [der.encode(der.SEQUENCE, der.encode(0xA4, found))])
_permitted_first = st.just([der.encode(der.SEQUENCE, der.encode(0x87, octets)) for octets in (b"\0" * 8, b"\1\2\3\4\5")])
_trees = st.lists(st.tuples(_bases, _distances).map(lambda parts: der.encode(der.SEQUENCE, *parts)), max_size=3)
_subtrees = st.one_of(_trees, _trees, _trees, _trees, _trees, _alike_tree, _permitted_first)


def _constraints(permitted: list[bytes], excluded: list[bytes]) -> bytes:
    lists = [der.encode(tag, *held) for tag, held in ((0xA0, permitted), (0xA1, excluded)) if held]
    return der.encode(der.SEQUENCE, *lists)


name_constraints = st.tuples(_subtrees, _subtrees).map(lambda both: _constraints(*both))
alternative_names = st.lists(_names, max_size=3).map(lambda found: der.encode(der.SEQUENCE, *found) if found else b"")
subjects = st.one_of(
    st.sampled_from(
        [
            b"press-001",
            b"a.plant.example",
            b"a_b.PLANT.example",
            b"a.example",
            b"plant",
            b"x.-a",
            b"a..b",
            b"a\0.plant.example",
            b"a.example\0",
        ]
    ).map(lambda octets: name(attribute(COMMON_NAME, der.UTF8_STRING, octets))),
    directories,
    _alike,
    st.tuples(_locals, _hosts, st.sampled_from([der.IA5_STRING] * 5 + [der.UTF8_STRING])).map(
        lambda parts: name(attribute(_EMAIL, parts[2], _text(parts[2], b"@".join(parts[:2]))))
    ),
)
