// Drives Microsoft's Node client of the service API: a connection string in the environment, what each call gave as JSON on stdout.
"use strict";
const fs = require("fs");
const { bootstrap } = require("global-agent"); // Node's HTTPS through the proxy of the environment
const { ProvisioningServiceClient } = require("azure-iot-provisioning-service");

bootstrap();
const client = ProvisioningServiceClient.fromConnectionString(process.env.DPS);
const certificate = fs.readFileSync(process.env.CHAIN, "utf8");
const many = [...Array(10).keys()].map((n) => ({ registrationId: `node-${n}`, attestation: { type: "symmetricKey" } }));

async function failure(work) {
  try {
    await work;
    return null;
  } catch (error) {
    return [error.name, JSON.parse(error.responseBody).errorCode];
  }
}

function bulk(operation) {
  // Without a callback its promise never ends.
  return new Promise((resolve, reject) => client.runBulkEnrollmentOperation(operation, (error, result) => (error ? reject(error) : resolve(result))));
}

async function pages(query) {
  const lengths = [];
  while (query.hasMoreResults) lengths.push((await query.next(query.continuationToken)).responseBody.length); // without it: page one again
  return lengths;
}

(async () => {
  const result = {};
  const x509 = { signingCertificates: { primary: { certificate }, secondary: null } };
  const group = { enrollmentGroupId: "line-8", attestation: { type: "x509", x509 }, provisioningStatus: "enabled" };
  const made = (await client.createOrUpdateEnrollmentGroup(group)).responseBody;
  result.subject = made.attestation.x509.signingCertificates.primary.info.subjectName;
  result.again = await failure(client.createOrUpdateEnrollmentGroup(group));
  const changed = (await client.createOrUpdateEnrollmentGroup({ ...made, provisioningStatus: "disabled" })).responseBody;
  result.changed = [changed.provisioningStatus, changed.etag !== made.etag];
  result.mechanism = (await client.getEnrollmentGroupAttestationMechanism("line-8")).responseBody.type;
  result.registrations = await pages(client.createEnrollmentGroupDeviceRegistrationStateQuery({ query: "*" }, "line-8"));
  const individual = { registrationId: "press-002", deviceId: "press.two", attestation: { type: "x509", x509: { clientCertificates: { primary: { certificate } } } } };
  result.created = (await client.createOrUpdateIndividualEnrollment(individual)).responseBody.deviceId;
  result.state = (await client.getIndividualEnrollment("press-002")).responseBody.registrationState.status;
  result.unregistered = await failure(client.getDeviceRegistrationState("press-002"));
  result.bulk = (await bulk({ enrollments: many, mode: "create" })).isSuccessful;
  result.pages = await pages(client.createIndividualEnrollmentQuery({ query: "SELECT *" }, 6));
  result.keys = Object.keys((await client.getIndividualEnrollmentAttestationMechanism("node-3")).responseBody.symmetricKey).length;
  await client.deleteIndividualEnrollment("press-002");
  result.gone = await failure(client.getIndividualEnrollment("press-002"));
  await client.deleteEnrollmentGroup(changed);
  result.groups = await pages(client.createEnrollmentGroupQuery({ query: "SELECT *" }));
  console.log(JSON.stringify(result));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
