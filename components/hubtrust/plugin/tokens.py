"""The custom resources that the plugin serves, by their tokens. Each one's module is loaded when it is first used: a start must be fast."""

import functools
import importlib
from typing import TYPE_CHECKING, Any

from hubtrust import shell
from hubtrust.reconcile_errors import DeclarationError
from hubtrust.version import plugin_version

if TYPE_CHECKING:
    from hubtrust.dynamic.contract import Contract
    from hubtrust.dynamic.lifecycle import Reconciled

MODULES = {
    "AuthorityGeneration": "authority_generation",
    "AuthorityRequest": "authority_request",
    "ConnectionCheck": "connection_check",
    "DeviceFleet": "device_fleet",
    "DeviceIdentity": "device_identity",
    "EnrollmentFleetEntries": "enrollment_fleet",
    "EnrollmentGroupEntry": "enrollment_group",
    "EvidenceRecords": "evidence_records",
    "HubOwner": "hub_owner",
    "IndividualEnrollmentEntry": "individual_enrollment",
    "IssuedBatch": "issued_batch",
    "IssuedCertificate": "issued_certificate",
    "LinkPolicy": "link_policy",
    "ModuleIdentity": "module_identity",
    "PossessionProof": "possession_proof",
    "SigningKey": "signing_key",
    "VaultAccess": "vault_access",
    "VerifiedCertificate": "verified_certificate",
}
"""The custom resources' names, and their modules in ``hubtrust.dynamic``."""


def resource(name: str) -> "type[Reconciled]":
    """The class of a custom resource."""
    found: type[Reconciled] = getattr(importlib.import_module(f"hubtrust.dynamic.{MODULES[name]}"), name)
    return found


@functools.cache
def contract(urn_type: str) -> "Contract[Any]":
    """The lifecycle of the custom resources of a type, such as `hubtrust:index:DeviceIdentity`.

    Raises:
        DeclarationError: there are none of this type.
    """
    name = urn_type.rpartition(":")[2]
    # An engine may name a resource that moves here by the type that it had.
    if name not in MODULES or urn_type not in {shell.token(name), shell.dynamic_type(name)}:
        known = f"use one of {', '.join(MODULES)}"
        raise DeclarationError(urn_type, f"hubtrust {plugin_version()} has no such resource", known)
    return resource(name).provider()
