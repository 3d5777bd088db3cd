package parity;

import com.google.gson.JsonObject;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** One run of a program, on a thread of its own: before each step it waits to be told whether to go or to skip. */
final class Execution implements Runnable {
    private static final long PATIENCE = 1000;

    private final String id;
    private final String program;
    private final Map<String, String> variables;
    private final Channel channel;
    private final Runnable over;
    private final BlockingQueue<Boolean> told = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile Program running;
    private boolean ended;

    /** {@code over} is called when the last word of it has been said. */
    Execution(String id, String program, Map<String, String> variables, Channel channel, Runnable over) {
        this.id = id;
        this.program = program;
        this.variables = variables;
        this.channel = channel;
        this.over = over;
        thread = daemon(this);
    }

    void start() {
        thread.start();
    }

    void tell(boolean go) {
        told.add(go);
    }

    /**
     * Ends it: closes its connections, and leaves a thread that still waits for something to itself. A thread that computes
     * would take the time of all others and cannot be ended: then the worker ends.
     */
    void kill() {
        daemon(() -> {
            JsonObject killed = answer();
            killed.addProperty("crashed", "killed");
            end(killed);
            thread.interrupt();
            daemon(this::close).start();
            try {
                thread.join(PATIENCE);
            } catch (InterruptedException impossible) {
                Thread.currentThread().interrupt();
            }
            if (thread.getState() == Thread.State.RUNNABLE) {
                System.err.println("The program " + program + " computes without end; the worker ends with it.");
                Runtime.getRuntime().halt(1);
            }
        }).start();
    }

    @Override
    public void run() {
        try {
            Class<?> type = Class.forName("programs." + program);
            running = (Program) type.getConstructor(Map.class).newInstance(variables);
        } catch (Throwable error) {
            JsonObject crashed = answer();
            crashed.addProperty("crashed", "the program cannot be started: " + error);
            end(crashed);
            return;
        }
        try {
            int[] steps = running.steps();
            if (steps.length > 0) {
                JsonObject waiting = answer();
                waiting.addProperty("waiting", steps[0]);
                say(waiting);
            }
            for (int step : steps) {
                if (told.take()) {
                    say(run(step));
                }
            }
        } catch (InterruptedException killed) {
            return;
        }
        JsonObject done = answer();
        done.addProperty("done", true);
        end(done);
        close();
    }

    private JsonObject run(int step) {
        JsonObject answer = answer();
        answer.addProperty("step", step);
        running.forget();
        long began = System.nanoTime();
        try {
            running.run(step);
            answer.addProperty("outcome", "returned");
            answer.add("value", running.value());
            answer.add("status", running.status());
        } catch (Throwable error) {
            answer.addProperty("outcome", "raised");
            answer.add("error", Facts.ofError(error));
        }
        answer.addProperty("milliseconds", (System.nanoTime() - began) / 1e6);
        return answer;
    }

    private void close() {
        Program open = running;
        if (open == null) {
            return;
        }
        try {
            open.end();
        } catch (Throwable unclosed) {
            unclosed.printStackTrace();
        }
    }

    private JsonObject answer() {
        JsonObject answer = new JsonObject();
        answer.addProperty("execution", id);
        return answer;
    }

    private synchronized void say(JsonObject answer) {
        if (!ended) {
            channel.say(answer);
        }
    }

    /** Says the last word; after it nothing more is heard of this execution. */
    private synchronized void end(JsonObject answer) {
        say(answer);
        ended = true;
        over.run();
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }
}
