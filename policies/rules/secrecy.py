"""The rule that no private key goes in outside a secret: what only a remediation can see, told by the validation that follows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
# How Pulumi marks a secret on the wire (pulumi/pulumi, sdk/go/common/resource/properties.go).
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def bare_keys(properties: Any, path: str = "") -> Iterator[str]:
    """Where a PEM private key stands outside a secret, as paths such as `signer.privateKey`; never the key itself.

    Takes properties with Pulumi's marks of secrets on them, as they are before a remediation; an encrypted key is a key too.
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


class Watch:
    """Private keys are in no input outside a secret.

    Reason: what is no secret is in the state, the history and every preview in the clear. Validation sees values without the marks of
    secrets; a remediation sees them, so one that changes nothing looks, and the validation after it tells what it saw. Outputs are not
    judged here.
    Source: pulumi.com/docs/iac/concepts/secrets; pulumi.com/docs/insights/policy (remediation policies).
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[str]] = {}

    def look(self, urn: str, properties: Any) -> None:
        """Remember where the inputs of ``urn``, with their marks, hold a key in the clear. Changes nothing."""
        self._seen[urn] = list(bare_keys(properties))

    def tell(self, urn: str, properties: Callable[[], Any]) -> Iterator[str]:
        """What was seen; a key of which nobody could see whether it is secret counts as one that is not."""
        seen = self._seen.pop(urn, None)
        if seen is None:
            for path in bare_keys(properties()):
                yield f"whether the private key in {path} is secret can't be seen: give this policy the level remediate"
            return
        for path in seen:
            yield f"there is a private key in {path}, outside a secret: set it with `--secret`, or wrap it in pulumi.Output.secret"
