"""ARM's types and paths, as Azure takes them."""

import pytest

from policies.rules.arm_types import is_name, read_short_type, read_type, types_at

GROUP = "/subscriptions/s/resourceGroups/g"
HUB = "microsoft.devices/iothubs"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Microsoft.Devices/IotHubs@2023-06-30", HUB),
        (" /MICROSOFT.DEVICES/iothubs/ ", HUB),
        ("Microsoft.Resources/providers", "microsoft.resources/providers"),
        ("Microsoft.Web/sites/providers/Microsoft.Authorization/roleAssignments", "microsoft.authorization/roleassignments"),
        ("Microsoft.Web/sites/providers/roleAssignments", ""),
        ("Microsoft.Web/../Microsoft.Devices/IotHubs", ""),
        ("Microsoft.Devices/./IotHubs", ""),
        ("Microsoft.Devices//IotHubs", ""),
        ("Microsoft.Devices%2FIotHubs", ""),
        ("Microsoft.Devices/IotHubs?x", ""),
        ("IotHubs", ""),
        ("", ""),
    ],
)
def test_a_type_is_read_or_is_not(text: str, expected: str) -> None:
    """Without API version, in lower case."""
    assert read_type(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Microsoft.Web/sites/providers/roleAssignments@1", "roleassignments"),
        ("providers/roleAssignments", "roleassignments"),
        ("Microsoft.Web/sites/providers/Microsoft.Authorization/roleAssignments", ""),
        ("Microsoft.Resources/providers", ""),
        ("Microsoft.Web/sites", ""),
    ],
)
def test_an_extensions_short_type(text: str, expected: str) -> None:
    """Its namespace is in its name."""
    assert read_short_type(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (GROUP, ["microsoft.resources/subscriptions/resourcegroups"]),
        ("/subscriptions/s", ["microsoft.resources/subscriptions"]),
        (f"{GROUP}/providers/Microsoft.Devices/IotHubs/h", [HUB]),
        (f"{GROUP}/PROVIDERS/microsoft.devices/IOTHUBS/h/", [HUB]),
        (f"{GROUP}/providers/Microsoft.Devices/IotHubs/h/certificates/c", [f"{HUB}/certificates"]),
        (f"{GROUP}/providers/Microsoft.Devices/IotHubs/h/listkeys", [f"{HUB}/listkeys", HUB]),
        (f"{GROUP}/providers/Microsoft.Devices/IotHubs/providers/certificates/providers", [f"{HUB}/certificates"]),
        (f"{GROUP}/providers/Microsoft.Devices/IotHubs/h/providers/Microsoft.Authorization/locks/l", ["microsoft.authorization/locks"]),
        ("/subscriptions/s/providers/Microsoft.Devices", ["microsoft.resources/providers"]),
        ("/subscriptions/s/providers/Microsoft.Devices/register", ["microsoft.resources/providers"]),
        ("/batch", []),
        ("", []),
        (f"{GROUP}/../g2", []),
        (f"{GROUP}/ .. /g2", []),
        (f"{GROUP}//x", []),
        (f"{GROUP}?x=/providers/Microsoft.Web/sites/s", []),
        (f"{GROUP}%2Fproviders", []),
    ],
)
def test_the_types_at_a_path(path: str, expected: list[str]) -> None:
    """A path is read in pairs from its beginning; one that Azure would read in another way has none."""
    assert types_at(path) == expected


@pytest.mark.parametrize("name", ["g", "g.1_(x)-y", "größe", "Default Policy", "..."])
def test_a_name_stays_one_part_of_a_path(name: str) -> None:
    """Names of groups have letters of every language, and brackets."""
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", " ..", "a/b", "a\\b", "a?b", "a#b", "%2e%2e", "a\nb"])
def test_a_name_that_makes_another_path(name: str) -> None:
    """On its way to Azure."""
    assert not is_name(name)
