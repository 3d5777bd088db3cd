using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusClient
{
    public async Task<CompactionState> GetCompactionStateAsync(
        long compactionId, CancellationToken cancellationToken = default)
    {
        Proto.GetCompactionStateRequest request = new() { CompactionID = compactionId };
        Proto.GetCompactionStateResponse answer = await SendAsync(
            Service.GetCompactionStateAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return (CompactionState)answer.State;
    }

    public async Task WaitForCompactionAsync(
        long compactionId,
        TimeSpan? waitingInterval = null,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
        => await Polling.UntilAsync<CompactionState>(
            async () =>
            {
                CompactionState state =
                    await GetCompactionStateAsync(compactionId, cancellationToken).ConfigureAwait(false);
                return (state == CompactionState.Completed, state);
            },
            $"Timeout when waiting for compaction with ID {compactionId}",
            waitingInterval,
            timeout,
            progress: null,
            cancellationToken).ConfigureAwait(false);

    public async Task<CompactionPlans> GetCompactionPlansAsync(
        long compactionId, CancellationToken cancellationToken = default)
    {
        Proto.GetCompactionPlansRequest request = new() { CompactionID = compactionId };
        Proto.GetCompactionPlansResponse answer = await SendAsync(
            Service.GetCompactionStateWithPlansAsync, request, static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return new CompactionPlans(
            answer.MergeInfos
                .Select(static info => new MilvusCompactionPlan { Sources = info.Sources, Target = info.Target })
                .ToList(),
            (CompactionState)answer.State);
    }

    public async Task<MilvusMetrics> GetMetricsAsync(string request, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(request);
        Proto.GetMetricsResponse answer = await SendAsync(
            Service.GetMetricsAsync,
            new Proto.GetMetricsRequest { Request = request },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        return new MilvusMetrics(answer.Response, answer.ComponentName);
    }
}
