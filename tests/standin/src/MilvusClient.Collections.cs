using System.Globalization;
using Google.Protobuf;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusClient
{
    /// <summary>A handle: nothing is asked of the server.</summary>
    public MilvusCollection GetCollection(string collectionName)
    {
        Arguments.NotBlank(collectionName);
        return new MilvusCollection(this, collectionName);
    }

    public Task<MilvusCollection> CreateCollectionAsync(
        string collectionName,
        IReadOnlyList<FieldSchema> fields,
        ConsistencyLevel consistencyLevel = ConsistencyLevel.Session,
        int shardsNum = 1,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(collectionName);
        Arguments.Present(fields);
        return CreateCollectionAsync(
            collectionName, new CollectionSchema(fields), consistencyLevel, shardsNum, cancellationToken);
    }

    public async Task<MilvusCollection> CreateCollectionAsync(
        string collectionName,
        CollectionSchema schema,
        ConsistencyLevel consistencyLevel = ConsistencyLevel.Session,
        int shardsNum = 1,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(collectionName);
        Arguments.Present(schema);

        Proto.CollectionSchema message = new()
        {
            Name = schema.Name ?? collectionName,
            Description = schema.Description ?? "",
            EnableDynamicField = schema.EnableDynamicFields,
            AutoID = schema.Fields.Any(static field => field.AutoId),
            Fields = { schema.Fields.Select(FieldMessage) },
        };
        Proto.CreateCollectionRequest request = new()
        {
            CollectionName = collectionName,
            ConsistencyLevel = (Proto.ConsistencyLevel)consistencyLevel,
            ShardsNum = shardsNum,
            Schema = message.ToByteString(),
        };
        await SendAsync(Service.CreateCollectionAsync, request, cancellationToken).ConfigureAwait(false);
        return new MilvusCollection(this, collectionName);
    }

    public async Task<bool> HasCollectionAsync(
        string collectionName, ulong timestamp = 0, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(collectionName);
        Proto.HasCollectionRequest request = new() { CollectionName = collectionName, TimeStamp = timestamp };
        Proto.BoolResponse answer = await SendAsync(
            Service.HasCollectionAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Value;
    }

    public async Task<IReadOnlyList<MilvusCollectionInfo>> ListCollectionsAsync(
        IReadOnlyList<string>? collectionNames = null,
        CollectionFilter filter = CollectionFilter.All,
        CancellationToken cancellationToken = default)
    {
        Proto.ShowCollectionsRequest request = new()
        {
            Type = (Proto.ShowType)filter,
            CollectionNames = { collectionNames ?? [] },
        };
        Proto.ShowCollectionsResponse answer = await SendAsync(
            Service.ShowCollectionsAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);

        List<MilvusCollectionInfo> collections = [];
        for (int i = 0; i < answer.CollectionIds.Count; i++)
        {
            long inMemory = answer.InMemoryPercentages.Count > 0 ? answer.InMemoryPercentages[i] : -1;
            collections.Add(new MilvusCollectionInfo(
                answer.CollectionIds[i], answer.CollectionNames[i], answer.CreatedUtcTimestamps[i], inMemory));
        }

        return collections;
    }

    private static Proto.FieldSchema FieldMessage(FieldSchema field)
    {
        Proto.FieldSchema message = new()
        {
            Name = field.Name,
            DataType = (Proto.DataType)field.DataType,
            IsPrimaryKey = field.IsPrimaryKey,
            IsPartitionKey = field.IsPartitionKey,
            AutoID = field.AutoId,
            Description = field.Description,
        };
        AddParameter("max_length", field.MaxLength);
        AddParameter("dim", field.Dimension);
        return message;

        void AddParameter(string key, int? value)
        {
            if (value is { } number)
            {
                message.TypeParams.Add(new Proto.KeyValuePair
                {
                    Key = key,
                    Value = number.ToString(CultureInfo.InvariantCulture),
                });
            }
        }
    }
}
