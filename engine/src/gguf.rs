//! A GGUF file's metadata and where its tensors lie.

use std::io::{Read, Seek, SeekFrom};

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, Value};

use crate::EngineError;

/// The header of a GGUF file: everything but the weights themselves.
#[derive(Debug)]
pub(crate) struct Gguf {
    content: Content,
}

/// Where one tensor lies and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor {
    pub(crate) dtype: GgmlDType,
    /// Slowest dimension: 1 for a vector.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    position: u64,
    pub(crate) bytes: u64,
}

pub(crate) fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::InvalidModel(message.into())
}

impl Gguf {
    pub(crate) fn read<R: Read + Seek>(reader: &mut R) -> Result<Self, EngineError> {
        let content = Content::read(reader).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { content })
    }

    fn get(&self, key: &str) -> Result<&Value, EngineError> {
        self.content
            .metadata
            .get(key)
            .ok_or_else(|| invalid(format!("it has no `{key}`")))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.content.metadata.contains_key(key)
    }

    pub(crate) fn string(&self, key: &str) -> Result<&str, EngineError> {
        match self.get(key)? {
            Value::String(text) => Ok(text),
            _ => Err(invalid(format!("`{key}` is not a string"))),
        }
    }

    /// An integer of any width; negative ones are an error.
    pub(crate) fn integer(&self, key: &str) -> Result<usize, EngineError> {
        integer(self.get(key)?).ok_or_else(|| invalid(format!("`{key}` is not a count")))
    }

    pub(crate) fn float(&self, key: &str) -> Result<f32, EngineError> {
        match self.get(key)? {
            Value::F32(value) => Ok(*value),
            Value::F64(value) => Ok(*value as f32),
            _ => Err(invalid(format!("`{key}` is not a number with a fraction"))),
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        match self.content.metadata.get(key) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn strings(&self, key: &str) -> Result<Vec<&str>, EngineError> {
        let error = || invalid(format!("`{key}` is not a list of strings"));
        let Value::Array(values) = self.get(key)? else {
            return Err(error());
        };
        values
            .iter()
            .map(|value| match value {
                Value::String(text) => Ok(text.as_str()),
                _ => Err(error()),
            })
            .collect()
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Vec<usize>, EngineError> {
        let error = || invalid(format!("`{key}` is not a list of counts"));
        let Value::Array(values) = self.get(key)? else {
            return Err(error());
        };
        values
            .iter()
            .map(|value| integer(value).ok_or_else(error))
            .collect()
    }

    /// The tensor, or `None` where the file has no tensor of that name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Tensor>, EngineError> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Ok(None);
        };
        let (rows, columns) = match info.shape.dims() {
            [columns] => (1, *columns),
            [rows, columns] => (*rows, *columns),
            dims => {
                return Err(invalid(format!(
                    "tensor `{name}` has {} dimensions",
                    dims.len()
                )));
            }
        };
        let block = info.ggml_dtype.block_size();
        let elements = rows
            .checked_mul(columns)
            .filter(|&n| n > 0 && columns.is_multiple_of(block));
        let elements =
            elements.ok_or_else(|| invalid(format!("tensor `{name}` has a bad shape")))?;
        Ok(Some(Tensor {
            dtype: info.ggml_dtype,
            rows,
            columns,
            position: self.content.tensor_data_offset + info.offset,
            bytes: (elements / block * info.ggml_dtype.type_size()) as u64,
        }))
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, EngineError> {
        self.find(name)?
            .ok_or_else(|| invalid(format!("it has no tensor `{name}`")))
    }

    pub(crate) fn parameters(&self) -> u64 {
        let count = |info: &candle_core::quantized::gguf_file::TensorInfo| info.shape.elem_count();
        self.content
            .tensor_infos
            .values()
            .map(|info| count(info) as u64)
            .sum()
    }

    /// Bytes of all weights.
    pub(crate) fn tensor_bytes(&self) -> Result<u64, EngineError> {
        let names = self.content.tensor_infos.keys();
        names
            .map(|name| self.tensor(name).map(|tensor| tensor.bytes))
            .sum()
    }
}

fn integer(value: &Value) -> Option<usize> {
    match *value {
        Value::U8(n) => Some(n.into()),
        Value::I8(n) => n.try_into().ok(),
        Value::U16(n) => Some(n.into()),
        Value::I16(n) => n.try_into().ok(),
        Value::U32(n) => n.try_into().ok(),
        Value::I32(n) => n.try_into().ok(),
        Value::U64(n) => n.try_into().ok(),
        Value::I64(n) => n.try_into().ok(),
        _ => None,
    }
}

impl Tensor {
    /// Reads part of the tensor's bytes.
    pub(crate) fn read_into<R: Read + Seek>(
        &self,
        reader: &mut R,
        from: u64,
        buffer: &mut [u8],
    ) -> Result<(), EngineError> {
        reader.seek(SeekFrom::Start(self.position + from))?;
        reader.read_exact(buffer)?;
        Ok(())
    }

    /// A whole f32 tensor: norms and biases.
    pub(crate) fn read_f32<R: Read + Seek>(&self, reader: &mut R) -> Result<Vec<f32>, EngineError> {
        if self.dtype != GgmlDType::F32 {
            return Err(invalid(format!(
                "a norm or bias is {:?}, not F32",
                self.dtype
            )));
        }
        let mut bytes = vec![0; self.bytes as usize];
        self.read_into(reader, 0, &mut bytes)?;
        let floats = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes));
        Ok(floats.collect())
    }
}

/// The name of a file's mix of quantisations, from `general.file_type` (llama.cpp's `llama_ftype`).
pub(crate) fn quantisation(gguf: &Gguf) -> String {
    let name = match gguf.integer("general.file_type") {
        Ok(0) => "F32",
        Ok(1) => "F16",
        Ok(2) => "Q4_0",
        Ok(3) => "Q4_1",
        Ok(7) => "Q8_0",
        Ok(8) => "Q5_0",
        Ok(9) => "Q5_1",
        Ok(14) => "Q4_K_S",
        Ok(15) => "Q4_K_M",
        Ok(16) => "Q5_K_S",
        Ok(17) => "Q5_K_M",
        Ok(18) => "Q6_K",
        _ => "mixed",
    };
    name.into()
}
