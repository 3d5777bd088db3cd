using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Milvus.Client;

namespace Parity;

/// <summary>
/// Holds the programs of a target and runs them on request, several at once. Each execution is a task; programs share
/// the process but no object.
/// </summary>
internal sealed class Worker(Stream answers)
{
    private readonly object speaking = new();
    private readonly Dictionary<string, Execution> executions = [];
    private byte[] nonce = [];

    internal static void Main()
    {
        // Programs that block their thread must not keep others from starting.
        ThreadPool.SetMinThreads(workerThreads: 32, completionPortThreads: 8);
        (Stream requests, Stream answers) = TakeStandardStreams();
        Worker worker = new(answers);
        using StreamReader lines = new(requests, Encoding.UTF8);
        while (lines.ReadLine() is { } line)
        {
            worker.Obey(line);
        }
    }

    /// <summary>One line to the harness; nothing for an execution that was ended meanwhile.</summary>
    internal void Say(Execution execution, Action<Utf8JsonWriter> write)
    {
        lock (speaking)
        {
            if (executions.ContainsKey(execution.Name))
            {
                Say(json =>
                {
                    json.WriteString("execution", execution.Name);
                    write(json);
                });
            }
        }
    }

    /// <summary>The last line of an execution.</summary>
    internal void End(Execution execution, Action<Utf8JsonWriter> write)
    {
        lock (speaking)
        {
            Say(execution, write);
            executions.Remove(execution.Name);
        }
    }

    private static void Start(Execution execution, string program, Worker worker)
        => Task.Run(async () =>
        {
            try
            {
                await execution.RunAsync(Programs.Create(program, execution), worker);
            }
            catch (Exception exception)
            {
                Console.Error.WriteLine(exception);
                worker.End(execution, json => json.WriteString("crashed", exception.Message));
            }
        });

    private void Obey(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement request = document.RootElement;
        if (request.TryGetProperty("hello", out _))
        {
            nonce = Encoding.UTF8.GetBytes(request.GetProperty("nonce").GetString() + " ");
            SayReady();
        }
        else if (request.TryGetProperty("run", out JsonElement name))
        {
            Execution execution = new(name.GetString()!, request.GetProperty("variables").Clone());
            lock (speaking)
            {
                executions[execution.Name] = execution;
            }

            Start(execution, request.GetProperty("program").GetString()!, this);
        }
        else if (request.TryGetProperty("go", out name) || request.TryGetProperty("skip", out name))
        {
            Find(name)?.Order(go: request.TryGetProperty("go", out _));
        }
        else if (request.TryGetProperty("kill", out name) && Find(name) is { } execution)
        {
            // Its task is left to itself: it says nothing more, and its calls fail when the harness closes its address.
            End(execution, json => json.WriteString("crashed", "killed"));
        }
    }

    private Execution? Find(JsonElement name)
    {
        lock (speaking)
        {
            return executions.GetValueOrDefault(name.GetString()!);
        }
    }

    private void SayReady()
    {
        string version = typeof(MilvusClient).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        Say(json =>
        {
            json.WriteNumber("ready", 1);
            json.WriteString("sdk", version.Split('+')[0]);
            json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
            json.WriteBoolean("kill", true);
        });
    }

    private void Say(Action<Utf8JsonWriter> write)
    {
        using MemoryStream line = new();
        line.Write(nonce);
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        lock (speaking)
        {
            answers.Write(line.GetBuffer(), 0, (int)line.Length);
            answers.Flush();
        }
    }

    /// <summary>
    /// The pipes of the harness, under other numbers than programs know: what programs print goes to standard error,
    /// and what they read is empty.
    /// </summary>
    private static (Stream Requests, Stream Answers) TakeStandardStreams()
    {
        if (OperatingSystem.IsWindows())
        {
            (Stream, Stream) taken = (Console.OpenStandardInput(), Console.OpenStandardOutput());
            Console.SetIn(TextReader.Null);
            Console.SetOut(Console.Error);
            return taken;
        }

        FileStream requests = new(new SafeFileHandle(Dup(0), ownsHandle: true), FileAccess.Read);
        FileStream answers = new(new SafeFileHandle(Dup(1), ownsHandle: true), FileAccess.Write, bufferSize: 0);
        using SafeFileHandle nothing = File.OpenHandle("/dev/null");
        _ = Dup2((int)nothing.DangerousGetHandle(), 0);
        _ = Dup2(2, 1);
        return (requests, answers);
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Dup(int descriptor);

    [DllImport("libc", EntryPoint = "dup2")]
    private static extern int Dup2(int descriptor, int other);
}
