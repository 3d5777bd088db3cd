using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusClient
{
    public async Task<FlushResult> FlushAsync(
        IReadOnlyList<string> collectionNames, CancellationToken cancellationToken = default)
    {
        Arguments.NotEmpty(collectionNames);
        Proto.FlushRequest request = new() { CollectionNames = { collectionNames } };
        Proto.FlushResponse answer = await SendAsync(
            Service.FlushAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return new FlushResult(
            Segments(answer.CollSegIDs), Segments(answer.FlushCollSegIDs), new Dictionary<string, long>(answer.CollSealTimes));

        static Dictionary<string, IReadOnlyList<long>> Segments(IDictionary<string, Proto.LongArray> byCollection)
            => byCollection.ToDictionary(static p => p.Key, static p => (IReadOnlyList<long>)p.Value.Data);
    }

    public async Task<bool> GetFlushStateAsync(
        IReadOnlyList<long> segmentIds, CancellationToken cancellationToken = default)
    {
        Arguments.NotEmpty(segmentIds);
        Proto.GetFlushStateRequest request = new() { SegmentIDs = { segmentIds } };
        Proto.GetFlushStateResponse answer = await SendAsync(
            Service.GetFlushStateAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Flushed;
    }

    public async Task WaitForFlushAsync(
        IReadOnlyList<long> segmentIds,
        TimeSpan? waitingInterval = null,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotEmpty(segmentIds);
        await Polling.UntilAsync<bool>(
            async () =>
            {
                bool flushed = await GetFlushStateAsync(segmentIds, cancellationToken).ConfigureAwait(false);
                return (flushed, flushed);
            },
            "Timeout when waiting for flush",
            waitingInterval,
            timeout,
            progress: null,
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<ulong> FlushAllAsync(CancellationToken cancellationToken = default)
    {
        Proto.FlushAllResponse answer = await SendAsync(
            Service.FlushAllAsync, new Proto.FlushAllRequest(), static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return answer.FlushAllTs;
    }

    public async Task<bool> GetFlushAllStateAsync(ulong timestamp, CancellationToken cancellationToken = default)
    {
        Proto.GetFlushAllStateRequest request = new() { FlushAllTs = timestamp };
        Proto.GetFlushAllStateResponse answer = await SendAsync(
            Service.GetFlushAllStateAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Flushed;
    }

    public async Task WaitForFlushAllAsync(
        ulong timestamp,
        TimeSpan? waitingInterval = null,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
        => await Polling.UntilAsync<bool>(
            async () =>
            {
                bool flushed = await GetFlushAllStateAsync(timestamp, cancellationToken).ConfigureAwait(false);
                return (flushed, flushed);
            },
            "Timeout when waiting for flush all",
            waitingInterval,
            timeout,
            progress: null,
            cancellationToken).ConfigureAwait(false);
}
