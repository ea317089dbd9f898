"""Device certificates per second from given requests, compared with `cryptography` alone doing the same work.

    python -m benchmarks.leaves [--requests 2000]

Processor seconds of one core, best of three: reading the request, checking its signature, signing the certificate,
checking it against its issuer, writing it as PEM.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hubtrust.dynamic.issued_batch import IssuedBatchInputs, sign_missing
from hubtrust.pki import issue
from hubtrust.pki.certificate import pem
from hubtrust.pki.signers import KeyInMemory

if TYPE_CHECKING:
    from collections.abc import Callable

_PEM = serialization.Encoding.PEM


def bare(authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, requests: list[str]) -> list[str]:
    """The same profile, written directly with `cryptography`."""
    start, made = datetime.now(UTC).replace(microsecond=0), []
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    for text in requests:
        request = x509.load_pem_x509_csr(text.encode())
        assert request.is_signature_valid
        name = str(request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        public: Any = request.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(authority.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(issue._DEVICE_USAGE, critical=True)  # noqa: SLF001 - the same extensions, so that the work is the same
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        signed = builder.sign(key, hashes.SHA256())
        signed.verify_directly_issued_by(authority)
        made.append(signed.public_bytes(_PEM).decode())
    return made


def batch(news: dict[str, Any]) -> list[str]:
    """What IssuedBatch's provider does, without the question to Azure for its time."""
    issuances = IssuedBatchInputs.read(news).issuances()
    return [pem(one) for one in sign_missing(issuances, [None] * len(issuances))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    count = parser.parse_args().requests
    key = ec.generate_private_key(ec.SECP256R1())
    signer, subject = KeyInMemory(key), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench")])
    validity = issue.Validity.lasting(timedelta(days=3650), now=datetime.now(UTC))
    authority = issue.root(signer, subject=subject, validity=validity, path_length=0, serial=1)
    requests = []
    for number in range(count):
        device = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"press-{number:06}")])
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(device).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        )
        requests.append(request.public_bytes(_PEM).decode())
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    news = {
        "requests": "".join(requests),
        "issuerCertificate": authority.public_bytes(_PEM).decode(),
        "signer": {"custody": "state", "privateKey": private},
    }
    works: dict[str, Callable[[], object]] = {
        "cryptography": lambda: bare(x509.load_der_x509_certificate(authority.der), key, requests),
        "IssuedBatch": lambda: batch(news),
    }
    best = dict.fromkeys(works, 0.0)
    for _ in range(3):
        for name, work in works.items():
            began = time.process_time()
            work()
            best[name] = max(best[name], count / (time.process_time() - began))
    print("leaf certificates per second, from requests")
    for name, rate in best.items():
        print(f"{name:14}{rate:8.0f}")
    print(f"ratio {best['IssuedBatch'] / best['cryptography']:.2f} (target: at least 0.60)")


if __name__ == "__main__":
    main()
