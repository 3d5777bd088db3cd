package parity;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import io.milvus.param.R;
import java.util.Map;

/**
 * A case as Java code. Rendered programs extend this: their steps are the snippets, and after each snippet they hand over
 * what the SDK gave back.
 */
public abstract class Program {
    private final Map<String, String> variables;
    private JsonElement status = JsonNull.INSTANCE;
    private JsonElement value = JsonNull.INSTANCE;

    /** Takes the values that are known only at run time. */
    protected Program(Map<String, String> variables) {
        this.variables = variables;
    }

    /** The ids of the steps, in their order. */
    protected abstract int[] steps();

    /** Runs one step. Whatever the SDK throws passes through. */
    protected abstract void run(int step) throws Exception;

    /** Closes what the steps left open. */
    protected abstract void end() throws Exception;

    /** A value that is known only at run time; null when there is none of that name. */
    protected final String variable(String name) {
        return variables.get(name);
    }

    /** Hands over the status that the SDK returned, and says whether it is one of success. */
    protected final boolean succeeded(R<?> response) {
        status = Facts.ofStatus(response);
        return response.getStatus() == R.Status.Success.getCode();
    }

    /** Hands over the value that the SDK returned. */
    protected final void value(Object returned) {
        value = Facts.ofValue(returned);
    }

    final void forget() {
        status = JsonNull.INSTANCE;
        value = JsonNull.INSTANCE;
    }

    final JsonElement status() {
        return status;
    }

    final JsonElement value() {
        return value;
    }
}
