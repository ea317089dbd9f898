// Drives Microsoft's Node registry client: the connection string in the environment, what each call gave as JSON on stdout.
"use strict";
const { bootstrap } = require("global-agent"); // Node's HTTPS through the proxy of the environment
const { Registry } = require("azure-iothub");

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
  const told = {};
  const made = (await registry.create({ deviceId: "press-001", authentication: auth })).responseBody;
  told.made = [made.deviceId, made.status, made.authentication.type];
  told.again = await failure(registry.create({ deviceId: "press-001", authentication: auth }));
  const changed = (await registry.update({ ...made, status: "disabled", statusReason: "holiday" })).responseBody;
  told.changed = [changed.status, changed.statusReason, changed.etag !== made.etag];
  told.got = (await registry.get("press-001")).responseBody.statusReason;
  told.bulk = (await registry.addDevices(many)).responseBody.isSuccessful;
  told.bulkAgain = await failure(registry.addDevices(many.slice(0, 2)));
  const twin = (await registry.updateTwin("node-007", { tags: { line: 7 } }, "*")).responseBody;
  told.tags = twin.tags;
  const query = registry.createQuery("SELECT * FROM devices WHERE STARTSWITH(deviceId, 'node-')", 12);
  told.pages = [];
  while (query.hasMoreResults) told.pages.push((await query.nextAsTwin()).result.length);
  told.listed = (await registry.list()).responseBody.length;
  told.statistics = (await registry.getRegistryStatistics()).responseBody;
  told.removed = (await registry.removeDevices(many, true)).responseBody.isSuccessful;
  await registry.delete("press-001");
  told.gone = await failure(registry.get("press-001"));
  console.log(JSON.stringify(told));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
