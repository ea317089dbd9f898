"""Everything that azure-mgmt-iothub can ask, once, on a hub of its own; prints one line of JSON with what it found."""

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential
from azure.mgmt.iothub import IotHubClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

GROUP, HUB = os.environ["GROUP"], "newest-hub"
MATCH: dict[str, Any] = {"match_condition": MatchConditions.IfNotModified}
CA_KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(subject: str, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> str:
    """A certificate of the CA's, as base64 of PEM."""
    now = datetime.now(UTC)
    named = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in (subject, "Newest CA")]
    builder = x509.CertificateBuilder().subject_name(named[0]).issuer_name(named[1]).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made = builder.sign(CA_KEY, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def hubs(client: Any) -> dict[str, Any]:
    """The hub's life: created, changed with its etag, found, counted, failed over."""
    on = client.iot_hub_resource
    body = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {"storageEndpoints": {}}}
    created = on.begin_create_or_update(GROUP, HUB, body, polling_interval=0).result()
    found = on.get(GROUP, HUB)
    changed = on.begin_create_or_update(GROUP, HUB, {**body, "tags": {"a": "b"}}, etag=found.etag, **MATCH, polling_interval=0).result()
    on.begin_update(GROUP, HUB, {"tags": {"c": "d"}}, polling_interval=0).result()
    client.iot_hub.begin_manual_failover(HUB, GROUP, {"failoverRegion": "North Europe"}, polling_interval=0).result()
    return {
        "state": created.properties.state,
        "storage": created.properties.storage_endpoints,
        "root": created.properties.root_certificate.enable_root_certificate_v2,
        "updated": created.properties.root_certificate.last_updated_time_utc is not None,
        "tags": [changed.tags, on.get(GROUP, HUB).tags],
        "locations": [each.location for each in on.get(GROUP, HUB).properties.locations],
        "lists": [[each.name for each in pages] for pages in (on.list_by_subscription(), on.list_by_resource_group(GROUP))],
        "name": on.check_name_availability({"name": HUB}).name_available,
        "policies": len(list(on.list_keys(GROUP, HUB))),
        "policy": on.get_keys_for_key_name(GROUP, HUB, "service").rights,
        "quotas": {each.name: each.max_value for each in on.get_quota_metrics(GROUP, HUB)},
        "devices": on.get_stats(GROUP, HUB).total_device_count,
        "skus": len(list(on.get_valid_skus(GROUP, HUB))),
        "jobs": len(list(on.list_jobs(GROUP, HUB))),
    }


def belonging(client: Any) -> dict[str, Any]:
    """What belongs to a hub: consumer groups, routes, private links, a certificate with its proof."""
    on, certificates = client.iot_hub_resource, client.certificates
    on.create_event_hub_consumer_group(GROUP, HUB, "events", "cg", {"properties": {"name": "cg"}})
    group = on.get_event_hub_consumer_group(GROUP, HUB, "events", "cg").name
    groups = [each.name for each in on.list_event_hub_consumer_groups(GROUP, HUB, "events")]
    on.delete_event_hub_consumer_group(GROUP, HUB, "events", "cg")
    route = {"name": "r", "source": "DeviceMessages", "condition": "level = 1", "endpointNames": ["events"], "isEnabled": True}
    tested = on.test_route(HUB, GROUP, {"message": {"appProperties": {"level": "1"}}, "route": route})
    every = on.test_all_routes(HUB, GROUP, {"routingSource": "DeviceMessages", "message": {"body": "x"}})
    registered = certificates.create_or_update(GROUP, HUB, "ca", {"properties": {"certificate": certificate("Newest CA", CA_KEY, ca=True)}})
    coded = certificates.generate_verification_code(GROUP, HUB, "ca", etag=registered.etag, **MATCH)
    leaf = certificate(coded.properties.verification_code, ec.generate_private_key(ec.SECP256R1()), ca=False)
    verified = certificates.verify(GROUP, HUB, "ca", {"certificate": leaf}, etag=coded.etag, **MATCH)
    listed = [each.name for each in certificates.list_by_iot_hub(GROUP, HUB).value]
    certificates.delete(GROUP, HUB, "ca", etag=verified.etag, **MATCH)
    return {
        "groups": [group, groups],
        "routes": [tested.result, [each.properties.name for each in every.routes]],
        "health": len(list(on.get_endpoint_health(GROUP, HUB))),
        "certificate": [verified.properties.is_verified, listed],
        "links": [each.name for each in client.private_link_resources.list(GROUP, HUB).value],
        "connections": client.private_endpoint_connections.list(GROUP, HUB),
    }


def main() -> None:
    """Ask everything, then delete the hub."""
    with IotHubClient(EnvironmentCredential(), os.environ["AZURE_SUBSCRIPTION_ID"]) as client:
        found = {**hubs(client), **belonging(client)}
        found["operations"] = len(list(client.operations.list())) > 20
        found["usages"] = {each.name.value: each.current_value for each in client.resource_provider_common.get_subscription_quota().value}
        client.iot_hub_resource.begin_delete(GROUP, HUB, polling_interval=0).result()
        try:
            client.iot_hub_resource.get(GROUP, HUB)
        except HttpResponseError as error:
            found["after"] = error.status_code
    print(json.dumps(found, default=str))


main()
