"""A stack's state in memory: resources, pending operations, manifest; to and from the JSON of Pulumi's deployment version 3.

Every object here is immutable: a step that changes a resource replaces it with a new `Resource`. So an unchanged
resource is rendered for the checkpoint only once (`checkpoint.py`), and a save is cheap.
Fields that this engine does not use are kept unchanged in `extra`, so nothing is lost between engines.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sandbox.engine.values import property_values
from sandbox.engine.values.property_values import SECRET, SIGNATURE, Properties, Secret, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = dict[str, Any]
ENGINE_VERSION = "v3.260.0"
BLINDED = "[secret]"


class Seal:
    """Decrypts and encrypts secrets. An unchanged secret of the same resource keeps its ciphertext.

    Args:
        encrypt: plaintext (JSON text) to ciphertext.
        decrypt: the reverse; raises what the secrets manager raises.
    """

    def __init__(self, encrypt: Callable[[str], str], decrypt: Callable[[str], str]) -> None:
        self._encrypt, self._decrypt = encrypt, decrypt
        self._ciphertexts: dict[tuple[str, str], str] = {}

    def open(self, urn: str, ciphertext: str) -> str:
        """The plaintext of a resource's secret."""
        plaintext = self._decrypt(ciphertext)
        self._ciphertexts[urn, plaintext] = ciphertext
        return plaintext

    def close(self, urn: str, plaintext: str) -> str:
        """The ciphertext of a resource's secret; the previous one, if the secret is unchanged."""
        known = self._ciphertexts.get((urn, plaintext))
        if known is None:
            known = self._ciphertexts[urn, plaintext] = self._encrypt(plaintext)
        return known

    def forget(self) -> None:
        """Forget all ciphertexts: they were encrypted with another key."""
        self._ciphertexts.clear()


@dataclass(frozen=True, eq=False, kw_only=True)
class Resource:
    """One resource of the state. Two may share a URN: the live one, and one that is pending deletion."""

    urn: str
    type: str
    custom: bool = False
    delete: bool = False
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    taint: bool = False
    external: bool = False
    dependencies: tuple[str, ...] = ()
    init_errors: tuple[str, ...] = ()
    provider: str = ""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pending_replacement: bool = False
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    import_id: str = ""
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    source_position: str = ""
    stack_trace: tuple[Mapping[str, str], ...] = ()
    hide_diff: tuple[list[str | int], ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    replacement_trigger: Value = None
    refresh_before_update: bool = False
    view_of: str = ""
    resource_hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Json, seal: Seal) -> Self:
        """A resource from its JSON object. Raises `KeyError` or `ValueError` where it isn't one."""
        urn = data["urn"]
        found: dict[str, Any] = {"extra": {key: item for key, item in data.items() if key not in _FIELDS}}
        for key, name in _FIELDS.items():
            if data.get(key) is not None:
                found[name] = _decoded(key, data[key], urn, seal)
        return cls(**found)

    def to_json(self, seal: Seal | None) -> Json:
        """The resource's JSON object; `seal` None shows secrets in plaintext."""
        return self.render(lambda secret: sealed(secret, self.urn, seal))

    def render(self, secret: Callable[[Secret], Value]) -> Json:
        """The resource's JSON object; the caller decides how secrets are written."""
        out: Json = {}
        for key, name in _FIELDS.items():
            item = getattr(self, name)
            if item in _EMPTY and key not in ("urn", "custom", "type"):
                continue
            out[key] = _encoded(key, item, secret)
        out.update(self.extra)
        return out


_EMPTY: tuple[Any, ...] = (None, "", (), {}, False)
# In the order in which Pulumi writes them.
_FIELDS = {
    "urn": "urn",
    "custom": "custom",
    "delete": "delete",
    "id": "id",
    "type": "type",
    "inputs": "inputs",
    "outputs": "outputs",
    "parent": "parent",
    "protect": "protect",
    "taint": "taint",
    "external": "external",
    "dependencies": "dependencies",
    "initErrors": "init_errors",
    "provider": "provider",
    "propertyDependencies": "property_dependencies",
    "pendingReplacement": "pending_replacement",
    "additionalSecretOutputs": "additional_secret_outputs",
    "aliases": "aliases",
    "customTimeouts": "custom_timeouts",
    "importID": "import_id",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "replaceWith": "replace_with",
    "created": "created",
    "modified": "modified",
    "sourcePosition": "source_position",
    "stackTrace": "stack_trace",
    "ignoreChanges": "ignore_changes",
    "hideDiff": "hide_diff",
    "replaceOnChanges": "replace_on_changes",
    "replacementTrigger": "replacement_trigger",
    "refreshBeforeUpdate": "refresh_before_update",
    "viewOf": "view_of",
    "resourceHooks": "resource_hooks",
}
_PROPERTIES = ("inputs", "outputs", "replacementTrigger")
_MAPS_OF_URNS = ("propertyDependencies", "resourceHooks")


def _decoded(key: str, item: Any, urn: str, seal: Seal) -> Any:
    if key in _PROPERTIES:
        return decoded_value(item, urn, seal)
    if key in _MAPS_OF_URNS:
        return {name: tuple(urns or ()) for name, urns in item.items()}
    return tuple(item) if isinstance(item, list) else item


def _encoded(key: str, item: Any, secret: Callable[[Secret], Value]) -> Any:
    if key in _PROPERTIES:
        return encoded_value(item, secret)
    if key in _MAPS_OF_URNS:
        return {name: list(urns) for name, urns in sorted(item.items())}
    return list(item) if isinstance(item, tuple) else item


def decoded_value(item: Any, urn: str, seal: Seal) -> Value:
    """A value read from state, with secrets decrypted and marks recognised."""
    if isinstance(item, dict):
        if item.get(SIGNATURE) == SECRET:
            plaintext = seal.open(urn, item["ciphertext"]) if "ciphertext" in item else item["plaintext"]
            return property_values.secret(decoded_value(json.loads(plaintext), urn, seal))
        plain = {key: decoded_value(value, urn, seal) for key, value in item.items()}
        return property_values.from_wire_object(plain) if SIGNATURE in plain else plain
    if isinstance(item, list):
        return [decoded_value(value, urn, seal) for value in item]
    return item


def encoded_value(value: Value, secret: Callable[[Secret], Value]) -> Any:
    """A state value as JSON."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {key: encoded_value(item, secret) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [encoded_value(item, secret) for item in value]
    if isinstance(value, Secret):
        return secret(value)
    return encoded_value(property_values.to_state(value), secret)


def sealed(secret: Secret, urn: str, seal: Seal | None) -> Json:
    """A secret as it is written in state: the ciphertext of its JSON text, or the text itself without a seal."""
    plaintext = json.dumps(_within_secret(secret), separators=(",", ":"), ensure_ascii=False)
    if seal is None:
        return {SIGNATURE: SECRET, "plaintext": plaintext}
    return {SIGNATURE: SECRET, "ciphertext": seal.close(urn, plaintext)}


def _within_secret(secret: Secret) -> Any:
    """The content of a secret; a nested secret is not wrapped again."""
    return encoded_value(secret.value, _within_secret)


def blinded(_secret: Secret) -> Json:
    """A secret as events show it."""
    return {SIGNATURE: SECRET, "ciphertext": BLINDED}


@dataclass(frozen=True, eq=False)
class Operation:
    """A pending provider call: `kind` is creating, updating, deleting, reading or importing."""

    resource: Resource
    kind: str

    def to_json(self, seal: Seal | None) -> Json:
        """The operation's JSON object."""
        return {"resource": self.resource.to_json(seal), "type": self.kind}


@dataclass(frozen=True, eq=False)
class Deployment:
    """A stack's whole state at one moment. A resource comes after everything it depends on."""

    resources: tuple[Resource, ...] = ()
    pending_operations: tuple[Operation, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    secrets_providers: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: {"metadata": {}})

    @classmethod
    def from_json(cls, data: Json, seal: Seal) -> Self:
        """A deployment from the object under `deployment` of an export, or `latest` of a checkpoint.

        Raises:
            KeyError, ValueError, TypeError: it isn't one.
        """
        known = ("resources", "pending_operations", "manifest", "secrets_providers")
        return cls(
            tuple(Resource.from_json(item, seal) for item in data.get("resources") or ()),
            tuple(Operation(Resource.from_json(item["resource"], seal), item["type"]) for item in data.get("pending_operations") or ()),
            data.get("manifest") or {},
            data.get("secrets_providers"),
            {key: item for key, item in data.items() if key not in known},
        )

    def head(self) -> Json:
        """The part before the resources."""
        out: Json = {"manifest": dict(self.manifest)}
        if self.secrets_providers:
            out["secrets_providers"] = dict(self.secrets_providers)
        return out

    def to_json(self, seal: Seal | None) -> Json:
        """The deployment's JSON object; `seal` None shows secrets in plaintext."""
        out = self.head()
        if self.resources:
            out["resources"] = [resource.to_json(seal) for resource in self.resources]
        if self.pending_operations:
            out["pending_operations"] = [operation.to_json(seal) for operation in self.pending_operations]
        return {**out, **self.extra}


def manifest(time: str) -> Json:
    """The manifest of a state written at `time` (RFC 3339), with the checksum that Pulumi demands."""
    return {"time": time, "magic": hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(), "version": ENGINE_VERSION}
