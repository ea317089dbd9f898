"""The custody settings: which belong together, which exclude each other, and the signers that the CA gets."""

from functools import partial

import pytest

from hubtrust import CertificateAuthority, Generate, Import, InKeyVault, InToken, Request
from hubtrust.authority import AuthorityError
from settings import SettingsError
from tests.components import test_settings
from tests.components.test_settings import CA
from tests.kit.repository import ROOT as FOLDER

load = partial(test_settings.load, secrets=("caPin",), folder=FOLDER)
ROOT, ISSUING = "https://kv.vault.azure.net/keys/root", "https://kv.vault.azure.net/keys/issuing"
TOKEN = "pkcs11:token=plant;object=ca"

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no such custody": ({"caCustody": "drawer"}, "'drawer' is not a custody; use state, offline, key-vault, pkcs11, or leave it empty"),
    "a key beside it": (
        {"caSource": "import", "caChain": CA.pem, "caKeyFile": "pyproject.toml", "caCustody": "key-vault", "caKeyReference": ISSUING},
        "caKeyFile is set, but caCustody is key-vault, and only custody state uses it; remove caKeyFile, or set caCustody to state",
    ),
    "offline and generated": ({"caCustody": "offline"}, "caCustody is offline, but caSource is generate; set caSource to import"),
    "state without a key": (
        {"caCustody": "state", "caSource": "import", "caChain": CA.pem},
        "caCustody is state, but no key is set; set caKey or caKeyFile",
    ),
    "no reference": (
        {"caCustody": "key-vault", "caIntermediates": "0"},
        "caCustody is key-vault, but caKeyReference is not set; set it to the key's Key Vault id",
    ),
    "a reference alone": (
        {"caKeyReference": ISSUING},
        "caKeyReference is set, but caCustody is not set, and only custody key-vault or pkcs11 uses it; remove caKeyReference, or set caCu",
    ),
    "no root's": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING},
        "caCustody is key-vault, but caRootKeyReference is not set; set it to the root's key, or caIntermediates to 0",
    ),
    "a root's without a use": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING, "caRootKeyReference": ROOT, "caSource": "import", "caChain": CA.pem},
        "caRootKeyReference is set, but caCustody is key-vault and caSource is import, and only a generated root",
    ),
    "too deep": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING, "caRootKeyReference": ROOT, "caIntermediates": "2"},
        "caCustody is key-vault, but caIntermediates is 2; set it to 0 or 1",
    ),
    "no vault and no key": (
        {"caCustody": "key-vault", "caIntermediates": "0"},
        "caKeyReference is not set; set it to the key's Key Vault id or PKCS#11 URI, or caVault",
    ),
    "a vault alone": (
        {"caVault": "make"},
        "caVault is set, but caCustody is not set, and only custody key-vault uses it; remove caVault, or set",
    ),
    "a vault and a token": (
        {"caCustody": "pkcs11", "caKeyReference": TOKEN, "caIntermediates": "0", "caPinVariable": "PIN", "caVault": "make"},
        "caVault is set, but caCustody is pkcs11, and only custody key-vault uses it",
    ),
    "a vault and addresses": (
        {"caCustody": "key-vault", "caVault": "make", "caKeyReference": ISSUING, "caRootKeyReference": ROOT},
        "caKeyReference, caRootKeyReference are set, but caVault is set, and only a key that is not named for the CA in its vault",
    ),
    "an imported key in a vault": (
        {"caCustody": "key-vault", "caVault": "make", "caSource": "import", "caChain": CA.pem},
        "caVault is set, but caSource is import, and an imported CA's key has a name already; remove caVault, and set caKeyReference",
    ),
    "no vault's address": (
        {"caCustody": "key-vault", "caVault": "plant"},
        "'plant' is not the URI of a vault; use make, or the URI of a vault, https://<vault>.vault.azure.net",
    ),
    "a name for somebody's vault": (
        {"caCustody": "key-vault", "caVault": "https://kv.vault.azure.net", "caVaultName": "plant-vault"},
        "caVaultName is set, but caVault is set, and only a vault that is made here uses it; remove caVaultName, or set caVault to make",
    ),
    "a name that no vault can have": (
        {"caCustody": "key-vault", "caVault": "make", "caVaultName": "a--b"},
        "vault 'a--b': no vault can have that",
    ),
    "an HSM of no vault": (
        {"caCustody": "key-vault", "caKeyReference": ISSUING, "caRootKeyReference": ROOT, "caVaultHsm": "true"},
        "caVaultHsm is set, but caVault is not set, and only a vault in which keys are made uses it",
    ),
    "no PIN": (
        {"caCustody": "pkcs11", "caKeyReference": TOKEN, "caIntermediates": "0"},
        "caCustody is pkcs11, but no PIN is set; set exactly one of caPin (with --secret) and caPinVariable",
    ),
    "two PINs": (
        {"caCustody": "pkcs11", "caKeyReference": TOKEN, "caIntermediates": "0", "caPin": "84017263", "caPinVariable": "PIN"},
        "caCustody is pkcs11, but two PINs are set; set exactly one",
    ),
    "a PIN for nothing": ({"caPin": "84017263"}, "caPin is set, but caCustody is not set, and only custody pkcs11 uses it"),
}


@pytest.mark.parametrize("case", WRONG)
def test_invalid_custody_settings_are_refused(case: str) -> None:
    """The error is one line with the setting, the fact and the remedy; a PIN is never repeated."""
    keys, line = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        load(**keys)
    (reported,) = str(caught.value).splitlines()[1:]
    assert line in reported
    assert "84017263" not in reported


def test_the_authority_gets_a_signer_for_each_key() -> None:
    """The root's key first; an imported or requested CA has one key; with custody `state` there is none elsewhere."""
    both = load(caCustody="key-vault", caKeyReference=ISSUING, caRootKeyReference=ROOT).source()
    assert isinstance(both, Generate)
    assert both.custody == InKeyVault(keys=(ROOT, ISSUING))
    token = load(caCustody="pkcs11", caKeyReference=TOKEN, caPinVariable="PLANT_PIN", caSource="request").source()
    assert isinstance(token, Request)
    assert token.custody == InToken(keys=(TOKEN,), pin_variable="PLANT_PIN")
    imported = load(caCustody="pkcs11", caKeyReference=TOKEN, caPin="84017263", caSource="import", caChain=CA.pem).source()
    assert isinstance(imported, Import)
    assert imported.custody == InToken(keys=(TOKEN,), pin="84017263")
    assert load(caCustody="state").source() == load().source()
    named = load(caCustody="key-vault", caVault="https://kv.vault.azure.net/", caVaultHsm="true", caIntermediates="3", caSource="request")
    assert (named.makes_vault, named.source().custody) == (False, InKeyVault(vault="https://kv.vault.azure.net", hsm=True))
    again = load(caCustody="key-vault", caVault="make", caGeneration="2", caKeepPrevious="true")
    assert (again.makes_vault, again.previous()) == (True, None), "the previous generation's keys are in the vault too"


def test_one_key_for_two_certificates_is_refused() -> None:
    """Two certificates with one key address are refused before anything is declared."""
    with pytest.raises(
        AuthorityError, match="1 given, but there are 2 certificates; give one address for each certificate, the root's first"
    ):
        CertificateAuthority("plant", source=Generate(common_name="Plant", custody=InKeyVault(keys=[ISSUING])))
