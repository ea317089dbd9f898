// Drives Microsoft's Node device SDK over HTTPS: events, a batch, cloud-to-device messages, an upload. One JSON line on stdout.
"use strict";
const { bootstrap } = require("global-agent"); // Node's HTTPS through the proxy of the environment
const { Readable } = require("stream");
const { Client, Message } = require("azure-iot-device");
const { Http } = require("azure-iot-device-http");

bootstrap();
(async () => {
  const client = Client.fromConnectionString(process.env.DEVICE, Http);
  await client.open();
  const event = new Message("from azure-iot-device-http");
  event.messageId = "m1";
  event.contentType = "application/json";
  event.properties.add("temperatureAlert", "true");
  await client.sendEvent(event);
  await client.sendEventBatch([new Message("one"), new Message("two")]);
  const received = await new Promise((done) => {
    client.setOptions({ http: { receivePolicy: { interval: 1 } } });
    client.on("message", (message) => {
      const what = { data: message.data.toString(), id: message.messageId, properties: message.properties.propertyList };
      client.complete(message, (error) => done({ ...what, error: error ? error.message : null }));
    });
  });
  const content = Buffer.from("a file");
  await client.uploadToBlob("folder/file.txt", Readable.from([content]), content.length);
  console.log(JSON.stringify({ received }));
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
