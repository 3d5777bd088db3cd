using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusClient
{
    public async Task CreateDatabaseAsync(string databaseName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(databaseName);
        await SendAsync(
            Service.CreateDatabaseAsync, new Proto.CreateDatabaseRequest { DbName = databaseName }, cancellationToken)
            .ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> ListDatabasesAsync(CancellationToken cancellationToken = default)
    {
        Proto.ListDatabasesResponse answer = await SendAsync(
            Service.ListDatabasesAsync, new Proto.ListDatabasesRequest(), static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return answer.DbNames;
    }

    public async Task DropDatabaseAsync(string databaseName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(databaseName);
        await SendAsync(
            Service.DropDatabaseAsync, new Proto.DropDatabaseRequest { DbName = databaseName }, cancellationToken)
            .ConfigureAwait(false);
    }

    public async Task CreateAliasAsync(
        string collectionName, string alias, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(collectionName);
        Arguments.NotBlank(alias);
        Proto.CreateAliasRequest request = new() { CollectionName = collectionName, Alias = alias };
        await SendAsync(Service.CreateAliasAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task AlterAliasAsync(
        string collectionName, string alias, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(collectionName);
        Arguments.NotBlank(alias);
        Proto.AlterAliasRequest request = new() { CollectionName = collectionName, Alias = alias };
        await SendAsync(Service.AlterAliasAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task DropAliasAsync(string alias, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(alias);
        await SendAsync(Service.DropAliasAsync, new Proto.DropAliasRequest { Alias = alias }, cancellationToken)
            .ConfigureAwait(false);
    }
}
