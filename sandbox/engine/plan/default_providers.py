"""Default providers: created by the engine, one for each package and version that a program uses without naming a provider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.providers.provider_resources import default_inputs, default_name, denied
from sandbox.engine.steps.goal import Goal
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.plan.registrations import Registrations
    from sandbox.engine.values.property_values import Value


class DefaultProviders:
    """Registers default providers, each when it is first needed.

    Args:
        registrations: registers them.
        config: the stack's configuration, full keys to values, secrets marked.
    """

    def __init__(self, registrations: Registrations, config: Mapping[str, Value]) -> None:
        self._registrations, self._config = registrations, config
        self._asked: dict[tuple[str, str, str], asyncio.Task[str]] = {}

    async def reference(self, package: str, version: str, url: str) -> str:
        """The reference of a package's default provider.

        Raises:
            ProviderError: the configuration forbids it.
        """
        if denied(package, self._config):
            raise ProviderError(
                f"Default provider for '{package}' disabled: pass an explicit provider to the resource, "
                "or change the configuration `pulumi:disable-default-providers`"
            )
        asked = self._asked.get((package, version, url))
        if asked is None:
            asked = self._asked[package, version, url] = asyncio.create_task(self._register(package, version, url))
        return await asyncio.shield(asked)

    async def _register(self, package: str, version: str, url: str) -> str:
        goal = Goal(
            type=f"{urns.PROVIDER_PREFIX}{package}",
            name=default_name(version, url),
            custom=True,
            inputs=default_inputs(package, self._config, version, url),
        )
        made = (await self._registrations.register(goal)).resource
        return urns.reference(made.urn, made.id)
