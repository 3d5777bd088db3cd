using System.Reflection;
using Grpc.Core;
using Milvus.Client;

// One verb a run: what a test wants to see of the stand-in, printed line by line.
Uri endpoint = new(args.ElementAtOrDefault(1) ?? "http://127.0.0.1:1");
string password = Environment.GetEnvironmentVariable("MILVUS_PASSWORD") ?? "";

switch (args[0])
{
    case "api":
        PublicApi.Print();
        break;

    case "version":
        Console.WriteLine(typeof(MilvusClient).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
        break;

    case "arguments":
    {
        using MilvusClient client = new(endpoint);
        MilvusCollection book = client.GetCollection("book");
        await Show(() => book.DropPartitionAsync(" "));
        await Show(() => book.DropPartitionAsync(""));
        await Show(() => book.DropPartitionAsync(null!));
        await Show(() => book.LoadPartitionsAsync([]));
        await Show(() => book.LoadAsync(replicaNumber: 0));
        await Show(() => book.QueryAsync(" "));
        await Show(() => Task.FromResult(client.GetCollection("")));
        await Show(() => client.CreateDatabaseAsync(null!));
        break;
    }

    case "closed-port":
    {
        using MilvusClient client = new(endpoint);
        await Show(() => client.GetCollection("book").DropPartitionAsync("novel"));
        client.Dispose();
        await Show(() => client.GetCollection("book").DropPartitionAsync("novel"));
        break;
    }

    // A server that never answers. Without database and credentials the deadline is lost.
    case "deadline":
    {
        CallOptions options = new(deadline: DateTime.UtcNow.AddSeconds(1));
        using MilvusClient kept = new(endpoint, database: "default", callOptions: options);
        await Show(() => kept.GetCollection("book").DropPartitionAsync("novel"));

        using MilvusClient lost = new(endpoint, callOptions: options);
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(2));
        await Show(() => lost.GetCollection("book").DropPartitionAsync("novel", patience.Token));
        break;
    }

    case "server":
    {
        using MilvusClient root = new(endpoint, username: "root", password: password);
        string database = args[2];
        await root.CreateDatabaseAsync(database);
        try
        {
            using MilvusClient client = new(endpoint, username: "root", password: password, database: database);
            await UseServer(client);
        }
        finally
        {
            await root.DropDatabaseAsync(database);
        }

        using MilvusClient nowhere = new(endpoint, username: "root", password: password, database: "no_such_database");
        await Show(() => nowhere.GetCollection("book").DropPartitionAsync("novel"));
        using MilvusClient stranger = new(endpoint, username: "root", password: "wrong");
        await Show(() => stranger.GetCollection("book").DropPartitionAsync("novel"));
        break;
    }

    default:
        throw new ArgumentException($"no verb {args[0]}");
}

async Task UseServer(MilvusClient client)
{
    MilvusCollection book = await client.CreateCollectionAsync(
        "book",
        [
            FieldSchema.Create<long>("id", isPrimaryKey: true),
            FieldSchema.CreateVarchar("title", maxLength: 64),
            FieldSchema.CreateFloatVector("vec", dimension: 2),
        ],
        ConsistencyLevel.Strong);
    await book.CreatePartitionAsync("novel");
    await client.CreateAliasAsync("book", "tome");
    MutationResult written = await book.InsertAsync(
        [
            FieldData.Create("id", new long[] { 1, 2, 3 }),
            FieldData.CreateVarChar("title", ["a", "b", "c"]),
            FieldData.CreateFloatVector("vec", [new[] { 0f, 0f }, new[] { 1f, 0f }, new[] { 5f, 5f }]),
        ],
        partitionName: "novel");
    Console.WriteLine($"inserted {written.InsertCount}: {string.Join(",", written.Ids.LongIds!)}");
    await book.DeleteAsync("id in [3]", partitionName: "novel");
    await book.WaitForFlushAsync();
    Console.WriteLine("row_count " + (await book.GetPartitionStatisticsAsync("novel"))["row_count"]);
    Console.WriteLine($"entities {await book.GetEntityCountAsync()}");

    await book.CreateIndexAsync("vec", IndexType.IvfFlat, SimilarityMetricType.L2,
        extraParams: new Dictionary<string, string> { ["nlist"] = "4" });
    await book.WaitForIndexBuildAsync("vec");
    foreach (MilvusIndexInfo index in await book.DescribeIndexAsync("vec"))
    {
        Console.WriteLine($"index {index.IndexName} {index.State} {index.Params["index_type"]} {index.Params["params"]}");
    }

    await book.LoadPartitionAsync("novel");
    await book.WaitForCollectionLoadAsync(["novel"], timeout: TimeSpan.FromSeconds(60));
    Console.WriteLine($"loaded {await book.GetLoadingProgressAsync(["novel"])}");
    await Show(() => book.DropPartitionAsync("novel"));

    IReadOnlyList<FieldData> rows = await book.QueryAsync(
        "id >= 0",
        new QueryParameters { OutputFields = { "title", "vec" }, PartitionNames = { "novel" } });
    foreach (FieldData field in rows.OrderBy(field => field.FieldName))
    {
        Console.WriteLine($"queried {field}");
    }

    FieldData<long> count = (FieldData<long>)(await book.QueryAsync(
        "id >= 0",
        new QueryParameters { OutputFields = { "count(*)" }, ConsistencyLevel = ConsistencyLevel.Strong }))[0];
    Console.WriteLine($"count {count.Data[0]}");

    SearchResults found = await book.SearchAsync(
        "vec",
        new ReadOnlyMemory<float>[] { new[] { 0.9f, 0f } },
        SimilarityMetricType.L2,
        limit: 2,
        new SearchParameters { OutputFields = { "title" }, ExtraParameters = { ["nprobe"] = "4" } });
    Console.WriteLine($"found {string.Join(",", found.Ids.LongIds!)}");

    await book.ReleasePartitionAsync("novel");
    await client.GetCollection("tome").DropPartitionAsync("novel");
    Console.WriteLine("has novel " + await book.HasPartitionAsync("novel"));
    Console.WriteLine("partitions " + string.Join(",", (await book.ShowPartitionsAsync()).Select(p => p.PartitionName)));
    await Show(() => book.DropPartitionAsync("novel"));
    await Show(() => book.DropPartitionAsync("_default"));
    await Show(() => client.GetCollection("unknown").DropPartitionAsync("novel"));

    MilvusCollectionDescription description = await book.DescribeAsync();
    Console.WriteLine($"described {string.Join(",", description.Schema.Fields.Select(f => $"{f.Name}:{f.DataType}"))}");
    Console.WriteLine($"aliases {string.Join(",", description.Aliases)} shards {description.ShardsNum}");
    Console.WriteLine("collections " + string.Join(",", (await client.ListCollectionsAsync()).Select(c => c.Name)));
    Console.WriteLine("has book " + await client.HasCollectionAsync("book"));
    Console.WriteLine("users " + string.Join(",", await client.ListUsernames()));
    Console.WriteLine("roles " + string.Join(",", (await client.SelectAllRolesAsync()).Select(r => r.Role)));
    Console.WriteLine($"healthy {(await client.HealthAsync()).IsHealthy}");
    Console.WriteLine("server " + await client.GetVersionAsync());
    await client.DropAliasAsync("tome");
    await book.DropAsync();
}

static async Task Show(Func<Task> call)
{
    try
    {
        await call();
        Console.WriteLine("ok");
    }
    catch (MilvusException e)
    {
        Console.WriteLine($"MilvusException {(int)e.ErrorCode}: {e.Message}");
    }
    catch (RpcException e)
    {
        Console.WriteLine($"RpcException {e.StatusCode}");
    }
    catch (Exception e) when (e is ArgumentException or ObjectDisposedException or TimeoutException)
    {
        Console.WriteLine($"{e.GetType().Name}: {e.Message}");
    }
}
