"""What an engine asks of the plugin itself: its version, and the configuration of its providers."""

from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from hubtrust.plugin.one_line import in_one_line
from hubtrust.plugin.property_values import from_struct
from hubtrust.plugin.schema.checked_in import of_version
from hubtrust.reconcile_errors import DeclarationError
from hubtrust.version import plugin_version


class Configuration(provider_pb2_grpc.ResourceProviderServicer):
    """A provider of this plugin has no configuration of its own: Azure's login is read from the environment, as Azure's tools do."""

    def Handshake(self, _request: Any, _context: Any) -> Any:
        """What the plugin understands."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=True)

    def Attach(self, _request: Any, _context: Any) -> Any:
        """An engine takes over a plugin that was started for a debugger."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """The version of this package."""
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        """The schema of this version."""
        return provider_pb2.GetSchemaResponse(schema=of_version(plugin_version()))

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        """Any configuration is one. An engine gives the project's own if the project's name is that of this package."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, _context: Any) -> Any:
        """Nothing replaces a provider. So no resource is replaced that moves here from the dynamic provider, by its alias."""
        changed = request.old_inputs != request.news
        answers = provider_pb2.DiffResponse
        return answers(changes=answers.DIFF_SOME if changed else answers.DIFF_NONE)

    @in_one_line
    def Configure(self, request: Any, _context: Any) -> Any:
        """Say what the plugin supports.

        Raises:
            DeclarationError: the program was written for another version.
        """
        require_version(from_struct(request.args).get("version"))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True)

    def Cancel(self, _request: Any, _context: Any) -> Any:
        """Calls go on, but try nothing again: one that ends in the middle would leave behind what the state does not know."""
        from hubtrust.azure import retry

        retry.cancel()
        return empty_pb2.Empty()


def require_version(asked: object) -> None:
    """Refuse a program of a later version: its SDK may declare what this plugin does not know.

    An earlier version is served: a stack that was deployed with it names it in its state, also when its resources are deleted.

    Raises:
        DeclarationError: the version that it asks for has a later major or minor number, or is no version.
    """
    if not isinstance(asked, str) or not asked:
        return
    own = plugin_version()
    try:
        later = _release(asked) > _release(own)
    except ValueError:
        raise DeclarationError("the plugin hubtrust", f"'{asked}' is not a version", f"ask for {own}, which this plugin is") from None
    if later:
        raise DeclarationError(
            "the plugin hubtrust",
            f"the program asks for version {asked}, and this plugin is {own}",
            f"install version {asked} of the plugin, or the program's package in version {own}",
        )


def _release(version: str) -> tuple[int, int]:
    """The major and minor number of `1.2.3-dev.4`, also of `v1.2.3`."""
    major, minor = version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)
