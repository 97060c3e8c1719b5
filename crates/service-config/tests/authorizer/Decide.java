import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.network.ClientInformation;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.RequestContext;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.common.utils.SecurityUtils;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * Asks Kafka's own authorizer. The first line of the input is a list of questions, each other one the
 * bindings of a service; the line that answers it has a `1` for each question that is allowed, and a `0`
 * otherwise. A question without an operation is whether there is some topic that may be written to.
 */
public final class Decide {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        JsonNode asks = json.readTree(lines.readLine());
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            StandardAuthorizer authorizer = authorizer(json.readTree(line));
            StringBuilder answer = new StringBuilder();
            for (JsonNode ask : asks) {
                answer.append(allowed(authorizer, ask) ? '1' : '0');
            }
            System.out.println(answer);
        }
    }

    private static StandardAuthorizer authorizer(JsonNode bindings) throws UnknownHostException {
        StandardAuthorizer authorizer = new StandardAuthorizer();
        authorizer.configure(Map.of("super.users", "User: broker;User: admin"));
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
        Map<Uuid, StandardAcl> acls = new HashMap<>();
        for (JsonNode it : bindings) {
            AclBinding binding = new AclBinding(
                pattern(it, PatternType.valueOf(it.get("pattern_type").asText())),
                new AccessControlEntry(
                    it.get("principal").asText(),
                    host(it.get("host").asText()),
                    SecurityUtils.operation(it.get("operation").asText()),
                    SecurityUtils.permissionType(it.get("permission_type").asText())));
            acls.put(Uuid.randomUuid(), StandardAcl.fromAclBinding(binding));
        }
        authorizer.loadSnapshot(acls);
        authorizer.completeInitialLoad();
        return authorizer;
    }

    /** As `kafka::codes::host` writes it. */
    private static String host(String host) throws UnknownHostException {
        return host.equals("*") ? host : InetAddress.getByName(host).getHostAddress();
    }

    private static ResourcePattern pattern(JsonNode it, PatternType type) {
        String name = it.get("resource_name").asText();
        return new ResourcePattern(SecurityUtils.resourceType(it.get("resource_type").asText()), name, type);
    }

    private static boolean allowed(StandardAuthorizer authorizer, JsonNode ask) throws Exception {
        RequestContext context = new RequestContext(
            new RequestHeader(ApiKeys.METADATA, ApiKeys.METADATA.latestVersion(), "decide", 0),
            "1",
            InetAddress.getByName(ask.get("host").asText()),
            new KafkaPrincipal(KafkaPrincipal.USER_TYPE, ask.get("principal").asText()),
            new ListenerName("CLIENT"),
            SecurityProtocol.SASL_PLAINTEXT,
            ClientInformation.EMPTY,
            false);
        if (!ask.has("operation")) {
            return AuthorizationResult.ALLOWED
                == authorizer.authorizeByResourceType(context, AclOperation.WRITE, ResourceType.TOPIC);
        }
        Action action = new Action(
            SecurityUtils.operation(ask.get("operation").asText()),
            pattern(ask, PatternType.LITERAL), 1, false, false);
        List<AuthorizationResult> results = authorizer.authorize(context, List.of(action));
        return results.get(0) == AuthorizationResult.ALLOWED;
    }
}
