using System.Diagnostics;

namespace Milvus.Client;

/// <summary>Asks again, every half second unless told otherwise, until a condition holds.</summary>
internal static class Polling
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromMilliseconds(500);

    /// <exception cref="TimeoutException">The condition did not hold within <paramref name="timeout"/>.</exception>
    internal static async Task UntilAsync<TProgress>(
        Func<Task<(bool Done, TProgress Progress)>> ask,
        string timeoutMessage,
        TimeSpan? interval,
        TimeSpan? timeout,
        IProgress<TProgress>? progress,
        CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            (bool done, TProgress value) = await ask().ConfigureAwait(false);
            progress?.Report(value);
            if (done)
            {
                return;
            }

            if (timeout is { } limit && watch.Elapsed + (interval ?? DefaultInterval) >= limit)
            {
                throw new TimeoutException(timeoutMessage);
            }

            await Task.Delay(interval ?? DefaultInterval, cancellationToken).ConfigureAwait(false);
        }
    }
}
