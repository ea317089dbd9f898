// A hub that trusts a CA by proof of possession, its devices from a pattern, and a canary that connects at the end.
import * as hubtrust from "@hubtrust/hubtrust";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

const plant = new hubtrust.CertificateAuthority("plant", {
    source: { generate: { commonName: "Contoso Plant", organization: "Contoso" } },
    generation: config.requireNumber("generation"),
    keepPrevious: config.requireBoolean("keepPrevious"),
});
// The role Owner does not include managing devices: the deployer gets the role for it.
const hub = new hubtrust.TrustedHub("plant", { authorities: [plant], hub: { protect: false }, operators: ["deployer"] });
const fleet = new hubtrust.TrustedFleet("presses", { hub, authority: plant, roster: { pattern: "press-{001..003}" }, canary: "canary" });
// A real device makes its own key, and gives its request (CSR) as `request`.
const robot = new hubtrust.TrustedDevice("robot-001", { hub, authority: plant, makeKey: true });

export const trust = hub.trust;
export const connection = fleet.connection;
export const chain = robot.chain;
export const key = robot.privateKey; // a secret
