"""Who asks to be registered: a device at a provisioning service, by the certificates or the signature that it sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from local_azure_iot import dated_versions
from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge import names
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from OpenSSL import crypto

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_FIRST_VERSION = date(2017, 8, 31)  # of the devices' API: `2017-08-31-preview`


@dataclass(frozen=True)
class Registrant:
    """A device that asks a provisioning service which hub is its own."""

    service_key: str  # in the store
    service: Document
    registration_id: str  # as the device wrote it; case is ignored
    chain: list[crypto.X509] = field(default_factory=list)  # what it sent in TLS, its own first; nobody has verified it
    client: str = ""  # its IP address
    signature: str = ""  # a shared access signature; empty: it comes by its certificates


def find_service(azure: Azure, cloud: str, id_scope: str, name: str = "") -> tuple[str, Document] | None:
    """The store key of the service with this id scope, and the service itself; None: there is none.

    ``name``: of the service whose own host name the device uses; the scope must be that one's. Empty: at the name that all use.
    """
    stored = azure.store.list(lifecycle.PROVISIONING.document)
    wanted = [
        each for each in stored if each["idScope"] == id_scope and each["cloud"] == cloud and name.lower() in {"", each["name"].lower()}
    ]
    found = lifecycle.find_by_name(azure, cloud, lifecycle.PROVISIONING, wanted[0]["name"]) if wanted else None
    return found if found and lifecycle.state(found[1])[0] != "Activating" else None


def is_known_version(version: str, today: date) -> bool:
    """Whether a device may ask for an api-version."""
    return dated_versions.is_known(version, _FIRST_VERSION, today)


def name_refusal(registrant: Registrant) -> str:
    """Why the certificate that it sent is not its own: another common name than the registration id, ignoring case. Empty: it is."""
    if not registrant.chain:
        return ""
    try:
        found = certificates.read_sent(registrant.chain[0]).subject.common_names
    except certificates.UnreadableError as error:
        return f"its certificate can't be read: {error}"
    if [each.lower() for each in found] == [registrant.registration_id.lower()]:
        return ""
    shown = f"'{', '.join(map(names.escaped, found))}'" if found else "none"
    return f"the common name of its certificate is {shown}, and the registration id is '{registrant.registration_id[:200]}'"


def thumbprint(registrant: Registrant) -> str:
    """The SHA-256 of the certificate that it comes with, upper-case hex; empty: it comes with a signature, or with nothing to read."""
    if registrant.signature or not registrant.chain:
        return ""
    try:
        return certificates.read_sent(registrant.chain[0]).thumbprints[1]
    except certificates.UnreadableError:
        return ""
