using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public enum CompactionState
{
    Undefined = 0,
    Executing = 1,
    Completed = 2,
}

public enum SegmentState
{
    None = 0,
    NotExist = 1,
    Growing = 2,
    Sealed = 3,
    Flushed = 4,
    Flushing = 5,
    Dropped = 6,
    Importing = 7,
}

public sealed class MilvusMetrics
{
    internal MilvusMetrics(string response, string componentName)
    {
        Response = response;
        ComponentName = componentName;
    }

    public string Response { get; }

    public string ComponentName { get; }
}

public sealed class CompactionPlans
{
    internal CompactionPlans(IReadOnlyList<MilvusCompactionPlan> plans, CompactionState state)
    {
        Plans = plans;
        State = state;
    }

    public IReadOnlyList<MilvusCompactionPlan> Plans { get; }

    public CompactionState State { get; }
}

public sealed class MilvusCompactionPlan
{
    public IReadOnlyList<long> Sources { get; set; } = [];

    public long Target { get; set; }
}

public sealed class PersistentSegmentInfo
{
    internal PersistentSegmentInfo(Proto.PersistentSegmentInfo message)
    {
        CollectionId = message.CollectionID;
        PartitionId = message.PartitionID;
        SegmentId = message.SegmentID;
        NumRows = message.NumRows;
        State = (SegmentState)message.State;
    }

    public long CollectionId { get; set; }

    public long PartitionId { get; set; }

    public long SegmentId { get; set; }

    public long NumRows { get; set; }

    public SegmentState State { get; }

    public override string ToString()
        => $"MilvusPersistentSegmentInfo: {{{nameof(State)}: {State}, {nameof(SegmentId)}: {SegmentId}, {nameof(CollectionId)}: {CollectionId}, {nameof(PartitionId)}: {PartitionId}, {nameof(NumRows)}: {NumRows}}}";
}

public sealed class QuerySegmentInfoResult
{
    internal QuerySegmentInfoResult(Proto.QuerySegmentInfo message)
    {
        CollectionId = message.CollectionID;
        IndexName = message.IndexName;
        IndexId = message.IndexID;
        MemSize = message.MemSize;
        NodeIds = message.NodeIds;
        NumRows = message.NumRows;
        PartitionId = message.PartitionID;
        SegmentId = message.SegmentID;
        State = (SegmentState)message.State;
    }

    public long CollectionId { get; }

    public string IndexName { get; }

    public long IndexId { get; }

    public long MemSize { get; }

    public IReadOnlyList<long> NodeIds { get; }

    public long NumRows { get; }

    public long PartitionId { get; }

    public long SegmentId { get; }

    public SegmentState State { get; }
}

public sealed class RoleResult
{
    internal RoleResult(string role, IReadOnlyList<string> users)
    {
        Role = role;
        Users = users;
    }

    public string Role { get; }

    public IReadOnlyList<string> Users { get; }
}

public sealed class UserResult
{
    internal UserResult(string user, IReadOnlyList<string> roles)
    {
        User = user;
        Roles = roles;
    }

    public string User { get; }

    public IReadOnlyList<string> Roles { get; }
}

public sealed class MilvusGrantorEntity
{
    internal MilvusGrantorEntity(string privilege, string userName)
    {
        Privilege = privilege;
        UserName = userName;
    }

    public string Privilege { get; }

    public string UserName { get; }
}

public sealed class GrantEntity
{
    internal GrantEntity(MilvusGrantorEntity grantor, string dbName, string @object, string role, string objectName)
    {
        Grantor = grantor;
        DbName = dbName;
        Object = @object;
        Role = role;
        ObjectName = objectName;
    }

    public MilvusGrantorEntity Grantor { get; }

    public string DbName { get; }

    public string Object { get; }

    public string Role { get; }

    public string ObjectName { get; }
}
