using System.Runtime.InteropServices;
using Google.Protobuf;
using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

/// <summary>The values of one field, one a row.</summary>
public abstract class FieldData
{
    protected FieldData(string? fieldName, MilvusDataType dataType, bool isDynamic = false)
    {
        FieldName = fieldName;
        DataType = dataType;
        IsDynamic = isDynamic;
    }

    public string? FieldName { get; }

    public abstract long RowCount { get; protected set; }

    public long FieldId { get; internal set; }

    public MilvusDataType DataType { get; protected set; }

    public bool IsDynamic { get; }

    public static FieldData<TData> Create<TData>(string fieldName, IReadOnlyList<TData> data, bool isDynamic = false)
        => new(fieldName, data, isDynamic);

    public static FieldData<string> CreateVarChar(string fieldName, IReadOnlyList<string> data, bool isDynamic = false)
        => new(fieldName, data, MilvusDataType.VarChar, isDynamic);

    public static FieldData CreateJson(string fieldName, IReadOnlyList<string> json, bool isDynamic = false)
        => new FieldData<string>(fieldName, json, MilvusDataType.Json, isDynamic);

    public static FloatVectorFieldData CreateFloatVector(string fieldName, IReadOnlyList<ReadOnlyMemory<float>> data)
        => new(fieldName, data);

    public static BinaryVectorFieldData CreateBinaryVectors(string fieldName, IReadOnlyList<ReadOnlyMemory<byte>> data)
        => new(fieldName, data);

    /// <param name="fieldName">The field.</param>
    /// <param name="bytes">The vectors, one after the other.</param>
    /// <param name="dimension">Bits of a vector.</param>
    public static BinaryVectorFieldData CreateFromBytes(string fieldName, ReadOnlySpan<byte> bytes, long dimension)
    {
        int size = (int)dimension / 8;
        ReadOnlyMemory<byte>[] vectors = new ReadOnlyMemory<byte>[bytes.Length / size];
        for (int i = 0; i < vectors.Length; i++)
        {
            vectors[i] = bytes.Slice(i * size, size).ToArray();
        }

        return new BinaryVectorFieldData(fieldName, vectors);
    }

    public static FieldData CreateFromStream(string fieldName, Stream stream, long dimension)
        => new ByteStringFieldData(fieldName, ByteString.FromStream(stream), dimension);

    public override string ToString()
        => $"{{{nameof(FieldName)}: {FieldName}, {nameof(DataType)}: {DataType}, {nameof(RowCount)}: {RowCount}}}";

    internal abstract object? ValueAt(int row);

    internal abstract Proto.FieldData ToMessage();

    internal static MilvusDataType TypeOf<TData>()
        => default(TData) switch
        {
            bool => MilvusDataType.Bool,
            sbyte => MilvusDataType.Int8,
            short => MilvusDataType.Int16,
            int => MilvusDataType.Int32,
            long => MilvusDataType.Int64,
            float => MilvusDataType.Float,
            double => MilvusDataType.Double,
            ReadOnlyMemory<float> => MilvusDataType.FloatVector,
            ReadOnlyMemory<byte> => MilvusDataType.BinaryVector,
            null when typeof(TData) == typeof(string) => MilvusDataType.VarChar,
            _ => throw new NotSupportedException($"Type {typeof(TData).Name} cannot be mapped to {nameof(MilvusDataType)}"),
        };

    internal static FieldData From(Proto.FieldData message)
        => message.FieldCase switch
        {
            Proto.FieldData.FieldOneofCase.Scalars => FromScalars(message.FieldName, message.Scalars, message.IsDynamic),
            Proto.FieldData.FieldOneofCase.Vectors => FromVectors(message.FieldName, message.Vectors),
            _ => throw new NotSupportedException("Cannot convert None FieldData to Field"),
        };

    private static FieldData FromScalars(string name, Proto.ScalarField scalars, bool isDynamic)
        => scalars.DataCase switch
        {
            Proto.ScalarField.DataOneofCase.BoolData => Create(name, scalars.BoolData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.IntData => Create(name, scalars.IntData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.LongData => Create(name, scalars.LongData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.FloatData => Create(name, scalars.FloatData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.DoubleData => Create(name, scalars.DoubleData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.StringData => CreateVarChar(name, scalars.StringData.Data, isDynamic),
            Proto.ScalarField.DataOneofCase.JsonData => CreateJson(
                name, scalars.JsonData.Data.Select(static json => json.ToStringUtf8()).ToList(), isDynamic),
            _ => throw new NotSupportedException($"{scalars.DataCase} not supported"),
        };

    private static FieldData FromVectors(string name, Proto.VectorField vectors)
        => vectors.DataCase switch
        {
            Proto.VectorField.DataOneofCase.FloatVector => CreateFloatVector(
                name,
                vectors.FloatVector.Data
                    .Chunk((int)vectors.Dim)
                    .Select(static vector => new ReadOnlyMemory<float>(vector))
                    .ToList()),
            Proto.VectorField.DataOneofCase.BinaryVector => CreateFromBytes(name, vectors.BinaryVector.Span, vectors.Dim),
            _ => throw new NotSupportedException("VectorField.DataOneofCase.None not supported"),
        };
}

public class FieldData<TData> : FieldData
{
    public FieldData(string fieldName, IReadOnlyList<TData> data, bool isDynamic = false)
        : this(fieldName, data, TypeOf<TData>(), isDynamic)
    {
    }

    public FieldData(string fieldName, IReadOnlyList<TData> data, MilvusDataType milvusDataType, bool isDynamic)
        : base(fieldName, milvusDataType, isDynamic)
    {
        Data = data;
    }

    public IReadOnlyList<TData> Data { get; set; }

    public override long RowCount
    {
        get => Data.Count;
        protected set => throw new NotSupportedException();
    }

    public override string ToString() => $"Field: {{{base.ToString()}}}";

    internal override object? ValueAt(int row) => Data[row];

    internal override Proto.FieldData ToMessage()
        => new()
        {
            FieldName = FieldName ?? "",
            Type = (Proto.DataType)DataType,
            IsDynamic = IsDynamic,
            Scalars = Scalars(),
        };

    private Proto.ScalarField Scalars()
        => (object)Data switch
        {
            IReadOnlyList<bool> values => new() { BoolData = new Proto.BoolArray { Data = { values } } },
            IReadOnlyList<sbyte> values => Integers(values.Select(static v => (int)v)),
            IReadOnlyList<short> values => Integers(values.Select(static v => (int)v)),
            IReadOnlyList<int> values => Integers(values),
            IReadOnlyList<long> values => new() { LongData = new Proto.LongArray { Data = { values } } },
            IReadOnlyList<float> values => new() { FloatData = new Proto.FloatArray { Data = { values } } },
            IReadOnlyList<double> values => new() { DoubleData = new Proto.DoubleArray { Data = { values } } },
            IReadOnlyList<string> values when DataType == MilvusDataType.Json => new()
            {
                JsonData = new Proto.JSONArray { Data = { values.Select(ByteString.CopyFromUtf8) } },
            },
            IReadOnlyList<string> values => new() { StringData = new Proto.StringArray { Data = { values } } },
            _ => throw new MilvusException($"DataType Error: {DataType}"),
        };

    private static Proto.ScalarField Integers(IEnumerable<int> values)
        => new() { IntData = new Proto.IntArray { Data = { values } } };
}

public sealed class FloatVectorFieldData : FieldData<ReadOnlyMemory<float>>
{
    public FloatVectorFieldData(string fieldName, IReadOnlyList<ReadOnlyMemory<float>> data)
        : base(fieldName, data, MilvusDataType.FloatVector, isDynamic: false)
    {
    }

    public override long RowCount
    {
        get => Data.Count;
        protected set => throw new NotSupportedException();
    }

    internal override Proto.FieldData ToMessage()
    {
        int dimension = Data.Count == 0 ? 0 : Data[0].Length;
        Proto.FloatArray values = new();
        foreach (ReadOnlyMemory<float> vector in Data)
        {
            if (vector.Length != dimension)
            {
                throw new MilvusException("Row count of fields must be equal");
            }

            values.Data.AddRange(MemoryMarshal.ToEnumerable(vector));
        }

        return new Proto.FieldData
        {
            FieldName = FieldName ?? "",
            Type = (Proto.DataType)DataType,
            Vectors = new Proto.VectorField { FloatVector = values, Dim = dimension },
        };
    }
}

public sealed class BinaryVectorFieldData : FieldData<ReadOnlyMemory<byte>>
{
    public BinaryVectorFieldData(string fieldName, IReadOnlyList<ReadOnlyMemory<byte>> bytes)
        : base(fieldName, bytes, MilvusDataType.BinaryVector, isDynamic: false)
    {
    }

    internal override Proto.FieldData ToMessage()
    {
        byte[] bytes = Data.SelectMany(static vector => MemoryMarshal.ToEnumerable(vector)).ToArray();
        return new Proto.FieldData
        {
            FieldName = FieldName ?? "",
            Type = (Proto.DataType)DataType,
            Vectors = new Proto.VectorField
            {
                BinaryVector = ByteString.CopyFrom(bytes),
                Dim = Data.Count == 0 ? 0 : Data[0].Length * 8,
            },
        };
    }
}

public sealed class ByteStringFieldData : FieldData
{
    private readonly long dimension;

    public ByteStringFieldData(string fieldName, ByteString byteString, long dimension)
        : base(fieldName, MilvusDataType.BinaryVector)
    {
        ByteString = byteString;
        this.dimension = dimension;
    }

    public ByteString ByteString { get; set; }

    public override long RowCount
    {
        get => ByteString.Length * 8L / dimension;
        protected set => throw new NotSupportedException();
    }

    internal override object ValueAt(int row)
        => throw new NotSupportedException("Dynamic bytestring fields are not supported");

    internal override Proto.FieldData ToMessage()
        => new()
        {
            FieldName = FieldName ?? "",
            Type = (Proto.DataType)DataType,
            Vectors = new Proto.VectorField { BinaryVector = ByteString, Dim = dimension },
        };
}
