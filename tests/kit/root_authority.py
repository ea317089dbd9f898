"""Root CAs for tests, valid today, and the inputs that declare them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hubtrust.pki import issue
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.signers import KeyInMemory
from tests.kit.authorities import ec_key, name, parsed, pem_of, private_pem
from tests.kit.local_azure import Hub
from tests.kit.relay import Relay


class RootAuthority:
    """A self-signed CA with its key."""

    def __init__(self, subject: str = "Plant A", key: Any = None) -> None:
        self.key = key or ec_key()
        validity = issue.Validity.lasting(timedelta(days=3650), now=datetime.now(UTC), backdate=timedelta(days=30))
        self.signer = KeyInMemory(self.key)
        serial = x509.random_serial_number()
        self.certificate = issue.root(self.signer, subject=name(subject), validity=validity, path_length=0, serial=serial)
        self.pem = pem_of(self.certificate)
        self.private_pem = private_pem(self.key)

    @property
    def thumbprint(self) -> str:
        """As Azure shows it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Azure's name for it

    def proof(self, code: str, *, days_ago: int = 0) -> str:
        """The proof for ``code``, as an offline ceremony creates it."""
        created = proof_of_possession(
            issue.Issuer(self.certificate, self.signer),
            code=code,
            public_key=ec_key().public_key(),
            now=datetime.now(UTC) - timedelta(days=days_ago),
            serial=7,
        )
        return pem_of(created)

    def signed(self, proof: str, code: str) -> bool:
        """Whether ``proof`` is a certificate for ``code`` that this authority signed."""
        given = x509.load_pem_x509_certificate(proof.encode())
        given.verify_directly_issued_by(parsed(self.certificate))  # raises if it is not
        return given.subject.rfc4514_string() == f"CN={code}"

    def declared(self, hub: Hub, relay: Relay, **changes: Any) -> dict[str, Any]:
        """The inputs of a VerifiedCertificate, through the relay; None omits an input."""
        news = {
            "serviceId": hub.id,
            "certificate": self.pem,
            "name": "plant-a",
            "signer": {"custody": "state", "privateKey": self.private_pem},
            "cloud": relay.url,
            "deadline": 90,
        }
        return {name: value for name, value in (news | changes).items() if value is not None}
