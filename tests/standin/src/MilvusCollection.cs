using System.Globalization;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

/// <summary>A handle on a collection by name. What it names need not exist.</summary>
public sealed partial class MilvusCollection
{
    private readonly MilvusClient client;

    internal MilvusCollection(MilvusClient client, string name)
    {
        this.client = client;
        Name = name;
    }

    public string Name { get; private set; }

    private Proto.MilvusService.MilvusServiceClient Service => client.Service;

    public async Task<MilvusCollectionDescription> DescribeAsync(CancellationToken cancellationToken = default)
    {
        Proto.DescribeCollectionResponse answer = await client.SendAsync(
            Service.DescribeCollectionAsync,
            new Proto.DescribeCollectionRequest { CollectionName = Name },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);

        CollectionSchema schema = new(answer.Schema.Fields.Select(static field => new FieldSchema(field)))
        {
            Name = answer.Schema.Name,
            Description = answer.Schema.Description,
            EnableDynamicFields = answer.Schema.EnableDynamicField,
        };
        return new MilvusCollectionDescription(
            answer.Aliases,
            answer.CollectionName,
            answer.CollectionID,
            (ConsistencyLevel)answer.ConsistencyLevel,
            answer.CreatedUtcTimestamp,
            schema,
            answer.ShardsNum,
            answer.StartPositions.ToDictionary(
                static p => p.Key, static p => (IList<int>)p.Data.Select(static b => (int)b).ToList()));
    }

    public async Task RenameAsync(string newName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(newName);
        Proto.RenameCollectionRequest request = new() { OldName = Name, NewName = newName };
        await client.SendAsync(Service.RenameCollectionAsync, request, cancellationToken).ConfigureAwait(false);
        Name = newName;
    }

    public async Task DropAsync(CancellationToken cancellationToken = default)
    {
        Proto.DropCollectionRequest request = new() { CollectionName = Name };
        await client.SendAsync(Service.DropCollectionAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<int> GetEntityCountAsync(CancellationToken cancellationToken = default)
    {
        Proto.GetCollectionStatisticsResponse answer = await client.SendAsync(
            Service.GetCollectionStatisticsAsync,
            new Proto.GetCollectionStatisticsRequest { CollectionName = Name },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        string? rows = answer.Stats.FirstOrDefault(static p => p.Key == "row_count")?.Value;
        return int.TryParse(rows, NumberStyles.Integer, CultureInfo.InvariantCulture, out int count)
            ? count
            : throw new InvalidOperationException("Invalid or missing 'row_count'");
    }

    /// <summary>Asks for the load; <see cref="WaitForCollectionLoadAsync"/> waits for it.</summary>
    public async Task LoadAsync(int? replicaNumber = null, CancellationToken cancellationToken = default)
    {
        Proto.LoadCollectionRequest request = new() { CollectionName = Name };
        if (replicaNumber is { } replicas)
        {
            Arguments.AtLeastOne(replicas, "replicaNumber.Value");
            request.ReplicaNumber = replicas;
        }

        await client.SendAsync(Service.LoadCollectionAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task ReleaseAsync(CancellationToken cancellationToken = default)
    {
        Proto.ReleaseCollectionRequest request = new() { CollectionName = Name };
        await client.SendAsync(Service.ReleaseCollectionAsync, request, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>Percent, 0 to 100.</returns>
    public async Task<long> GetLoadingProgressAsync(
        IReadOnlyList<string>? partitionNames = null, CancellationToken cancellationToken = default)
    {
        Proto.GetLoadingProgressRequest request = new()
        {
            CollectionName = Name,
            PartitionNames = { partitionNames ?? [] },
        };
        Proto.GetLoadingProgressResponse answer = await client.SendAsync(
            Service.GetLoadingProgressAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Progress;
    }

    public Task WaitForCollectionLoadAsync(
        IReadOnlyList<string>? partitionNames = null,
        TimeSpan? waitingInterval = null,
        TimeSpan? timeout = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
        => Polling.UntilAsync(
            async () =>
            {
                long percent = await GetLoadingProgressAsync(partitionNames, cancellationToken).ConfigureAwait(false);
                return (percent == 100, percent);
            },
            $"Timeout when waiting for collection '{Name}' to load",
            waitingInterval,
            timeout,
            progress,
            cancellationToken);

    public async Task<long> CompactAsync(CancellationToken cancellationToken = default)
    {
        MilvusCollectionDescription description = await DescribeAsync(cancellationToken).ConfigureAwait(false);
        Proto.ManualCompactionResponse answer = await client.SendAsync(
            Service.ManualCompactionAsync,
            new Proto.ManualCompactionRequest { CollectionID = description.CollectionId },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        return answer.CompactionID;
    }
}
