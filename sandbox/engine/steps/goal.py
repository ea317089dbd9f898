"""What a program asks for: one resource, with its inputs and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.engine.state.deployment import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.values.property_values import Properties, Value


@dataclass(frozen=True, kw_only=True)
class Alias:
    """Another name that a resource may have in the state: a whole `urn`, or parts that differ from the resource's own.

    `parent` None means the resource's own parent, "" no parent.
    """

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One registration. Options that are None were not given."""

    type: str
    name: str
    custom: bool
    inputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    delete_before_replace: bool | None = None
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    replacement_trigger: Value = None
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    import_id: str = ""
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    source_position: str = ""
    stack_trace: tuple[Mapping[str, str], ...] = ()
    hide_diff: tuple[list[str | int], ...] = ()
    resource_hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def resource(self, urn: str, old: Resource | None, old_urn: str = "") -> Resource:
        """The wanted resource, without id and outputs. `old_urn` is its URN in the state, if that is another one."""
        return Resource(
            urn=urn,
            type=self.type,
            custom=self.custom,
            inputs=self.inputs,
            parent=self.parent,
            protect=bool(self.protect),
            dependencies=self.dependencies,
            provider=self.provider,
            property_dependencies=self.property_dependencies,
            additional_secret_outputs=self.additional_secret_outputs,
            aliases=(old_urn,) if old_urn else (),
            custom_timeouts=self.custom_timeouts,
            import_id=self.import_id,
            retain_on_delete=bool(self.retain_on_delete),
            deleted_with=self.deleted_with,
            replace_with=self.replace_with,
            created=old.created if old else "",
            modified=old.modified if old else "",
            source_position=self.source_position,
            stack_trace=self.stack_trace,
            hide_diff=self.hide_diff,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
            replacement_trigger=self.replacement_trigger,
            refresh_before_update=bool(old and old.refresh_before_update),
            resource_hooks=self.resource_hooks,
        )
