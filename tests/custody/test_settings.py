"""The configuration of a custody: what belongs together, what can't be both, and what the authority is told of it."""

from functools import partial
from pathlib import Path

import pytest

from hubtrust.authority import AuthorityError, CertificateAuthority, Generate, Import, Request
from hubtrust.authority_keys import InKeyVault, InToken
from settings import SettingsError
from tests.components import test_settings

load = partial(test_settings.load, secrets=("caPin",))
ROOT, ISSUING = "https://kv.vault.azure.net/keys/root", "https://kv.vault.azure.net/keys/issuing"
TOKEN = "pkcs11:token=plant;object=ca"

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no such custody": ({"caCustody": "drawer"}, "'', 'state', 'offline', 'key-vault' or 'pkcs11'"),
    "a key beside it": (
        {"caSource": "import", "caChain": "x", "caKeyFile": "k", "caCustody": "key-vault", "caKeyReference": ISSUING},
        "caCustody is key-vault and a key is given; leave caKey and caKeyFile out, or set caCustody to state",
    ),
    "offline and generated": ({"caCustody": "offline"}, "caCustody is offline and caSource is generate; set caSource to import"),
    "state without a key": (
        {"caCustody": "state", "caSource": "import", "caChain": "x"},
        "caCustody is state and there is no key",
    ),
    "no reference": (
        {"caCustody": "key-vault", "caIntermediates": "0"},
        "and caKeyReference belong together",
    ),
    "a reference alone": (
        {"caKeyReference": ISSUING},
        "and caKeyReference belong together; set both, or neither",
    ),
    "no root's": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING},
        "caRootKeyReference is for a generated root",
    ),
    "too deep": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING, "caRootKeyReference": ROOT, "caIntermediates": "2"},
        "caCustody is key-vault and caIntermediates is 2; set it to 0 or 1",
    ),
    "no PIN": (
        {"caCustody": "pkcs11", "caKeyReference": TOKEN, "caIntermediates": "0"},
        "caCustody pkcs11 has one PIN, and no other",
    ),
    "two PINs": (
        {"caCustody": "pkcs11", "caKeyReference": TOKEN, "caIntermediates": "0", "caPin": "84017263", "caPinVariable": "PIN"},
        "caCustody pkcs11 has one PIN",
    ),
    "a PIN for nothing": ({"caPin": "84017263"}, "set caPin (with --secret) or caPinVariable for it alone"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    """One line: the key, the fact, the remedy; a PIN is never repeated."""
    keys, line = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        load(**keys)
    (told,) = str(caught.value).splitlines()[1:]
    assert line in told
    assert "84017263" not in told


def test_what_the_authority_is_told() -> None:
    """From the root down; an imported or requested CA has the one key; without a custody there is none."""
    here = Path()
    both = load(caCustody="key-vault", caKeyReference=ISSUING, caRootKeyReference=ROOT).source(here)
    assert isinstance(both, Generate)
    assert both.custody == InKeyVault(keys=(ROOT, ISSUING))
    token = load(caCustody="pkcs11", caKeyReference=TOKEN, caPinVariable="PLANT_PIN", caSource="request").source(here)
    assert isinstance(token, Request)
    assert token.custody == InToken(keys=(TOKEN,), pin_variable="PLANT_PIN")
    imported = load(caCustody="pkcs11", caKeyReference=TOKEN, caPin="84017263", caSource="import", caChain="x").source(here)
    assert isinstance(imported, Import)
    assert imported.custody == InToken(keys=(TOKEN,), pin="84017263")
    assert load(caCustody="state").source(here) == load().source(here)


def test_a_key_for_each_certificate() -> None:
    """Two certificates and one address: told before anything is declared."""
    with pytest.raises(AuthorityError, match="there is 1 and 2 wanted; give one address for each certificate, from the root down"):
        CertificateAuthority("plant", source=Generate(common_name="Plant", custody=InKeyVault(keys=[ISSUING])))
