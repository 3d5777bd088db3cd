using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Grpc.Core;

namespace Parity;

/// <summary>What the SDK gave back, as JSON and without judgement.</summary>
internal static class Facts
{
    private const int Deepest = 8;

    /// <summary>Properties of every exception that say nothing of the SDK.</summary>
    private static readonly HashSet<string> OfEveryException = typeof(Exception).GetProperties()
        .Select(property => property.Name)
        .ToHashSet();

    /// <summary>A value, read to its end: what is lazy may raise yet.</summary>
    internal static byte[] AsJson(object? value)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            Write(json, value);
        }

        return bytes.ToArray();
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case Enum word:
                json.WriteStringValue(word.ToString());
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value));
                break;
            case IEnumerable items:
                json.WriteStartArray();
                foreach (object? item in items)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(value.ToString());
                break;
        }
    }

    internal static void Write(Utf8JsonWriter json, Exception exception, int depth = 0)
    {
        json.WriteStartObject();
        json.WriteStartArray("classes");
        for (Type? type = exception.GetType(); type != typeof(object) && type is not null; type = type.BaseType)
        {
            json.WriteStringValue(type.FullName);
        }

        json.WriteEndArray();
        json.WriteString("message", exception.Message);
        json.WriteStartObject("fields");
        WriteFields(json, exception);
        json.WriteEndObject();
        if (exception.InnerException is { } cause && depth < Deepest)
        {
            json.WritePropertyName("cause");
            Write(json, cause, depth + 1);
        }

        json.WriteEndObject();
    }

    private static void WriteFields(Utf8JsonWriter json, Exception exception)
    {
        foreach (PropertyInfo property in exception.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (OfEveryException.Contains(property.Name) || property.GetIndexParameters().Length > 0)
            {
                continue;
            }

            object? value;
            try
            {
                value = property.GetValue(exception);
            }
            catch (TargetInvocationException)
            {
                continue;
            }

            // An enumeration is the number that travelled, with the name beside it where it has one.
            if (value is Enum word)
            {
                json.WriteNumber(property.Name, Convert.ToInt64(word));
                json.WriteString(property.Name + "Name", word.ToString());
            }
            else if (value is null or string or bool or int or long)
            {
                json.WritePropertyName(property.Name);
                Write(json, value);
            }
        }

        if (exception is RpcException rpc)
        {
            json.WriteString("grpc_code", CanonicalName(rpc.StatusCode));
            json.WriteString("Detail", rpc.Status.Detail);
        }
    }

    /// <summary>A code as gRPC's specification names it: DEADLINE_EXCEEDED, not DeadlineExceeded.</summary>
    private static string CanonicalName(StatusCode code)
        => code == StatusCode.OK ? "OK" : Regex.Replace($"{code}", "(?<=[a-z])(?=[A-Z])", "_").ToUpperInvariant();
}
