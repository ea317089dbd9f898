"""Which api-versions Microsoft.Devices accepts, and the JSON of a certificate at each.

The versions are those of Microsoft's specifications, the files below `stable` and `preview` and the versions in `main.tsp`:
https://github.com/Azure/azure-rest-api-specs/tree/main/specification/iothub/resource-manager/Microsoft.Devices/IoTHub and
https://github.com/Azure/azure-rest-api-specs/tree/main/specification/deviceprovisioningservices/resource-manager/Microsoft.Devices .
`python -m docs.newer_sdks` compares them with the SDKs in the registry.

`certificate_shape` follows real recordings; the newest of each api-version counts, because Azure changes old versions too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from local_azure_iot.microsoft_devices.errors import Service

HUB_VERSIONS = tuple(
    (
        "2016-02-03 2017-01-19 2017-07-01 2018-01-22 2018-04-01 2018-12-01-preview 2019-03-22 2019-03-22-preview "
        "2019-07-01-preview 2019-11-04 2020-03-01 2020-04-01 2020-06-15 2020-07-10-preview 2020-08-01 2020-08-31 2020-08-31-preview "
        "2021-02-01-preview 2021-03-03-preview 2021-03-31 2021-07-01 2021-07-01-preview 2021-07-02 2021-07-02-preview "
        "2022-04-30-preview 2022-11-15-preview 2023-06-30 2023-06-30-preview 2025-08-01-preview 2026-03-01-preview "
        "2026-05-01-preview 2026-08-01-preview 2026-10-01-preview 2026-11-01"
    ).split()
)
PROVISIONING_VERSIONS = tuple(
    (
        "2017-08-21-preview 2017-11-15 2018-01-22 2020-01-01 2020-03-01 2020-09-01-preview 2021-10-15 2022-02-05 2022-12-12 "
        "2023-03-01-preview 2025-02-01-preview 2026-03-01-preview 2026-04-01 2026-06-01-preview 2026-08-01 2026-11-01"
    ).split()
)
CERTIFICATES_SINCE = {Service.HUB: "2017-07-01", Service.PROVISIONING: "2017-11-15"}


class Operation(StrEnum):
    """The operations whose answers contain a certificate."""

    PUT = "put"
    GENERATE_CODE = "generateVerificationCode"
    VERIFY = "verify"
    READ = "read"  # GET and list


_ALL = tuple(Operation)


@dataclass(frozen=True)
class CertificateShape:
    """The JSON of a certificate at one api-version."""

    text_in: tuple[Operation, ...] | None  # the answers whose `certificate` is its text (null in the others); None: no such member
    full_subject: bool  # the answer's subject is `CN=x` instead of `x`
    wrapped: bool  # a request's members are in `properties`


def certificate_shape(service: Service, version: str) -> CertificateShape:
    """The JSON of a certificate at an api-version of a service."""
    plain = version[:10]
    if service is Service.HUB:
        if plain < "2018-12":
            return CertificateShape(None, full_subject=True, wrapped=False)
        if plain == "2018-12-01":
            return CertificateShape((Operation.PUT,), full_subject=False, wrapped=False)
        if plain < "2021-03-31":
            return CertificateShape((Operation.GENERATE_CODE,), full_subject=False, wrapped=False)
        return CertificateShape(_ALL, full_subject=False, wrapped=True)
    if plain < "2018":
        return CertificateShape(None, full_subject=True, wrapped=False)
    return CertificateShape((Operation.GENERATE_CODE,), full_subject=False, wrapped=plain >= "2022-02-05")
