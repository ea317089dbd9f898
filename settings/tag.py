"""A tag of an Azure resource or a device twin, written `name=value`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

# Azure's limits for resource tags: learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
_TAG = re.compile(r"[^=]{1,512}=[^=]{0,256}")


def _checked(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a tag; write it as name=value")
    return text


Tag = Annotated[str, AfterValidator(_checked)]


def as_mapping(tags: Iterable[Tag]) -> dict[str, str]:
    """Values by name."""
    return dict(tag.split("=", 1) for tag in tags)
