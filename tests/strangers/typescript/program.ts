// A program as users write it: it is compiled with the SDK that is checked in, and never run. What must not compile says so.
import * as pulumi from "@pulumi/pulumi";
import * as hubtrust from "@hubtrust/hubtrust";

const pin = new pulumi.Config().requireSecret("pin");
const vault = new hubtrust.AuthorityVault("plant", { hsm: true, operators: ["deployer"] });
const ca = new hubtrust.CertificateAuthority("plant", {
    source: {
        generate: {
            commonName: "Contoso plant",
            key: "ec-p384",
            intermediates: 1,
            custody: { inKeyVault: { vault } },
        },
    },
    generation: 2,
    keepPrevious: true,
    trust: hubtrust.types.enums.Trust.Root,
});
const imported = new hubtrust.CertificateAuthority("line", {
    source: { import: { chain: "PEM", custody: { inToken: { keys: ["pkcs11:token=plant;object=line"], pin } } } },
});
const hub = new hubtrust.TrustedHub("plant", {
    authorities: [ca, imported],
    hub: { sku: { name: "S1", capacity: 2 }, tags: { plant: "one" }, protect: false },
    operators: { pipeline: pin },
    dropGeneration: { plant: 1 },
});
const service = new hubtrust.ProvisioningService("plant", { authorities: [ca], hubs: [hub, { hub, weight: 2 }, "/subscriptions/…"] });
const group = new hubtrust.EnrollmentGroup("plant", { service, authorities: [ca], allocation: "hashed", tags: { line: 1 } });
new hubtrust.IndividualEnrollment("press", { service: service.serviceId, certificates: ["PEM"], status: "enabled" });
new hubtrust.EnrollmentFleet("presses", { service, roster: { list: [{ registrationId: "press-002", certificate: "PEM" }] } });
new hubtrust.EnrollmentCanary("canary", { service, hubs: [hub], authority: ca, deviceId: "canary", enrollments: [group] });
const device = new hubtrust.TrustedDevice("gateway", { hub, authority: ca, makeKey: true, edge: true });
new hubtrust.TrustedModule("camera", { device, makeKey: true });
new hubtrust.TrustedDevice("leaf", { hub, parent: device.deviceScope, thumbprints: ["A".repeat(40)] });
const fleet = new hubtrust.TrustedFleet("presses", { hub, authority: ca, roster: { pattern: "press-{001..025}" }, canary: "press-001" });
const identity = new hubtrust.DeviceIdentity("one", { hubId: hub.hubId, deviceId: "one", status: hubtrust.types.enums.Status.Disabled });
new hubtrust.ConnectionCheck("one", { hubId: hub.hubId, deviceId: "one", chain: ca.chain, signer: ca.signer, trust: hub.trust });
new hubtrust.DeviceFleet("rest", { hubId: hub.hubId, members: { ids: ["two", "three"], tags: { line: 2 } } });
new hubtrust.SigningKey("key", { signer: { custody: "key-vault", key: "https://…" }, make: "rsa-3072" });

export const proof: pulumi.Output<string | undefined> = ca.prove({ hub: "other", code: hub.trust[0].code }).apply((found) => found.proof);
export const connected: pulumi.Output<string> = fleet.connection.state;
export const states: pulumi.Output<string[]> = hub.trust.apply((all) => all.map((one) => one.state));
export const privateKey: pulumi.Output<string | undefined> = device.privateKey;
export const scope: pulumi.Output<string | undefined> = identity.deviceScope;

// @ts-expect-error: a source is required
new hubtrust.CertificateAuthority("none", {});
// @ts-expect-error: which resources there are can't wait for an Output
new hubtrust.CertificateAuthority("late", { source: { generate: { commonName: "x" } }, generation: pulumi.output(1) });
// @ts-expect-error: there is no such algorithm
new hubtrust.CertificateAuthority("weak", { source: { generate: { commonName: "x", key: "rsa-1024" } } });
// @ts-expect-error: a hub's CAs are components, not names
new hubtrust.TrustedHub("wrong", { authorities: ["plant"] });
// @ts-expect-error: an argument of earlier versions of the Python package
new hubtrust.TrustedHub("old", { authorities: [ca], existingId: "/subscriptions/…" });
// @ts-expect-error: who owns the device is no argument
new hubtrust.DeviceIdentity("owned", { hubId: hub.hubId, deviceId: "one", owner: {} });
