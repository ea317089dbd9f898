// Microsoft's Node SDKs over AMQP, unmodified. Arguments: a device's connection string, the service's, and `Amqp` or `AmqpWs`.
// The device sends an event, reads and reports to its twin, answers a method, and gets a message from the service. Each step prints a line.
"use strict";
const device = require("azure-iot-device");
const transports = require("azure-iot-device-amqp");
const service = require("azure-iothub");

const [deviceText, serviceText, transport] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));

async function main() {
  const client = device.Client.fromConnectionString(deviceText, transports[transport]);
  await client.open();
  await client.sendEvent(new device.Message(`from ${transport}`));
  say("event", true);

  const twin = await client.getTwin();
  const changed = new Promise((resolve) => twin.on("properties.desired.speed", resolve));
  await new Promise((resolve, reject) => twin.properties.reported.update({ way: transport }, (error) => (error ? reject(error) : resolve())));
  say("reported", transport);
  const registry = service.Registry.fromConnectionString(serviceText);
  const id = /DeviceId=([^;]+)/.exec(deviceText)[1];
  await registry.updateTwin(id, { properties: { desired: { speed: 4 } } }, "*");
  say("desired", await changed);

  client.onDeviceMethod("open", (request, response) => response.send(200, { got: request.payload }, () => {}));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const backEnd = service.Client.fromConnectionString(serviceText, service[transport === "AmqpWs" ? "AmqpWs" : "Amqp"]);
  const answer = await backEnd.invokeDeviceMethod(id, { methodName: "open", payload: 2, connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20 });
  say("method", answer.result.payload);

  const got = new Promise((resolve) => client.on("message", (message) => client.complete(message, () => resolve(message.data.toString()))));
  await backEnd.open();
  const feedback = await new Promise((resolve, reject) => backEnd.getFeedbackReceiver((error, found) => (error ? reject(error) : resolve(found))));
  const told = new Promise((resolve) => feedback.on("message", (message) => feedback.complete(message, () => resolve(JSON.parse(message.data.toString())[0].statusCode))));
  const message = new device.Message("start");
  message.ack = "full";
  await backEnd.send(id, message);
  say("message", await got);
  say("feedback", await told);
  await client.close();
  await backEnd.close();
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
