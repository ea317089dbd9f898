import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.microsoft.azure.sdk.iot.device.ClientOptions;
import com.microsoft.azure.sdk.iot.device.DeviceClient;
import com.microsoft.azure.sdk.iot.device.IotHubClientProtocol;
import com.microsoft.azure.sdk.iot.device.Message;
import com.microsoft.azure.sdk.iot.device.transport.NoRetry;
import com.microsoft.azure.sdk.iot.provisioning.device.AdditionalData;
import com.microsoft.azure.sdk.iot.provisioning.device.ProvisioningDeviceClient;
import com.microsoft.azure.sdk.iot.provisioning.device.ProvisioningDeviceClientRegistrationResult;
import com.microsoft.azure.sdk.iot.provisioning.device.ProvisioningDeviceClientStatus;
import com.microsoft.azure.sdk.iot.provisioning.device.ProvisioningDeviceClientTransportProtocol;
import com.microsoft.azure.sdk.iot.provisioning.security.hsm.SecurityProviderX509Cert;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Microsoft's Java client of provisioning services, unmodified, by certificate, over each protocol of the file CASES. Prints one line for
 * each operation: {"protocol", "operation", "said": null if it worked}.
 */
public final class Provisioning {
    private static final String HOST = "global.azure-devices-provisioning.net";
    private static final int SECONDS = 60;

    private static String text(JsonObject one, String member) {
        return one.get(member).getAsString();
    }

    /** The hub that was assigned. */
    private static ProvisioningDeviceClientRegistrationResult register(String protocol, JsonObject one) throws Exception {
        X509Certificate[] chain = Arrays.stream(DeviceAndService.chain(text(one, "chain"))).toArray(X509Certificate[]::new);
        SecurityProviderX509Cert security = new SecurityProviderX509Cert(
            chain[0], DeviceAndService.key(text(one, "key")), Arrays.asList(chain).subList(1, chain.length));
        ProvisioningDeviceClient client = ProvisioningDeviceClient.create(
            HOST, text(one, "scope"), ProvisioningDeviceClientTransportProtocol.valueOf(protocol), security);
        AdditionalData more = new AdditionalData();
        more.setProvisioningPayload("{\"model\":\"press\"}");
        try {
            ProvisioningDeviceClientRegistrationResult result = client.registerDeviceSync(more, SECONDS * 1000);
            if (result.getProvisioningDeviceClientStatus() != ProvisioningDeviceClientStatus.PROVISIONING_DEVICE_STATUS_ASSIGNED) {
                throw new IllegalStateException("the status is " + result.getProvisioningDeviceClientStatus());
            }
            return result;
        } finally {
            client.close();
        }
    }

    /** Connect to the hub with the same certificate, and send an event. */
    private static Void send(String protocol, JsonObject one, ProvisioningDeviceClientRegistrationResult assigned) throws Exception {
        String connection = "HostName=" + assigned.getIothubUri() + ";DeviceId=" + assigned.getDeviceId() + ";x509=true";
        ClientOptions options = ClientOptions.builder().sslContext(DeviceAndService.identity(text(one, "chain"), text(one, "key"))).build();
        DeviceClient client = new DeviceClient(connection, IotHubClientProtocol.valueOf(protocol), options);
        client.setRetryPolicy(new NoRetry());
        client.open(false);
        client.sendEvent(new Message("from " + protocol), SECONDS * 1000);
        client.close();
        return null;
    }

    private static void drive(String protocol, JsonObject cases) {
        for (String operation : cases.keySet()) {
            JsonObject one = cases.getAsJsonObject(operation);
            ProvisioningDeviceClientRegistrationResult[] assigned = new ProvisioningDeviceClientRegistrationResult[1];
            DeviceAndService.attempt(protocol, operation, () -> assigned[0] = register(protocol, one));
            if (operation.equals("register")) {
                String hubs = protocol.equals("MQTT_WS") ? "MQTT" : protocol;  // no WebSockets with a certificate at a hub
                DeviceAndService.attempt(protocol, "event", () -> send(hubs, one, assigned[0]));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        JsonObject cases = JsonParser.parseString(Files.readString(Path.of(System.getenv("CASES")))).getAsJsonObject();
        List<Thread> threads = new ArrayList<>();
        for (String protocol : cases.keySet()) {
            threads.add(new Thread(() -> drive(protocol, cases.getAsJsonObject(protocol))));
        }
        for (Thread each : threads) {
            each.start();
        }
        for (Thread each : threads) {
            each.join();
        }
        System.exit(0);
    }
}
