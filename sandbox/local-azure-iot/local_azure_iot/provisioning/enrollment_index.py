"""Which enrollments have a certificate, or refer to one: found without reading all enrollments, of which there may be a million."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from local_azure_iot.judge import certificate as certificates
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_MOST = 1000  # enrollments with the same certificate that are looked at


def with_certificate(azure: Azure, service_key: str, kind: str, thumbprint: str) -> list[str]:
    """The ids of the enrollments that have this certificate, by its SHA-256 in upper-case hex; ``kind``: the store's. Disabled ones too."""
    return _found(azure, service_key, kind, f"sha256 {thumbprint}")


def with_reference(azure: Azure, service_key: str, kind: str, name: str) -> list[str]:
    """The ids of the enrollments that refer to the service's certificate of this name, in any case; ``kind``: the store's."""
    return _found(azure, service_key, kind, f"name {name.lower()}")


def follow(azure: Azure, service_key: str, kind: str, before: Document | None, after: Document | None) -> None:
    """An enrollment was created (``before`` is None), changed, or deleted (``after`` is None)."""
    old, new = (_marks(each) if each else set() for each in (before, after))
    enrollment_id = str((after or before or {})["id"])
    for mark in old - new:
        azure.store.delete(lifecycle.ENROLLMENT_MARK, _key(service_key, kind, mark, enrollment_id))
    for mark in new - old:
        azure.store.put(lifecycle.ENROLLMENT_MARK, _key(service_key, kind, mark, enrollment_id), {"id": enrollment_id})


def _found(azure: Azure, service_key: str, kind: str, mark: str) -> list[str]:
    return [row["id"] for _, row in azure.store.page(lifecycle.ENROLLMENT_MARK, _key(service_key, kind, mark, ""), "", _MOST)]


def _marks(enrollment: Document) -> set[str]:
    references = (enrollment["record"]["attestation"].get("x509") or {}).get("caReferences") or {}
    read = (certificates.read(base64.b64decode(text)) for text in enrollment["certificates"].values())
    return {f"name {str(name).lower()}" for name in references.values()} | {f"sha256 {each.thumbprints[1]}" for each in read}


def _key(service_key: str, kind: str, mark: str, enrollment_id: str) -> str:
    return f"{service_key}/{kind}/{mark}/{enrollment_id.lower()}"
