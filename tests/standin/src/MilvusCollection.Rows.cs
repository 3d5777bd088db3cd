using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusCollection
{
    private const ulong WaitForEverything = 0;
    private const ulong WaitForNothing = 1;
    private const ulong WaitWithinBound = 2;

    public async Task<MutationResult> InsertAsync(
        IReadOnlyList<FieldData> data, string? partitionName = null, CancellationToken cancellationToken = default)
    {
        Arguments.Present(data);
        Proto.InsertRequest request = new()
        {
            CollectionName = Name,
            PartitionName = partitionName ?? "",
            NumRows = RowCount(data),
            FieldsData = { Messages(data) },
        };
        return await WriteAsync(Service.InsertAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<MutationResult> UpsertAsync(
        IReadOnlyList<FieldData> data, string? partitionName = null, CancellationToken cancellationToken = default)
    {
        Arguments.Present(data);
        Proto.UpsertRequest request = new()
        {
            CollectionName = Name,
            PartitionName = partitionName ?? "",
            NumRows = RowCount(data),
            FieldsData = { Messages(data) },
        };
        return await WriteAsync(Service.UpsertAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<MutationResult> DeleteAsync(
        string expression, string? partitionName = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(expression);
        Proto.DeleteRequest request = new()
        {
            CollectionName = Name,
            PartitionName = partitionName ?? "",
            Expr = expression,
        };
        return await WriteAsync(Service.DeleteAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<FieldData>> QueryAsync(
        string expression, QueryParameters? parameters = null, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(expression);
        Proto.QueryRequest request = new()
        {
            CollectionName = Name,
            Expr = expression,
            OutputFields = { parameters?.OutputFields ?? [] },
            PartitionNames = { parameters?.PartitionNames ?? [] },
            TravelTimestamp = parameters?.TimeTravelTimestamp ?? 0,
            UseDefaultConsistency = parameters?.ConsistencyLevel is null,
            ConsistencyLevel = (Proto.ConsistencyLevel)(parameters?.ConsistencyLevel ?? 0),
            GuaranteeTimestamp = Guarantee(parameters?.ConsistencyLevel, parameters?.GuaranteeTimestamp),
        };
        AddNumber(request.QueryParams, "limit", parameters?.Limit);
        AddNumber(request.QueryParams, "offset", parameters?.Offset);

        Proto.QueryResults answer = await client.SendAsync(
            Service.QueryAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return Fields(answer.FieldsData);
    }

    public async Task<SearchResults> SearchAsync<T>(
        string vectorFieldName,
        IReadOnlyList<ReadOnlyMemory<T>> vectors,
        SimilarityMetricType metricType,
        int limit,
        SearchParameters? parameters = null,
        CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(vectorFieldName);
        Arguments.Present(vectors);
        Proto.SearchRequest request = new()
        {
            CollectionName = Name,
            DslType = Proto.DslType.BoolExprV1,
            Dsl = parameters?.Expression ?? "",
            OutputFields = { parameters?.OutputFields ?? [] },
            PartitionNames = { parameters?.PartitionNames ?? [] },
            TravelTimestamp = parameters?.TimeTravelTimestamp ?? 0,
            UseDefaultConsistency = parameters?.ConsistencyLevel is null,
            ConsistencyLevel = (Proto.ConsistencyLevel)(parameters?.ConsistencyLevel ?? 0),
            GuaranteeTimestamp = Guarantee(parameters?.ConsistencyLevel, parameters?.GuaranteeTimestamp),
            PlaceholderGroup = new Proto.PlaceholderGroup { Placeholders = { Placeholder(vectors) } }.ToByteString(),
        };
        AddNumber(request.SearchParams, "offset", parameters?.Offset);
        AddNumber(request.SearchParams, "round_decimal", parameters?.RoundDecimal);
        if (parameters?.IgnoreGrowing is { } ignoreGrowing)
        {
            request.SearchParams.Add(Pair("ignore_growing", ignoreGrowing.ToString()));
        }

        request.SearchParams.Add(Pair("anns_field", vectorFieldName));
        AddNumber(request.SearchParams, "topk", limit);
        request.SearchParams.Add(Pair("metric_type", WireName(metricType)));
        request.SearchParams.Add(Pair("params", parameters is null ? "{}" : Combined(parameters.ExtraParameters)));

        Proto.SearchResults answer = await client.SendAsync(
            Service.SearchAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return new SearchResults
        {
            CollectionName = answer.CollectionName,
            FieldsData = Fields(answer.Results.FieldsData),
            Ids = MilvusIds.From(answer.Results.Ids),
            NumQueries = answer.Results.NumQueries,
            Scores = answer.Results.Scores,
            Limit = answer.Results.TopK,
            Limits = answer.Results.Topks,
        };
    }

    public Task<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        => client.FlushAsync([Name], cancellationToken);

    public async Task WaitForFlushAsync(
        TimeSpan? waitingInterval = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        FlushResult flush = await FlushAsync(cancellationToken).ConfigureAwait(false);
        foreach (IReadOnlyList<long> segments in flush.CollSegIDs.Values.Where(static ids => ids.Count > 0))
        {
            await client.WaitForFlushAsync(segments, waitingInterval, timeout, cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<IReadOnlyList<PersistentSegmentInfo>> GetPersistentSegmentInfosAsync(
        CancellationToken cancellationToken = default)
    {
        Proto.GetPersistentSegmentInfoResponse answer = await client.SendAsync(
            Service.GetPersistentSegmentInfoAsync,
            new Proto.GetPersistentSegmentInfoRequest { CollectionName = Name },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        return answer.Infos.Select(static info => new PersistentSegmentInfo(info)).ToList();
    }

    public async Task<IReadOnlyList<QuerySegmentInfoResult>> GetQuerySegmentInfoAsync(
        CancellationToken cancellationToken = default)
    {
        Proto.GetQuerySegmentInfoResponse answer = await client.SendAsync(
            Service.GetQuerySegmentInfoAsync,
            new Proto.GetQuerySegmentInfoRequest { CollectionName = Name },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        return answer.Infos.Select(static info => new QuerySegmentInfoResult(info)).ToList();
    }

    private async Task<MutationResult> WriteAsync<TRequest>(
        Func<TRequest, global::Grpc.Core.CallOptions, global::Grpc.Core.AsyncUnaryCall<Proto.MutationResult>> call,
        TRequest request,
        CancellationToken cancellationToken)
    {
        Proto.MutationResult answer = await client.SendAsync(call, request, static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        client.LastWrites[Name] = answer.Timestamp;
        return new MutationResult(answer);
    }

    private ulong Guarantee(ConsistencyLevel? level, ulong? given)
    {
        if (level is null)
        {
            return SinceLastWrite();
        }

        if (given is not null && level != ConsistencyLevel.Customized)
        {
            throw new ArgumentException(
                $"A guarantee timestamp can only be specified with consistency level {ConsistencyLevel.Customized}");
        }

        return level switch
        {
            ConsistencyLevel.Strong => WaitForEverything,
            ConsistencyLevel.Session => SinceLastWrite(),
            ConsistencyLevel.BoundedStaleness => WaitWithinBound,
            ConsistencyLevel.Eventually => WaitForNothing,
            ConsistencyLevel.Customized => given ?? throw new ArgumentException(
                $"A guarantee timestamp is required with consistency level {ConsistencyLevel.Customized}"),
            _ => throw new ArgumentOutOfRangeException(nameof(level), level, null),
        };

        ulong SinceLastWrite() => client.LastWrites.TryGetValue(Name, out ulong written) ? written : WaitForNothing;
    }

    private static uint RowCount(IReadOnlyList<FieldData> data)
    {
        long rows = data[0].RowCount;
        return data.All(field => field.RowCount == rows)
            ? (uint)rows
            : throw new MilvusException("All fields must have the same number of rows.");
    }

    /// <summary>Fields that the schema doesn't have travel together, one JSON object a row.</summary>
    private static IEnumerable<Proto.FieldData> Messages(IReadOnlyList<FieldData> data)
    {
        foreach (FieldData field in data.Where(static field => !field.IsDynamic))
        {
            yield return field.ToMessage();
        }

        List<FieldData> dynamic = data.Where(static field => field.IsDynamic).ToList();
        if (dynamic.Count > 0)
        {
            string[] rows = Enumerable.Range(0, (int)dynamic[0].RowCount)
                .Select(row => JsonSerializer.Serialize(
                    dynamic.ToDictionary(static field => field.FieldName!, field => field.ValueAt(row))))
                .ToArray();
            yield return new FieldData<string>("", rows, MilvusDataType.Json, isDynamic: true).ToMessage();
        }
    }

    private static List<FieldData> Fields(RepeatedField<Proto.FieldData> messages)
        => messages.SelectMany(static m => m.IsDynamic ? DynamicFields(m) : [FieldData.From(m)]).ToList();

    private static IEnumerable<FieldData> DynamicFields(Proto.FieldData message)
    {
        List<Dictionary<string, JsonElement>> rows = message.Scalars.JsonData.Data
            .Select(static row => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(row.Span)!)
            .ToList();
        foreach (string name in rows.SelectMany(static row => row.Keys).Distinct())
        {
            JsonElement?[] column = rows
                .Select(row => row.TryGetValue(name, out JsonElement value) ? value : (JsonElement?)null)
                .ToArray();
            yield return column.First(static value => value is not null)!.Value.ValueKind switch
            {
                JsonValueKind.String => FieldData.CreateVarChar(
                    name, column.Select(static v => v?.GetString()!).ToArray(), isDynamic: true),
                JsonValueKind.Number => FieldData.Create(
                    name, column.Select(static v => v?.GetInt64() ?? 0).ToArray(), isDynamic: true),
                JsonValueKind.True or JsonValueKind.False => FieldData.Create(
                    name, column.Select(static v => v?.GetBoolean() ?? false).ToArray(), isDynamic: true),
                _ => throw new MilvusException(
                    "Couldn't parse dynamic JSON data: " + message.Scalars.JsonData.Data[0].ToStringUtf8()),
            };
        }
    }

    private static Proto.PlaceholderValue Placeholder<T>(IReadOnlyList<ReadOnlyMemory<T>> vectors)
        => vectors switch
        {
            IReadOnlyList<ReadOnlyMemory<float>> floats => new Proto.PlaceholderValue
            {
                Tag = "$0",
                Type = Proto.PlaceholderType.FloatVector,
                Values = { floats.Select(static v => ByteString.CopyFrom(MemoryMarshal.AsBytes(v.Span))) },
            },
            IReadOnlyList<ReadOnlyMemory<byte>> bytes => new Proto.PlaceholderValue
            {
                Tag = "$0",
                Type = Proto.PlaceholderType.BinaryVector,
                Values = { bytes.Select(static v => ByteString.CopyFrom(v.Span)) },
            },
            _ => throw new ArgumentException("Only vectors of float or byte are supported", nameof(vectors)),
        };

    private static void AddNumber(RepeatedField<Proto.KeyValuePair> parameters, string key, long? value)
    {
        if (value is { } number)
        {
            parameters.Add(Pair(key, number.ToString(CultureInfo.InvariantCulture)));
        }
    }
}
