using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;

namespace Parity;

/// <summary>One step of a program. What it returns is the value that the step read.</summary>
internal sealed record Step(int Number, Func<Task<object?>> Run);

/// <summary>The snippets of a case, rendered as one class.</summary>
internal interface IProgram
{
    IReadOnlyList<Step> Steps { get; }
}

/// <summary>One run of one program: what the harness says to it, and how long its steps take.</summary>
internal sealed class Execution(string name, JsonElement variables)
{
    private readonly Channel<bool> orders = Channel.CreateUnbounded<bool>();
    private readonly Stopwatch watch = new();

    internal string Name => name;

    internal string Variable(string variable) => variables.GetProperty(variable).GetString()!;

    /// <summary>Lets the step go on that waits, or leaves it out.</summary>
    internal void Order(bool go) => orders.Writer.TryWrite(go);

    /// <summary>Called by a program when the snippet of a step is over, before its value is taken out.</summary>
    internal void SnippetEnded() => watch.Stop();

    internal async Task RunAsync(IProgram program, Worker worker)
    {
        if (program.Steps.Count > 0)
        {
            worker.Say(this, json => json.WriteNumber("waiting", program.Steps[0].Number));
        }

        foreach (Step step in program.Steps)
        {
            if (await orders.Reader.ReadAsync())
            {
                await RunAsync(step, worker);
            }
        }

        worker.End(this, json => json.WriteBoolean("done", true));
    }

    private async Task RunAsync(Step step, Worker worker)
    {
        byte[] value = [];
        Exception? raised = null;
        watch.Restart();
        try
        {
            value = Facts.AsJson(await step.Run());
        }
        catch (Exception exception)
        {
            raised = exception;
        }

        watch.Stop();
        worker.Say(this, json =>
        {
            json.WriteNumber("step", step.Number);
            json.WriteString("outcome", raised is null ? "returned" : "raised");
            if (raised is null)
            {
                json.WritePropertyName("value");
                json.WriteRawValue(value);
                json.WriteNull("status");
            }
            else
            {
                json.WritePropertyName("error");
                Facts.Write(json, raised);
            }

            json.WriteNumber("milliseconds", watch.Elapsed.TotalMilliseconds);
        });
    }
}
