"""Describes a value in ARM's JSON; the tables of the resource types consist of these.

Names are those in ARM's JSON and in the SDK. A `read_only` field is returned by Azure and never sent, a `write_only` one the other way
round. A `kept` list is also a resource of its own: where a program leaves it out, what is in Azure is sent back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """JSON types, named as in an API specification. IDENTITIES is a list of ids that ARM represents as a map."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    MAP = "map"
    IDENTITIES = "identities"


@dataclass(frozen=True)
class Field:
    """One property. `default` is the specification's default, which the SDK applies, not the plugin."""

    kind: Kind
    required: bool = False
    read_only: bool = False
    write_only: bool = False
    kept: bool = False
    fields: Mapping[str, Field] = field(default_factory=dict)
    item: Field | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    default: Any = None

    def as_required(self) -> Field:
        """The same field, required."""
        return replace(self, required=True)

    def as_read_only(self) -> Field:
        """The same field, only returned by Azure."""
        return replace(self, read_only=True)

    def as_write_only(self) -> Field:
        """The same field, never returned by Azure."""
        return replace(self, write_only=True)

    def as_kept(self) -> Field:
        """The same list, which keeps what is in Azure where a program leaves it out."""
        return replace(self, kept=True)


TEXT = Field(Kind.STRING)
FLAG = Field(Kind.BOOLEAN)
NUMBER = Field(Kind.NUMBER)
INTEGER = Field(Kind.INTEGER)
IDENTITIES = Field(Kind.IDENTITIES)


def record(**fields: Field) -> Field:
    """An object with these properties."""
    return Field(Kind.OBJECT, fields=fields)


def items(item: Field) -> Field:
    """A list."""
    return Field(Kind.ARRAY, item=item)


def mapping(item: Field) -> Field:
    """An object with arbitrary names whose values all have the same type."""
    return Field(Kind.MAP, item=item)


SYSTEM_DATA = record(
    createdAt=TEXT,
    createdBy=TEXT,
    createdByType=TEXT,
    lastModifiedAt=TEXT,
    lastModifiedBy=TEXT,
    lastModifiedByType=TEXT,
).as_read_only()

TAGS = mapping(TEXT)

PRIVATE_ENDPOINT_CONNECTION = record(
    id=TEXT.as_read_only(),
    name=TEXT.as_read_only(),
    type=TEXT.as_read_only(),
    properties=record(
        privateLinkServiceConnectionState=record(
            description=TEXT.as_required(), status=TEXT.as_required(), actionsRequired=TEXT
        ).as_required(),
        privateEndpoint=record(id=TEXT).as_read_only(),
    ).as_required(),
)

CERTIFICATE_PROPERTIES = record(
    certificate=TEXT,
    isVerified=FLAG,
    subject=TEXT.as_read_only(),
    expiry=TEXT.as_read_only(),
    thumbprint=TEXT.as_read_only(),
    created=TEXT.as_read_only(),
    updated=TEXT.as_read_only(),
)

ACCESS_RULE = record(keyName=TEXT.as_required(), rights=TEXT.as_required(), primaryKey=TEXT, secondaryKey=TEXT)
