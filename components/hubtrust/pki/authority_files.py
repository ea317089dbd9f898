"""An authority as its owner hands it over: its chain and its key, in files or texts of any encoding, made into PEM."""

from dataclasses import dataclass

from hubtrust.pki import encodings
from hubtrust.pki.certificate import certificates_in, pem, require_no_key
from hubtrust.pki.keys import PublicKey, key_contents, private_key_block, private_key_of
from hubtrust.pki.pem import Block, blocks


@dataclass(frozen=True, slots=True)
class ChainText:
    """The certificates as PEM, in the order in which they were given, and what was left out, a line each."""

    text: str
    notices: tuple[str, ...] = ()
    is_pkcs12: bool = False


@dataclass(frozen=True, slots=True)
class KeyText:
    """The private key as PEM, still encrypted if it was given so, and the passphrase that it has then. Neither is shown."""

    text: str
    passphrase: str | None
    public_key: PublicKey

    def __repr__(self) -> str:
        return "KeyText(…)"


def read_chain(given: str | bytes, *, what: str, passphrase: str | None = None, has_key: bool = False) -> ChainText:
    """The certificates of a chain. A PKCS#12 file has a key by its nature; ``has_key``: this one is to have it, whatever it is.

    Raises:
        PrivateKeyInsideError: it has a private key, and should not.
        PkiError: see ``encodings.read`` and ``certificates_in``.
    """
    found = encodings.read(given, what=what, passphrase=passphrase)
    if not has_key and not found.is_pkcs12:
        require_no_key(found.blocks, what=what)
    keys = [block for block in found.blocks if block.is_private_key]
    certificates = certificates_in([one for one in found.blocks if one not in keys], what=what)
    notices = (
        (f"{what}: its private key is not used here; give the same file as the key too, if it is to sign",) if keys and not has_key else ()
    )
    return ChainText("".join(map(pem, certificates)), notices, found.is_pkcs12)


def read_key(given: str | bytes, *, what: str, passphrase: str | None = None) -> KeyText:
    """The private key, which can be used. Text that is plain PEM already stays as it is: it is in the state of its users.

    Raises:
        PkiError: see ``load_private_key``.
    """
    found = key_contents(given, what=what, passphrase=passphrase)  # once: opening a PKCS#12 file is slow on purpose
    block = private_key_block(found, what=what)
    public_key = private_key_of(block, what=what, passphrase=passphrase).public_key()
    text = given if isinstance(given, str) else _universal(given)
    if not _is_plain(text, block):
        text = block.text
    is_opened = not block.is_encrypted and found.is_pkcs12
    return KeyText(text, None if is_opened else passphrase, public_key)


def _universal(given: bytes) -> str:
    """The text of a file with line feeds alone; empty if it is not UTF-8."""
    try:
        return given.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return ""


def _is_plain(text: str, block: Block) -> bool:
    """Whether ``text`` is PEM of this key and nothing else but parameters and comments, with line ends that are some."""
    if f"-----BEGIN {block.label}-----" not in text.splitlines():
        return False
    return [one for one in blocks(text, what="") if not one.is_parameters] == [block]
