"""Random files of authorities: the choice does not depend on their order, nothing is a traceback, and OpenSSL lets devices in below it."""

from datetime import timedelta
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from hubtrust.pki import errors
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.chain import Chain, load_chain
from hubtrust.pki.path import Wanted
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, parsed, pem_of

DAY = timedelta(days=1)
KEYS = [ec_key(ec.SECP256R1()) for _ in range(5)]
WANTED = [Wanted(), Wanted(top=True), Wanted(key=KEYS[0].public_key()), Wanted(top=True, key=KEYS[1].public_key())]


def bundle(random: Random) -> list[Forged]:
    """Up to seven: of few names and keys, so that they are renewed, cross-signed, self-issued and in loops; some are no CAs, or expired."""
    made: list[Forged] = []
    for _ in range(random.randint(1, 7)):
        authority = random.choice([True, True, True, True, False, ABSENT])
        one = Forged(
            subject=random.choice("ABC"),
            key=random.choice(KEYS),
            authority=authority,
            usage=random.choice([True, True, ABSENT, False]),
            path_length=random.choice([None, None, 0, 1]) if authority is True else None,
            aki=random.choice([True, ABSENT]),
            serial=random.randint(1, 99),
            end=NOW + random.choice([-0.5, 30, 300]) * DAY,
            issuer=random.choice([None, *made]),
        )
        made.append(one)
    return made


def chosen(certificates: list[Certificate], wanted: Wanted) -> Chain | type[errors.PkiError]:
    try:
        return load_chain(pem_of(*certificates), what="the file", now=NOW, wanted=wanted)
    except errors.PkiError as error:
        return type(error)


def connects(device: Certificate, chain: Chain) -> bool:
    """OpenSSL's verdict, where the chain's anchor is trusted and the device sends what is below it."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(NOW)
    store.add_cert(crypto.X509.from_cryptography(parsed(chain.anchor)))
    sent = [crypto.X509.from_cryptography(parsed(one)) for one in chain.path]
    try:
        crypto.X509StoreContext(store, crypto.X509.from_cryptography(parsed(device)), sent).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def is_valid(chain: Chain) -> bool:
    try:
        chain.require_valid_at(NOW)
    except errors.NotValidNowError:
        return False
    return True


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.sampled_from(WANTED))
def test_what_is_chosen_is_what_devices_connect_below(random: Random, wanted: Wanted) -> None:
    """Every chain that is taken, wherever its trusted certificate is, lets a device in exactly while it is valid."""
    made = bundle(random)
    by_certificate = {one.certificate: one for one in made}
    certificates = list(by_certificate)
    found = chosen(certificates, wanted)
    random.shuffle(certificates)
    again = chosen(certificates, wanted)
    if not isinstance(found, Chain) or not isinstance(again, Chain):
        assert found == again
        return
    assert (found.certificates, found.place) == (again.certificates, again.place)
    device = Forged(subject="press-001", issuer=by_certificate[found.issuing], authority=False, usage=False).certificate
    assert connects(device, found) is is_valid(found)
