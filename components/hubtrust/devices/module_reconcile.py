"""Reconcile one module of a device with its declaration: read it, write what differs, repeat until nothing does."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription
from hubtrust.azure.errors import EtagError, RefusedError
from hubtrust.azure.modules import Module, Modules
from hubtrust.azure.retry import MOST_ROUNDS
from hubtrust.devices.description import Scope, require_device_id
from hubtrust.devices.id_patterns import as_setting
from hubtrust.reconcile_errors import AlreadyExistsError, DeclarationError, FleetError

_OF_EDGE = ("$edgeAgent", "$edgeHub")  # Azure creates them with every IoT Edge device
_EXISTS = {"ModuleAlreadyExistsOnDevice", "409301"}
Owner = Mapping[str, str]  # the value of the owner tag: {stack, urn}


def require_module_id(value: object) -> str:
    """``value`` as a module id that Azure accepts: as a device id, but for those of the IoT Edge runtime.

    Raises:
        DeclarationError: it is something else.
    """
    try:
        found = require_device_id(value)
    except DeclarationError as error:
        what = f"module '{value}'" if isinstance(value, str) and value else "the module"
        raise DeclarationError(what, error.fact, error.remedy) from None
    if found in _OF_EDGE:
        fact = "it is one of those that Azure creates with an IoT Edge device and that its runtime manages"
        raise DeclarationError(f"module '{found}'", fact, "use another id")
    return found


@dataclass(frozen=True)
class ModuleReconciliation:
    """One module: ``owner`` is the tag of its resource, ``former`` are tags from before the resource was renamed.

    The identity and its twin are created in two calls. Between them a module has no tag yet, and is known by `managedBy`.
    """

    modules: Modules
    what: str  # how messages name it
    device_id: str
    module_id: str
    owner: Owner
    former: Collection[Owner | None] = ()  # None: a module without a tag is ours, because it was imported
    adopt: Collection[str] = ()  # ids of modules that may be taken over from others
    report: Callable[[str], None] = print

    def apply(self, wanted: DeviceDescription, scope: Scope) -> Module:
        """Create or change the module as ``wanted``; ``scope`` is the part of its twin that we manage. Returns it as it is then.

        Raises:
            AlreadyExistsError: it has another owner.
            FleetError: it still differs after several attempts.
            AzureError: a call failed.
        """
        written = ""
        for _ in range(MOST_ROUNDS):
            found = self.modules.read(self.device_id, self.module_id)
            try:
                done = self._write(found, wanted, scope)
            except EtagError:
                continue
            except RefusedError as error:
                if error.code not in _EXISTS:
                    raise
                continue
            if done is None and found is not None:
                if written:
                    self.report(f"{self.what}: {written}")
                return found
            written = written or str(done)
        raise FleetError(self.what, f"still not as declared after {MOST_ROUNDS} attempts", "run again, and find out who else changes it")

    def delete(self) -> None:
        """Delete the module, unless it is gone or has another owner.

        Raises:
            AzureError: a call failed.
        """
        for _ in range(MOST_ROUNDS):
            found = self.modules.find(self.device_id, self.module_id)
            if found is None:
                return
            if not self._is_ours(found):
                self.report(f"{self.what}: it has another owner now, so it is kept")
                return
            try:
                self.modules.delete(found)
            except EtagError:
                continue
            if not self.modules.is_there(self.device_id, self.module_id):  # whatever the answer was
                return
        raise FleetError(self.what, f"not deleted after {MOST_ROUNDS} attempts", "run again, and find out who else changes it")

    def _write(self, found: Module | None, wanted: DeviceDescription, scope: Scope) -> str | None:
        """Make one change; None: there is none to make."""
        if found is None:
            self.modules.create(self.device_id, self.module_id, wanted.thumbprints, _mark(self.owner))
            return "created"
        if not self._is_ours(found) and self.module_id not in self.adopt:
            self._refuse(found)
        if found.authentication != wanted.authentication or set(found.thumbprints) != set(wanted.thumbprints):
            self.modules.update(found, wanted.thumbprints)
            return "updated"
        held = DeviceDescription(tags=found.tags, desired=found.desired)
        if found.owner == self.owner and scope.same_twin(held, wanted):
            return None
        tags, desired = scope.changes(wanted)
        whole_tags = {**found.tags, **tags, OWNER_TAG: dict(self.owner)}
        self.modules.replace_twin(found, _present(whole_tags), _present({**found.desired, **desired}))
        return "updated"

    def _is_ours(self, found: Module) -> bool:
        owners = (self.owner, *self.former)
        return found.owner in owners or (found.owner is None and found.managed_by in [_mark(one) for one in owners if one is not None])

    def _refuse(self, found: Module) -> None:
        held = found.owner
        owner = f"owned by {held.get('urn')} in stack {held.get('stack')}" if isinstance(held, Mapping) else "without an owner tag"
        fact = f"it exists and is not managed by this resource ({owner})"
        named = as_setting("adopt", [self.module_id])
        remedy = f"use another id, or, to take it over, {named}; after a rename of this resource, give it an alias"
        raise AlreadyExistsError(self.what, fact, remedy)


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _mark(owner: Owner) -> str:
    """What a module of this owner has as `managedBy`."""
    return f"hubtrust {hashlib.sha256(json.dumps(dict(owner), sort_keys=True).encode()).hexdigest()[:32]}"
