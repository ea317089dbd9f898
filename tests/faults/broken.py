"""Providers that each break one guarantee. The sweep must notice."""

from typing import Any

from hubtrust.azure.certificates import Certificates
from hubtrust.certificates.declaration import CertificateInputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.errors import HubtrustError
from hubtrust.inputs import Properties


class Littering(VerifiedCertificateProvider):
    """Reports a deletion that it did not make."""

    def on_delete(self, id_: str, olds: Properties) -> None:
        """Nothing."""


class Babbling(VerifiedCertificateProvider):
    """Fails with several lines instead of one."""

    def on_create(self, news: CertificateInputs) -> tuple[str, dict[str, Any]]:
        """Fail with several lines."""
        try:
            return super().on_create(news)
        except HubtrustError as error:
            raise ValueError("it failed\nand does not say what to do next") from error


class Hasty(VerifiedCertificateProvider):
    """Deletes the old certificate before the new one is verified."""

    def on_create(self, news: CertificateInputs) -> tuple[str, dict[str, Any]]:
        """Delete every certificate, then create."""
        with news.resource_manager() as client:
            certificates = Certificates(client, news.service_id)
            for name in certificates.names():
                found = certificates.get(name)
                if found is not None:
                    certificates.delete(name, etag=found.etag)
        return super().on_create(news)


class Boasting(VerifiedCertificateProvider):
    """Calls every verified certificate proven."""

    def on_create(self, news: CertificateInputs) -> tuple[str, dict[str, Any]]:
        """Claim possession, with the evidence of nothing."""
        id_, outs = super().on_create(news)
        return id_, outs | {"proof": "possession", "provenEtag": "another"}
