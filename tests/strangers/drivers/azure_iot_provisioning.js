// Drives Microsoft's Node client of provisioning services, by certificate, over each transport of the file CASES.
// Prints one line for each operation: {"protocol", "operation", "said": null if it worked}.
"use strict";
const fs = require("fs");
const { NoRetry } = require("azure-iot-common");
const { Client, Message } = require("azure-iot-device");
const { ProvisioningDeviceClient } = require("azure-iot-provisioning-device");
const { SymmetricKeySecurityClient } = require("azure-iot-security-symmetric-key");
const { X509Security } = require("azure-iot-security-x509");

const registering = {
  Mqtt: require("azure-iot-provisioning-device-mqtt").Mqtt,
  MqttWs: require("azure-iot-provisioning-device-mqtt").MqttWs,
  Http: require("azure-iot-provisioning-device-http").Http,
};
const sending = { Mqtt: require("azure-iot-device-mqtt").Mqtt, MqttWs: require("azure-iot-device-mqtt").MqttWs, Http: require("azure-iot-device-http").Http };
const cases = JSON.parse(fs.readFileSync(process.env.CASES, "utf8"));
const HOST = "global.azure-devices-provisioning.net";
const SECONDS = 60;

function within(promise) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`nothing came in ${SECONDS} s`)), SECONDS * 1000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function attempt(protocol, operation, work) {
  let said = null;
  let result;
  try {
    result = await within(work());
  } catch (error) {
    said = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify({ protocol, operation, said }));
  return result;
}

function identity(one) {
  return { cert: fs.readFileSync(one.chain, "utf8"), key: fs.readFileSync(one.key, "utf8") };
}

function register(protocol, one) {
  const security = one.symmetricKey ? new SymmetricKeySecurityClient(one.id, one.symmetricKey) : new X509Security(one.id, identity(one));
  const client = ProvisioningDeviceClient.create(HOST, one.scope, new registering[protocol.split(",")[0]](), security);
  client.setProvisioningPayload({ model: "press" });
  return client.register();
}

async function send(protocol, one, { assignedHub, deviceId }) {
  const start = `HostName=${assignedHub};DeviceId=${deviceId}`;
  const connection = one.symmetricKey ? `${start};SharedAccessKey=${one.symmetricKey}` : `${start};x509=true`;
  const client = Client.fromConnectionString(connection, sending[protocol.split(",")[0]]);
  if (!one.symmetricKey) client.setOptions(identity(one));
  client.setRetryPolicy(new NoRetry());
  client.on("error", () => {});
  await client.open();
  await client.sendEvent(new Message(`from ${protocol}`));
  await client.close();
}

async function drive(protocol) {
  for (const [operation, one] of Object.entries(cases[protocol])) {
    const assigned = await attempt(protocol, operation, () => register(protocol, one));
    if (operation === "register") await attempt(protocol, "event", () => send(protocol, one, assigned));
  }
}

Promise.all(Object.keys(cases).map(drive)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
