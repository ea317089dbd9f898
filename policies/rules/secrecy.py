"""The rule that private keys are secret. Only a remediation can see this; the validation that follows it reports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .private_keys import private_key_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How Pulumi marks a secret in its wire format (pulumi/pulumi, sdk/go/common/resource/properties.go).
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"  # a value with its dependencies, which may be secret


class BareKey(NamedTuple):
    """A private key outside a secret: the path of the property, such as `signer.privateKey`, and the form of the key, such as `PEM`."""

    path: str
    form: str


def bare_keys(properties: Any, path: str = "") -> Iterator[BareKey]:
    """The private keys that are not inside a secret, in any form that `private_key_in` finds; never the keys themselves.

    Takes properties in which Pulumi marks secrets, as a remediation gets them. The content of a FileAsset is no property: neither the
    state nor a preview has it.
    """
    if isinstance(properties, Mapping):
        signature = properties.get(_SIGNATURE)
        if signature == _SECRET or (signature == _OUTPUT and properties.get("secret") is True):
            return
    found = False
    if isinstance(properties, Mapping):
        for name, value in properties.items():
            if form := private_key_in(name):
                yield BareKey(f"a name in {path or 'the properties'}", form)
            else:
                yield from bare_keys(value, f"{path}.{name}" if path else str(name))
    elif isinstance(properties, Sequence) and not isinstance(properties, str):
        for place, item in enumerate(properties):
            for each in bare_keys(item, f"{path}[{place}]"):
                found = True
                yield each
    if not found and (form := private_key_in(properties)):  # a list may also be a key in pieces
        yield BareKey(path or "the properties", form)


class PlainTextKeys:
    """Every private key in a resource's inputs is a secret.

    Reason: a value that is not a secret is stored and shown in plain text in the state, the history and every preview. A validation
    can't see which values are secret, but a remediation can: so a remediation that changes nothing records the paths, and the
    validation after it reports them. Outputs are not checked.
    Source: pulumi.com/docs/iac/concepts/secrets; pulumi.com/docs/insights/policy (remediation policies).
    """

    def __init__(self) -> None:
        self._recorded: dict[str, list[BareKey]] = {}

    def record(self, urn: str, properties: Any) -> None:
        """Record the paths of plain-text keys in the inputs of ``urn``, in which secrets are marked. Changes nothing."""
        self._recorded[urn] = list(bare_keys(properties))

    def violations(self, urn: str, properties: Callable[[], Any]) -> Iterator[str]:
        """The recorded violations. Without a record every private key is reported, because it may not be secret."""
        recorded = self._recorded.pop(urn, None)
        if recorded is None:
            for path, form in bare_keys(properties()):
                yield f"the private key in {path} ({form}) may not be secret: set this policy to the level remediate, which shows secrets"
            return
        for path, form in recorded:
            fact = f"the private key in {path} ({form}) is not a secret"
            yield f"{fact}: set it with `pulumi config set --secret`, or wrap it in pulumi.Output.secret"
