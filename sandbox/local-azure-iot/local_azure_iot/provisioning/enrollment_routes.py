"""Operations on a provisioning service's enrollments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from local_azure_iot.provisioning import attestation, bulk, enrollments, errors, pages, registrations
from local_azure_iot.provisioning.enrollment_shapes import ENROLLMENTS, QUERY
from local_azure_iot.provisioning.enrollments import GROUPS, INDIVIDUALS
from local_azure_iot.provisioning.route_table import ServiceTable
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.enrollments import Kind
    from local_azure_iot.wire import Request


def put_enrollment(kind: Kind, azure: Azure, request: Request) -> Reply:
    """Create an enrollment (no If-Match: 409 where it exists) or replace it (If-Match: 404 where it does not exist): 200 for both."""
    document = enrollments.put(
        azure, request.parameters["service_key"], kind, request.json_object(ENROLLMENTS[kind.id_member]),
        enrollment_id=request.parameters["id"], if_match=request.header("if-match"), version=request.api_version,
    )  # fmt: skip
    return Reply(body=enrollments.to_json(kind, document, request.api_version, keys=True))


def get_enrollment(kind: Kind, azure: Azure, request: Request) -> Reply:
    """An enrollment; an individual one with the state of its device's registration."""
    document = _required(kind, azure, request)
    state = _state(azure, request, document) if kind is INDIVIDUALS else None
    return Reply(body=enrollments.to_json(kind, document, request.api_version, registration=state))


def delete_enrollment(kind: Kind, azure: Azure, request: Request) -> Reply:
    """Delete an enrollment: 204. Its devices stay in their hubs, and connected."""
    parameters = request.parameters
    enrollments.delete(azure, parameters["service_key"], kind, parameters["id"], request.header("if-match"))
    return Reply(status=204, body=NO_BODY)


def query_enrollments(kind: Kind, azure: Azure, request: Request) -> Reply:
    """One page of all enrollments of a kind, in the order of their ids; individual ones without their registration.

    What the query says does not matter: az CLI's extension sends the Python text of an object, `{…, 'query': 'SELECT *'}`, which its tests
    against Azure show to work; Microsoft's samples send `*` (Node) and `SELECT * FROM enrollments` (C#), also for groups.
    """
    if not request.json_object(QUERY).get("query"):
        raise errors.argument_invalid("The query is missing.")
    service_key, version = request.parameters["service_key"], request.api_version
    return pages.answer(
        request, kind.plural, kind.item_type, partial(enrollments.page, azure, service_key, kind),
        lambda document: enrollments.to_json(kind, document, version),
    )  # fmt: skip


def get_attestation_mechanism(kind: Kind, azure: Azure, request: Request) -> Reply:
    """An enrollment's attestation with its symmetric keys."""
    return Reply(body=attestation.with_keys(_required(kind, azure, request)))


def run_bulk_operation(kind: Kind, azure: Azure, request: Request) -> Reply:
    """Up to ten enrollments: 200, also where some were refused; the others are written all the same."""
    body = request.json_object({kind.plural: [ENROLLMENTS[kind.id_member]], "mode": str})
    if body.get(kind.plural) is None:
        raise errors.argument_invalid(f"{kind.plural} is missing.")
    mode, service_key = str(body.get("mode") or ""), request.parameters["service_key"]
    return Reply(body=bulk.apply(azure, service_key, kind, body[kind.plural], mode=mode, version=request.api_version))


def _required(kind: Kind, azure: Azure, request: Request) -> dict[str, Any]:
    return enrollments.require(azure, request.parameters["service_key"], kind, request.parameters["id"])


def _state(azure: Azure, request: Request, enrollment: dict[str, Any]) -> dict[str, Any]:
    """What became of an individual enrollment's device."""
    found = registrations.find(azure, request.parameters["service_key"], enrollment["id"])
    if found is None or found["group"] is not None:
        return {"registrationId": enrollment["id"], "status": "unassigned"}
    return registrations.to_json(found)


_TABLE = ServiceTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_READ, _WRITE = "EnrollmentRead", "EnrollmentWrite"
_PUT = "guesses: which members are refused, and how; 404 for If-Match and no enrollment; an api-version drops what it does not know"
_QUERY = "whatever the query says, all are answered, as az CLI's extension needs it; guesses: the order of ids, at most 1000 a page"
_BULK = "guesses: `update` with an etag, what is answered to more than ten entries"
_MECHANISM = "guess: the answer for certificates"


def _add(kind: Kind, name: str, evidence: Evidence) -> None:
    """The operations on a kind; ``name`` is how Azure's operation ids begin."""
    every, one, action = f"/{kind.plural}", f"/{kind.plural}/{{id}}", kind.plural
    _TABLE.add(f"{name}_Query", f"POST {every}/query", partial(query_enrollments, kind), _READ, f"{action}/read", evidence, _QUERY)
    _TABLE.add(f"{name}_RunBulkOperation", f"POST {every}", partial(run_bulk_operation, kind), _WRITE, f"{action}/write", evidence, _BULK)
    _TABLE.add(f"{name}_Get", f"GET {one}", partial(get_enrollment, kind), _READ, f"{action}/read", evidence)
    _TABLE.add(f"{name}_CreateOrUpdate", f"PUT {one}", partial(put_enrollment, kind), _WRITE, f"{action}/write", evidence, _PUT)
    _TABLE.add(f"{name}_Delete", f"DELETE {one}", partial(delete_enrollment, kind), _WRITE, f"{action}/delete", evidence)
    _TABLE.add(
        f"{name}_GetAttestationMechanism", f"POST {one}/attestationmechanism", partial(get_attestation_mechanism, kind), _WRITE,
        "attestationmechanism/details/action", Evidence.DOCUMENTED, _MECHANISM,
    )  # fmt: skip


_add(GROUPS, "EnrollmentGroup", Evidence.RECORDED)
_add(INDIVIDUALS, "IndividualEnrollment", Evidence.DOCUMENTED)
