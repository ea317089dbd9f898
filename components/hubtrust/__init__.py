"""hubtrust: Pulumi components that make an Azure IoT hub trust a CA by proof of possession of its key.

Everything that a program needs is imported from here; a name's module is loaded when the name is first used (PEP 562), so that a
provider process, which imports one module of this package, does not load azure-native with it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubtrust.authority import CertificateAuthority
    from hubtrust.authority_keys import InKeyVault, InToken
    from hubtrust.authority_source import Generate, Import, Request, Trust
    from hubtrust.device import TrustedDevice
    from hubtrust.devices.roster import Roster
    from hubtrust.devices.roster_files import from_csv, from_ids, from_json_lines, from_pattern
    from hubtrust.dynamic.authority_generation import AuthorityGeneration
    from hubtrust.dynamic.connection_check import ConnectionCheck
    from hubtrust.dynamic.device_fleet import DeviceFleet
    from hubtrust.dynamic.device_identity import DeviceIdentity
    from hubtrust.dynamic.issued_batch import IssuedBatch
    from hubtrust.dynamic.issued_certificate import IssuedCertificate
    from hubtrust.dynamic.signing_key import SigningKey
    from hubtrust.dynamic.verified_certificate import VerifiedCertificate
    from hubtrust.errors import HubtrustError
    from hubtrust.fleet import TrustedFleet
    from hubtrust.hub import HubSettings, TrustedHub
    from hubtrust.pki.keys import KeyAlgorithm
    from hubtrust.retention import retain_everything

__all__ = [
    "AuthorityGeneration",
    "CertificateAuthority",
    "ConnectionCheck",
    "DeviceFleet",
    "DeviceIdentity",
    "Generate",
    "HubSettings",
    "HubtrustError",
    "Import",
    "InKeyVault",
    "InToken",
    "IssuedBatch",
    "IssuedCertificate",
    "KeyAlgorithm",
    "Request",
    "Roster",
    "SigningKey",
    "Trust",
    "TrustedDevice",
    "TrustedFleet",
    "TrustedHub",
    "VerifiedCertificate",
    "from_csv",
    "from_ids",
    "from_json_lines",
    "from_pattern",
    "retain_everything",
]

# The imports above once more, for run time; a test holds the two to each other.
_MODULES = {
    "authority": ("CertificateAuthority",),
    "authority_keys": ("InKeyVault", "InToken"),
    "authority_source": ("Generate", "Import", "Request", "Trust"),
    "device": ("TrustedDevice",),
    "devices.roster": ("Roster",),
    "devices.roster_files": ("from_csv", "from_ids", "from_json_lines", "from_pattern"),
    "dynamic.authority_generation": ("AuthorityGeneration",),
    "dynamic.connection_check": ("ConnectionCheck",),
    "dynamic.device_fleet": ("DeviceFleet",),
    "dynamic.device_identity": ("DeviceIdentity",),
    "dynamic.issued_batch": ("IssuedBatch",),
    "dynamic.issued_certificate": ("IssuedCertificate",),
    "dynamic.signing_key": ("SigningKey",),
    "dynamic.verified_certificate": ("VerifiedCertificate",),
    "errors": ("HubtrustError",),
    "fleet": ("TrustedFleet",),
    "hub": ("HubSettings", "TrustedHub"),
    "pki.keys": ("KeyAlgorithm",),
    "retention": ("retain_everything",),
}

if not TYPE_CHECKING:  # a type checker knows the names by their imports, and must refuse others
    _MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'hubtrust' has no attribute '{name}'")
        import importlib

        return getattr(importlib.import_module(f"hubtrust.{_MODULE_OF[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
