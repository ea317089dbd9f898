"""Microsoft Graph: who an application is, which `az role assignment` asks."""

from typing import Any

import pytest

from local_azure_iot.login import principals
from tests.local_azure.in_process import Answer, InProcess

HOST = "graph.microsoft.com"
DEPLOYER = "hubtrust sandbox deployer"


def graph(azure: InProcess, method: str, path: str, body: Any = None, *, host: str = HOST, audience: str = f"https://{HOST}/") -> Answer:
    """One request, with a token for ``audience``."""
    token = azure.azure.tokens.issue(deployer(azure), audience)
    return azure.ask(method, path.replace(" ", "%20"), body, host=host, token=token)


def deployer(azure: InProcess) -> principals.Principal:
    """The application that the sandbox made."""
    return next(each for each in principals.all_of(azure.azure.store) if each.name == DEPLOYER)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("servicePrincipalNames/any(c:c eq '{0.client_id}')", True),
        ("servicePrincipalNames/any(x: x eq '{0.object_id}')", False),
        ("appId eq '{0.client_id}'", True),
        ("id eq '{0.object_id}'", True),
        ("displayName eq '{0.name}'", True),
        ("startswith(displayName,'HUBTRUST')", True),
        ("startswith(displayName,'other')", False),
    ],
)
def test_an_application_is_found(azure: InProcess, condition: str, found: bool) -> None:
    """By each filter that clients send."""
    own = deployer(azure)
    listed = graph(azure, "GET", f"/v1.0/servicePrincipals?$filter={condition.format(own)}").json()["value"]

    assert [(each["id"], each["appId"]) for each in listed] == ([(own.object_id, own.client_id)] if found else [])


def test_objects_by_their_ids(azure: InProcess) -> None:
    """In any case, of the types asked for; ids of nothing are left out. One alone is found by its own path."""
    own = deployer(azure)
    ids = [own.object_id.upper(), "00000000-0000-0000-0000-000000000000"]

    def by_ids(*types: str) -> list[str]:
        answer = graph(azure, "POST", "/v1.0/directoryObjects/getByIds", {"ids": ids, "types": list(types)}).json()
        return [f"{each['@odata.type']} {each['id']}" for each in answer["value"]]

    assert by_ids("user", "group", "servicePrincipal") == by_ids() == [f"#microsoft.graph.servicePrincipal {own.object_id}"]
    assert by_ids("user") == []
    for path in (f"servicePrincipals/{own.object_id}", f"servicePrincipals(appId='{own.client_id}')", f"directoryObjects/{own.object_id}"):
        assert graph(azure, "GET", f"/beta/{path}").json()["appId"] == own.client_id
    for path in (f"servicePrincipals/{ids[1]}", f"servicePrincipals(appId='{ids[1]}')", f"users/{own.object_id}", "groups/g"):
        assert graph(azure, "GET", f"/v1.0/{path}").json()["error"]["code"] == "Request_ResourceNotFound"
    for path in ("users?$filter=userPrincipalName eq 'a@b.c'", "groups"):
        assert graph(azure, "GET", f"/v1.0/{path}").json()["value"] == []


def test_refusals(azure: InProcess) -> None:
    """No token, another service's, another version, an unknown filter, a bad body, and what is not here, by its name."""
    path = "/v1.0/servicePrincipals"
    answers = [
        azure.ask("GET", path, host=HOST, token=""),
        graph(azure, "GET", path, audience="https://management.azure.com/"),
        graph(azure, "GET", "/v2.0/users"),
        graph(azure, "GET", f"{path}?$filter=tags/any(t:t eq 'x')"),
        graph(azure, "POST", "/v1.0/directoryObjects/getByIds", {"ids": "x"}),
        graph(azure, "POST", "/v1.0/directoryObjects/getByIds", {}),
        graph(azure, "POST", "/v1.0/applications", {"displayName": "a"}),
    ]

    assert [answer.status for answer in answers] == [401, 401, 400, 400, 400, 400, 501]
    assert {"code", "message", "innerError"} == set(answers[-1].json()["error"])
    assert "POST /v1.0/applications" in answers[-1].json()["error"]["message"]


@pytest.mark.parametrize(("cloud", "host"), [("us", "graph.microsoft.us"), ("cn", "microsoftgraph.chinacloudapi.cn")])
def test_each_cloud_has_its_own(azure: InProcess, cloud: str, host: str) -> None:
    """With its own audience, with and without the slash."""
    for audience in (f"https://{host}", f"https://{host}/", "00000003-0000-0000-c000-000000000000"):
        assert graph(azure, "GET", "/v1.0/users", host=host, audience=audience).status == 200, cloud
    assert graph(azure, "GET", "/v1.0/users", host=host).status == 401
