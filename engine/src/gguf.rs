//! A GGUF file's metadata and where its tensors lie.

mod head;

use std::io::{Read, Seek, SeekFrom};

use candle_core::quantized::GgmlDType;

use self::head::{Head, TensorHead, Value};
use crate::EngineError;

/// Everything of a GGUF file but the weights themselves.
#[derive(Debug)]
pub(crate) struct Gguf {
    head: Head,
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
        let head = Head::read(reader).map_err(|error| match error {
            EngineError::Io(error) => invalid(format!("its head can't be read: {error}")),
            other => other,
        })?;
        Ok(Self { head })
    }

    /// Memory for weights is taken before they are read: a file must have all that it claims.
    pub(crate) fn check_length<R: Read + Seek>(&self, reader: &mut R) -> Result<(), EngineError> {
        let length = reader.seek(SeekFrom::End(0))?;
        for name in self.head.tensors.keys() {
            let tensor = self.tensor(name)?;
            let end = tensor.position.checked_add(tensor.bytes);
            if end.is_none_or(|end| end > length) {
                return Err(invalid(format!(
                    "tensor `{name}` lies behind the file's end; fetch the file again"
                )));
            }
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Result<&Value, EngineError> {
        self.head
            .entries
            .get(key)
            .ok_or_else(|| invalid(format!("it has no `{key}`")))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.head.entries.contains_key(key)
    }

    pub(crate) fn string(&self, key: &str) -> Result<&str, EngineError> {
        match self.get(key)? {
            Value::Text(text) => Ok(text),
            _ => Err(invalid(format!("`{key}` is not a string"))),
        }
    }

    /// An integer of any width; negative ones are an error.
    pub(crate) fn integer(&self, key: &str) -> Result<usize, EngineError> {
        let error = || invalid(format!("`{key}` is not a count"));
        match self.get(key)? {
            Value::Integer(number) => usize::try_from(*number).map_err(|_| error()),
            _ => Err(error()),
        }
    }

    pub(crate) fn float(&self, key: &str) -> Result<f32, EngineError> {
        match self.get(key)? {
            Value::Float(value) => Ok(*value as f32),
            _ => Err(invalid(format!("`{key}` is not a number with a fraction"))),
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        match self.head.entries.get(key) {
            Some(Value::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn strings(&self, key: &str) -> Result<Vec<&str>, EngineError> {
        match self.get(key)? {
            Value::Texts(texts) => Ok(texts.iter().map(String::as_str).collect()),
            _ => Err(invalid(format!("`{key}` is not a list of strings"))),
        }
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Vec<usize>, EngineError> {
        let error = || invalid(format!("`{key}` is not a list of counts"));
        let Value::Integers(integers) = self.get(key)? else {
            return Err(error());
        };
        let count = |integer: &i64| usize::try_from(*integer).map_err(|_| error());
        integers.iter().map(count).collect()
    }

    /// The tensor, or `None` where the file has no tensor of that name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Tensor>, EngineError> {
        let Some(tensor) = self.head.tensors.get(name) else {
            return Ok(None);
        };
        let (rows, columns) = match tensor.dimensions.as_slice() {
            [columns] => (1, *columns),
            [rows, columns] => (*rows, *columns),
            dimensions => {
                return Err(invalid(format!(
                    "tensor `{name}` has {} dimensions",
                    dimensions.len()
                )));
            }
        };
        self.place(tensor, rows, columns)
            .map(Some)
            .ok_or_else(|| invalid(format!("tensor `{name}` has a bad shape")))
    }

    /// None where its numbers don't go together, or go beyond what there can be.
    fn place(&self, tensor: &TensorHead, rows: u64, columns: u64) -> Option<Tensor> {
        let block = tensor.dtype.block_size() as u64;
        let elements = rows.checked_mul(columns)?;
        if elements == 0 || !columns.is_multiple_of(block) {
            return None;
        }
        Some(Tensor {
            dtype: tensor.dtype,
            rows: rows.try_into().ok()?,
            columns: columns.try_into().ok()?,
            position: self.head.data_begins.checked_add(tensor.offset)?,
            bytes: (elements / block).checked_mul(tensor.dtype.type_size() as u64)?,
        })
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, EngineError> {
        self.find(name)?
            .ok_or_else(|| invalid(format!("it has no tensor `{name}`")))
    }

    /// The tensor, where it has this shape.
    pub(crate) fn shaped(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Tensor, EngineError> {
        let tensor = self.tensor(name)?;
        if (tensor.rows, tensor.columns) != (rows, columns) {
            return Err(invalid(format!(
                "tensor `{name}` is {} × {}, not {rows} × {columns}",
                tensor.rows, tensor.columns
            )));
        }
        Ok(tensor)
    }

    pub(crate) fn parameters(&self) -> u64 {
        let count = |tensor: &TensorHead| {
            let dimensions = tensor.dimensions.iter();
            dimensions.fold(1, |product: u64, size| product.saturating_mul(*size))
        };
        let counts = self.head.tensors.values().map(count);
        counts.fold(0, u64::saturating_add)
    }

    /// Bytes of all weights.
    pub(crate) fn tensor_bytes(&self) -> Result<u64, EngineError> {
        self.head.tensors.keys().try_fold(0_u64, |sum, name| {
            let bytes = self.tensor(name)?.bytes;
            sum.checked_add(bytes)
                .ok_or_else(|| invalid("its tensors are larger than any file"))
        })
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
        let position = self.position.checked_add(from);
        let position = position.ok_or_else(|| invalid("a tensor lies beyond any file"))?;
        reader.seek(SeekFrom::Start(position))?;
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

#[cfg(test)]
pub(crate) mod tests;
