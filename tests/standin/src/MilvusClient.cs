using System.Collections.Concurrent;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

/// <summary>
/// A connection, opened by the first call that needs it: no RPC is sent when it is made.
/// </summary>
public sealed partial class MilvusClient : IDisposable
{
    private const int DefaultPort = 19530;

    private readonly GrpcChannel channel;
    private readonly bool ownsChannel;
    private readonly CallOptions callOptions;

    public MilvusClient(
        string host,
        int port = DefaultPort,
        bool ssl = false,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(Endpoint(host, port, ssl), database, callOptions, loggerFactory)
    {
    }

    public MilvusClient(
        string host,
        string username,
        string password,
        int port = DefaultPort,
        bool ssl = false,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(
            Endpoint(host, port, ssl),
            username: username,
            password: password,
            database: database,
            callOptions: callOptions,
            loggerFactory: loggerFactory)
    {
    }

    public MilvusClient(
        string host,
        string apiKey,
        int port = DefaultPort,
        bool ssl = false,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(Endpoint(host, port, ssl), apiKey: apiKey, database: database, callOptions, loggerFactory)
    {
    }

    public MilvusClient(
        Uri endpoint,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(Open(endpoint, loggerFactory), ownsChannel: true, authorization: null, database, callOptions)
    {
    }

    public MilvusClient(
        Uri endpoint,
        string username,
        string password,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(Open(endpoint, loggerFactory), ownsChannel: true, $"{username}:{password}", database, callOptions)
    {
    }

    public MilvusClient(
        Uri endpoint,
        string apiKey,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(Open(endpoint, loggerFactory), ownsChannel: true, apiKey, database, callOptions)
    {
    }

    public MilvusClient(
        GrpcChannel grpcChannel,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(grpcChannel, ownsChannel: false, authorization: null, database, callOptions)
    {
    }

    public MilvusClient(
        GrpcChannel grpcChannel,
        string username,
        string password,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(grpcChannel, ownsChannel: false, $"{username}:{password}", database, callOptions)
    {
    }

    public MilvusClient(
        GrpcChannel grpcChannel,
        string apiKey,
        string? database = null,
        CallOptions callOptions = default,
        ILoggerFactory? loggerFactory = null)
        : this(grpcChannel, ownsChannel: false, apiKey, database, callOptions)
    {
    }

    private MilvusClient(
        GrpcChannel channel, bool ownsChannel, string? authorization, string? database, CallOptions callOptions)
    {
        Arguments.Present(channel);
        this.channel = channel;
        this.ownsChannel = ownsChannel;
        Service = new Proto.MilvusService.MilvusServiceClient(channel);

        Metadata headers = new();
        if (authorization is not null)
        {
            headers.Add("authorization", Base64(authorization));
        }

        if (database is not null)
        {
            headers.Add("dbname", database);
        }

        // As in the SDK: options given without a database and without credentials are lost.
        if (headers.Count > 0)
        {
            this.callOptions = callOptions.WithHeaders(headers);
        }
    }

    public string Address => channel.Target;

    internal Proto.MilvusService.MilvusServiceClient Service { get; }

    /// <summary>By collection, the timestamp of this client's last write: what session consistency waits for.</summary>
    internal ConcurrentDictionary<string, ulong> LastWrites { get; } = new();

    public async Task<MilvusHealthState> HealthAsync(CancellationToken cancellationToken = default)
    {
        // An unhealthy server is an answer here, not a failure.
        Proto.CheckHealthResponse answer = await Service
            .CheckHealthAsync(new Proto.CheckHealthRequest(), callOptions.WithCancellationToken(cancellationToken))
            .ConfigureAwait(false);
        return new MilvusHealthState(answer.IsHealthy, answer.Status.Reason, (MilvusErrorCode)answer.Status.Code);
    }

    public async Task<string> GetVersionAsync(CancellationToken cancellationToken = default)
    {
        Proto.GetVersionResponse answer = await SendAsync(
            Service.GetVersionAsync, new Proto.GetVersionRequest(), static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return answer.Version;
    }

    public override string ToString() => $"{{{nameof(MilvusClient)}:{Address}}}";

    public void Dispose()
    {
        if (ownsChannel)
        {
            channel.Dispose();
        }
    }

    internal Task SendAsync<TRequest>(
        Func<TRequest, CallOptions, AsyncUnaryCall<Proto.Status>> call,
        TRequest request,
        CancellationToken cancellationToken)
        => SendAsync(call, request, static status => status, cancellationToken);

    /// <exception cref="MilvusException">The status of the answer has a code. The legacy field is not looked at.</exception>
    /// <exception cref="RpcException">No answer came.</exception>
    internal async Task<TAnswer> SendAsync<TRequest, TAnswer>(
        Func<TRequest, CallOptions, AsyncUnaryCall<TAnswer>> call,
        TRequest request,
        Func<TAnswer, Proto.Status> statusOf,
        CancellationToken cancellationToken)
    {
        TAnswer answer = await call(request, callOptions.WithCancellationToken(cancellationToken)).ConfigureAwait(false);
        Proto.Status status = statusOf(answer);
        return status.Code == 0 ? answer : throw new MilvusException((MilvusErrorCode)status.Code, status.Reason);
    }

    internal static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static Uri Endpoint(string host, int port, bool ssl) => new UriBuilder(ssl ? "https" : "http", host, port).Uri;

    private static GrpcChannel Open(Uri endpoint, ILoggerFactory? loggerFactory)
        => GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions { LoggerFactory = loggerFactory });
}
