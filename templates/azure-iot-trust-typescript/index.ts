// An IoT hub that trusts a CA by proof of possession, its devices, and one connection at the end.
import * as hubtrust from "@hubtrust/hubtrust";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

// A root and an issuing CA. Their keys are encrypted secrets of this stack; `custody` keeps them in a vault.
const plant = new hubtrust.CertificateAuthority("plant", { source: { generate: { commonName: config.require("caName") } } });
// The role Owner does not include managing devices: the deployer gets the role for it.
const hub = new hubtrust.TrustedHub("plant", {
    authorities: [plant],
    hub: { protect: config.requireBoolean("protect") },
    operators: ["deployer"],
});
const fleet = new hubtrust.TrustedFleet("devices", {
    hub,
    authority: plant,
    roster: { pattern: config.require("devices") },
    canary: "canary",
});

export const hostName = hub.hostName;
export const trust = hub.trust;
export const connection = fleet.connection;
