"""One stack's state and its runs. Each run is a provider process of its own, and decides each step as Pulumi's engine does."""

from dataclasses import dataclass, field
from typing import Any

from hubtrust.dynamic.lifecycle import Reconciler
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState

# What a program declares: each resource's provider and inputs, by name, in the order of the program.
Declared = dict[str, tuple[type[Reconciler], dict[str, Any]]]


@dataclass
class Known:
    """A resource in the state."""

    kind: type[Reconciler]
    created: ResourceState


@dataclass
class Stack:
    """The state: resources, and those that were replaced but not deleted yet."""

    resources: dict[str, Known] = field(default_factory=dict)
    replaced: list[Known] = field(default_factory=list)
    written: list[Known] = field(default_factory=list)  # what the last run created or updated

    def up(self, process: ProviderProcess, declared: Declared) -> None:
        """Refresh, then each declared resource's step, then the deletions; the first failure ends the run; work already done is kept.

        Raises:
            CallFailedError: a step failed, with the text that the engine would show.
        """
        self.written.clear()
        self._refresh(process)
        for name, (kind, news) in declared.items():
            self._step(process.of(kind), name, kind, news)
        for name in reversed([name for name in self.resources if name not in declared]):
            self.replaced.insert(0, self.resources.pop(name))
        while self.replaced:
            doomed = self.replaced[0]
            process.of(doomed.kind).delete(doomed.created)
            self.replaced.pop(0)

    def _refresh(self, process: ProviderProcess) -> None:
        for name, known in tuple(self.resources.items()):
            found = process.of(known.kind).read(known.created)
            if found is None:
                del self.resources[name]
            else:
                known.created = found

    def _step(self, provider: Provider, name: str, kind: type[Reconciler], news: dict[str, Any]) -> None:
        known = self.resources.get(name)
        checked = provider.check(news, known.created.inputs if known else None)
        if checked.failures:
            raise CallFailedError("; ".join(reason for _, reason in checked.failures))
        if known is None:
            self._write(name, Known(kind, provider.create(news)))
            return
        different = provider.diff(known.created, news)
        if different.replaces:
            assert not different.delete_first, "a resource was to be deleted before its replacement exists"
            created = provider.create(news)
            self.replaced.append(known)
            self._write(name, Known(kind, created))
        elif different.changes:
            known.created = provider.update(known.created, news)
            self._write(name, known)
        else:
            known.created = ResourceState(known.created.id, known.created.outs, news)

    def _write(self, name: str, known: Known) -> None:
        self.resources[name] = known
        self.written.append(known)
