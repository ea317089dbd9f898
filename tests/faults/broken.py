"""Providers that break a promise each: the sweep must notice."""

from typing import Any

from hubtrust.dynamic.lifecycle import Properties
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.errors import HubtrustError


class Littering(VerifiedCertificateProvider):
    """Says that it deleted, and did not."""

    def on_delete(self, id_: str, olds: Properties) -> None:
        """Nothing."""


class Babbling(VerifiedCertificateProvider):
    """Shows a traceback where one line was promised."""

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Fail in many lines."""
        try:
            return super().on_create(news)
        except HubtrustError as error:
            raise ValueError("it failed\nand nobody knows what to do") from error


class Hasty(VerifiedCertificateProvider):
    """Deletes the old one before the new one is proven."""

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Delete whatever stands, then make."""
        from hubtrust.azure.certificates import Certificates, service
        from hubtrust.dynamic.verified_certificate import _door

        with _door(news) as door:
            certificates = Certificates(door, service(str(news["serviceId"])))
            for name in certificates.names():
                found = certificates.get(name)
                if found is not None:
                    certificates.delete(name, etag=found.etag)
        return super().on_create(news)
