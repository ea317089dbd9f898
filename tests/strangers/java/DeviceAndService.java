import com.microsoft.azure.sdk.iot.device.ClientOptions;
import com.microsoft.azure.sdk.iot.device.DeviceClient;
import com.microsoft.azure.sdk.iot.device.IotHubClientProtocol;
import com.microsoft.azure.sdk.iot.device.IotHubMessageResult;
import com.microsoft.azure.sdk.iot.device.IotHubStatusCode;
import com.microsoft.azure.sdk.iot.device.Message;
import com.microsoft.azure.sdk.iot.device.ProxySettings;
import com.microsoft.azure.sdk.iot.device.exceptions.IotHubClientException;
import com.microsoft.azure.sdk.iot.device.transport.NoRetry;
import com.microsoft.azure.sdk.iot.device.twin.DirectMethodResponse;
import com.microsoft.azure.sdk.iot.device.twin.TwinCollection;
import com.microsoft.azure.sdk.iot.service.ProxyOptions;
import com.microsoft.azure.sdk.iot.service.auth.AuthenticationType;
import com.microsoft.azure.sdk.iot.service.configurations.Configuration;
import com.microsoft.azure.sdk.iot.service.configurations.ConfigurationContent;
import com.microsoft.azure.sdk.iot.service.configurations.ConfigurationsClient;
import com.microsoft.azure.sdk.iot.service.messaging.IotHubServiceClientProtocol;
import com.microsoft.azure.sdk.iot.service.messaging.MessagingClient;
import com.microsoft.azure.sdk.iot.service.messaging.MessagingClientOptions;
import com.microsoft.azure.sdk.iot.service.methods.DirectMethodsClient;
import com.microsoft.azure.sdk.iot.service.query.QueryClient;
import com.microsoft.azure.sdk.iot.service.registry.Device;
import com.microsoft.azure.sdk.iot.service.registry.DeviceStatus;
import com.microsoft.azure.sdk.iot.service.registry.Module;
import com.microsoft.azure.sdk.iot.service.registry.RegistryClient;
import com.microsoft.azure.sdk.iot.service.twin.Twin;
import com.microsoft.azure.sdk.iot.service.twin.TwinClient;
import java.io.ByteArrayInputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Microsoft's Java clients, unmodified. Each argument is a protocol of the device client, over which a device of its own is driven by the
 * service client. Prints one line for each operation: {"protocol", "operation", "said": null if it worked}.
 */
public final class DeviceAndService {
    private static final int SECONDS = 20;
    private static final String HUB = System.getenv("HUB");

    private static String quoted(String text) {
        if (text == null) {
            return "null";
        }
        return '"' + text.replace("\\", "\\\\").replace("\"", "'").replaceAll("\\p{Cntrl}", " ") + '"';
    }

    private static String told(Throwable error) {
        return error.getClass().getSimpleName() + ": " + error.getMessage();
    }

    /** Run one operation and print what became of it. */
    static void attempt(String protocol, String operation, Callable<?> work) {
        String said = null;
        try {
            work.call();
        } catch (Throwable error) {
            said = told(error) + (error.getCause() == null ? "" : " because of " + told(error.getCause()));
        }
        System.out.println("{\"protocol\": " + quoted(protocol) + ", \"operation\": " + quoted(operation) + ", \"said\": " + quoted(said) + "}");
    }

    private static Object within(CompletableFuture<?> future) throws Exception {
        return future.get(SECONDS, TimeUnit.SECONDS);
    }

    /**
     * Ask again if nothing comes. The SDK loses an answer when the thread that acknowledges it, and forgets who asked, is quicker than the
     * one that tells who asked (addToReceivedMessagesQueue in IotHubTransport.onMessageReceived, iot-device-client 2.5.0).
     */
    private static <T> T again(Callable<T> ask) throws Exception {
        for (int tries = 1; ; tries++) {
            try {
                return ask.call();
            } catch (IotHubClientException error) {
                if (tries == 5 || error.getStatusCode() != IotHubStatusCode.DEVICE_OPERATION_TIMED_OUT) {
                    throw error;
                }
            }
        }
    }

    private static void require(boolean condition, String fact) {
        if (!condition) {
            throw new IllegalStateException(fact);
        }
    }

    static Certificate[] chain(String file) throws Exception {
        byte[] pem = Files.readAllBytes(Path.of(file));
        return CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)).toArray(new Certificate[0]);
    }

    static PrivateKey key(String file) throws Exception {
        String text = Files.readString(Path.of(file)).replaceAll("-----[^-]+-----|\\s", "");
        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
    }

    /** A device's certificate and key from PEM, and the roots of Java's own trust store. */
    static SSLContext identity(String chain, String key) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        store.setKeyEntry("device", key(key), new char[0], chain(chain));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, new char[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init((KeyStore) null);
        SSLContext context = SSLContext.getInstance("TLSv1.2");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Proxy proxy() {
        URI address = URI.create(System.getenv("HTTPS_PROXY"));
        return new Proxy(Proxy.Type.HTTP, new InetSocketAddress(address.getHost(), address.getPort()));
    }

    /** A device client: by certificate where the SDK allows that, by its key over WebSockets, where the proxy is told to it. */
    private static DeviceClient client(IotHubClientProtocol protocol, Device device) throws Exception {
        String host = HUB.replaceAll(".*HostName=([^;]+).*", "$1");
        boolean sockets = protocol == IotHubClientProtocol.MQTT_WS || protocol == IotHubClientProtocol.AMQPS_WS;
        String start = "HostName=" + host + ";DeviceId=" + device.getDeviceId();
        if (sockets) {
            ClientOptions options = ClientOptions.builder().proxySettings(new ProxySettings(proxy())).build();
            return new DeviceClient(start + ";SharedAccessKey=" + device.getPrimaryKey(), protocol, options);
        }
        return new DeviceClient(start + ";x509=true", protocol, ClientOptions.builder().sslContext(identity(System.getenv("CHAIN"), System.getenv("KEY"))).build());
    }

    private static void drive(IotHubClientProtocol protocol) throws Exception {
        String name = protocol.name();
        boolean sockets = name.endsWith("_WS");
        RegistryClient registry = new RegistryClient(HUB);
        Device asked = new Device(sockets ? "java-" + name : System.getenv("DEVICE"),
            sockets ? AuthenticationType.SAS : AuthenticationType.CERTIFICATE_AUTHORITY);
        Device device = registry.addDevice(asked);
        DeviceClient client = client(protocol, device);
        client.setRetryPolicy(new NoRetry());
        client.setOperationTimeout(SECONDS * 1000L);
        CompletableFuture<String> message = new CompletableFuture<>();
        client.setMessageCallback((received, context) -> {
            message.complete(new String(received.getBytes(), Message.DEFAULT_IOTHUB_MESSAGE_CHARSET));
            return IotHubMessageResult.COMPLETE;
        }, null);
        attempt(name, "connect", () -> {
            client.open(false);
            return null;
        });
        attempt(name, "event", () -> {
            client.sendEvent(new Message("from " + name), SECONDS * 1000);
            return null;
        });
        if (protocol != IotHubClientProtocol.HTTPS) {
            driveTwinAndMethod(name, client, device);
        }
        attempt(name, "cloud-to-device", () -> {
            MessagingClientOptions options = MessagingClientOptions.builder().proxyOptions(new ProxyOptions(proxy())).build();
            MessagingClient messaging = new MessagingClient(HUB, IotHubServiceClientProtocol.AMQPS_WS, options);
            messaging.open(SECONDS * 1000);
            messaging.send(device.getDeviceId(), new com.microsoft.azure.sdk.iot.service.messaging.Message("to the device"), SECONDS * 1000);
            messaging.close();
            require("to the device".equals(within(message)), "another message came");
            return null;
        });
        client.close();
        registry.removeDevice(device.getDeviceId());
    }

    private static void driveTwinAndMethod(String name, DeviceClient client, Device device) {
        CompletableFuture<Object> desired = new CompletableFuture<>();
        attempt(name, "twin", () -> {
            client.subscribeToDesiredProperties((twin, context) -> desired.complete(twin.getDesiredProperties().get("speed")), null, SECONDS * 1000);
            com.microsoft.azure.sdk.iot.device.twin.Twin twin = again(() -> client.getTwin(4000));
            TwinCollection reported = twin.getReportedProperties();
            reported.put("client", "java");
            reported.setVersion(null);
            again(() -> client.updateReportedProperties(reported, 4000));
            require("java".equals(again(() -> client.getTwin(4000)).getReportedProperties().get("client")), "the reported property is not there");
            return null;
        });
        attempt(name, "desired", () -> {
            Twin twin = new Twin(device.getDeviceId());
            twin.getDesiredProperties().put("speed", 7);
            new TwinClient(HUB).patch(twin);
            require(((Number) within(desired)).intValue() == 7, "another value came");
            return null;
        });
        attempt(name, "method", () -> {
            client.subscribeToMethods((method, payload, context) -> new DirectMethodResponse(200, Map.of("did", method)), null, SECONDS * 1000);
            com.microsoft.azure.sdk.iot.service.methods.DirectMethodResponse answer = new DirectMethodsClient(HUB).invoke(device.getDeviceId(), "stop");
            require(answer.getStatus() == 200 && answer.getPayloadAsJsonString().contains("stop"), answer.getPayloadAsJsonString());
            return null;
        });
    }

    private static void driveRegistry() {
        RegistryClient registry = new RegistryClient(HUB);
        attempt("service", "device", () -> {
            registry.addDevice(new Device("java-press", AuthenticationType.CERTIFICATE_AUTHORITY));
            require(registry.getDevice("java-press").getStatus() == DeviceStatus.Enabled, "it is not enabled");
            return null;
        });
        attempt("service", "twin", () -> {
            Twin twin = new TwinClient(HUB).get("java-press");
            twin.getTags().put("line", 7);
            require(new TwinClient(HUB).patch(twin).getTags().get("line") != null, "the tag is not there");
            twin.getTags().clear();
            require(new TwinClient(HUB).replace(twin).getTags().isEmpty(), "the tag is still there");
            return null;
        });
        attempt("service", "module", () -> {
            registry.addModule(new Module("java-press", "camera", AuthenticationType.SAS));
            require(registry.getModulesOnDevice("java-press").size() == 1, "it is not listed");
            require(new TwinClient(HUB).get("java-press", "camera").getModuleId().equals("camera"), "it has no twin");
            registry.removeModule("java-press", "camera");
            return null;
        });
        attempt("service", "statistics and query", () -> {
            Device device = registry.getDevice("java-press");
            device.setStatus(DeviceStatus.Disabled);
            registry.updateDevice(device);
            require(registry.getStatistics().getDisabledDeviceCount() == 1, "it is not counted");
            Twin found = new QueryClient(HUB).queryTwins("SELECT * FROM devices WHERE status = 'disabled'").next();
            require(found.getDeviceId().equals("java-press"), "another device is found");
            return null;
        });
        attempt("service", "configuration", () -> {
            ConfigurationsClient configurations = new ConfigurationsClient(HUB);
            Configuration configuration = new Configuration("java-lines");
            ConfigurationContent content = new ConfigurationContent();
            content.setDeviceContent(new HashMap<>(Map.of("properties.desired.speed", 3)));
            configuration.setContent(content);
            configuration.setTargetCondition("tags.line = 7");
            configuration.setPriority(5);
            configurations.create(configuration);
            require(configurations.get(10).size() == 1, "it is not listed");
            configurations.delete("java-lines");
            return null;
        });
        attempt("service", "delete", () -> {
            registry.removeDevice("java-press");
            return null;
        });
    }

    public static void main(String[] protocols) throws Exception {
        for (String protocol : protocols) {
            if (protocol.equals("service")) {
                driveRegistry();
            } else {
                drive(IotHubClientProtocol.valueOf(protocol));
            }
        }
        System.exit(0);
    }
}
