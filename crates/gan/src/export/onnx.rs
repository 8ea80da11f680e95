//! ONNX models: a [`Model`] in protocol buffers, as far as its messages are needed here.

use detach_files::WriteError;
use detach_nn::Model;
use detach_nn::onnx::{Attribute, Constant, Element, Node, OPSET, Value};
use prost::Message;
use std::io;
use std::path::Path;

/// The version of the format that [`OPSET`] came with.
const IR_VERSION: i64 = 8;
/// What the first dimension is called: the batch, which may be of any size.
const BATCH: &str = "N";

/// `onnx.TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// The longest message of protocol buffers.
const LONGEST: usize = i32::MAX as usize;

/// Writes `network` as a model called `name`, with texts that say what it is.
///
/// # Errors
/// When the file cannot be written, or would be longer than any reader takes. What was there before stays then.
pub fn write(
    path: &Path,
    name: &str,
    network: &Model,
    about: &[(&str, String)],
) -> Result<(), WriteError> {
    let model = model(name, network, about);
    detach_files::write(path, |out| {
        if model.encoded_len() > LONGEST {
            return Err(io::Error::other(
                "a model holds 2 GiB at most, and these weights are more; use NumPy's format",
            ));
        }
        out.write_all(&model.encode_to_vec())
    })
}

fn model(name: &str, network: &Model, about: &[(&str, String)]) -> ModelProto {
    let texts = about.iter().map(|(key, value)| StringStringEntryProto {
        key: (*key).to_owned(),
        value: value.clone(),
    });
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "Detach".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(GraphProto::of(name, network)),
        opset_import: vec![OperatorSetIdProto { version: OPSET }],
        metadata_props: texts.collect(),
    }
}

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetIdProto>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<StringStringEntryProto>,
}

/// The operators of the empty domain, ONNX's own.
#[derive(Clone, PartialEq, Message)]
struct OperatorSetIdProto {
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct StringStringEntryProto {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "13")]
    value_info: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
}

/// A field is present where it is the attribute's value, even where that is 0.
#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, optional, tag = "2")]
    f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    s: Option<Vec<u8>>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    r#type: i32,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    /// Little-endian, row by row.
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfoProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorTypeProto>,
}

/// `onnx.TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

/// `onnx.TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(oneof = "Size", tags = "1, 2")]
    value: Option<Size>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Size {
    #[prost(int64, tag = "1")]
    DimValue(i64),
    #[prost(string, tag = "2")]
    DimParam(String),
}

impl GraphProto {
    fn of(name: &str, network: &Model) -> Self {
        let of = |values: &[Value]| values.iter().map(ValueInfoProto::of).collect();
        let between = network.nodes.iter().map(|node| &node.output);
        let between = between.filter(|value| !network.outputs.contains(value));
        let constants = network.constants.iter();
        Self {
            node: network.nodes.iter().map(NodeProto::of).collect(),
            name: name.to_owned(),
            initializer: constants
                .map(|(name, constant)| TensorProto::of(name, constant))
                .collect(),
            input: of(&network.inputs),
            output: of(&network.outputs),
            value_info: between.map(ValueInfoProto::of).collect(),
        }
    }
}

impl NodeProto {
    fn of(node: &Node) -> Self {
        let attributes = node.attributes.iter();
        Self {
            input: node.inputs.clone(),
            output: vec![node.output.name.clone()],
            name: node.name.clone(),
            op_type: node.operator.to_owned(),
            attribute: attributes
                .map(|(name, value)| AttributeProto::of(name, value))
                .collect(),
        }
    }
}

impl AttributeProto {
    /// `onnx.AttributeProto.AttributeType`.
    const FLOAT: i32 = 1;
    const INT: i32 = 2;
    const STRING: i32 = 3;
    const INTS: i32 = 7;

    fn of(name: &str, value: &Attribute) -> Self {
        let mut out = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        out.r#type = match value {
            Attribute::Float(f) => {
                out.f = Some(*f);
                Self::FLOAT
            }
            Attribute::Int(i) => {
                out.i = Some(*i);
                Self::INT
            }
            Attribute::Text(text) => {
                out.s = Some(text.as_bytes().to_vec());
                Self::STRING
            }
            Attribute::Ints(ints) => {
                out.ints.clone_from(ints);
                Self::INTS
            }
        };
        out
    }
}

impl TensorProto {
    fn of(name: &str, constant: &Constant) -> Self {
        let (dims, data_type, raw_data) = match constant {
            Constant::Floats(shape, values) => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                (
                    shape.iter().copied().map(whole).collect(),
                    FLOAT,
                    bytes.collect(),
                )
            }
            Constant::Ints(ints) => {
                let bytes = ints.iter().flat_map(|value| value.to_le_bytes());
                (vec![whole(ints.len())], INT64, bytes.collect())
            }
            Constant::Int(int) => (Vec::new(), INT64, int.to_le_bytes().to_vec()),
        };
        Self {
            dims,
            data_type,
            name: name.to_owned(),
            raw_data,
        }
    }
}

impl ValueInfoProto {
    fn of(value: &Value) -> Self {
        let batch = Size::DimParam(BATCH.to_owned());
        let sizes = value.shape.iter().map(|size| Size::DimValue(whole(*size)));
        let dims = [batch].into_iter().chain(sizes);
        let tensor_type = TensorTypeProto {
            elem_type: match value.element {
                Element::Float => FLOAT,
                Element::Int => INT64,
            },
            shape: Some(TensorShapeProto {
                dim: dims.map(|size| Dimension { value: Some(size) }).collect(),
            }),
        };
        Self {
            name: value.name.clone(),
            r#type: Some(TypeProto {
                tensor_type: Some(tensor_type),
            }),
        }
    }
}

fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
