"""LinkPolicy: the shared access policy of a hub with whose key a provisioning service assigns devices to it, made for that alone.

Its inputs are the fields of ``LinkPolicyInputs`` here, and of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add
one, add a field there and a parameter of the same name to the constructor here.
"""

import re
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.azure import absence
from hubtrust.azure.certificates import writer
from hubtrust.azure.errors import DeniedError, EtagError, RefusedError
from hubtrust.azure.hub_policies import LINK_RIGHTS, HubPolicies, Policy, as_declared
from hubtrust.azure.retry import ETAG_RETRIES, READ_DENIED, RetryLimits, retry_context
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import AzureInputs, CloudInputs, report_if_gone
from hubtrust.dynamic.hub_inputs import hub_id
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, boolean, input_field
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

_NAME = re.compile(r"[^\s;=/]{1,64}")  # of a policy; a connection string has its parts between `;` and `=`
_NO_ROLE = "AuthorizationFailed"  # Resource Manager's code where no role allows an action
_USED: set[tuple[str, str]] = set()  # hub and name of each policy that a create of this process found; a process lasts for one run


def _policy_name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise DeclarationError("policyName", f"it is {value!r}", "use 1 to 64 characters without spaces, ; = and /")
    return value


@dataclass(frozen=True, kw_only=True)
class LinkPolicyInputs(AzureInputs):
    """The inputs of a LinkPolicy."""

    hub_id: Service = hub_id(required=True, replaces=True)
    policy_name: str = input_field(_policy_name, "the policy's name on the hub.", required=True, kept=True, replaces=True)
    make: bool = input_field(
        boolean,
        "True: this resource makes, repairs and deletes the policy. False: somebody else does, and it is only read.",
        kept=True,
        default=True,
    )


class LinkPolicyOutputs:
    """The outputs of a LinkPolicy."""

    hub_id: pulumi.Output[str]
    """ARM id of the IoT hub."""
    policy_name: pulumi.Output[str]
    """The policy's name on the hub."""
    make: pulumi.Output[bool | None]
    """Whether this resource makes the policy, as declared."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    deadline: pulumi.Output[float | None]
    """The deadline in seconds, as declared."""
    location: pulumi.Output[str]
    """The hub's region, which a link names."""
    host_name: pulumi.Output[str]
    """The hub's host name."""
    connection_string: pulumi.Output[str | None]
    """The hub's host name with the policy's primary key: a secret. None after a refresh that found that the policy can't be used."""


class LinkPolicyProvider(Reconciler[LinkPolicyInputs]):
    """Makes and removes one policy; everything else of the hub stays as it is. A key that others changed is read by a refresh."""

    inputs, results = LinkPolicyInputs, LinkPolicyOutputs
    secret_outputs, steady_outputs = frozenset({"connectionString"}), frozenset({"hostName"})

    def on_diff(self, olds: Properties, news: LinkPolicyInputs) -> Change:
        """Another hub or name is another policy; one that can't be used is repaired."""
        own = CloudInputs.read(olds)
        changed = own.cloud != news.cloud or (olds.get("make") is not False) != news.make
        return Change(news.changes_that_replace(olds), updates=changed or not olds.get("connectionString"))

    def on_create(self, news: LinkPolicyInputs) -> tuple[str, dict[str, Any]]:
        """Make it. One that has the name is what an interrupted run left: its keys stay, its rights become those that a link needs."""
        outs, found_there = _reconcile(news)
        if found_there:
            _USED.add(_key(news))
        return f"{news.hub_id.id}/IotHubKeys/{news.policy_name}", outs

    def on_update(self, _id: str, _olds: Properties, news: LinkPolicyInputs) -> dict[str, Any]:
        """Make or repair it."""
        return _reconcile(news)[0]

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The policy as it is now. Who previews for others may not see keys, and needs none: then it is as the last run left it."""
        own = LinkPolicyInputs.read(olds)
        with own.resource_manager(RetryLimits(own.deadline, denied=READ_DENIED)) as client:
            policies = HubPolicies(client, own.hub_id)
            hub = policies.hub()
            if hub is None:
                report_if_gone(own.hub_id)
                return None
            try:
                found = policies.find(own.policy_name) or absence.found_again(lambda: policies.find(own.policy_name), client.limits)
            except DeniedError as error:
                if _NO_ROLE not in error.fact:
                    raise  # such as an expired login: whoever runs may see the key, and has to
                show_message(
                    f"policy '{own.policy_name}' of {own.hub_id.title} is assumed to be unchanged: its key can't be read ({error.fact})"
                )
                return dict(olds)
        if found is None:
            show_message(
                f"policy '{own.policy_name}' is not on {own.hub_id.title} any more: the next `up` repairs that, or says what to do"
            )
            return None if own.make else {**olds, "connectionString": None}
        usable = found.may_link and not hub["properties"].get("disableLocalAuth")
        return {**olds, **_outputs(own, hub, found), **({} if usable else {"connectionString": None})}

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Remove it, unless somebody else makes it, or another resource of this run uses it."""
        own = LinkPolicyInputs.read(olds)
        if not own.make:
            return
        if _key(own) in _USED:
            _USED.discard(_key(own))
            show_message(f"policy '{own.policy_name}' of {own.hub_id.title}: another resource of this run has taken it over, so it is kept")
            return
        with writer(own.hub_id), own.resource_manager() as client:
            policies = HubPolicies(client, own.hub_id)
            for attempt in retry_context(on=EtagError, **ETAG_RETRIES, timeout=own.deadline):
                with attempt:
                    hub = policies.hub()
                    if hub is None:
                        return
                    every = policies.all()
                    others = [as_declared(one) for one in every if one.name.lower() != own.policy_name.lower()]
                    if len(others) < len(every):
                        policies.put(hub, others)


def _reconcile(news: LinkPolicyInputs) -> tuple[dict[str, Any], bool]:
    """The outputs, and whether the policy was there before.

    Raises:
        RefusedError: the hub takes no shared access keys, or the policy is somebody else's and has not the rights.
        NotFoundError: there is no such hub.
    """
    with writer(news.hub_id), news.resource_manager() as client:
        policies = HubPolicies(client, news.hub_id)
        for attempt in retry_context(on=EtagError, **ETAG_RETRIES, timeout=news.deadline):
            with attempt:
                hub = policies.require_hub()
                every = policies.all()
                found = next((one for one in every if one.name.lower() == news.policy_name.lower()), None)
                if found is None or not found.may_link:
                    _require_made_here(news, found)
                    kept = [as_declared(one) for one in every if one is not found]
                    own = {**as_declared(found), "rights": LINK_RIGHTS} if found else {"keyName": news.policy_name, "rights": LINK_RIGHTS}
                    policies.put(hub, [*kept, own])
        made = policies.find(news.policy_name) or absence.found_again(lambda: policies.find(news.policy_name), client.limits)
    if made is None:
        raise RefusedError(f"policy '{news.policy_name}' of {news.hub_id.title}", "Azure accepted it but does not show it", "run again")
    return _outputs(news, hub, made), found is not None


def _require_made_here(news: LinkPolicyInputs, found: Policy | None) -> None:
    if news.make:
        return
    what = f"policy '{news.policy_name}' of {news.hub_id.title}"
    fact = f"its rights are '{found.rights}'" if found else "the hub has none of that name"
    raise RefusedError(what, fact, f"declare it on the hub with the rights {LINK_RIGHTS}, or leave `policy` out")


def _outputs(own: LinkPolicyInputs, hub: Any, policy: Policy) -> dict[str, Any]:
    host = str(hub["properties"]["hostName"])
    return own.kept_values() | {
        "location": str(hub["location"]),
        "hostName": host,
        "connectionString": f"HostName={host};SharedAccessKeyName={policy.name};SharedAccessKey={policy.primary_key}",
    }


def _key(own: LinkPolicyInputs) -> tuple[str, str]:
    return own.hub_id.id.lower(), own.policy_name.lower()


class LinkPolicy(LinkPolicyOutputs, Reconciled, module="hubtrust", name="LinkPolicy"):
    """The shared access policy of a hub with which a provisioning service assigns devices to it."""

    provider = LinkPolicyProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        policy_name: pulumi.Input[str],
        make: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The shared access policy of a hub with which a provisioning service assigns devices to it.

        Args:
            resource_name: its name in Pulumi.
            hub_id: ARM id of the IoT hub.
            policy_name: the policy's name on the hub.
            make: True: this resource makes, repairs and deletes the policy. False: somebody else does, and it is only read.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        secret = pulumi.ResourceOptions(additional_secret_outputs=["connectionString"])
        super().__init__(resource_name, locals(), pulumi.ResourceOptions.merge(secret, opts))
