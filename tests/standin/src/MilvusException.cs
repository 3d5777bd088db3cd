namespace Milvus.Client;

/// <summary>The codes that have a name; every other number is a value of this enum without one.</summary>
public enum MilvusErrorCode
{
    Success = 0,
    UnexpectedError = 1,
    RateLimit = 8,
    ForceDeny = 9,
    CollectionNotFound = 100,
    IndexNotFound = 700,
}

/// <summary>The server refused a call, or the SDK could not make sense of an answer.</summary>
public sealed class MilvusException : Exception
{
    public MilvusException()
    {
    }

    public MilvusException(string message)
        : base(message)
    {
    }

    public MilvusException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public MilvusException(MilvusErrorCode errorCode, string reason)
        : base($"ErrorCode: {errorCode} Reason: {reason}")
    {
        ErrorCode = errorCode;
    }

    public MilvusErrorCode ErrorCode { get; }
}
