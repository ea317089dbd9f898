"""What both kinds of enrollments have in common as resources: their outputs, and how each run reads and writes them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import pulumi

from hubtrust.azure.enrollment_service import GROUPS, INDIVIDUALS, Enrollment, EnrollmentService, Kind
from hubtrust.azure.errors import NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.dynamic import adopted, enrolled_devices, handed_over, import_ids, imported, service_endpoint
from hubtrust.dynamic.enrollment_inputs import EnrollmentInputs, named, record_as_inputs
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciler
from hubtrust.dynamic.service_inputs import ServiceInputs, ServiceOutputs
from hubtrust.dynamic.twin_documents import managed_text, recorded_documents
from hubtrust.enrollments import checks, holders
from hubtrust.enrollments.description import REFERENCES, Attestation, EnrollmentDescription, found_attestation, found_parts, undeclared
from hubtrust.enrollments.reconcile import EnrollmentReconciliation, same_moment
from hubtrust.inputs import Properties, wire_names
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

AnyEnrollment = TypeVar("AnyEnrollment", bound=EnrollmentInputs)


class EnrollmentOutputs(ServiceOutputs):
    """The outputs of both kinds of enrollments: what Azure has of each declared part."""

    attestation: pulumi.Output[str]
    """Azure's name of how its devices prove who they are, such as `caReferences`."""
    thumbprints: pulumi.Output[list[str] | None]
    """SHA-256 of its certificates, upper-case hex; None where it refers to certificates of the service."""
    status: pulumi.Output[str]
    """`enabled` or `disabled`."""
    edge: pulumi.Output[bool]
    """Whether its devices are IoT Edge devices."""
    hubs: pulumi.Output[list[str] | None]
    """The host names of its hubs, in lower case."""
    allocation: pulumi.Output[str | None]
    """How a device's hub is chosen."""
    webhook_digest: pulumi.Output[str | None]
    """Of the webhook and its version: a change shows, and the URL is not in the state."""
    reprovision: pulumi.Output[str | None]
    """What becomes of a device that registers again."""
    tags: pulumi.Output[str | None]
    """The tags of its initial twin, JSON text."""
    desired: pulumi.Output[str | None]
    """The desired properties of its initial twin, JSON text."""
    etag: pulumi.Output[str]
    """Changes with each write."""
    created: pulumi.Output[str]
    """When Azure created it; empty after a refresh that found one of this id that others made in its place."""
    revoke_devices: pulumi.Output[bool | None]
    """Whether devices that came by it are disabled with it, as declared."""
    revoked: pulumi.Output[float | None]
    """How many devices that came by it are disabled on their hubs, while it is disabled."""
    left: pulumi.Output[list[str] | None]
    """Devices that came by it and are enabled although it is disabled, each with the reason; at most 100 of them."""
    skip: pulumi.Output[str | None]
    """Why it was not written in the last run; None if it was."""
    unread: pulumi.Output[str | None]
    """Why the last refresh could not read it, so that the next `up` reads and writes it; None if it was read."""
    imported: pulumi.Output[str | None]
    """`unknown` after an import, until a run writes it: nobody says who made it."""
    adopted: pulumi.Output[bool | None]
    """Whether it was taken over from others with ``adopt``."""


def _is_written(olds: Properties) -> bool:
    """Whether some run has written it: all of them may have been skipped."""
    return bool(olds.get("attestation"))


_TEXTS = {"tags", "desired"}
_NAMES = {"webhook": "webhookDigest"}  # of parts whose output has another name
_OPTIONAL = ("hubs", "allocation", "webhook", "reprovision", "tags", "desired", "deviceId")


def recorded_parts(olds: Properties) -> dict[str, Any]:
    """What the last run declared, as Azure had it then or at the last refresh: in the form of ``EnrollmentDescription.parts``."""
    kind = str(olds.get("attestation"))
    held = olds.get("caReferences") if kind == REFERENCES else olds.get("thumbprints")
    parts = {
        "attestation": Attestation(kind, tuple(held)).part if held else [kind],
        "enabled": olds.get("status") != "disabled",
        "edge": bool(olds.get("edge")),
    }
    documents = recorded_documents(olds)
    for name in _OPTIONAL:
        value = documents.get(name) if name in _TEXTS else olds.get(_NAMES.get(name, name))
        if value is not None:
            parts[name] = value
    return parts


def outputs_of(properties: Properties, found: Enrollment, declared: Collection[str]) -> dict[str, Any]:
    """The outputs: of the parts that are ``declared``, what Azure has."""
    attestation, parts = found_attestation(found.record), found_parts(found.record)
    is_reference = attestation is not None and attestation.kind == REFERENCES
    held = list(attestation.held) if attestation else None
    shown = {name: parts[name] for name in _OPTIONAL if name in declared}
    return {name: properties.get(name) for name in wire_names(ServiceInputs, "kept")} | {
        "attestation": attestation.kind if attestation else str(found.record["attestation"].get("type")),
        "thumbprints": None if is_reference else held,
        "status": "enabled" if parts["enabled"] else "disabled",
        "edge": parts["edge"],
        **{_NAMES.get(name, name): value for name, value in shown.items() if name not in _TEXTS},
        **{name: managed_text(shown[name], tuple(shown[name])) or "{}" for name in _TEXTS if name in shown},
        "etag": found.etag,
        "created": found.created,
        **({"caReferences": held if is_reference else None} if found.kind is GROUPS else {}),
    }


class EnrollmentProvider(Reconciler[AnyEnrollment], Generic[AnyEnrollment]):
    """Creates, updates and deletes an enrollment. Each call reads it first, and sends the etag that it read."""

    inputs, results = EnrollmentInputs, EnrollmentOutputs  # type: ignore[assignment] # each kind has its own
    steady_outputs = frozenset({"hostName"})
    id_output: ClassVar[str]  # the wire name of its id

    @property
    def kind(self) -> Kind:
        """Which enrollments."""
        return self.inputs.kind

    def on_check(self, _olds: Properties, news: AnyEnrollment) -> None:
        """See ``EnrollmentInputs.require_consistent``."""
        news.require_consistent()

    def on_diff(self, olds: Properties, news: AnyEnrollment) -> Change:
        """Another service or another id is another enrollment, so a replacement; every other change is an update."""
        replaces = news.changes_that_replace(olds)
        if replaces:
            holders.note_replaced(str(olds["serviceId"]), self.kind, str(olds[self.id_output]))
        return Change(replaces, updates=bool(news.unknown) or self._differs(olds, news))

    @staticmethod
    def _differs(olds: Properties, news: AnyEnrollment) -> bool:
        if news.skip or olds.get("skip"):
            return news.skip != olds.get("skip")
        held, wanted = recorded_parts(olds), news.description.parts
        same = all(held.get(name) == value for name, value in wanted.items())
        dropped = any(name not in wanted and not undeclared(name, value) for name, value in held.items())
        dropped = dropped and not imported.is_imported(olds)  # nothing of what was imported was declared
        devices = enrolled_devices.differ(olds, disabled=not news.terms.enabled, revoke=news.revoke_devices)
        return not same or dropped or devices or news.moved(olds) or not olds.get("created") or bool(olds.get("unread"))

    def on_create(self, news: AnyEnrollment) -> tuple[str, dict[str, Any]]:
        """Create the enrollment. One that is there as it is declared is what an interrupted run has left."""
        outs = self._skipped(news, {}) if news.skip else self._reconcile(news, {})
        return f"{outs['hostName']}/{self.kind.path}/{news.id}", outs

    def on_update(self, _id: str, olds: Properties, news: AnyEnrollment) -> dict[str, Any]:
        """Read the enrollment and write what differs. One that no run has written yet is created."""
        return self._skipped(news, olds) if news.skip else self._reconcile(news, olds if _is_written(olds) else {})

    def _skipped(self, news: AnyEnrollment, olds: Properties) -> dict[str, Any]:
        """The outputs of the last run that wrote it; without one, only where it is to be."""
        host = news.resolve_host_name()
        show_message(f"{named(self.kind, news.id, host)} is not written: {news.skip}")
        place = {name: news.given.get(name) for name in wire_names(ServiceInputs, "kept")} | {"hostName": host, self.id_output: news.id}
        return {**(olds if _is_written(olds) else place), "skip": news.skip}

    def _reconcile(self, news: AnyEnrollment, olds: Properties) -> dict[str, Any]:
        wanted, host = news.description, news.resolve_host_name()
        known, what, existing = replace(news, host_name=host), named(self.kind, news.id, host), list[str]()
        taken = list[bool]()

        def found_first() -> None:
            if not olds:
                existing.append(self._path(news.id))
                handed_over.note_found(host, existing)

        with known.open_enrollments() as service:
            reconciliation = EnrollmentReconciliation(
                service,
                self.kind,
                news.id,
                what,
                created=str(olds.get("created") or ""),
                adopt=news.adopt,
                last=recorded_parts(olds) if olds and not imported.is_imported(olds) else None,
                require=lambda found: self._require(known, service, wanted, found),
                found_first=found_first,
                taken_over=lambda: taken.append(True),
                report=show_message,
            )
            found = reconciliation.apply(wanted)
            about = enrolled_devices.after_write(
                known, service, found, olds, what=what, revoke=news.revoke_devices, was_there=bool(existing)
            )
            if self.kind is INDIVIDUALS and wanted.terms.enabled:
                before = olds.get("thumbprints") or ()
                enrolled_devices.tell_to_register(known, service, news.id, before, wanted.attestation.held, what)
        outs = outputs_of({**news.given, "hostName": host}, found, wanted.parts)
        about |= {"adopted": adopted.of_one(olds, taken=bool(taken)), "revokeDevices": news.given.get("revokeDevices")}
        return {**outs, **about, self.id_output: news.id}

    def _require(self, news: AnyEnrollment, service: EnrollmentService, wanted: EnrollmentDescription, found: Enrollment | None) -> None:
        """See ``checks``."""
        record, what = found.record if found else None, named(self.kind, news.id, service.host)
        moment = service.time or now()
        checks.require_admissible(what, news.service_id, wanted, record, facts=news.facts, above=news.above, now=moment)
        checks.claim(service, news.service_id, (self.kind, news.id), what, wanted, record, facts=news.facts)

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Read the enrollment, so that a refresh shows changes by others, another one of this id, and a deletion."""
        known, id_ = ServiceInputs.read(olds), str(olds[self.id_output])
        if olds.get("skip"):
            return dict(olds)
        try:
            with known.open_enrollments(reading=True, refreshing=True) as service:
                found = service.find(self.kind, id_)
                about = enrolled_devices.at_refresh(known, service, found, olds) if found else {}
        except NotAdmittedError as error:
            if known.is_gone():
                return None
            return service_endpoint.unread(named(self.kind, id_, str(olds["hostName"])), olds, error)
        except (NotFoundError, UnreachableError):
            if known.is_gone():
                return None
            raise
        if found is None:
            return None
        outs = {**outputs_of(olds, found, recorded_parts(olds)), **about, self.id_output: id_}
        outs |= {name: olds.get(name) for name in ("revokeDevices", "imported", "adopted")}
        return outs if same_moment(found.created, str(olds.get("created"))) else {**outs, "created": ""}

    def on_import(self, id_: str, _owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. Azure gives no certificates back, so the inputs lack those that it has."""
        given = read_import_id(id_, import_ids.GROUP if self.kind is GROUPS else import_ids.INDIVIDUAL, "serviceId")
        service = ServiceInputs.read(given.place)
        host = service.resolve_host_name()
        with replace(service, host_name=host).open_enrollments(reading=True) as client:
            found = client.find(self.kind, given.names[0])
        if found is None:
            return None
        what, attestation = named(self.kind, found.id, host), found_attestation(found.record)
        if attestation is None:
            kind = found.record["attestation"].get("type")
            fact = f"its attestation is {kind!r}, and a resource declares certificates only, so a run would remove its keys"
            raise DeclarationError(what, fact, "give it certificates first, or leave it to whoever has its keys")
        inputs = {**given.place, self.id_output: found.id, **record_as_inputs(found.record)}
        if attestation.kind == REFERENCES:
            inputs["caReferences"] = list(attestation.held)
        else:
            name = "signingCertificates" if self.kind is GROUPS else "certificates"
            show_message(f"{what} is imported without its certificates, which Azure does not give back: set {name} in the program")
        parts = [name for name, value in found_parts(found.record).items() if not undeclared(name, value)]
        outs = outputs_of({**given.place, "hostName": host}, found, [name for name in parts if name != "deviceId" or name in inputs])
        outs |= {self.id_output: found.id, "imported": imported.UNKNOWN}
        return Imported(f"{host}/{self.kind.path}/{found.id}", inputs, outs)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete the enrollment. It is kept if it is not the one of the last run, or if another resource has taken it over in this run."""
        known, id_, host = ServiceInputs.read(olds), str(olds[self.id_output]), str(olds["hostName"])
        what = named(self.kind, id_, host)
        if not _is_written(olds):
            return
        if handed_over.is_handed_over(host, self._path(id_)):
            show_message(f"{what}: another resource has taken it over in this run, so it is kept")
            return
        try:
            with known.open_enrollments(reading=True) as service:
                reconciliation = EnrollmentReconciliation(
                    service, self.kind, id_, what, created=str(olds.get("created") or ""), report=show_message
                )
                is_gone = reconciliation.delete()
        except (NotFoundError, UnreachableError, NotAdmittedError):
            if not known.is_gone():
                raise
            return
        if is_gone:
            show_message(f"{what} is gone; devices that registered with it stay on their hubs, {_left_as(olds)}")

    def _path(self, id_: str) -> str:
        return f"{self.kind.path}/{id_.lower()}"


def _left_as(olds: Properties) -> str:
    if olds.get("revoked"):
        return "and those that were disabled with it stay disabled"
    return "and may connect: only status disabled revokes them"
