package parity;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.milvus.param.R;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** What the SDK gave back, as JSON: raw, nothing interpreted. */
final class Facts {
    private static final int DEPTH = 8;
    private static final Set<String> OF_ALL_ERRORS =
            Arrays.stream(Throwable.class.getMethods()).map(Method::getName).collect(Collectors.toSet());

    private Facts() {}

    /** {@code R}: its number, the name it has among {@code R.Status}, and the exception it carries. */
    static JsonElement ofStatus(R<?> response) {
        JsonObject facts = new JsonObject();
        facts.addProperty("status", response.getStatus());
        for (R.Status known : R.Status.values()) {
            if (known.getCode() == response.getStatus()) {
                facts.addProperty("name", known.name());
            }
        }
        if (response.getException() != null) {
            facts.add("exception", ofError(response.getException()));
        }
        return facts;
    }

    static JsonObject ofError(Throwable error) {
        return ofError(error, DEPTH);
    }

    private static JsonObject ofError(Throwable error, int depth) {
        JsonObject facts = new JsonObject();
        JsonArray classes = new JsonArray();
        for (Class<?> type = error.getClass(); type != Object.class; type = type.getSuperclass()) {
            classes.add(type.getName());
        }
        facts.add("classes", classes);
        facts.addProperty("message", message(error));
        facts.add("fields", fields(error));
        Throwable cause = error.getCause();
        if (cause != null && cause != error && depth > 0) {
            facts.add("cause", ofError(cause, depth - 1));
        }
        return facts;
    }

    private static String message(Throwable error) {
        String message = error.getMessage();
        return message == null ? "" : message;
    }

    /**
     * What the getters tell that the error's own classes have, those of a gRPC status beside them; and {@code thrownBy}, the
     * class in whose code it was thrown: it tells a check of the SDK from a fault of the program.
     */
    private static JsonObject fields(Throwable error) {
        JsonObject facts = new JsonObject();
        StackTraceElement[] trace = error.getStackTrace();
        facts.addProperty("thrownBy", trace.length == 0 ? "" : trace[0].getClassName());
        for (Method getter : error.getClass().getMethods()) {
            if (!isGetter(getter)) {
                continue;
            }
            Object told = call(getter, error);
            if (told != null && told.getClass().getName().endsWith("io.grpc.Status")) {
                addGrpcStatus(facts, told);
            } else if (isSimple(told)) {
                facts.add(name(getter), ofValue(told));
            }
        }
        return facts;
    }

    private static void addGrpcStatus(JsonObject facts, Object status) {
        for (String name : new String[] {"Code", "Description"}) {
            try {
                Object told = call(status.getClass().getMethod("get" + name), status);
                facts.add(name.toLowerCase(), ofValue(told));
            } catch (NoSuchMethodException absent) {
                facts.add(name.toLowerCase(), JsonNull.INSTANCE);
            }
        }
    }

    private static boolean isGetter(Method method) {
        return method.getName().startsWith("get")
                && method.getName().length() > 3
                && method.getParameterCount() == 0
                && !Modifier.isStatic(method.getModifiers())
                && Modifier.isPublic(method.getDeclaringClass().getModifiers())
                && !OF_ALL_ERRORS.contains(method.getName());
    }

    private static Object call(Method getter, Object object) {
        try {
            return getter.invoke(object);
        } catch (ReflectiveOperationException | RuntimeException untold) {
            return null;
        }
    }

    private static String name(Method getter) {
        return Character.toLowerCase(getter.getName().charAt(3)) + getter.getName().substring(4);
    }

    private static boolean isSimple(Object told) {
        return told == null
                || told instanceof Boolean
                || told instanceof Number
                || told instanceof CharSequence
                || told instanceof Enum;
    }

    static JsonElement ofValue(Object value) {
        if (value == null) {
            return JsonNull.INSTANCE;
        }
        if (value instanceof Boolean) {
            return new JsonPrimitive((Boolean) value);
        }
        if (value instanceof Number) {
            double number = ((Number) value).doubleValue();
            boolean finite = !Double.isNaN(number) && !Double.isInfinite(number);
            return finite ? new JsonPrimitive((Number) value) : new JsonPrimitive(value.toString());
        }
        if (value instanceof Iterable) {
            JsonArray items = new JsonArray();
            for (Object item : (Iterable<?>) value) {
                items.add(ofValue(item));
            }
            return items;
        }
        return new JsonPrimitive(value instanceof Enum ? ((Enum<?>) value).name() : value.toString());
    }
}
