package parity;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Some calls of the SDK to nobody, made before the worker is ready: the first call of a JVM takes most of a second, which would
 * otherwise be taken for the SDK's, and is more than some releases allow for a connection.
 *
 * <p>The other side is in this process: it answers every call with an empty message, which is one of success in the protocol of
 * Milvus. Of HTTP/2 it knows what that takes.
 */
final class Rehearsal implements Runnable {
    private static final int TIMES = 3;
    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int ACKNOWLEDGED = 1;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;
    /** The status 200 and the content type {@code application/grpc}, in HPACK. */
    private static final byte[] FIRST_HEADERS = bytes("\u0088\u000f\u0010\u0010application/grpc");
    private static final byte[] EMPTY_MESSAGE = new byte[5];
    /** The status 0 of gRPC, in HPACK. */
    private static final byte[] LAST_HEADERS = bytes("\0\u000bgrpc-status\u00010");

    private final ServerSocket server;

    private Rehearsal(ServerSocket server) {
        this.server = server;
    }

    static void hold() {
        try (ServerSocket server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            Thread answering = new Thread(new Rehearsal(server), "rehearsal");
            answering.setDaemon(true);
            answering.start();
            for (int time = 0; time < TIMES; time++) {
                Calls.make("http://127.0.0.1:" + server.getLocalPort());
            }
        } catch (Exception | LinkageError unrehearsed) {
            System.err.println("The first calls will take longer: " + unrehearsed);
        }
    }

    @Override
    public void run() {
        while (true) {
            try (Socket socket = server.accept()) {
                socket.setTcpNoDelay(true);
                answer(
                        new DataInputStream(socket.getInputStream()),
                        new DataOutputStream(new BufferedOutputStream(socket.getOutputStream())));
            } catch (IOException closed) {
                if (server.isClosed()) {
                    return;
                }
            }
        }
    }

    private static void answer(DataInputStream input, DataOutputStream output) throws IOException {
        input.readNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
        write(output, SETTINGS, 0, 0, new byte[0]);
        while (true) {
            output.flush();
            int lengthAndType = input.readInt();
            int type = lengthAndType & 0xff;
            int flags = input.readByte();
            int stream = input.readInt();
            byte[] payload = input.readNBytes(lengthAndType >>> 8);
            if (type == SETTINGS && (flags & ACKNOWLEDGED) == 0) {
                write(output, SETTINGS, ACKNOWLEDGED, 0, new byte[0]);
            } else if (type == PING && (flags & ACKNOWLEDGED) == 0) {
                write(output, PING, ACKNOWLEDGED, 0, payload);
            } else if (type == DATA && (flags & END_STREAM) != 0) {
                write(output, HEADERS, END_HEADERS, stream, FIRST_HEADERS);
                write(output, DATA, 0, stream, EMPTY_MESSAGE);
                write(output, HEADERS, END_HEADERS | END_STREAM, stream, LAST_HEADERS);
            }
        }
    }

    private static void write(DataOutputStream output, int type, int flags, int stream, byte[] payload)
            throws IOException {
        output.writeInt(payload.length << 8 | type);
        output.writeByte(flags);
        output.writeInt(stream);
        output.write(payload);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
