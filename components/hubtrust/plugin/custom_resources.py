"""The native shell: an engine calls our resources by Pulumi's protocol for providers, without a dynamic provider between them."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from hubtrust import shell, urns
from hubtrust.dynamic.contract import Contract
from hubtrust.errors import LONGEST, HubtrustError, shown
from hubtrust.inputs import wire_names
from hubtrust.plugin import detailed_diff, given_values, previews, tokens
from hubtrust.plugin.one_line import in_one_line, without_secrets
from hubtrust.plugin.property_values import as_secret, from_struct, secret_names, secret_texts, to_struct
from hubtrust.urns import Urn


class CustomResources(provider_pb2_grpc.ResourceProviderServicer):
    """Check, Diff, Create, Read, Update and Delete of every custom resource."""

    @in_one_line
    def Check(self, request: Any, _context: Any) -> Any:
        """The inputs, with the owner, and with declared secrets marked as such; and every input that is not valid."""
        contract, news = _contract(request.urn), from_struct(request.news)
        answer = provider_pb2.CheckResponse(inputs=request.news)
        try:
            olds = _inputs(contract, request.urn, request.olds)
            more = _given(contract, request.urn, olds, news)
        except HubtrustError as error:
            answer.failures.add(reason=without_secrets(secret_texts(request.news), shown(str(error), LONGEST)))
            return answer
        news |= more
        for name, value in to_struct(more, secret_names(request.news)).fields.items():
            answer.inputs.fields[name].CopyFrom(value)
        if "owner" in wire_names(contract.inputs, "required") and "owner" not in news:
            news["owner"] = olds.get("owner") or owner_of(request.urn)
            answer.inputs.fields["owner"].CopyFrom(to_struct(news).fields["owner"])
        for name in contract.secret_inputs & news.keys():
            answer.inputs.fields[name].CopyFrom(as_secret(answer.inputs.fields[name]))
        hidden, texts = secret_names(answer.inputs), secret_texts(answer.inputs)  # an engine prints the value of a property that it names
        for each in contract.refusals(olds, news):
            answer.failures.add(property="" if each.name in hidden else each.name, reason=without_secrets(texts, each.reason))
        return answer

    @in_one_line
    def Diff(self, request: Any, _context: Any) -> Any:
        """How the inputs differ from the old outputs, and at which paths. A replacement is created before the old one is deleted."""
        contract, outs = _contract(request.urn), from_struct(request.olds)
        news, old_inputs = (_inputs(contract, request.urn, each) for each in (request.news, request.old_inputs))
        change = contract.difference(outs, news)
        return detailed_diff.Difference(contract, change, old_inputs, outs, news, tuple(request.ignoreChanges)).answer()

    @in_one_line
    def Create(self, request: Any, _context: Any) -> Any:
        """Create it; in a preview, say which outputs are known."""
        contract = _contract(request.urn)
        news = _inputs(contract, request.urn, request.properties)
        if request.preview:
            outs = previews.of_create(contract, news)
            return provider_pb2.CreateResponse(properties=_outputs(contract, outs, request.properties))
        id_, outs = contract.created(news)
        return provider_pb2.CreateResponse(id=id_, properties=_outputs(contract, outs, request.properties))

    @in_one_line
    def Read(self, request: Any, _context: Any) -> Any:
        """Read it: a refresh keeps the program's inputs. Without a state it is an import, which finds the inputs too."""
        contract, olds = _contract(request.urn), from_struct(request.properties)
        if wire_names(contract.inputs, "required") & wire_names(contract.inputs, "kept") <= olds.keys() and olds:
            outs = contract.found(request.id, olds)
            if outs is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(id=request.id, properties=_outputs(contract, outs, request.properties, request.inputs))
        found = contract.imported(request.id, owner_of(request.urn))
        if found is None:
            return provider_pb2.ReadResponse()
        declared = given_values.as_program(_kind(urns.read(request.urn)), request.id.strip(), found.inputs)
        properties, inputs = _outputs(contract, found.outputs, request.inputs), to_struct(declared, contract.secret_inputs)
        return provider_pb2.ReadResponse(id=found.id, properties=properties, inputs=inputs)

    @in_one_line
    def Update(self, request: Any, _context: Any) -> Any:
        """Update it; in a preview, say which outputs are known."""
        contract, olds = _contract(request.urn), from_struct(request.olds)
        news = _inputs(contract, request.urn, request.news)
        if request.preview:
            outs = previews.of_update(contract, olds, _inputs(contract, request.urn, request.old_inputs), news)
        else:
            outs = contract.updated(request.id, olds, news)
        return provider_pb2.UpdateResponse(properties=_outputs(contract, outs, request.news, request.olds))

    @in_one_line
    def Delete(self, request: Any, _context: Any) -> Any:
        """Delete it."""
        _contract(request.urn).deleted(request.id, from_struct(request.properties))
        return empty_pb2.Empty()


def owner_of(urn: str) -> dict[str, str]:
    """The owner tag of a resource whose program gives none: as ``hub_inputs.owner_tag``, with as much of the stack as the URN says.

    The type is that of the dynamic provider, so that a resource has the same owner in both shells.
    """
    found = urns.read(urn)
    types = f"{found.parents}$" if found.parents else ""
    kind = shell.dynamic_type(_kind(found))
    return {"stack": f"{found.project}/{found.stack}", "urn": f"urn:pulumi:{found.stack}::{found.project}::{types}{kind}::{found.name}"}


def _given(contract: Contract[Any], urn: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    found = urns.read(urn)
    return given_values.of_program(contract, _kind(found), found.name, olds.get("owner") or owner_of(urn), news)


def _inputs(contract: Contract[Any], urn: str, struct: Any) -> dict[str, Any]:
    """Inputs as the contract reads them. Check gave them that form; those that an import found are in the state as a program has them."""
    found = from_struct(struct)
    return found | _given(contract, urn, found, found) if found else found


def _contract(urn: str) -> Contract[Any]:
    return tokens.contract(urns.read(urn).type)


def _kind(urn: Urn) -> str:
    """The last part of its type: `DeviceFleet`."""
    return urn.type.rpartition(":")[2]


def _outputs(contract: Contract[Any], outs: Mapping[str, Any], *sources: Any) -> Any:
    """The outputs. One is a secret if it is declared so, or if the input or the old output of its name is."""
    secret = contract.secret_outputs.union(*(secret_names(each) for each in sources))
    return to_struct(outs, secret)
