using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusCollection
{
    public async Task CreateIndexAsync(
        string fieldName,
        IndexType? indexType = null,
        SimilarityMetricType? metricType = null,
        string? indexName = null,
        IDictionary<string, string>? extraParams = null,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        Proto.CreateIndexRequest request = new()
        {
            CollectionName = Name,
            FieldName = fieldName,
            IndexName = indexName ?? "",
        };
        if (metricType is { } metric)
        {
            request.ExtraParams.Add(Pair("metric_type", WireName(metric)));
        }

        if (indexType is { } type)
        {
            request.ExtraParams.Add(Pair("index_type", WireName(type)));
        }

        if (extraParams is not null)
        {
            request.ExtraParams.Add(Pair("params", Combined(extraParams)));
        }

        await client.SendAsync(Service.CreateIndexAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task DropIndexAsync(
        string fieldName, string? indexName = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        Proto.DropIndexRequest request = new()
        {
            CollectionName = Name,
            FieldName = fieldName,
            IndexName = indexName ?? "",
        };
        await client.SendAsync(Service.DropIndexAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IList<MilvusIndexInfo>> DescribeIndexAsync(
        string fieldName, string? indexName = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        Proto.DescribeIndexRequest request = new()
        {
            CollectionName = Name,
            FieldName = fieldName,
            IndexName = indexName ?? "",
        };
        Proto.DescribeIndexResponse answer = await client.SendAsync(
            Service.DescribeIndexAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.IndexDescriptions.Select(static index => new MilvusIndexInfo(index)).ToList();
    }

    [Obsolete("Use DescribeIndex instead")]
    public async Task<IndexState> GetIndexStateAsync(
        string fieldName, string? indexName = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        Proto.GetIndexStateRequest request = new()
        {
            CollectionName = Name,
            FieldName = fieldName,
            IndexName = indexName ?? "",
        };
        Proto.GetIndexStateResponse answer = await client.SendAsync(
            Service.GetIndexStateAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return (IndexState)answer.State;
    }

    [Obsolete("Use DescribeIndex instead")]
    public async Task<IndexBuildProgress> GetIndexBuildProgressAsync(
        string fieldName, string? indexName = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        Proto.GetIndexBuildProgressRequest request = new()
        {
            CollectionName = Name,
            FieldName = fieldName,
            IndexName = indexName ?? "",
        };
        Proto.GetIndexBuildProgressResponse answer = await client.SendAsync(
            Service.GetIndexBuildProgressAsync, request, static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return new IndexBuildProgress(answer.IndexedRows, answer.TotalRows);
    }

    public async Task WaitForIndexBuildAsync(
        string fieldName,
        string? indexName = null,
        TimeSpan? waitingInterval = null,
        TimeSpan? timeout = null,
        IProgress<IndexBuildProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(fieldName);
        string index = indexName is null ? "index" : $"index '{indexName}'";
        await Polling.UntilAsync(
            async () =>
            {
                IList<MilvusIndexInfo> found =
                    await DescribeIndexAsync(fieldName, indexName, cancellationToken).ConfigureAwait(false);
                MilvusIndexInfo info = found.FirstOrDefault(i => i.FieldName == fieldName) ?? found[0];
                bool finished = info.State switch
                {
                    IndexState.Finished => true,
                    IndexState.InProgress => false,
                    IndexState.Failed => throw new MilvusException("Index creation failed: " + info.IndexStateFailReason),
                    _ => throw new MilvusException("Index isn't building, state is " + info.State),
                };
                return (finished, new IndexBuildProgress(info.IndexedRows, info.TotalRows));
            },
            $"Timeout when waiting for {index} on collection '{Name}' to build",
            waitingInterval,
            timeout,
            progress,
            cancellationToken).ConfigureAwait(false);
    }

    private static string WireName(IndexType type)
        => type switch
        {
            IndexType.IvfFlat => "IVF_FLAT",
            IndexType.IvfSq8 => "IVF_SQ8",
            IndexType.IvfPq => "IVF_PQ",
            IndexType.RhnswFlat => "RHNSW_FLAT",
            IndexType.RhnswPq => "RHNSW_PQ",
            IndexType.RhnswSq => "RHNSW_SQ",
            IndexType.BinFlat => "BIN_FLAT",
            IndexType.BinIvfFlat => "BIN_IVF_FLAT",
            _ => type.ToString().ToUpperInvariant(),
        };

    private static string WireName(SimilarityMetricType metric) => metric.ToString().ToUpperInvariant();

    private static Proto.KeyValuePair Pair(string key, string value) => new() { Key = key, Value = value };

    /// <summary>A JSON object whose values are taken as they are: "128" is a number there.</summary>
    private static string Combined(IDictionary<string, string> parameters)
        => "{" + string.Join(", ", parameters.Select(static p => $"\"{p.Key}\":{p.Value}")) + "}";
}
