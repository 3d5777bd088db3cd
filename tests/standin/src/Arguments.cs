using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Milvus.Client;

/// <summary>The checks that the SDK makes before it sends anything. Texts are those of the SDK.</summary>
internal static class Arguments
{
    internal static void Present([NotNull] object? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value is null)
        {
            throw new ArgumentNullException(name);
        }
    }

    internal static void NotBlank([NotNull] string? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        Present(value, name);
        if (string.IsNullOrWhiteSpace(value))
        {
            throw new ArgumentException("The value cannot be an empty string or composed entirely of whitespace.", name);
        }
    }

    internal static void NotEmpty<T>(
        [NotNull] IReadOnlyList<T>? values, [CallerArgumentExpression(nameof(values))] string name = "")
    {
        Present(values, name);
        if (values.Count == 0)
        {
            throw new ArgumentException("The collection cannot empty", name);
        }
    }

    internal static void AtLeastOne(long value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value < 1)
        {
            throw new ArgumentOutOfRangeException(name, "The value must be greater than or equal to 1.");
        }
    }
}
