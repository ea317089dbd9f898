"""The regions of local Azure, by display name and by ARM's own name."""

from __future__ import annotations

_DISPLAY = (
    "East US, East US 2, East US 2 EUAP, Central US, North Central US, South Central US, West Central US, West US, West US 2, "
    "West US 3, Canada Central, Canada East, Brazil South, Mexico Central, North Europe, West Europe, France Central, "
    "Germany West Central, Norway East, Poland Central, Sweden Central, Switzerland North, Italy North, Spain Central, "
    "UK South, UK West, UAE North, Qatar Central, Israel Central, South Africa North, Southeast Asia, East Asia, "
    "Australia East, Australia Southeast, Japan East, Japan West, Korea Central, Korea South, Central India, South India, "
    "West India, USGov Virginia, USGov Arizona, USGov Texas, USDoD East, USDoD Central, China East, China East 2, "
    "China East 3, China North, China North 2, China North 3"
).split(", ")
DISPLAY_BY_NAME = {display.lower().replace(" ", ""): display for display in _DISPLAY}


def normalized(location: str) -> str:
    """`West Europe` -> `westeurope`, ARM's own form."""
    return location.lower().replace(" ", "")


def known(location: str) -> bool:
    """Whether the region exists."""
    return normalized(location) in DISPLAY_BY_NAME


def display(location: str) -> str:
    """`westeurope` -> `West Europe`."""
    return DISPLAY_BY_NAME.get(normalized(location), location)


# https://learn.microsoft.com/azure/reliability/regions-paired: each region with the one of its pair; of three pairs only one way.
_PAIRS = dict(
    pair.split("/")
    for pair in (
        "East US/West US|East US 2/Central US|North Central US/South Central US|West US 2/West Central US|Canada Central/Canada East|"
        "North Europe/West Europe|UK South/UK West|Southeast Asia/East Asia|Australia East/Australia Southeast|Japan East/Japan West|"
        "Korea Central/Korea South|Central India/South India|USGov Arizona/USGov Texas|USDoD East/USDoD Central|"
        "China East/China North|China East 2/China North 2|China East 3/China North 3|USGov Virginia/USGov Texas|"
        "Brazil South/South Central US|West US 3/East US|West India/South India"
    ).split("|")
)
_BACK = {second: first for first, second in reversed(_PAIRS.items())}


def paired(location: str) -> str:
    """The display name of the region to which hubs of this region fail over; of a region without a pair `East US` (a guess)."""
    here = display(location)
    return _PAIRS.get(here) or _BACK.get(here) or "East US"
