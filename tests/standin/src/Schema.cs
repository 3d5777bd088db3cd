using System.Globalization;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public enum MilvusDataType
{
    None = 0,
    Bool = 1,
    Int8 = 2,
    Int16 = 3,
    Int32 = 4,
    Int64 = 5,
    Float = 10,
    Double = 11,
    String = 20,
    VarChar = 21,
    Array = 22,
    Json = 23,
    BinaryVector = 100,
    FloatVector = 101,
}

public enum FieldState
{
    FieldCreated = 0,
    FieldCreating = 1,
    FieldDropping = 2,
    FieldDropped = 3,
    Unknown = int.MaxValue,
}

public enum ConsistencyLevel
{
    Strong = 0,
    Session = 1,
    BoundedStaleness = 2,
    Eventually = 3,
    Customized = 4,
}

public enum CollectionFilter
{
    All = 0,
    InMemory = 1,
}

public enum IndexState
{
    None = 0,
    Unissued = 1,
    InProgress = 2,
    Finished = 3,
    Failed = 4,
    Retry = 5,
}

public enum IndexType
{
    Invalid = 0,
    Flat = 1,
    IvfFlat = 2,
    IvfSq8 = 3,
    IvfPq = 4,
    Hnsw = 5,
    DiskANN = 6,
    Annoy = 7,
    RhnswFlat = 8,
    RhnswPq = 9,
    RhnswSq = 10,
    BinFlat = 11,
    BinIvfFlat = 12,
    AutoIndex = 13,
}

public enum SimilarityMetricType
{
    Invalid = 0,
    L2 = 1,
    Ip = 2,
    Cosine = 3,
    Jaccard = 4,
    Tanimoto = 5,
    Hamming = 6,
    Superstructure = 7,
    Substructure = 8,
}

public sealed class CollectionSchema
{
    public CollectionSchema()
    {
    }

    internal CollectionSchema(IEnumerable<FieldSchema> fields)
    {
        Fields = fields.ToList();
    }

    public string? Name { get; set; }

    public string? Description { get; set; }

    public bool EnableDynamicFields { get; set; }

    public IList<FieldSchema> Fields { get; } = [];
}

public sealed class FieldSchema
{
    private FieldSchema(
        string name,
        MilvusDataType dataType,
        bool isPrimaryKey = false,
        bool autoId = false,
        bool isPartitionKey = false,
        string description = "")
    {
        Name = name;
        DataType = dataType;
        IsPrimaryKey = isPrimaryKey;
        AutoId = autoId;
        IsPartitionKey = isPartitionKey;
        Description = description;
        State = FieldState.Unknown;
    }

    internal FieldSchema(Proto.FieldSchema message)
    {
        Name = message.Name;
        DataType = (MilvusDataType)message.DataType;
        IsPrimaryKey = message.IsPrimaryKey;
        AutoId = message.AutoID;
        IsPartitionKey = message.IsPartitionKey;
        IsDynamic = message.IsDynamic;
        Description = message.Description;
        State = (FieldState)message.State;
        FieldId = message.FieldID;
        MaxLength = Parameter("max_length");
        Dimension = Parameter("dim");

        int? Parameter(string key)
            => message.TypeParams.LastOrDefault(p => p.Key == key) is { } found
                ? int.Parse(found.Value, CultureInfo.InvariantCulture)
                : null;
    }

    public string Name { get; }

    public MilvusDataType DataType { get; }

    public bool IsPrimaryKey { get; }

    public bool AutoId { get; }

    public bool IsPartitionKey { get; }

    public string Description { get; }

    public bool IsDynamic { get; }

    public int? MaxLength { get; set; }

    public int? Dimension { get; set; }

    public FieldState State { get; }

    public long FieldId { get; }

    public static FieldSchema Create(
        string name,
        MilvusDataType dataType,
        bool isPrimaryKey = false,
        bool autoId = false,
        bool isPartitionKey = false,
        string description = "")
        => new(name, dataType, isPrimaryKey, autoId, isPartitionKey, description);

    public static FieldSchema Create<TData>(
        string name,
        bool isPrimaryKey = false,
        bool autoId = false,
        bool isPartitionKey = false,
        string description = "")
        => new(name, FieldData.TypeOf<TData>(), isPrimaryKey, autoId, isPartitionKey, description);

    public static FieldSchema CreateVarchar(
        string name,
        int maxLength,
        bool isPrimaryKey = false,
        bool autoId = false,
        bool isPartitionKey = false,
        string description = "")
        => new(name, MilvusDataType.VarChar, isPrimaryKey, autoId, isPartitionKey, description) { MaxLength = maxLength };

    public static FieldSchema CreateFloatVector(string name, int dimension, string description = "")
        => new(name, MilvusDataType.FloatVector, description: description) { Dimension = dimension };

    public static FieldSchema CreateBinaryVector(string name, int dimension, string description = "")
        => new(name, MilvusDataType.BinaryVector, description: description) { Dimension = dimension };

    public static FieldSchema CreateJson(string name) => new(name, MilvusDataType.Json);
}
