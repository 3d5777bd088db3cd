using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusCollection
{
    public async Task CreatePartitionAsync(string partitionName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        Proto.CreatePartitionRequest request = new() { CollectionName = Name, PartitionName = partitionName };
        await client.SendAsync(Service.CreatePartitionAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> HasPartitionAsync(string partitionName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        Proto.HasPartitionRequest request = new() { CollectionName = Name, PartitionName = partitionName };
        Proto.BoolResponse answer = await client.SendAsync(
            Service.HasPartitionAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Value;
    }

    /// <remarks>Goes by the identifiers in the answer: a server that sends only names has no partitions here.</remarks>
    public async Task<IList<MilvusPartition>> ShowPartitionsAsync(CancellationToken cancellationToken = default)
    {
        Proto.ShowPartitionsRequest request = new() { CollectionName = Name };
        Proto.ShowPartitionsResponse answer = await client.SendAsync(
            Service.ShowPartitionsAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.PartitionIDs
            .Select((id, i) => new MilvusPartition(id, answer.PartitionNames[i], answer.CreatedUtcTimestamps[i]))
            .ToList();
    }

    /// <summary>Asks for the load; <see cref="WaitForCollectionLoadAsync"/> waits for it.</summary>
    public Task LoadPartitionAsync(
        string partitionName, int replicaNumber = 1, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        return LoadPartitionsAsync([partitionName], replicaNumber, cancellationToken);
    }

    /// <inheritdoc cref="LoadPartitionAsync"/>
    public async Task LoadPartitionsAsync(
        IReadOnlyList<string> partitionNames, int replicaNumber = 1, CancellationToken cancellationToken = default)
    {
        Arguments.NotEmpty(partitionNames);
        Proto.LoadPartitionsRequest request = new()
        {
            CollectionName = Name,
            PartitionNames = { partitionNames },
            ReplicaNumber = replicaNumber,
        };
        await client.SendAsync(Service.LoadPartitionsAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public Task ReleasePartitionAsync(string partitionName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        return ReleasePartitionsAsync([partitionName], cancellationToken);
    }

    public async Task ReleasePartitionsAsync(
        IReadOnlyList<string> partitionNames, CancellationToken cancellationToken = default)
    {
        Arguments.NotEmpty(partitionNames);
        Proto.ReleasePartitionsRequest request = new() { CollectionName = Name, PartitionNames = { partitionNames } };
        await client.SendAsync(Service.ReleasePartitionsAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task DropPartitionAsync(string partitionName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        Proto.DropPartitionRequest request = new() { CollectionName = Name, PartitionName = partitionName };
        await client.SendAsync(Service.DropPartitionAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IDictionary<string, string>> GetPartitionStatisticsAsync(
        string partitionName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(partitionName);
        Proto.GetPartitionStatisticsRequest request = new() { CollectionName = Name, PartitionName = partitionName };
        Proto.GetPartitionStatisticsResponse answer = await client.SendAsync(
            Service.GetPartitionStatisticsAsync, request, static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return answer.Stats.ToDictionary(static p => p.Key, static p => p.Value);
    }
}
