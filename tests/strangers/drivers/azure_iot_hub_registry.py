"""Drives Microsoft's Python service client over HTTPS: the connection string in the environment, what each call gave as JSON on stdout."""

import json
import os
import sys
from typing import Any

from azure.iot.hub import DigitalTwinClient, IoTHubConfigurationManager, IoTHubJobManager, IoTHubRegistryManager
from azure.iot.hub.models import (  # type: ignore[attr-defined]  # an environment of its own
    Configuration,
    ConfigurationContent,
    ConfigurationQueriesTestInput,
    JobProperties,
    JobRequest,
    QuerySpecification,
    Twin,
)


def main() -> int:
    """Each manager once."""
    registry = IoTHubRegistryManager.from_connection_string(os.environ["HUB"])
    configurations = IoTHubConfigurationManager.from_connection_string(os.environ["HUB"])
    jobs = IoTHubJobManager.from_connection_string(os.environ["HUB"])
    twins = DigitalTwinClient.from_connection_string(os.environ["HUB"])
    result: dict[str, Any] = {}
    registry.create_device_with_certificate_authority("gateway", "enabled", iot_edge=True)
    registry.create_device_with_certificate_authority("press-001", "enabled")
    result["module"] = registry.create_module_with_sas("press-001", "camera", "us", "", "").managed_by
    content = ConfigurationContent(device_content={"properties.desired.chill": 1})
    created = configurations.create_configuration(Configuration(id="chill", content=content, target_condition="*", priority=3))
    result["configuration"] = [created.etag, created.priority, created.system_metrics.results]
    result["configurations"] = [each.id for each in configurations.get_configurations(10)]
    tested = configurations.test_configuration_queries(ConfigurationQueriesTestInput(target_condition="tags.x ="))
    result["tested"] = bool(tested.target_condition_error)
    deployed = ConfigurationContent(modules_content={"lens": {"properties.desired": {"on": True}}})
    configurations.apply_configuration_on_edge_device("gateway", deployed)
    result["deployed"] = registry.get_module_twin("gateway", "lens").properties.desired["on"]
    configurations.delete_configuration("chill")
    request = JobRequest(job_id="j", type="scheduleUpdateTwin", query_condition="*", update_twin=Twin(etag="*", tags={"line": 7}))
    result["job"] = jobs.create_scheduled_job("j", request).type
    while (found := jobs.get_scheduled_job("j")).status in {"queued", "running"}:
        continue
    result["done"] = [found.status, found.device_job_statistics.succeeded_count]
    # query_scheduled_jobs is left out: it wants an object where Azure answers a list, as Node's client and az CLI's extension read it.
    answer = registry.query_iot_hub(QuerySpecification(query="SELECT * FROM devices WHERE tags.line = 7"), None, 1)
    result["queried"] = [len(answer.items), answer.continuation_token is not None]
    try:
        jobs.create_import_export_job(
            JobProperties(type="export", output_blob_container_uri="https://store/c", storage_authentication_type="identityBased")
        )
    except Exception as error:  # noqa: BLE001 - whatever its class: an unmodified client's own
        result["refused"] = error.response.status_code  # type: ignore[attr-defined]
    result["transfers"] = jobs.get_import_export_jobs()
    twins.update_digital_twin("press-001", [{"op": "add", "path": "/speed", "value": 3}])
    result["asked"] = twins.get_digital_twin("press-001")["$metadata"]["speed"]["desiredValue"]
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
