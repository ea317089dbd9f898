// Drives mqtt.js with the addresses of Azure's documentation: MQTT over TLS, and over WebSockets through the proxy.
// Prints one line for each operation: {"protocol", "operation", "said": null if it worked}.
"use strict";
const fs = require("fs");
const mqtt = require("mqtt");
const { HttpsProxyAgent } = require("https-proxy-agent");

const host = process.env.HUB.match(/HostName=([^;]+)/)[1];
const device = process.env.DEVICE;
const own = { cert: fs.readFileSync(process.env.CHAIN), key: fs.readFileSync(process.env.KEY) };

async function attempt(protocol, operation, work) {
  let said = null;
  try {
    await work();
  } catch (error) {
    said = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify({ protocol, operation, said }));
  return said === null;
}

async function drive(protocol, url, options) {
  const login = { clientId: device, username: `${host}/${device}/?api-version=2021-04-12`, protocolVersion: 4, reconnectPeriod: 0 };
  let client;
  const connected = await attempt(protocol, "connect", async () => {
    client = await mqtt.connectAsync(url, { ...own, ...login, ...options, connectTimeout: 40000 }, false);
  });
  if (!connected) return;
  await attempt(protocol, "event", () => client.publishAsync(`devices/${device}/messages/events/line=7`, "from mqtt.js", { qos: 1 }));
  await attempt(protocol, "twin", async () => {
    const answer = new Promise((done) => client.once("message", (topic, payload) => done([topic, JSON.parse(payload)])));
    await client.subscribeAsync("$iothub/twin/res/#");
    await client.publishAsync("$iothub/twin/GET/?$rid=1", "");
    const [topic, twin] = await answer;
    if (!topic.startsWith("$iothub/twin/res/200/") || twin.desired.$version !== 1) throw new Error(topic);
  });
  await client.endAsync();
}

(async () => {
  await drive("8883", `mqtts://${host}:8883`, {});
  await drive("WebSockets", `wss://${host}:443/$iothub/websocket?iothub-no-client-cert=false`, {
    wsOptions: { agent: new HttpsProxyAgent(process.env.HTTPS_PROXY, own), ...own },
  });
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
