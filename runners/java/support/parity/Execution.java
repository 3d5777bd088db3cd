package parity;

import com.google.gson.JsonObject;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** One run of a program, on a thread of its own: before each step it waits to be told whether to go or to skip. */
final class Execution extends Thread {
    private final String id;
    private final String program;
    private final Map<String, String> variables;
    private final Channel channel;
    private final Runnable over;
    private final BlockingQueue<Boolean> told = new LinkedBlockingQueue<>();

    Execution(String id, String program, Map<String, String> variables, Channel channel, Runnable over) {
        super(id);
        setDaemon(true);
        this.id = id;
        this.program = program;
        this.variables = variables;
        this.channel = channel;
        this.over = over;
    }

    void tell(boolean go) {
        told.add(go);
    }

    @Override
    public void run() {
        try {
            runProgram();
        } finally {
            over.run();
        }
    }

    private void runProgram() {
        Program running;
        try {
            Class<?> type = Class.forName("programs." + program);
            running = (Program) type.getConstructor(Map.class).newInstance(variables);
        } catch (Throwable error) {
            JsonObject answer = answer();
            answer.addProperty("crashed", "the program cannot be started: " + error);
            channel.say(answer);
            return;
        }
        try {
            take(running);
        } catch (InterruptedException interrupted) {
            return;
        }
        JsonObject done = answer();
        done.addProperty("done", true);
        channel.say(done);
        try {
            running.end();
        } catch (Throwable error) {
            error.printStackTrace();
        }
    }

    private void take(Program running) throws InterruptedException {
        for (int step : running.steps()) {
            JsonObject waiting = answer();
            waiting.addProperty("waiting", step);
            channel.say(waiting);
            if (told.take()) {
                channel.say(run(running, step));
            }
        }
    }

    private JsonObject run(Program running, int step) {
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

    private JsonObject answer() {
        JsonObject answer = new JsonObject();
        answer.addProperty("execution", id);
        return answer;
    }
}
