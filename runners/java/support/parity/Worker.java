package parity;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.milvus.client.MilvusServiceClient;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/** The process that holds a target's programs and runs them as lines on its standard input ask. */
public final class Worker {
    private final Channel channel = new Channel();
    private final Map<String, Execution> executions = new ConcurrentHashMap<>();

    private Worker() {}

    public static void main(String[] arguments) throws IOException {
        InputStream requests = System.in;
        System.setIn(new ByteArrayInputStream(new byte[0]));
        System.setOut(System.err);
        Rehearsal.hold();
        new Worker().serve(requests);
        System.exit(0);
    }

    private void serve(InputStream requests) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(requests, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            if (request.has("hello")) {
                greet(request.get("nonce").getAsString());
            } else if (request.has("run")) {
                start(request);
            } else if (request.has("go")) {
                tell(request.get("go").getAsString(), true);
            } else if (request.has("skip")) {
                tell(request.get("skip").getAsString(), false);
            } else if (request.has("kill")) {
                kill(request.get("kill").getAsString());
            }
        }
    }

    private void greet(String nonce) {
        channel.use(nonce);
        JsonObject answer = new JsonObject();
        answer.addProperty("ready", 1);
        answer.addProperty("sdk", sdkVersion());
        answer.addProperty("runtime", "Java " + System.getProperty("java.version"));
        answer.addProperty("kill", true);
        channel.say(answer);
    }

    private void start(JsonObject request) {
        Map<String, String> variables = new HashMap<>();
        for (Map.Entry<String, JsonElement> variable : request.getAsJsonObject("variables").entrySet()) {
            if (!variable.getValue().isJsonNull()) {
                variables.put(variable.getKey(), variable.getValue().getAsString());
            }
        }
        String id = request.get("run").getAsString();
        String program = request.get("program").getAsString();
        Execution execution = new Execution(id, program, variables, channel, () -> executions.remove(id));
        executions.put(id, execution);
        execution.start();
    }

    private void tell(String id, boolean go) {
        Execution execution = executions.get(id);
        if (execution != null) {
            execution.tell(go);
        }
    }

    private void kill(String id) {
        Execution execution = executions.get(id);
        if (execution != null) {
            execution.kill();
        }
    }

    /** The version that the SDK's jar was packed with. */
    private static String sdkVersion() {
        String version = MilvusServiceClient.class.getPackage().getImplementationVersion();
        if (version != null) {
            return version;
        }
        String packed = "/META-INF/maven/io.milvus/milvus-sdk-java/pom.properties";
        try (InputStream stream = MilvusServiceClient.class.getResourceAsStream(packed)) {
            Properties properties = new Properties();
            if (stream != null) {
                properties.load(stream);
            }
            return properties.getProperty("version", "unknown");
        } catch (IOException unreadable) {
            return "unknown";
        }
    }
}
