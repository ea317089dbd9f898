"""Transforms: functions of the program that change a resource's properties and options before it is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import alias_pb2, resource_pb2

from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.callbacks import CallbackError
from sandbox.engine.values import output_values, property_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.engine.steps.callbacks import Callbacks
    from sandbox.engine.values.property_values import Properties

# Options of a transform, and the fields of a RegisterResourceRequest that hold them.
_LISTS = {
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "additional_secret_outputs": "additionalSecretOutputs",
    "replace_with": "replace_with",
    "hide_diff": "hideDiffs",
}
_TEXTS = {"version": "version", "provider": "provider", "plugin_download_url": "pluginDownloadURL", "deleted_with": "deletedWith"}
_MESSAGES = {"custom_timeouts": "customTimeouts", "hooks": "hooks", "replacement_trigger": "replacement_trigger"}


class Transforms:
    """The transforms of a program, of the whole stack and of single resources (with all below them)."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._stack_transforms: list[Any] = []
        self._invoke_transforms: list[Any] = []
        # By URN, as are the parents' URNs.
        self._resource_transforms: dict[str, list[Any]] = {}
        self._parents: dict[str, str] = {}

    def add_stack_transform(self, callback: Any) -> None:
        """Add a transform of every resource that is registered from now on."""
        self._stack_transforms.append(callback)

    def add_invoke_transform(self, callback: Any) -> None:
        """Add a transform of every function call from now on."""
        self._invoke_transforms.append(callback)

    def remember(self, urn: str, request: Any) -> None:
        """Keep the transforms of a resource that now has its URN: they also apply to all resources below it."""
        self._parents[urn] = request.parent
        self._resource_transforms[urn] = list(request.transforms)

    async def apply(self, request: Any) -> None:
        """Change a RegisterResourceRequest's properties and options as the transforms do.

        Raises:
            ProviderError: a transform raised.
        """
        chosen = [*request.transforms, *self._of_parents(request.parent), *self._stack_transforms]
        if not chosen:
            return
        properties = property_values.from_struct_with_outputs(request.object)
        depended = {key: tuple(item.urns) for key, item in request.propertyDependencies.items()}
        properties = {key: output_values.depending(item, depended.get(key, ())) for key, item in properties.items()}
        for callback in chosen:
            properties = await self._transform(callback, request, properties)
        request.object.CopyFrom(property_values.to_struct(properties, property_values.Form(outputs=True)))
        _set_dependencies(request, properties)

    def _of_parents(self, parent: str) -> Iterator[Any]:
        while parent:
            yield from self._resource_transforms.get(parent, ())
            parent = self._parents.get(parent, "")

    async def _transform(self, callback: Any, request: Any, properties: Properties) -> Properties:
        message = resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=property_values.to_struct(properties, property_values.Form(outputs=True)),
            options=_options(request),
        )
        answer = resource_pb2.TransformResponse.FromString(await self._call(callback, message, f"transform of {request.name!r}"))
        if answer.HasField("options"):
            _apply_options(request, answer.options)
        return property_values.from_struct_with_outputs(answer.properties) if answer.HasField("properties") else properties

    async def apply_to_invoke(self, request: Any) -> None:
        """Change a ResourceInvokeRequest's arguments and options as the transforms do.

        Raises:
            ProviderError: a transform raised.
        """
        for callback in self._invoke_transforms:
            options = resource_pb2.TransformInvokeOptions(
                provider=request.provider, version=request.version, plugin_download_url=request.pluginDownloadURL
            )
            message = resource_pb2.TransformInvokeRequest(token=request.tok, args=request.args, options=options)
            answer = resource_pb2.TransformInvokeResponse.FromString(await self._call(callback, message, f"transform of {request.tok!r}"))
            if answer.HasField("options"):
                request.provider, request.version = answer.options.provider, answer.options.version
                request.pluginDownloadURL = answer.options.plugin_download_url
            if answer.HasField("args"):
                request.args.CopyFrom(answer.args)

    async def _call(self, callback: Any, request: Any, what: str) -> bytes:
        try:
            return await self._callbacks.call(callback, request)
        except CallbackError as error:
            raise ProviderError(f"the {what} failed: {error}") from None


def _options(request: Any) -> Any:
    """The options of a RegisterResourceRequest as a transform gets them."""
    options = resource_pb2.TransformResourceOptions(
        depends_on=request.dependencies,
        aliases=[*(alias_pb2.Alias(urn=urn) for urn in request.aliasURNs), *request.aliases],
        providers=request.providers,
        plugin_checksums=request.pluginChecksums,
        **{"import": request.importId},
    )
    for name, field in _LISTS.items():
        getattr(options, name).extend(getattr(request, field))
    for name, field in _TEXTS.items():
        setattr(options, name, getattr(request, field))
    for name, field in _MESSAGES.items():
        if request.HasField(field):
            getattr(options, name).CopyFrom(getattr(request, field))
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        options.delete_before_replace = request.deleteBeforeReplace
    return options


def _apply_options(request: Any, options: Any) -> None:
    """The reverse of `_options`: write what a transform returned into the request."""
    for name, field in _LISTS.items():
        del getattr(request, field)[:]
        getattr(request, field).extend(getattr(options, name))
    for name, field in _TEXTS.items():
        setattr(request, field, getattr(options, name))
    for name, field in _MESSAGES.items():
        request.ClearField(field)
        if options.HasField(name):
            getattr(request, field).CopyFrom(getattr(options, name))
    request.importId = getattr(options, "import")
    for field, new in (("dependencies", options.depends_on), ("aliases", options.aliases)):
        del getattr(request, field)[:]
        getattr(request, field).extend(new)
    del request.aliasURNs[:]
    request.providers.clear()
    request.providers.update(options.providers)
    for name, field in (("protect", "protect"), ("retain_on_delete", "retainOnDelete")):
        request.ClearField(field)
        if options.HasField(name):
            setattr(request, field, getattr(options, name))
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace


def _set_dependencies(request: Any, properties: Properties) -> None:
    """Set the property dependencies to the resources that the properties come from, and add these to the dependencies."""
    request.propertyDependencies.clear()
    for key, item in properties.items():
        urns = sorted(set(output_values.dependencies(item)))
        request.propertyDependencies[key].urns.extend(urns)
        request.dependencies.extend(urn for urn in urns if urn not in request.dependencies)
