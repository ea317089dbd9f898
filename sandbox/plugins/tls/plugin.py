"""The tls plugin: its resources and functions by token."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from sandbox.plugins.engine_log import EngineLog
from sandbox.plugins.property_values import plain
from sandbox.plugins.provider import Provider
from sandbox.plugins.resource import CheckResult, PluginError
from sandbox.plugins.tls import attributes, keys
from sandbox.plugins.tls.certificates import Certifier, authority_warnings
from sandbox.plugins.tls.proxy import proxy_faults
from sandbox.plugins.tls.tls_resource import TlsResource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi.runtime.proto import provider_pb2

    from sandbox.plugins.property_values import Properties

VERSION = "5.6.2"


class TlsProvider(Provider):
    """The tls plugin as a Pulumi engine sees it."""

    accepts_resources = True

    def check_config(self, urn: str, news: dict[str, Any]) -> list[str]:
        """Validate `proxy`, the only setting."""
        del urn
        return proxy_faults(news.get("proxy"))

    def configure(self, variables: Mapping[str, str], request: provider_pb2.ConfigureRequest) -> None:
        """Refuse an invalid proxy. Nothing is stored: no resource here uses the network."""
        del request
        faults = proxy_faults(variables.get("tls:config:proxy"))
        if faults:
            raise PluginError(faults[0])


def plugin(
    engine: str | None,
    *,
    clock: Callable[[], int] = time.time_ns,
    random_below: Callable[[int], int] = secrets.randbelow,
    version: str = VERSION,
) -> TlsProvider:
    """Create the plugin for the engine at that address."""
    certifier = Certifier(clock, random_below)
    log = EngineLog(engine)
    tables = {
        "tls:index/privateKey:PrivateKey": attributes.private_key(compute_private_key),
        "tls:index/certRequest:CertRequest": attributes.cert_request(certifier.request),
        "tls:index/selfSignedCert:SelfSignedCert": attributes.self_signed_cert(certifier.self_signed),
        "tls:index/locallySignedCert:LocallySignedCert": attributes.locally_signed_cert(certifier.locally_signed, authority_warnings),
    }
    resources = {token: TlsResource(schema, clock, log) for token, schema in tables.items()}
    return TlsProvider("tls", version, resources, {"tls:index/getPublicKey:getPublicKey": get_public_key})


def compute_private_key(plan: Properties) -> Properties:
    """The computed attributes of a PrivateKey."""
    key = keys.generate(plan["algorithm"], plan["rsaBits"], plan["ecdsaCurve"])
    return {**keys.private_attributes(key), **keys.public_attributes(key.public_key())}


def get_public_key(arguments: Properties) -> CheckResult:
    """The public key of a private key. Like the real plugin, it does not mark the result secret."""
    given = plain(arguments)
    sources = [name for name in ("privateKeyPem", "privateKeyOpenssh") if given.get(name) is not None]
    if len(sources) != 1:
        reason = f"Invalid Attribute Combination: give exactly one of privateKeyPem and privateKeyOpenssh, not {len(sources)}"
        return CheckResult({}, [reason])
    parse = keys.parse if sources[0] == "privateKeyPem" else keys.parse_openssh
    key = parse(given[sources[0]], "Unable to parse private key")
    return CheckResult({sources[0]: given[sources[0]], "algorithm": keys.algorithm_of(key), **keys.public_attributes(key.public_key())})
