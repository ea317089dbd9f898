"""DeviceIdentity: one device in a hub's registry, with what is declared of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi

from hubtrust.azure.errors import NotFoundError, UnreachableError
from hubtrust.azure.registry import Registration, Twin
from hubtrust.devices import description as rules
from hubtrust.devices.description import Scope, registration, same_identity
from hubtrust.devices.reconcile import Registrar
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, require_bool, say
from hubtrust.reconcile_errors import DeclarationError

_DECLARED = ("status", "reason", "edge", "thumbprints", "tags", "desired")
_DOCUMENTS = ("tags", "desired")  # JSON texts in inputs and outputs: their names are the user's, and Pulumi would rewrite some


def _document(text: object) -> Any:
    try:
        return json.loads(str(text))
    except ValueError:
        raise DeclarationError("value", "it is no JSON", "give an object as JSON text") from None


def _declared(properties: Properties) -> Registration:
    given = {name: properties.get(name) for name in _DECLARED}
    return registration(given | {name: _document(given[name]) for name in _DOCUMENTS if given[name] is not None})


def _names(properties: Properties) -> Scope:
    return Scope(*(_document(properties.get(name) or "{}") for name in _DOCUMENTS))


class DeviceIdentityProvider(Reconciler):
    """Makes the device and its twin in one call, watches and removes it; revocation is status `disabled` with a reason."""

    validators: ClassVar[Mapping[str, Validator]] = {
        **hubs.VALIDATORS,
        "deviceId": rules.require_device_id,
        "status": lambda value: registration({"status": value}),
        "reason": rules.require_reason,
        "edge": require_bool,
        "thumbprints": rules.require_thumbprints,
        "tags": lambda value: rules.require_tags(_document(value)),
        "desired": lambda value: rules.require_desired(_document(value)),
    }
    required = hubs.REQUIRED | {"deviceId"}
    outputs = frozenset({*hubs.KEPT, "deviceId", *_DECLARED, "authentication", "etag", "deviceEtag"})

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Another hub or another id is another device; all else is done in place."""
        replaces = [] if hubs.same_hub(olds, news.get("hubId")) else ["hubId"]
        replaces += [] if news.get("deviceId") == olds.get("deviceId") else ["deviceId"]
        if any(is_unknown(value) for value in news.values()):
            return Change(replaces, updates=True)
        return Change(replaces, updates=self._is_due(olds, news))

    @staticmethod
    def _is_due(olds: Properties, news: Properties) -> bool:
        held, declared = _declared(olds), _declared(news)
        found = Twin(str(olds["deviceId"]), held, str(olds.get("authentication")), "", "")
        return (
            not same_identity(found, declared)
            or not Scope.of(held, declared).same_twin(held, declared)
            or news["owner"] != olds.get("owner")
            or (news.get("cloud") or "public") != (olds.get("cloud") or "public")
            or (news.get("hostName") is not None and news["hostName"] != olds.get("hostName"))
        )

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """What a dead run left carries our tag, and is gone on from."""
        outs = self._reconcile(news, {}, remember=True)
        return f"{outs['hostName']}/{news['deviceId']}", outs

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Read it, write what differs."""
        return self._reconcile(news, olds, remember=False)

    @staticmethod
    def _reconcile(news: Properties, olds: Properties, *, remember: bool) -> dict[str, Any]:
        declared, device_id, host = _declared(news), str(news["deviceId"]), hubs.hub_host(news)
        former = [olds["owner"]] if olds.get("owner") not in (None, news["owner"]) else []
        scope = Scope.of(declared) | _names(olds)
        with hubs.open_registry({**news, "hostName": host}) as registry:
            adopt = news.get("adopt") is True
            registrar = Registrar(
                registry, _what(host, device_id), news["owner"], scope, lambda _: declared, former=former, adopt=adopt, tell=say
            )
            registrar.look_at([device_id])
            if remember and (device_id in registrar.settled or registrar.known[device_id]):
                hubs.stood(host, [device_id])
            registrar.settle([device_id])
            found = registry.twin(device_id)
        if found is None:
            raise NotFoundError(_what(host, device_id), "it was deleted while it was made", "find out who does that, then run again")
        return _outs({**news, "hostName": host}, found, Scope.of(declared))

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Disabled, changed, in other hands, gone."""
        try:
            with hubs.open_registry(olds, looking=True) as registry:
                found = registry.twin(str(olds["deviceId"]))
        except (NotFoundError, UnreachableError):
            if hubs.hub_is_gone(olds):
                return None
            raise
        if found is None:
            return None
        tag = found.registration.tags.get("hubtrust")
        return _outs({**olds, "owner": tag if isinstance(tag, Mapping) else {}}, found, _names(olds))

    def on_delete(self, _id: str, olds: Properties) -> None:
        """With its etag; a device of this id that carries another's tag, or that another resource of this run stands on, stays."""
        device_id, host = str(olds["deviceId"]), str(olds["hostName"])
        if hubs.taken_over(host, device_id):
            say(f"{_what(host, device_id)}: another resource of this run has taken it over, so it stays")
            return
        try:
            with hubs.open_registry(olds, looking=True) as registry:
                registrar = Registrar(registry, _what(host, device_id), olds.get("owner") or {}, Scope((), ()), lambda _: None, tell=say)
                registrar.look_at([device_id])
                registrar.settle()
        except (NotFoundError, UnreachableError):
            if not hubs.hub_is_gone(olds):
                raise


def _what(host: str, device_id: str) -> str:
    return f"device '{device_id}' on IoT hub '{host.partition('.')[0]}'"


def _outs(properties: Properties, found: Twin, scope: Scope) -> dict[str, Any]:
    held: Registration = found.registration
    return {name: properties.get(name) for name in (*hubs.KEPT, "deviceId")} | {
        "status": "enabled" if held.enabled else "disabled",
        "reason": held.reason,
        "edge": held.edge,
        "thumbprints": list(held.thumbprints) or None,
        "tags": json.dumps({name: held.tags.get(name) for name in scope.tags}) if scope.tags else None,
        "desired": json.dumps({name: held.desired.get(name) for name in scope.desired}) if scope.desired else None,
        "authentication": found.authentication,
        "etag": found.etag,
        "deviceEtag": found.device_etag,
    }


class DeviceIdentity(Reconciled, module="hubtrust", name="DeviceIdentity"):
    """One device in a hub's registry."""

    device_id: pulumi.Output[str]
    host_name: pulumi.Output[str]
    status: pulumi.Output[str]
    reason: pulumi.Output[str | None]
    authentication: pulumi.Output[str]
    etag: pulumi.Output[str]
    device_etag: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        device_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        status: pulumi.Input[str] | None = None,
        reason: pulumi.Input[str] | None = None,
        edge: pulumi.Input[bool] | None = None,
        thumbprints: pulumi.Input[Sequence[str]] | None = None,
        tags: pulumi.Input[Mapping[str, Any]] | None = None,
        desired: pulumi.Input[Mapping[str, Any]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            hub_id: ARM id of the IoT hub.
            device_id: its id, at most 128 characters; case counts.
            host_name: the hub's host name; asked of Resource Manager where it is not given.
            status: `enabled` (default) or `disabled`: a disabled device's session is dropped and it connects no more.
            reason: why, at most 128 characters.
            edge: an IoT Edge device.
            thumbprints: one or two of self-signed certificates, SHA-1 or SHA-256, hex; without them it shows a certificate of a CA.
            tags: of its twin; those that others write beside them are theirs.
            desired: desired properties of its twin; likewise.
            adopt: take over a device of this id that others made, instead of refusing.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds to try each call again that Azure refuses for the moment; default 300.
            opts: Pulumi's options.

        Outputs: ``authentication`` is `certificateAuthority` or `selfSigned`; ``etag`` is the twin's, ``device_etag`` the identity's.
        """
        inputs = {
            "hub_id": hub_id,
            "host_name": host_name,
            "device_id": device_id,
            "status": status,
            "reason": reason,
            "edge": edge,
            "thumbprints": thumbprints,
            "tags": None if tags is None else pulumi.Output.json_dumps(tags),
            "desired": None if desired is None else pulumi.Output.json_dumps(desired),
            "owner": hubs.owner_tag(resource_name, "DeviceIdentity", opts),
            "adopt": adopt,
            "cloud": cloud,
            "deadline": deadline,
        }
        super().__init__(DeviceIdentityProvider(), resource_name, inputs, opts)
