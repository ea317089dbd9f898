"""AuthorityVault as it is declared: what keeps it, how keys in it are named, and the values that it refuses."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from hubtrust.authority import CertificateAuthority, Generate, Import, Request
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import InKeyVault
from hubtrust.authority_vault import AuthorityVault
from hubtrust.program_errors import ProgramError
from hubtrust.vault_identity import VaultError
from tests.kit.remembering_engine import OPERATOR, Engine, Monitor

_VAULT = "azure-native:keyvault:Vault"
_GROUP = "azure-native:resources:ResourceGroup"
_ROLE = "azure-native:authorization:RoleAssignment"
_OWNER = "pulumi-python:dynamic/hubtrust:HubOwner"
_KEY = "pulumi-python:dynamic/hubtrust:SigningKey"
_ACCESS = "pulumi-python:dynamic/hubtrust:VaultAccess"
_OFFICER = "/14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
URI = "https://plant-vault.vault.azure.net"


def run(declare: Callable[[], object]) -> None:
    """Run it as a program."""

    @pulumi.runtime.test
    def program() -> None:
        declare()

    program()


def keys(engine: Engine) -> dict[str, Any]:
    """The signers of all keys, by the names of their resources."""
    return {one.name: one.inputs["signer"]["value"] for one in engine.every if one.typ == _KEY}


def test_a_vault_keeps_its_keys_and_names_them_for_the_authority(engine: Engine) -> None:
    """Roles, no purge, retained with its group; the signer gets the role; keys wait for it and have the authority's names, in the HSM."""

    def declare() -> None:
        vault = AuthorityVault("plant", hsm=True, tags={"owner": "platform"})
        source = Generate(common_name="Plant", intermediates=2, custody=InKeyVault(vault=vault))
        CertificateAuthority("plant", source=source, generation=2)

    run(declare)
    assert "hubtrust:index:AuthorityVault" in engine.registered
    vault = engine.inputs(_VAULT)
    declared = vault["properties"]
    assert (declared["enableRbacAuthorization"], declared["enablePurgeProtection"], declared["softDeleteRetentionInDays"]) == (
        True,
        True,
        90,
    )
    assert (declared["sku"], declared["tenantId"], declared.get("createMode")) == ({"family": "A", "name": "premium"}, "t", None)
    name = vault["vaultName"]
    assert name == engine.inputs(_GROUP)["resourceGroupName"]
    assert name.startswith("plant-")
    assert len(name) == len("plant-") + 12
    assert vault["tags"] == engine.inputs(_GROUP)["tags"] == {"owner": "platform", "hubtrust": vault["tags"]["hubtrust"]}
    assert all(engine.request(kind).retainOnDelete for kind in (_VAULT, _GROUP))
    assert not engine.request(_ROLE).retainOnDelete
    role = engine.inputs(_ROLE)
    assert (role["principalId"], role["roleDefinitionId"].endswith(_OFFICER)) == (OPERATOR, True)
    assert engine.inputs(_ACCESS)["uri"] == URI
    labels = ("root", "intermediate-1", "issuing")
    expected = {f"plant-g2-{label}-key": {"custody": "key-vault", "key": f"{URI}/keys/plant-g2-{label}", "hsm": True} for label in labels}
    assert {name: {**signer} for name, signer in keys(engine).items()} == expected


class _Renamed(Engine):
    """An engine whose state has the stack under its first name."""

    def __init__(self, first: str) -> None:
        super().__init__()
        self.first = first

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """As the state of a renamed stack has its owner."""
        found, outs = super().new_resource(args)
        return found, outs | ({"stack": self.first} if args.typ == _OWNER else {})


def test_a_renamed_stack_has_the_same_vault(engine: Engine) -> None:
    """The state keeps the stack's first name, from which the vault's name and token follow."""
    run(lambda: AuthorityVault("plant"))
    before, first = engine.inputs(_VAULT), engine.inputs(_OWNER)["stack"]
    renamed = _Renamed(first)
    mocks.set_mocks(renamed, stack="renamed", preview=False, monitor=Monitor(renamed))
    run(lambda: AuthorityVault("plant"))
    after = renamed.inputs(_VAULT)
    assert renamed.inputs(_OWNER)["stack"] != first
    assert after["vaultName"] == before["vaultName"]
    assert after["tags"]["hubtrust"].split()[1] == before["tags"]["hubtrust"].split()[1]


def test_another_stack_or_name_is_another_vault_and_long_names_fit(engine: Engine) -> None:
    """The name follows from both, begins with a letter, and is at most 24 characters."""
    found = set()
    for name in ("plant", "plant", "plant-2", "7-of-9", "a" * 60, "x.y_z--w"):
        run(lambda name=name: AuthorityVault(name))  # type: ignore[misc]
        found.add(engine.inputs(_VAULT, name)["vaultName"])
    mocks.set_mocks(engine, stack="prod", preview=False, monitor=Monitor(engine))
    run(lambda: AuthorityVault("plant"))
    found.add(engine.inputs(_VAULT, "plant")["vaultName"])
    assert len(found) == 6  # the same stack and name are the same vault
    assert all(len(name) <= 24 and name[0].isalpha() and "--" not in name for name in found)


def test_values_may_be_outputs_and_a_request_s_key_is_made_in_the_vault(engine: Engine) -> None:
    """Name, group and location from other resources; a group that is given is not declared; a vault's URI may be another stack's."""
    later = pulumi.Output.from_input

    def declare() -> None:
        vault = AuthorityVault("plant", vault_name=later("plant-vault"), resource_group=later("shared"), location=later("westeurope"))
        CertificateAuthority("plant", source=Request(common_name="Plant", custody=InKeyVault(vault=vault)))
        CertificateAuthority("other", source=Generate(common_name="Other", custody=InKeyVault(vault=later(f"{URI}/"), hsm=True)))

    run(declare)
    found = engine.inputs(_VAULT)
    assert [found[key] for key in ("vaultName", "resourceGroupName", "location")] == ["plant-vault", "shared", "westeurope"]
    assert found["properties"]["sku"]["name"] == "standard"
    assert _GROUP not in engine.registered
    signers = keys(engine)
    assert (signers["plant-g1-issuing-key"]["key"], "hsm" in signers["plant-g1-issuing-key"]) == (f"{URI}/keys/plant-g1-issuing", False)
    assert (signers["other-g1-root-key"]["key"], signers["other-g1-root-key"]["hsm"]) == (f"{URI}/keys/other-g1-root", True)


@pytest.mark.parametrize(
    ("declare", "error", "match"),
    [
        (lambda: AuthorityVault("plant", vault_name="a--b"), VaultError, "vault 'a--b': no vault can have that name; use 3 to 24 letters"),
        (lambda: AuthorityVault("plant", vault_name=pulumi.Output.from_input("x")), VaultError, "vault 'x': no vault can have that name"),
        (lambda: AuthorityVault("plant", vault_name=7), VaultError, "vault '7': no vault can have that name"),  # type: ignore[arg-type]
        (lambda: AuthorityVault("plant", hsm="true"), VaultError, "hsm: it is 'true'; .*give True or False"),  # type: ignore[arg-type]
        (
            lambda: AuthorityVault("plant", hsm=pulumi.Output.from_input("x")),
            VaultError,
            "hsm: it is an Output; .*give True or False",
        ),  # type: ignore[arg-type]
        (lambda: AuthorityVault("plant", operators=["me"]), ProgramError, "operator 'me': it is not an object id"),
        (
            lambda: generated("plant-vault"),
            AuthorityError,
            "vault 'plant-vault': it is not the URI of a vault; write it as https",
        ),
        (lambda: generated(pulumi.Output.from_input(7)), AuthorityError, "vault: it is a number"),
        (
            lambda: generated(pulumi.ComponentResource("a:b:C", "c")),
            AuthorityError,
            "it is of type ComponentResource; give an AuthorityVault",
        ),
        (lambda: imported(AuthorityVault("plant")), AuthorityError, "."),
    ],
)
def test_wrong_values_end_in_one_line(engine: Engine, declare: Callable[[], object], error: type[ProgramError], match: str) -> None:
    """Also those that are known later."""
    assert engine.every == []
    with pytest.raises(error, match=match) as raised:
        run(declare)
    assert "\n" not in str(raised.value)


def generated(vault: Any) -> CertificateAuthority:
    """An authority with its keys in that vault."""
    return CertificateAuthority("plant", source=Generate(common_name="Plant", custody=InKeyVault(vault=vault)))


def imported(vault: AuthorityVault) -> CertificateAuthority:
    """An imported authority whose key would be made."""
    return CertificateAuthority("plant", source=Import(chain="x", custody=InKeyVault(vault=vault)))
