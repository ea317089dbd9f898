"""The status of a stack in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), for a textfile collector.

How many series there are is bounded, however many devices and certificates a stack has: what is left out is counted in a comment.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hubtrust.errors import shown
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.records import Authority, Service

if TYPE_CHECKING:
    from hubtrust.inventory.live import LiveService

MOST_AUTHORITIES, MOST_TRUSTS, MOST_SERVICES, MOST_DEVICES, MOST_GROUPS = 200, 500, 100, 50, 200  # series of a metric
_LONGEST = 300  # characters of a label's value
_SOON = (7, 30, 90)  # days
_Series = tuple[Mapping[str, str], float]


def text(inventory: Inventory, live: "Sequence[LiveService] | None") -> str:
    """All metrics; the last line ends with a line feed."""
    return "".join(f"{line}\n" for part in (_of_authorities, _of_services, _of_devices, _of_stack) for line in part(inventory)) + "".join(
        f"{line}\n" for line in _of_live(inventory, live)
    )


def label_value(value: str) -> str:
    r"""A label's value as the format wants it: `\`, `"` and a line feed are escaped. What can't be seen is an escape already."""
    return shown(value, _LONGEST).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _metric(name: str, help_: str, series: Iterable[_Series], most: int = 1) -> Iterator[str]:
    """A gauge. Of two series with the same labels, as after an interrupted run, the last one counts."""
    unique = {tuple(labels.items()): value for labels, value in series}
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} gauge"
    if name.endswith("_seconds"):
        yield f"# UNIT {name} seconds"
    for labels, value in list(unique.items())[:most]:
        yield f"{name}{_labels(labels)} {value:.17g}"
    if len(unique) > most:
        yield f"# {len(unique) - most} more of {name} are left out: at most {most} are written"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    shown_ = ",".join(f'{name}="{label_value(value)}"' for name, value in labels)
    return f"{{{shown_}}}" if shown_ else ""


def _of_authorities(inventory: Inventory) -> Iterator[str]:
    soonest = sorted(inventory.authorities, key=lambda one: one.not_after)
    yield from _metric(
        "hubtrust_certificate_not_after_timestamp_seconds",
        "When a CA certificate ends.",
        ((_labels_of(inventory, one), one.not_after.timestamp()) for one in soonest),
        MOST_AUTHORITIES,
    )
    yield from _metric(
        "hubtrust_certificate_renewal_timestamp_seconds",
        "From when a run renews a CA certificate with the same key; none for a CA from elsewhere.",
        ((_labels_of(inventory, one), one.renew_at.timestamp()) for one in soonest if one.renew_at),
        MOST_AUTHORITIES,
    )


def _labels_of(inventory: Inventory, one: Authority) -> dict[str, str]:
    return {
        "stack": inventory.stack,
        "kind": one.kind,
        "subject": one.subject,
        "sha256": one.sha256,
        "authority": one.authority or "",
        "generation": str(one.generation or ""),
        "custody": one.key_custody or "",
    }


def _of_services(inventory: Inventory) -> Iterator[str]:
    yield from _metric(
        "hubtrust_certificate_trusted_info",
        "A certificate that a hub or provisioning service has, with its state and how it was proven, as the stack's state says; always 1.",
        _trusts(inventory),
        MOST_TRUSTS,
    )
    devices = [(one, status) for one in inventory.services if one.kind == "hub" for status in ("enabled", "disabled")]
    yield from _metric(
        "hubtrust_devices",
        "Devices that the stack declares on a hub.",
        ((_of_service(inventory, one) | {"status": status}, getattr(one.devices, status)) for one, status in devices),
        MOST_SERVICES * 2,
    )
    enrollments: Counter[tuple[str, str]] = Counter()
    for service in inventory.services:
        for one in service.enrollments:
            enrollments[service.id, one.kind] += one.count
    by_id = {one.id: one for one in inventory.services}
    yield from _metric(
        "hubtrust_enrollments",
        "Enrollments that the stack declares at a provisioning service, by kind; a fleet counts each of its enrollments.",
        ((_of_service(inventory, by_id[id_]) | {"kind": kind}, count) for (id_, kind), count in enrollments.items()),
        MOST_GROUPS,
    )


def _trusts(inventory: Inventory) -> Iterator[_Series]:
    for service in inventory.services:
        for one in service.trusts:
            labels = _of_service(inventory, service) | {
                "certificate": one.certificate_name,
                "sha256": one.certificate or "",
                "state": one.state or "",
                "proof": one.proof or "",
            }
            yield labels, 1


def _of_service(inventory: Inventory, service: Service) -> dict[str, str]:
    return {"stack": inventory.stack, "service": service.name, "service_kind": service.kind, "service_id": service.id}


def _of_devices(inventory: Inventory) -> Iterator[str]:
    found, stack = inventory.device_certificates, {"stack": inventory.stack}
    yield from _metric("hubtrust_device_certificates", "Device certificates that the stack's state has.", [(stack, found.count)])
    last = {days: (inventory.at + timedelta(days=days)).strftime("%Y-%m-%d") for days in _SOON}
    yield from _metric(
        "hubtrust_device_certificates_ending",
        "Device certificates that end within so many days, or have ended; by whole days.",
        ((stack | {"within": f"{days}d"}, sum(one.count for one in found.ends_by if one.date <= last[days])) for days in _SOON),
        len(_SOON),
    )
    yield from _metric(
        "hubtrust_device_certificate_not_after_timestamp_seconds",
        f"When a device's certificate ends, for the {MOST_DEVICES} devices whose certificates end first.",
        ((stack | {"device": one.device_id, "issuer": one.issuer or ""}, one.not_after.timestamp()) for one in found.named[:MOST_DEVICES]),
        MOST_DEVICES,
    )


def _of_stack(inventory: Inventory) -> Iterator[str]:
    stack = {"stack": inventory.stack}
    if (log := inventory.evidence) is not None:
        yield from _metric("hubtrust_evidence_records", "Records of the stack's evidence log.", [(stack, log.size)])
        help_ = "1 if an audit of the evidence log found nothing wrong."
        yield from _metric("hubtrust_evidence_confirmed", help_, [(stack, log.is_confirmed)])
    yield from _metric("hubtrust_due", "What is due in the next 90 days.", [(stack, len(inventory.due))])
    yield from _metric(
        "hubtrust_unseen", "What the inventory could not see; `hubtrust status` names each.", [(stack, len(inventory.unseen))]
    )
    yield from _metric("hubtrust_inventory_timestamp_seconds", "When this inventory was taken.", [(stack, _whole(inventory.at))])


def _whole(moment: datetime) -> float:
    return int(moment.timestamp())


def _of_live(inventory: Inventory, live: "Sequence[LiveService] | None") -> Iterator[str]:
    if live is None:
        return
    by_id = {one.id: one for one in inventory.services}
    yield from _metric(
        "hubtrust_live_seen",
        "Whether Azure could be asked what a hub or provisioning service trusts now.",
        ((_of_service(inventory, by_id[one.service]), one.unseen is None) for one in live),
        MOST_SERVICES,
    )
    yield from _metric(
        "hubtrust_live_differences",
        "Certificates in Azure that differ from the stack's state; none where Azure could not be asked.",
        ((_of_service(inventory, by_id[one.service]), one.differences) for one in live if one.unseen is None),
        MOST_SERVICES,
    )
