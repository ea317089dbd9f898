"""The dynamic shell: Pulumi's dynamic provider, a Python process that unpickles a class of ours by its name, calls our resources."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from hubtrust.dynamic.contract import AnyInputs, Contract
from hubtrust.errors import HubtrustError
from hubtrust.inputs import Properties

PROVIDER_KEY = "__provider"  # an input that Pulumi adds; its servicer adds it to the outputs
_T = TypeVar("_T")


class Reconciler(Contract[AnyInputs], ResourceProvider):
    """A resource that keeps the contract, as Pulumi's dynamic provider calls it.

    It has no state and is in an importable module, so that its pickle is only a name and contains no secret.
    """

    serialize_as_secret_always = False

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """See ``Contract.refusals``."""
        refusals = self.refusals(_own_properties(olds), _own_properties(news))
        return CheckResult(news, [CheckFailure(each.name, each.reason) for each in refusals])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """See ``on_diff``. A replacement is created before the old resource is deleted.

        A resource that comes back from the plugin is updated (see ``update``), because its state does not say which class reconciles it.
        """
        change = _in_one_line(lambda: self.difference(_own_properties(olds), _own_properties(news)))
        changes = bool(change.replaces) or change.updates or PROVIDER_KEY not in olds
        return DiffResult(changes=changes, replaces=change.replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """See ``on_create``."""
        return CreateResult(*_in_one_line(lambda: self.created(_own_properties(props))))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """See ``on_read``. A resource that is gone has an empty id."""
        outs = _in_one_line(lambda: self.found(id_, _own_properties(props)))
        return ReadResult("", {}) if outs is None else ReadResult(id_, outs)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """See ``on_update``. What comes back from the plugin and is as declared keeps its outputs, and Azure is not asked."""
        return UpdateResult(_in_one_line(lambda: self._updated(id_, olds, _own_properties(news))))

    def _updated(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        own = _own_properties(olds)
        if PROVIDER_KEY not in olds and not self.difference(own, news).updates:
            return {name: value for name, value in own.items() if name in self.outputs}
        return self.updated(id_, own, news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """See ``on_delete``."""
        _in_one_line(lambda: self.deleted(id_, _own_properties(props)))


def _own_properties(properties: Properties) -> dict[str, Any]:
    """The resource's own properties that have a value, without the one that Pulumi adds."""
    return {name: value for name, value in properties.items() if name != PROVIDER_KEY and value is not None}


def _in_one_line(call: Callable[[], _T]) -> _T:
    """Run ``call``, and raise errors of ours so that the user sees their line alone: Pulumi's servicer shows ``traceback.format_exc()``.

    That is the traceback, the class's name and the text. So the name is the line, and there is no text. The limit of the traceback holds
    for the whole process, so it is set only when such an error is raised. A bug keeps its traceback.
    """
    try:
        return call()
    except HubtrustError as error:
        sys.tracebacklimit = 0
        line = type(str(error), (Exception,), {"__module__": "builtins"})  # of another module, its name would come first
        raise line from None
