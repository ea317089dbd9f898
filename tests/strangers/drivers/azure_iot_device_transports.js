// Drives Microsoft's Node device SDK over each transport named on argv, with a device of its own, from the back end by azure-iothub.
// Prints one line for each operation: {"protocol", "operation", "said": null if it worked}.
"use strict";
const fs = require("fs");
const { NoRetry } = require("azure-iot-common");
const { Client: DeviceClient, Message } = require("azure-iot-device");
const { Client: ServiceClient, Registry } = require("azure-iothub");
const { HttpsProxyAgent } = require("https-proxy-agent");

const transports = {
  Mqtt: require("azure-iot-device-mqtt").Mqtt,
  MqttWs: require("azure-iot-device-mqtt").MqttWs,
  Amqp: require("azure-iot-device-amqp").Amqp,
  AmqpWs: require("azure-iot-device-amqp").AmqpWs,
  Http: require("azure-iot-device-http").Http,
};
const SECONDS = 20;

function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`${what}: nothing came in ${SECONDS} s`)), SECONDS * 1000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function attempt(protocol, operation, work) {
  let said = null;
  try {
    await within(work(), operation);
  } catch (error) {
    said = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify({ protocol, operation, said }));
}

function client(name, device) {
  const host = process.env.HUB.match(/HostName=([^;]+)/)[1];
  const start = `HostName=${host};DeviceId=${device.deviceId}`;
  // By certificate where the SDK allows that; over WebSockets the proxy is told to it, as its documentation shows.
  if (!name.endsWith("Ws")) {
    const made = DeviceClient.fromConnectionString(`${start};x509=true`, transports[name]);
    made.setOptions({ cert: fs.readFileSync(process.env.CHAIN, "utf8"), key: fs.readFileSync(process.env.KEY, "utf8") });
    return made;
  }
  const made = DeviceClient.fromConnectionString(`${start};SharedAccessKey=${device.authentication.symmetricKey.primaryKey}`, transports[name]);
  const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
  made.setOptions(name === "MqttWs" ? { mqtt: { webSocketAgent: agent } } : { amqp: { webSocketAgent: agent } });
  return made;
}

async function drive(name) {
  const registry = Registry.fromConnectionString(process.env.HUB);
  const sockets = name.endsWith("Ws");
  const asked = { deviceId: sockets ? `node-${name}` : process.env.DEVICE, authentication: { type: sockets ? "sas" : "certificateAuthority" } };
  const device = (await registry.create(asked)).responseBody;
  const one = client(name, device);
  one.setRetryPolicy(new NoRetry());
  one.on("error", () => {});
  let connected = false;
  await attempt(name, "connect", async () => {
    await one.open();
    connected = true;
  });
  if (connected) await operations(name, one, registry, device);
  await within(one.close(), "close").catch(() => {});
  await registry.delete(device.deviceId);
}

async function operations(name, one, registry, device) {
  await attempt(name, "event", () => one.sendEvent(new Message(`from ${name}`)));
  if (name !== "Http") {
    let desired;
    await attempt(name, "twin", async () => {
      const twin = await one.getTwin();
      desired = new Promise((done) => twin.on("properties.desired.speed", done));
      await new Promise((done, fail) => twin.properties.reported.update({ client: "node" }, (error) => (error ? fail(error) : done())));
    });
    await attempt(name, "desired", async () => {
      await registry.updateTwin(device.deviceId, { properties: { desired: { speed: 7 } } }, "*");
      if ((await desired) !== 7) throw new Error("another value came");
    });
    await attempt(name, "method", async () => {
      one.onDeviceMethod("stop", (request, response) => response.send(200, { did: request.methodName }));
      await new Promise((done) => setImmediate(done));
      const service = ServiceClient.fromConnectionString(process.env.HUB);
      const answer = await service.invokeDeviceMethod(device.deviceId, { methodName: "stop", connectTimeoutInSeconds: 20 });
      if (answer.result.payload.did !== "stop") throw new Error(JSON.stringify(answer.result));
    });
  }
  await attempt(name, "cloud-to-device", async () => {
    if (name === "Http") one.setOptions({ http: { receivePolicy: { interval: 1 } } }); // by default it asks every 25 minutes
    const message = new Promise((done) => one.on("message", (received) => one.complete(received, () => done(received.data.toString()))));
    const service = ServiceClient.fromConnectionString(process.env.HUB);
    await service.open();
    await service.send(device.deviceId, "to the device");
    await service.close();
    if ((await message) !== "to the device") throw new Error("another message came");
  });
}

(async () => {
  for (const name of process.argv.slice(2)) await drive(name);
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
