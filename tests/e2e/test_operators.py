"""Operators of a hub that the program itself declares: nobody loses the role because another one was removed, or got another key."""

from typing import Any

from tests.kit.local_azure import Hub
from tests.kit.program import Program

_PROGRAM = """
import pulumi
from pulumi_azure_native import iothub, resources
from hubtrust import CertificateAuthority, Generate, TrustedHub

later = lambda value: pulumi.Output.from_input(value).apply(lambda known: known)
group = resources.ResourceGroup("own", resource_group_name="own")
own = iothub.IotHubResource("own", resource_group_name=group.name, resource_name_="own-hub-7", sku={"name": "S1"}, tags={"team": "a"})
authority = CertificateAuthority("plant", source=Generate(common_name="Plant", intermediates=0))
hub = TrustedHub("plant", authorities=[authority], hub=HUB, operators=OPERATORS)
pulumi.export("trust", hub.trust)
pulumi.export("resourceGroupName", hub.resource_group_name)
pulumi.export("hubName", hub.hub_name)
"""
_A, _B, _C = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "abc")


def test_roles_follow_their_principals(stack: Program) -> None:
    """A list of Outputs without its first one; a mapping in its place; the hub by its id. At the end everything is deleted."""
    stack.configure(devices="", canary="", operators=[])
    declare(stack, "own", f"[later('{_A}'), later('{_B}'), '{_C}']")
    stack.up()
    assert [one["proof"] for one in stack.outputs()["trust"]] == ["possession"]
    with stack.azure() as azure:
        hub = stack.hub(azure)
        assert azure.ask("GET", hub.id).json()["tags"] == {"team": "a"}, "a hub of the program gets no tag"
        given = roles(hub)
        assert given.keys() == {_A, _B, _C}
        declare(stack, "own", f"['{_B}', later('{_C}')]")
        stack.up()
        assert roles(hub) == {principal: given[principal] for principal in (_B, _C)}

        declare(stack, "own", f"{{'plant': later('{_B}')}}")
        assert stack.run("up") != 0
        assert f"operator 'plant': this stack has given the role to {_B} as operator '{_B}'" in stack.printed
        assert roles(hub).keys() == {_B, _C}
        declare(stack, "own", f"{{'plant': later('{_A}')}}")
        stack.up()
        declare(stack, "own", f"{{'plant': later('{_B}')}}")
        stack.up()
        assert roles(hub).keys() == {_B}
        declare(stack, "own", f"{{'press': later('{_B}')}}")
        assert stack.run("up") != 0
        assert "keep it as 'plant', or remove it in one run and give it in the next" in stack.printed

        declare(stack, "own.id", f"{{'plant': '{_B}'}}")
        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == [], "a hub by its id is the same hub"
        assert stack.run("destroy") == 0, stack.printed
        assert azure.http.get(f"{hub.id}?api-version=2023-06-30", headers=azure.token).status_code == 404


def declare(stack: Program, hub: str, operators: str) -> None:
    """Write the program."""
    (stack.folder / "__main__.py").write_text(_PROGRAM.replace("HUB", hub).replace("OPERATORS", operators))


def roles(hub: Hub) -> dict[str, Any]:
    """The names of the role assignments on the hub, by their principals."""
    version = "api-version=2022-04-01"
    path = f"{hub.id}/providers/Microsoft.Authorization/roleAssignments?{version}&$filter=atScope()"
    found = hub.azure.http.get(path, headers=hub.azure.token).json()["value"]
    return {one["properties"]["principalId"]: one["name"] for one in found if one["properties"]["scope"].lower() == hub.id.lower()}
