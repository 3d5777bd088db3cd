using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

/// <summary>Primary keys: numbers or texts, the other list is null.</summary>
public readonly struct MilvusIds : IEquatable<MilvusIds>
{
    private MilvusIds(IReadOnlyList<long>? numbers, IReadOnlyList<string>? texts)
    {
        LongIds = numbers;
        StringIds = texts;
    }

    public IReadOnlyList<long>? LongIds { get; }

    public IReadOnlyList<string>? StringIds { get; }

    public bool Equals(MilvusIds other) => Equals(LongIds, other.LongIds) && Equals(StringIds, other.StringIds);

    public override bool Equals(object? obj) => obj is MilvusIds other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(LongIds, StringIds);

    internal static MilvusIds From(Proto.IDs? message) => new(message?.IntId?.Data, message?.StrId?.Data);
}

public sealed class MutationResult
{
    internal MutationResult(Proto.MutationResult message)
    {
        Acknowledged = message.Acknowledged;
        InsertCount = message.InsertCnt;
        DeleteCount = message.DeleteCnt;
        UpsertCount = message.UpsertCnt;
        SuccessIndex = message.SuccIndex;
        ErrorIndex = message.ErrIndex;
        Timestamp = message.Timestamp;
        Ids = MilvusIds.From(message.IDs);
    }

    public bool Acknowledged { get; }

    public long InsertCount { get; }

    public long DeleteCount { get; }

    public long UpsertCount { get; }

    public IReadOnlyList<uint> SuccessIndex { get; }

    public IReadOnlyList<uint> ErrorIndex { get; }

    public ulong Timestamp { get; }

    public MilvusIds Ids { get; set; }
}

public sealed class QueryParameters
{
    public IList<string> OutputFields { get; } = [];

    public IList<string> PartitionNames { get; } = [];

    public ConsistencyLevel? ConsistencyLevel { get; set; }

    public int? Limit { get; set; }

    public int? Offset { get; set; }

    public ulong? GuaranteeTimestamp { get; set; }

    public ulong? TimeTravelTimestamp { get; set; }
}

public sealed class SearchParameters
{
    public IList<string> OutputFields { get; } = [];

    public IList<string> PartitionNames { get; } = [];

    public string? Expression { get; set; }

    public int? Offset { get; set; }

    public long? RoundDecimal { get; set; }

    /// <summary>Never set: the SDK gives it no setter.</summary>
    public bool? IgnoreGrowing { get; }

    public ConsistencyLevel? ConsistencyLevel { get; set; }

    public ulong? GuaranteeTimestamp { get; set; }

    public ulong? TimeTravelTimestamp { get; set; }

    public IDictionary<string, string> ExtraParameters { get; } = new Dictionary<string, string>();
}

public sealed class SearchResults
{
    public string CollectionName { get; set; } = "";

    public IReadOnlyList<FieldData> FieldsData { get; set; } = [];

    public MilvusIds Ids { get; set; }

    public long NumQueries { get; set; }

    public IReadOnlyList<float> Scores { get; set; } = [];

    public long Limit { get; set; }

    public IReadOnlyList<long> Limits { get; set; } = [];
}

public sealed class FlushResult
{
    internal FlushResult(
        IReadOnlyDictionary<string, IReadOnlyList<long>> segments,
        IReadOnlyDictionary<string, IReadOnlyList<long>> flushed,
        IReadOnlyDictionary<string, long> sealTimes)
    {
        CollSegIDs = segments;
        FlushCollSegIds = flushed;
        CollSealTimes = sealTimes;
    }

    public IReadOnlyDictionary<string, IReadOnlyList<long>> CollSegIDs { get; }

    public IReadOnlyDictionary<string, IReadOnlyList<long>> FlushCollSegIds { get; }

    public IReadOnlyDictionary<string, long> CollSealTimes { get; }
}

public sealed class MilvusCollectionDescription
{
    internal MilvusCollectionDescription(
        IReadOnlyList<string> aliases,
        string collectionName,
        long collectionId,
        ConsistencyLevel consistencyLevel,
        ulong creationTimestamp,
        CollectionSchema schema,
        int shardsNum,
        IReadOnlyDictionary<string, IList<int>> startPositions)
    {
        Aliases = aliases;
        CollectionName = collectionName;
        CollectionId = collectionId;
        ConsistencyLevel = consistencyLevel;
        CreationTimestamp = creationTimestamp;
        Schema = schema;
        ShardsNum = shardsNum;
        StartPositions = startPositions;
    }

    public IReadOnlyList<string> Aliases { get; }

    public string CollectionName { get; }

    public long CollectionId { get; }

    public ConsistencyLevel ConsistencyLevel { get; }

    public ulong CreationTimestamp { get; }

    public CollectionSchema Schema { get; }

    public int ShardsNum { get; }

    public IReadOnlyDictionary<string, IList<int>> StartPositions { get; }
}

public sealed class MilvusCollectionInfo
{
    internal MilvusCollectionInfo(long id, string name, ulong creationTimestamp, long inMemoryPercentage)
    {
        Id = id;
        Name = name;
        CreationTimestamp = creationTimestamp;
        InMemoryPercentage = inMemoryPercentage;
    }

    public long Id { get; }

    public string Name { get; }

    public ulong CreationTimestamp { get; }

    public long InMemoryPercentage { get; }

    public override string ToString()
        => $"MilvusCollection: {{{nameof(Name)}: {Name}, {nameof(Id)}: {Id}, {nameof(CreationTimestamp)}:{CreationTimestamp}, {nameof(InMemoryPercentage)}: {InMemoryPercentage}}}";
}

public sealed class MilvusPartition
{
    internal MilvusPartition(long partitionId, string partitionName, ulong creationTimestamp)
    {
        PartitionId = partitionId;
        PartitionName = partitionName;
        CreationTimestamp = creationTimestamp;
    }

    public long PartitionId { get; }

    public string PartitionName { get; }

    public ulong CreationTimestamp { get; }

    public override string ToString()
        => $"MilvusPartition: {{{nameof(PartitionName)}: {PartitionName}, {nameof(PartitionId)}: {PartitionId}, {nameof(CreationTimestamp)}:{CreationTimestamp}}}";
}

public sealed class MilvusIndexInfo
{
    internal MilvusIndexInfo(Proto.IndexDescription message)
    {
        FieldName = message.FieldName;
        IndexName = message.IndexName;
        IndexId = message.IndexID;
        State = (IndexState)message.State;
        IndexedRows = message.IndexedRows;
        TotalRows = message.TotalRows;
        PendingIndexRows = message.PendingIndexRows;
        IndexStateFailReason = message.IndexStateFailReason;
        Params = message.Params.ToDictionary(static p => p.Key, static p => p.Value);
    }

    public string FieldName { get; }

    public string IndexName { get; }

    public long IndexId { get; }

    public IndexState State { get; }

    public long IndexedRows { get; }

    public long TotalRows { get; }

    public long PendingIndexRows { get; }

    public string? IndexStateFailReason { get; }

    public IReadOnlyDictionary<string, string> Params { get; }

    public override string ToString()
        => $"MilvusIndex: {{{nameof(FieldName)}: {FieldName}, {nameof(IndexName)}: {IndexName}, {nameof(IndexId)}: {IndexId}}}";
}

public readonly struct IndexBuildProgress : IEquatable<IndexBuildProgress>
{
    public IndexBuildProgress(long indexedRows, long totalRows)
    {
        IndexedRows = indexedRows;
        TotalRows = totalRows;
    }

    public long IndexedRows { get; }

    public long TotalRows { get; }

    public bool IsComplete => IndexedRows == TotalRows;

    public bool Equals(IndexBuildProgress other) => IndexedRows == other.IndexedRows && TotalRows == other.TotalRows;

    public override bool Equals(object? obj) => obj is IndexBuildProgress other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(IndexedRows, TotalRows);

    public override string ToString() => $"Progress: {IndexedRows}/{TotalRows}";
}

public sealed class MilvusHealthState
{
    internal MilvusHealthState(bool isHealthy, string errorMsg, MilvusErrorCode errorCode)
    {
        IsHealthy = isHealthy;
        ErrorMsg = errorMsg;
        ErrorCode = errorCode;
    }

    public bool IsHealthy { get; }

    public string ErrorMsg { get; }

    public MilvusErrorCode ErrorCode { get; }

    public override string ToString()
        => $"{{{nameof(IsHealthy)}:{IsHealthy}, {nameof(ErrorCode)}:{ErrorCode}, {nameof(ErrorMsg)}:{ErrorMsg}}}";
}

/// <summary>Timestamps of the server: milliseconds since 1970 above 18 bits of a counter.</summary>
public static class MilvusTimestampUtils
{
    private const int CounterBits = 18;

    public static ulong FromDateTime(DateTime dateTime)
        => dateTime.Kind == DateTimeKind.Utc
            ? (ulong)new DateTimeOffset(dateTime).ToUnixTimeMilliseconds() << CounterBits
            : throw new ArgumentException("Only UTC DateTimes are supported", nameof(dateTime));

    public static DateTime ToDateTime(ulong timestamp)
        => DateTimeOffset.FromUnixTimeMilliseconds((long)(timestamp >> CounterBits)).UtcDateTime;
}
