using System.Globalization;
using System.Reflection;
using Milvus.Client;

/// <summary>Prints the public signatures of Milvus.Client, one a line.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    internal static void Print()
    {
        foreach (Type type in typeof(MilvusClient).Assembly.GetExportedTypes())
        {
            foreach (string member in type.IsEnum ? [Enumeration(type)] : Members(type))
            {
                Console.WriteLine($"{type.Name} {member}");
            }
        }
    }

    private static string Enumeration(Type type)
        => "enum " + string.Join(",", Enum.GetValues(type).Cast<object>().Select(v => $"{v}={(int)v}"));

    private static IEnumerable<string> Members(Type type)
        => type.GetConstructors(Declared).Select(c => $"new({Parameters(c)})")
            .Concat(type.GetProperties(Declared).Select(p =>
                $"{Name(p.PropertyType)} {p.Name} {{get;{(p.SetMethod is { IsPublic: true } ? "set;" : "")}}}"))
            .Concat(type.GetMethods(Declared).Where(m => !m.IsSpecialName)
                .Select(m => $"{Name(m.ReturnType)} {m.Name}({Parameters(m)})"));

    private static string Parameters(MethodBase method)
        => string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}{Default(p)}"));

    private static string Default(ParameterInfo parameter)
        => !parameter.HasDefaultValue ? ""
            : parameter.DefaultValue is null ? "=default"
            : "=" + Convert.ToString(parameter.DefaultValue, CultureInfo.InvariantCulture);

    private static string Name(Type type)
        => !type.IsGenericType ? type.Name
            : $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(",", type.GetGenericArguments().Select(Name))}>";
}
