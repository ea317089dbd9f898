"""The operations of SigningKey, and of VerifiedCertificate where its key is in a vault.

Each fault once and not for good: a vault's client has its own patience, of most of a minute, and no deadline among the inputs.
"""

from collections.abc import Mapping
from typing import Any

from hubtrust.custody import custodies as custody
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.faults.certificates import authority, declare, name
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.faults.world import World
from tests.kit.key_places import Vault, vault

_KEY = "ca"


def address(world: World) -> str:
    """The key's, in a vault that is called as the hub is."""
    return f"{Vault(world.azure, world.name).uri}/keys/{_KEY}"


def key(world: World) -> Declared:
    """A SigningKey that is made where there is none."""
    return {"key": (SigningKeyProvider, {"signer": custody.in_key_vault(address(world)), "make": "ec-p256"})}


def made(world: World) -> Mapping[str, Any]:
    """How often a key was made, whether or not the answer was seen: twice would be two versions."""
    created = [entry for entry in world.log() if (entry["method"], entry["path"]) == ("POST", f"/keys/{_KEY}/create")]
    return {_KEY: sum(200 in (entry["status"], entry["effect"]) for entry in created)}


def proven_there(world: World) -> Declared:
    """A VerifiedCertificate whose key signs in the vault."""
    return {"ca": (VerifiedCertificateProvider, declare(world, 1, signer=custody.in_key_vault(address(world))))}


def _empty(world: World) -> None:
    vault(world.azure, world.name)


def _filled(world: World) -> None:
    vault(world.azure, world.name).give(_KEY, authority(1).key)


SCENARIOS = (
    Scenario(
        resource="SigningKey",
        operation="first create, made in a vault",
        setup=_empty,
        declared=key,
        wanted=lambda _world: {_KEY: 1},
        found=made,
        for_good=False,
    ),
    Scenario(
        resource="SigningKey",
        operation="first create, found in a vault",
        setup=_filled,
        declared=key,
        wanted=lambda _world: {_KEY: 0},
        found=made,
        for_good=False,
    ),
    Scenario(
        resource="VerifiedCertificate",
        operation="first create, key in a vault",
        setup=_filled,
        declared=proven_there,
        wanted=lambda _world: {name(1): True},
        found=lambda world: world.hub.verified(),
        names=lambda _world: {name(1): "{first}"},
        for_good=False,
    ),
)
