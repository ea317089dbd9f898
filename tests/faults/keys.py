"""The operations of SigningKey and VaultAccess, and of VerifiedCertificate and EvidenceRecords where their key is in a vault.

Each fault occurs once and never permanently: a vault's client retries for most of a minute, and no input shortens that.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from hubtrust import signer_inputs
from hubtrust.dynamic.evidence_records import EvidenceRecordsProvider
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.vault_access import VaultAccessProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.faults.case_hub import CaseHub
from tests.faults.certificates import authority, declare, name
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.key_stores import Vault, vault

_KEY = "ca"


def address(case: CaseHub) -> str:
    """The key's address, in a vault with the hub's name."""
    return f"{Vault(case.azure, case.name).uri}/keys/{_KEY}"


def key(case: CaseHub) -> Declared:
    """A SigningKey, created where it does not exist."""
    return {"key": (SigningKeyProvider, {"signer": signer_inputs.in_key_vault(address(case)), "make": "ec-p256"})}


def access(case: CaseHub) -> Declared:
    """A VaultAccess, which waits for the right to use the vault's keys."""
    return {"access": (VaultAccessProvider, {"uri": Vault(case.azure, case.name).uri})}


def created(case: CaseHub) -> Mapping[str, Any]:
    """How many times the key was created, even if the answer was lost: each time makes a version."""
    calls = [entry for entry in case.log() if (entry["method"], entry["path"]) == ("POST", f"/keys/{_KEY}/create")]
    return {_KEY: sum((entry["effect"] if entry["fault"] else entry["status"]) == 200 for entry in calls)}


def proven_there(case: CaseHub) -> Declared:
    """A VerifiedCertificate whose key signs in the vault."""
    return {"ca": (VerifiedCertificateProvider, declare(case, 1, signer=signer_inputs.in_key_vault(address(case))))}


@functools.cache
def _proof(code: str) -> str:
    return authority(1).proof(code)


def records(case: CaseHub) -> Declared:
    """An EvidenceRecords with one proof to record, signed in the vault."""
    code, certificate = "4F2A91C0" * 6, authority(1).pem
    proof = {"code": code, "proof": _proof(code), "etag": "E1", "acceptedAt": "2026-11-30T03:19:06Z"}
    about = {"kind": "certificate", "service": case.hub.id, "certificateName": "plant-g1", "authority": "plant", "generation": 1}
    fact = about | {"certificate": certificate, "state": "verified", "proof": "possession", "etag": "E1", "proofs": [proof]}
    signers = [{"certificate": certificate, "signer": signer_inputs.in_key_vault(address(case))}]
    return {"log": (EvidenceRecordsProvider, {"stack": "organization/plant/dev", "facts": [json.dumps(fact)], "signers": signers})}


def recorded(case: CaseHub) -> Mapping[str, Any]:
    """How many records the log in the state has."""
    held = [known.created.outs["size"] for known in case.stack.resources.values()]
    return {"records": held[0]} if held else {}


def _empty(case: CaseHub) -> None:
    vault(case.azure, case.name)


def _filled(case: CaseHub) -> None:
    vault(case.azure, case.name).give(_KEY, authority(1).key)


SCENARIOS = (
    Scenario(
        resource="SigningKey",
        operation="first create, created in a vault",
        setup=_empty,
        declared=key,
        wanted=lambda _case: {_KEY: 1},
        found=created,
        permanent=False,
    ),
    Scenario(
        resource="SigningKey",
        operation="first create, found in a vault",
        setup=_filled,
        declared=key,
        wanted=lambda _case: {_KEY: 0},
        found=created,
        permanent=False,
    ),
    Scenario(
        resource="VaultAccess",
        operation="first create",
        setup=_empty,
        declared=access,
        wanted=lambda _case: {_KEY: 0},
        found=created,
        permanent=False,
    ),
    Scenario(
        resource="VerifiedCertificate",
        operation="first create, key in a vault",
        setup=_filled,
        declared=proven_there,
        wanted=lambda _case: {name(1): True},
        found=lambda case: case.hub.verified(),
        names=lambda _case: {name(1): "{first}"},
        permanent=False,
    ),
    Scenario(
        resource="EvidenceRecords",
        operation="first create, key in a vault",
        setup=_filled,
        declared=records,
        wanted=lambda _case: {"records": 1},
        found=recorded,
        permanent=False,
    ),
)
