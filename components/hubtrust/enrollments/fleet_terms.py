"""What may be declared of an individual enrollment of a fleet: read and validated, and written back as it is packed."""

import re
from collections.abc import Mapping
from typing import Any

from hubtrust.azure.enrollment_limits import ENROLLMENT_ID, LONGEST_COMMON_NAME, LONGEST_ID, RESERVED_IN_TWINS
from hubtrust.devices.description import require_desired, require_device_id
from hubtrust.devices.json_values import kind, shown_character
from hubtrust.devices.twin_limits import MOST_TAGS, require_document
from hubtrust.enrollments.description import Allocation, Reprovision, Terms
from hubtrust.reconcile_errors import DeclarationError

ALLOCATIONS = tuple(one.value for one in Allocation if one is not Allocation.CUSTOM)  # its webhook's URL is a secret: IndividualEnrollment
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_IN_ID = re.compile(r"[A-Za-z0-9\-._:]")


def require_registration_id(value: object) -> str:
    """``value`` as the registration id of a device that proves itself by a certificate, whose common name it is.

    Raises:
        DeclarationError: it is no text, empty, longer than a common name (64 characters), has a character that Azure does not allow, or
            its last one is no letter, digit or dash.
    """
    if not isinstance(value, str):
        raise DeclarationError("the enrollment", f"its registrationId is {kind(value)}", "give a text, in quotes")
    if not value:
        raise DeclarationError("the enrollment", "its registrationId is empty", f"use 1 to {LONGEST_COMMON_NAME} characters")
    what = f"enrollment '{value[:20]}…'" if len(value) > LONGEST_ID else f"enrollment '{value}'"
    if len(value) > LONGEST_COMMON_NAME:
        fact = f"its registrationId has {len(value)} characters, and the certificate's common name, which it is, has at most"
        raise DeclarationError(what, f"{fact} {LONGEST_COMMON_NAME}", "use a shorter one")
    if stray := next((char for char in value if not _IN_ID.fullmatch(char)), None):
        fact = f"its registrationId has the character {shown_character(stray)}"
        raise DeclarationError(what, fact, "use letters, digits and - . _ :")
    if not ENROLLMENT_ID.fullmatch(value):
        raise DeclarationError(what, f"its registrationId ends with '{value[-1]}'", "let its last character be a letter, a digit or a dash")
    return value


def read_terms(inputs: Mapping[str, Any]) -> Terms:
    """The terms in ``inputs``, by their wire names; None is as if left out.

    Args:
        inputs: any of `status`, `edge`, `hubs`, `allocation`, `reprovision`, `tags`, `desired`, `information`.

    Raises:
        DeclarationError: one of them is invalid.
    """
    status, edge = inputs.get("status"), inputs.get("edge")
    if status not in ("enabled", "disabled", "", None):
        raise DeclarationError("status", f"it is {_shown(status)}", "use enabled or disabled")
    if not isinstance(edge, bool | None):
        raise DeclarationError("edge", f"it is {_shown(edge)}", f"use true or false{', without quotes' if isinstance(edge, str) else ''}")
    if (tags := inputs.get("tags")) is not None:
        require_document("tags", tags, MOST_TAGS)
    if (desired := inputs.get("desired")) is not None:
        require_desired(desired)
    for name, document in (("tags", tags), ("desired", desired)):
        if reserved := sorted(set(document or ()).intersection(RESERVED_IN_TWINS)):
            fact = f"'{reserved[0]}' is a name that Azure uses itself in initial twins"
            raise DeclarationError(name, fact, "use another name")
    information = inputs.get("information")
    if not isinstance(information, Mapping | None):
        raise DeclarationError("information", f"it is {kind(information)}", "give an object of names and values")
    return Terms(
        enabled=status != "disabled",
        edge=edge is True,
        hubs=require_hubs(inputs.get("hubs")),
        allocation=require_choice("allocation", inputs.get("allocation"), ALLOCATIONS),
        reprovision=require_choice("reprovision", inputs.get("reprovision"), tuple(one.value for one in Reprovision)),
        tags=tags or None,
        desired=desired or None,
        information=information or None,
    )


def require_together(what: str, terms: Terms) -> None:
    """The terms are valid together, with those of the fleet in them: Azure accepts others, and then devices can't register.

    Raises:
        DeclarationError: a static allocation without its one hub.
    """
    hubs = terms.hubs or ()
    if terms.allocation == Allocation.STATIC and len(hubs) != 1:
        fact = f"its allocation is static, and it names {len(hubs) or 'no'} hub{'' if len(hubs) == 1 else 's'}"
        raise DeclarationError(what, fact, "name the one hub to which its device goes")


def require_hubs(value: object) -> tuple[str, ...] | None:
    """``value`` as host names of hubs, each once; None if there are none.

    Raises:
        DeclarationError: it is no list, or one is no host name.
    """
    if value is None or value in ([], ()):
        return None
    if not isinstance(value, list | tuple):
        raise DeclarationError("hubs", f"it is {_shown(value)}", "give a list of host names of linked hubs")
    for one in value:
        if not isinstance(one, str) or not _HOST.fullmatch(one):
            fact = f"{_shown(one)} is not a hub's host name"
            raise DeclarationError("hubs", fact, "write each as hub-7.azure-devices.net")
    return tuple({one.lower(): one for one in value}.values())


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str | None:
    """``value`` if it is one of ``choices``, in any case, as these have it; None if there is none.

    Raises:
        DeclarationError: it is something else.
    """
    if value is None or value == "":
        return None
    found = next((one for one in choices if isinstance(value, str) and one.lower() == value.lower()), None)
    if found is None:
        other = "; a custom allocation is one of IndividualEnrollment" if value == Allocation.CUSTOM else ""
        raise DeclarationError(name, f"it is {_shown(value)}", f"use {', '.join(choices)}{other}")
    return found


def require_own_device_id(value: object) -> str | None:
    """``value`` as the id that the device gets on its hub; None: its registration id.

    Raises:
        DeclarationError: a hub does not accept it.
    """
    return None if value is None or value == "" else require_device_id(value)


def terms_as_inputs(terms: Terms) -> dict[str, Any]:
    """What ``read_terms`` reads as ``terms``."""
    found = {
        "status": None if terms.enabled else "disabled",
        "edge": terms.edge or None,
        "hubs": None if terms.hubs is None else list(terms.hubs),
        "allocation": terms.allocation,
        "reprovision": terms.reprovision,
        "tags": terms.tags,
        "desired": terms.desired,
        "information": terms.information,
    }
    return {name: value for name, value in found.items() if value is not None}


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else kind(value)
