"""EnrollmentFleetEntries: any number of individual enrollments of one provisioning service as one resource, each as it is declared.

Its inputs are the fields of ``EnrollmentFleetInputs`` here, of ``ServiceInputs`` in ``hubtrust/dynamic/service_inputs.py``, and of
``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to the
constructor here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pulumi

from hubtrust.azure.enrollment_limits import MOST_ENROLLMENTS
from hubtrust.azure.enrollment_service import INDIVIDUALS
from hubtrust.azure.errors import DeniedError, NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.devices.id_patterns import expand_all
from hubtrust.devices.loss import Consent
from hubtrust.devices.reading import MOST_READ
from hubtrust.dynamic import adopted, enrolled_devices, handed_over, import_ids, imported, service_endpoint
from hubtrust.dynamic.hub_inputs import name_in
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciled, Reconciler
from hubtrust.dynamic.service_inputs import ServiceInputs, ServiceOutputs
from hubtrust.enrollments.description import Terms
from hubtrust.enrollments.fleet_checks import require_linked, require_unclaimed, require_valid
from hubtrust.enrollments.fleet_found import found_description
from hubtrust.enrollments.fleet_reading import FleetReading
from hubtrust.enrollments.fleet_reconcile import FleetReconciliation
from hubtrust.enrollments.fleet_roster import EnrollmentRoster, require_enrollment_roster, unpack
from hubtrust.enrollments.fleet_state import FleetState
from hubtrust.enrollments.fleet_terms import require_hubs, require_together
from hubtrust.inputs import Properties, boolean, input_field, texts, whole_number
from hubtrust.many_errors import named as listed
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

_MOST_EXCEPTIONS = 100  # enrollments named in the outputs
_NONE = EnrollmentRoster((), {})


@dataclass(frozen=True, kw_only=True)
class EnrollmentFleetInputs(ServiceInputs):
    """The inputs of EnrollmentFleetEntries."""

    members: EnrollmentRoster = input_field(
        lambda value: unpack(str(value)),
        "the enrollments: `enrollments_from_file`, `enrollments_from_list` or another function of `hubtrust.enrollments.fleet_files`.",
        argument="roster",
        required=True,
    )
    fleet_name: str = input_field(str, argument="", required=True, kept=True)
    hubs: tuple[str, ...] | None = input_field(
        require_hubs, "host names of linked hubs, for enrollments that name none themselves. Default: all that are linked."
    )
    adopt: frozenset[str] = input_field(
        lambda value: expand_all(texts(value, remedy="list the registration ids or patterns of the enrollments that may be taken over")),
        "registration ids, or patterns such as `press-{001..025}`, of existing enrollments with other content that may be taken over. "
        "Default: none, refuse.",
        default=frozenset(),
    )
    no_enrollments: bool = input_field(
        boolean, "True: the roster is empty on purpose, so that all enrollments of the fleet may be deleted. Default False.", default=False
    )
    delete_enrollments: int | None = input_field(
        whole_number(1, MOST_ENROLLMENTS),
        "how many enabled enrollments a run may delete if they are more than half of at least 20; default: none, refuse.",
    )
    revoke_devices: bool = input_field(
        boolean,
        "False: the device of an enrollment that becomes disabled stays enabled on its hub, and connected. Default True.",
        default=True,
    )

    @property
    def consent(self) -> Consent:
        """What the fleet may lose."""
        what = _what(self.fleet_name, self.host_name)
        files, where = "the list of the program", "on the service"
        return Consent(what, none=self.no_enrollments, lost=self.delete_enrollments, noun="enrollment", files=files, where=where)

    @property
    def roster(self) -> EnrollmentRoster:
        """The enrollments, with the hubs of the fleet where they name none."""
        return self.members.with_common(Terms(hubs=self.hubs)) if self.hubs else self.members


class EnrollmentFleetOutputs(ServiceOutputs):
    """The outputs of EnrollmentFleetEntries."""

    fleet_name: pulumi.Output[str]
    """How messages name the fleet."""
    recorded: pulumi.Output[str]
    """The declared enrollments, packed into one text: thumbprints in place of certificates."""
    count: pulumi.Output[float]
    """How many enrollments there are."""
    enabled: pulumi.Output[float]
    """By how many of them a device may register."""
    digest: pulumi.Output[str]
    """Over all that is declared of the enrollments, or was found by a refresh."""
    exceptions: pulumi.Output[list[str]]
    """The first 100 enrollments that are disabled."""
    last_write: pulumi.Output[str]
    """Changes with every write of this resource."""
    unread: pulumi.Output[str | None]
    """Why the last refresh could not read it, so that the next `up` reads and writes it; None if it was read."""
    imported: pulumi.Output[str | None]
    """`unknown` after an import, until a run writes it: nobody says who made them."""
    adopted: pulumi.Output[dict[str, Any] | None]
    """What the last run that took enrollments over from others with ``adopt`` took: `count`, and `digest`, the SHA-256 of their ids."""


class EnrollmentFleetProvider(Reconciler[EnrollmentFleetInputs]):
    """Reads all enrollments by pages, and writes those that differ, 10 in a call."""

    inputs, results = EnrollmentFleetInputs, EnrollmentFleetOutputs
    steady_outputs = frozenset({"hostName"})

    def on_check(self, olds: Properties, news: EnrollmentFleetInputs) -> None:
        """What Azure accepts, and what then keeps devices from registering, is refused; and so is a list that lost most of its members."""
        if "members" in news.unknown:
            return
        last = unpack(str(olds["members"])) if olds.get("members") is not None else None
        if not {"hubs", "fleet_name"} & news.unknown:
            for id_, terms in news.roster:
                require_together(f"enrollment '{id_}' of {_what(news.fleet_name, news.host_name)}", terms)
        require_valid(_what(news.fleet_name, news.host_name), news.members, last, now())
        if not {"no_enrollments", "delete_enrollments"} & news.unknown:
            news.consent.require_for(last, news.members)

    def on_diff(self, olds: Properties, news: EnrollmentFleetInputs) -> Change:
        """Another service is another fleet, so a replacement; enrollments that differ, found by the digest, are an update."""
        last = _last(olds)
        if imported.is_imported(olds) and not news.unknown:
            differs = bool(olds.get("unread")) or last.digest != olds.get("digest") or not news.roster.declares(last)
        else:
            differs = bool(news.unknown or olds.get("unread")) or news.roster.digest != olds.get("digest")
        # A run that failed may have written the enrollments, so that a refresh finds them as declared, and not yet their devices.
        differs = differs or (news.revoke_devices and any(_switched(news.roster, last)))
        return Change(news.changes_that_replace(olds), updates=differs or news.moved(olds) or news.fleet_name != olds.get("fleetName"))

    def on_create(self, news: EnrollmentFleetInputs) -> tuple[str, dict[str, Any]]:
        """Create the enrollments. Those that an interrupted run has created are as they are declared, and are ours."""
        outs = self._reconcile(news, {})
        return f"{outs['hostName']}/{news.fleet_name}", outs

    def on_update(self, _id: str, olds: Properties, news: EnrollmentFleetInputs) -> dict[str, Any]:
        """Read the enrollments and write those that differ."""
        return self._reconcile(news, olds)

    @staticmethod
    def _reconcile(news: EnrollmentFleetInputs, olds: Properties) -> dict[str, Any]:
        """Make the service's enrollments as declared."""
        declared, last = news.roster, _last(olds)
        if imported.is_imported(olds):
            last = last.attestations_of(declared.ids)  # nothing else of what was imported was declared
        host = news.resolve_host_name()
        if not len(declared) and not len(last):
            # Nothing to ask: no right is needed.
            return _outs(news, declared, host, olds.get("lastWrite") or "") | {"adopted": olds.get("adopted")}
        what = _what(news.fleet_name, host)
        require_linked(what, declared, news.facts)
        taken = _taken_over(host, (one for one in last.ids if declared.get(one) is None))
        with news.open_enrollments() as service:
            require_unclaimed(service, what, declared, last)
            reconciliation = FleetReconciliation(
                service,
                what,
                declared,
                last,
                written=_written(olds),
                adopt=news.adopt,
                report=show_message,
                is_excluded=taken.__contains__,
            )
            try:
                reconciliation.run()
            finally:
                handed_over.note_found(host, map(_path, reconciliation.met))  # a resource that had them until now leaves them
            if news.revoke_devices:
                off, on = _switched(declared, last, met=reconciliation.met)
                enrolled_devices.after_fleet_write(replace(news, host_name=host), service, what, off, on)
        outs = _outs(news, declared, host, reconciliation.last_write(olds.get("lastWrite")))
        return outs | {"adopted": adopted.of_many(reconciliation.adopted, olds)}

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The digest of our enrollments as they are."""
        inputs, roster = ServiceInputs.read(olds), _last(olds)
        if not len(roster):
            return dict(olds)
        try:
            with inputs.open_enrollments(reading=True, refreshing=True) as service:
                state = FleetState(service, roster)
                state.read()
        except NotAdmittedError as error:
            if inputs.is_gone():
                return None
            return service_endpoint.unread(_what(str(olds.get("fleetName")), str(olds["hostName"])), olds, error)
        except (NotFoundError, UnreachableError, DeniedError):
            if inputs.is_gone():
                return None
            raise
        found = {"count": state.count, "enabled": state.enabled, "digest": state.digest, "unread": None}
        return {**olds, **found, "exceptions": _exceptions(state.disabled), "lastWrite": olds.get("lastWrite") or ""}

    def on_import(self, id_: str, owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. The id names every member; Azure gives no certificates back, so the inputs have no ``members``."""
        given = read_import_id(id_, import_ids.ENROLLMENTS, "serviceId")
        inputs, ids, name = ServiceInputs.read(given.place), given.members(), name_in(owner)
        host, what = inputs.resolve_host_name(), _what(name, None)
        with replace(inputs, host_name=host).open_enrollments(reading=True) as service:
            reading = FleetReading(service)
            found = dict(reading.each(ids))
            found |= reading.confirm_absent([one for one, held in found.items() if held is None])
            written = (service.time or now()).isoformat(timespec="milliseconds")
        if missing := [one for one, held in found.items() if held is None]:
            fact = f"{len(missing):,} of the {len(ids):,} enrollments that the id names don't exist: {listed(missing)}"
            raise DeclarationError(what, fact, "name those that exist, or create the fleet instead: it takes over what is as declared")
        roster = EnrollmentRoster.of((held.id, found_description(what, held.id, held.record)) for held in found.values() if held)
        show_message(f"{what} is imported without certificates, which Azure does not give back: set its roster in the program")
        place = {"serviceId": given.place["serviceId"], "cloud": given.place.get("cloud"), "hostName": host, "fleetName": name}
        outs = place | _found(roster) | {"lastWrite": written, "imported": imported.UNKNOWN}
        return Imported(f"{host}/{name}", {**given.place, "fleetName": name}, outs)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete every enrollment of the fleet, except those that another resource has taken over in this run, or somebody else made."""
        inputs, last, host = ServiceInputs.read(olds), _last(olds), str(olds["hostName"])
        if not len(last):
            return
        taken = _taken_over(host, last.ids)
        try:
            with inputs.open_enrollments(reading=True) as service:
                FleetReconciliation(
                    service,
                    _what(str(olds.get("fleetName")), host),
                    _NONE,
                    last,
                    written=_written(olds),
                    report=show_message,
                    is_excluded=taken.__contains__,
                ).run()
        except (NotFoundError, UnreachableError, DeniedError):
            if not inputs.is_gone():
                raise


def _path(id_: str) -> str:
    """What other resources with enrollments call an individual one, where it goes from one to another in a run."""
    return f"{INDIVIDUALS.path}/{id_.lower()}"


def _taken_over(host: str, ids: Iterable[str]) -> set[str]:
    """Those that another resource has taken over in this run."""
    return {one for one in ids if handed_over.is_handed_over(host, _path(one))}


def _switched(
    declared: EnrollmentRoster, last: EnrollmentRoster, *, met: Collection[str] = ()
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Those that were enabled and are to be disabled, and those that were disabled and are to be enabled, with their device ids.

    ``met`` are those that were there although the last run did not declare them. A device may have come by a group, and be kept out by an
    enrollment that is new and disabled (see ``enrolled_devices.after_write``): of many new ones none is looked for, as that is two calls
    for each.
    """
    off, on, there = dict[str, str | None](), dict[str, str | None](), {one.lower() for one in met}
    new = [one for one in declared.disabled if last.get(one) is None and one.lower() not in there]
    for id_ in declared.disabled:
        before = last.get(id_)
        if before.terms.enabled if before else id_.lower() in there or len(new) <= MOST_READ:
            off[id_] = declared.device_ids.get(id_)
    if len(new) > MOST_READ:
        rest = "none of their devices is looked for on hubs: one that registered with a group before stays enabled there"
        show_message(f"{len(new):,} enrollments are new and disabled, so many that {rest}")
    for id_ in last.disabled:
        now_declared = declared.get(id_)
        if now_declared and now_declared.terms.enabled:
            on[id_] = now_declared.device_id
    return off, on


def _last(properties: Properties) -> EnrollmentRoster:
    """What the last run declared."""
    recorded = properties.get("recorded")
    return _NONE if recorded is None else unpack(str(recorded), recorded=True)


def _written(olds: Properties) -> datetime | None:
    """The service's time of our last write."""
    text = olds.get("lastWrite")
    return datetime.fromisoformat(str(text)) if text else None


def _what(name: str | None, host: str | None) -> str:
    return f"enrollment fleet '{name or ''}'" + (f" on provisioning service '{host.partition('.')[0]}'" if host else "")


def _outs(news: EnrollmentFleetInputs, declared: EnrollmentRoster, host: str, last_write: object) -> dict[str, Any]:
    return (
        news.kept_values()
        | {
            "hostName": host,
            "lastWrite": last_write,
        }
        | _found(declared)
    )


def _found(declared: EnrollmentRoster) -> dict[str, Any]:
    """The outputs about the enrollments themselves."""
    return {
        "recorded": declared.record(),
        "count": len(declared),
        "enabled": declared.enabled,
        "digest": declared.digest,
        "exceptions": _exceptions(declared.disabled),
    }


def _exceptions(disabled: Collection[str]) -> list[str]:
    """The disabled enrollments as texts: Pulumi would take an id that is a key of an output for a property's name."""
    return [f"{one}: disabled" for one in sorted(disabled)[:_MOST_EXCEPTIONS]]


class EnrollmentFleetEntries(EnrollmentFleetOutputs, Reconciled, module="hubtrust", name="EnrollmentFleetEntries"):
    """Thousands of individual enrollments of a provisioning service, as one resource."""

    provider = EnrollmentFleetProvider

    def __init__(
        self,
        resource_name: str,
        *,
        service_id: pulumi.Input[str],
        roster: EnrollmentRoster,
        host_name: pulumi.Input[str] | None = None,
        hubs: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        no_enrollments: pulumi.Input[bool] | None = None,
        delete_enrollments: pulumi.Input[int] | None = None,
        revoke_devices: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Thousands of individual enrollments of a provisioning service, as one resource.

        Args:
            resource_name: its name in Pulumi.
            service_id: ARM id of the provisioning service.
            roster: the enrollments: `enrollments_from_file`, `enrollments_from_list` or another function of
                `hubtrust.enrollments.fleet_files`.
            host_name: its host name for programs, such as dps-7.azure-devices-provisioning.net; without it, Resource Manager is asked.
            hubs: host names of linked hubs, for enrollments that name none themselves. Default: all that are linked.
            adopt: registration ids, or patterns such as `press-{001..025}`, of existing enrollments with other content that may be taken
                over. Default: none, refuse.
            no_enrollments: True: the roster is empty on purpose, so that all enrollments of the fleet may be deleted. Default False.
            delete_enrollments: how many enabled enrollments a run may delete if they are more than half of at least 20; default: none,
                refuse.
            revoke_devices: False: the device of an enrollment that becomes disabled stays enabled on its hub, and connected. Default True.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        members, fleet_name = require_enrollment_roster(roster).pack(), resource_name
        super().__init__(resource_name, locals(), opts)
