// Drives Microsoft's Node registry client: the connection string in the environment, what each call gave as JSON on stdout.
"use strict";
const { bootstrap } = require("global-agent"); // Node's HTTPS through the proxy of the environment
const { DigitalTwinClient, IoTHubTokenCredentials, JobClient, Registry } = require("azure-iothub");

bootstrap();
const registry = Registry.fromConnectionString(process.env.HUB);
const auth = { type: "certificateAuthority" };
const many = [...Array(30).keys()].map((n) => ({ deviceId: `node-${String(n).padStart(3, "0")}`, status: "enabled", authentication: auth }));

async function failure(work) {
  try {
    await work;
    return null;
  } catch (error) {
    return error.name;
  }
}

(async () => {
  const result = {};
  const created = (await registry.create({ deviceId: "press-001", authentication: auth })).responseBody;
  result.created = [created.deviceId, created.status, created.authentication.type];
  result.again = await failure(registry.create({ deviceId: "press-001", authentication: auth }));
  const changed = (await registry.update({ ...created, status: "disabled", statusReason: "holiday" })).responseBody;
  result.changed = [changed.status, changed.statusReason, changed.etag !== created.etag];
  result.got = (await registry.get("press-001")).responseBody.statusReason;
  result.bulk = (await registry.addDevices(many)).responseBody.isSuccessful;
  result.bulkAgain = await failure(registry.addDevices(many.slice(0, 2)));
  const twin = (await registry.updateTwin("node-007", { tags: { line: 7 } }, "*")).responseBody;
  result.tags = twin.tags;
  const query = registry.createQuery("SELECT * FROM devices WHERE STARTSWITH(deviceId, 'node-')", 12);
  result.pages = [];
  while (query.hasMoreResults) result.pages.push((await query.nextAsTwin()).result.length);
  result.listed = (await registry.list()).responseBody.length;
  result.statistics = (await registry.getRegistryStatistics()).responseBody;
  result.removed = (await registry.removeDevices(many, true)).responseBody.isSuccessful;
  const gateway = (await registry.create({ deviceId: "gateway", authentication: auth, capabilities: { iotEdge: true } })).responseBody;
  await registry.update({ ...(await registry.get("press-001")).responseBody, deviceScope: gateway.deviceScope });
  result.parents = (await registry.get("press-001")).responseBody.parentScopes.length;
  const module = (await registry.addModule({ deviceId: "gateway", moduleId: "camera", authentication: auth })).responseBody;
  result.module = [module.moduleId, module.authentication.type];
  result.moduleAgain = await failure(registry.addModule({ deviceId: "gateway", moduleId: "camera", authentication: auth }));
  result.managed = (await registry.updateModule({ ...module, managedBy: "us" })).responseBody.managedBy;
  result.modules = (await registry.getModulesOnDevice("gateway")).responseBody.map((one) => one.moduleId);
  result.moduleTags = (await registry.updateModuleTwin("gateway", "camera", { tags: { lens: 2 } }, "*")).responseBody.tags;
  await registry.removeModule("gateway", "camera");
  result.moduleGone = await failure(registry.getModule("gateway", "camera"));
  result.noConfigurations = (await registry.getConfigurations()).responseBody.length;
  const content = { deviceContent: { "properties.desired.chiller": { temperature: 38 } } };
  const configuration = (await registry.addConfiguration({ id: "chill", content, targetCondition: "deviceId = 'press-001'", priority: 1 })).responseBody;
  result.configuration = [configuration.etag, configuration.systemMetrics.results.targetedCount];
  result.configured = (await registry.getTwin("press-001")).responseBody.properties.desired.chiller;
  result.reconfigured = (await registry.updateConfiguration({ ...configuration, targetCondition: "*" })).responseBody.targetCondition;
  await registry.applyConfigurationContentOnDevice("gateway", { modulesContent: { lens: { "properties.desired": { on: true } } } });
  result.deployed = (await registry.getModuleTwin("gateway", "lens")).responseBody.properties.desired.on;
  await registry.removeConfiguration("chill");
  result.unconfigured = await failure(registry.getConfiguration("chill"));
  const jobs = JobClient.fromConnectionString(process.env.HUB);
  const job = (await jobs.scheduleTwinUpdate("shift", "deviceId = 'press-001'", { etag: "*", tags: { shift: 2 } }, new Date(0), 60)).jobStatus;
  result.job = [job.type, job.status];
  while (["queued", "running"].includes((await jobs.getJob("shift")).jobStatus.status)) continue;
  const parts = registry.createQuery("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'shift'");
  result.parts = (await parts.next()).result.map((part) => [part.deviceId, part.status]);
  result.jobs = (await jobs.createQuery("scheduleUpdateTwin", "completed").next()).result.map((one) => one.jobId);
  result.cancelled = await failure(jobs.cancelJob("none"));
  result.transfers = (await registry.listJobs()).responseBody.length;
  result.refused = await failure(registry.exportDevicesToBlob("https://store.example/container", true));
  const twins = new DigitalTwinClient(new IoTHubTokenCredentials(process.env.HUB));
  await twins.updateDigitalTwin("press-001", [{ op: "add", path: "/speed", value: 3 }], "*");
  result.asked = (await twins.getDigitalTwin("press-001")).$metadata.speed.desiredValue;
  await registry.delete("press-001");
  result.gone = await failure(registry.get("press-001"));
  console.log(JSON.stringify(result));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
