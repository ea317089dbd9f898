// Drives Microsoft's Node device SDK over MQTT: a file of cases on argv, one JSON line a case on stdout.
"use strict";
const fs = require("fs");
const { NoRetry } = require("azure-iot-common");
const { Client, Message } = require("azure-iot-device");
const { Mqtt } = require("azure-iot-device-mqtt");

async function run(work, one) {
  const client = Client.fromConnectionString(`HostName=${work.host};DeviceId=${one.device};x509=true`, Mqtt);
  client.setOptions({ cert: fs.readFileSync(one.chain, "utf8"), key: fs.readFileSync(one.key, "utf8") });
  client.setRetryPolicy(new NoRetry());
  client.on("error", () => {});
  try {
    await client.open();
    await client.sendEvent(new Message("from azure-iot-device-mqtt"));
    const twin = await client.getTwin();
    await new Promise((done, fail) => twin.properties.reported.update({ client: "node" }, (error) => (error ? fail(error) : done())));
    await client.close();
    return { connected: true };
  } catch (error) {
    return { connected: false, said: `${error.name}: ${error.message}` };
  }
}

(async () => {
  const work = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  for (const one of work.cases) {
    console.log(JSON.stringify({ case: one.name, ...(await run(work, one)) }));
  }
  process.exit(0);
})();
