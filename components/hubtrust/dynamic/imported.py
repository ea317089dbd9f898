"""What is imported: read, never written, and whose it is until a run of this stack writes it.

An import changes nothing in Azure, and neither does the next run of a program that declares what is there. So a device that was imported
keeps the owner tag that it has, or has none. The first change that the program makes writes the tag where there is none: to import it by
its id was to ask for that. A device of another owner is refused then, until `adopt` names it. What nobody has written here is not deleted.
What is there and was not declared by any run (tags, a parent) is others': a program that does not declare it does not remove it.
"""

from collections.abc import Mapping
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG
from hubtrust.inputs import Properties
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

OWN, OTHERS, UNKNOWN = "own", "others", "unknown"  # the output ``imported``: whose it was; UNKNOWN: such things have no tags


def is_imported(olds: Properties) -> bool:
    """Whether it was imported, and no run has written it since."""
    return bool(olds.get("imported"))


def owner_of(tag: object) -> dict[str, Any]:
    """The output ``owner`` by what the tag is; {} if it names none."""
    return dict(tag) if isinstance(tag, Mapping) else {}


def declarable(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The tags of a twin that a program may declare: all but the owner's."""
    return {name: value for name, value in tags.items() if name != OWNER_TAG}


def is_own(tag: object, owner: Mapping[str, str]) -> bool:
    """Whether this owner tag is that of a resource whose tag would be ``owner``.

    A program in Python writes the stack with its organization, which a URN does not have.
    """
    held = owner_of(tag)
    stack, own = str(held.get("stack")), owner.get("stack")
    return held.keys() == {"stack", "urn"} and held["urn"] == owner.get("urn") and (stack == own or stack.endswith(f"/{own}"))


def ownership(tag: object, owner: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the outputs that say whose something with this owner tag is, imported by a resource of ``owner``.

    The input is the tag as it is, if it is this resource's; otherwise check gives the resource an owner tag.
    """
    held, own = owner_of(tag), is_own(tag, owner)
    return {"owner": held} if own else {}, {"owner": held, "imported": OWN if own else OTHERS}


def stays(what: str, olds: Properties) -> bool:
    """Whether it is not to be deleted, which is told: it was imported, has not its resource's tag, and no run has written it."""
    if olds.get("imported") != OTHERS:
        return False
    show_message(f"{what}: it was imported, and no run of this stack has written it, so it is kept")
    return True


def tell(what: str, tag: object, owner: Mapping[str, str]) -> None:
    """Tell the user whose it is, if it is not this resource's."""
    if is_own(tag, owner):
        return
    held = owner_of(tag)
    if held:
        fact = f"it is managed by {held.get('urn')} in stack {held.get('stack')}, and stays so until `adopt` names it and a run writes it"
    else:
        fact = "nobody manages it by an owner tag; the first change that the program makes writes the tag of this resource"
    show_message(f"{what} is imported and not changed: {fact}")


def require_declarable(what: str, authentication: str) -> None:
    """Refuse what has keys: no declaration has these, so that the next run would take them away.

    Raises:
        DeclarationError: it authenticates in another way than by certificates.
    """
    if authentication in ("certificateAuthority", "selfSigned"):
        return
    fact = f"its authentication is {authentication!r}, and a resource declares certificates only, so a run would remove its keys"
    raise DeclarationError(what, fact, "give it a certificate first, or leave it to whoever has its keys")
