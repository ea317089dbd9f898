"""The rule that private keys are secret. Only a remediation can see this; the validation that follows it reports it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
# How Pulumi marks a secret in its wire format (pulumi/pulumi, sdk/go/common/resource/properties.go).
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def bare_keys(properties: Any, path: str = "") -> Iterator[str]:
    """The paths, such as `signer.privateKey`, of PEM private keys that are not inside a secret; never the keys themselves.

    Takes properties in which Pulumi marks secrets, as a remediation gets them. An encrypted PEM key counts as a private key.
    """
    if isinstance(properties, str):
        if _KEY.search(properties):
            yield path
    elif isinstance(properties, Mapping):
        if properties.get(_SIGNATURE) == _SECRET:
            return
        for name in properties:
            yield from bare_keys(properties[name], f"{path}.{name}" if path else str(name))
    elif isinstance(properties, Sequence):
        for place, item in enumerate(properties):
            yield from bare_keys(item, f"{path}[{place}]")


class PlainTextKeys:
    """Every private key in a resource's inputs is a secret.

    Reason: a value that is not a secret is stored and shown in plain text in the state, the history and every preview. A validation
    can't see which values are secret, but a remediation can: so a remediation that changes nothing records the paths, and the
    validation after it reports them. Outputs are not checked.
    Source: pulumi.com/docs/iac/concepts/secrets; pulumi.com/docs/insights/policy (remediation policies).
    """

    def __init__(self) -> None:
        self._recorded: dict[str, list[str]] = {}

    def record(self, urn: str, properties: Any) -> None:
        """Record the paths of plain-text keys in the inputs of ``urn``, in which secrets are marked. Changes nothing."""
        self._recorded[urn] = list(bare_keys(properties))

    def violations(self, urn: str, properties: Callable[[], Any]) -> Iterator[str]:
        """The recorded violations. Without a record every private key is reported, because it may not be secret."""
        recorded = self._recorded.pop(urn, None)
        if recorded is None:
            for path in bare_keys(properties()):
                yield f"the private key in {path} may not be secret: set this policy to the level remediate, which shows secrets"
            return
        for path in recorded:
            yield f"the private key in {path} is not a secret: set it with `pulumi config set --secret`, or wrap it in pulumi.Output.secret"
