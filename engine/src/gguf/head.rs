//! The head of a GGUF file, field by field. candle's own reader panics where a file asks to align
//! its data to 0, and a file is anybody's.
//!
//! All numbers are little-endian. `GGUF`, the version (u32), how many tensors and how many entries
//! (u64 each). An entry: its key, its type (u32), its value. A tensor: its name, the number of its
//! dimensions (u32), those (u64 each, fastest first), its type (u32), and where its data begins
//! (u64) behind the head, whose end is rounded up to `general.alignment`. A text: how many bytes
//! (u64), and they. A list: the type of its items (u32), how many (u64), and they.

use std::collections::HashMap;
use std::io::{Read, Seek};

use candle_core::quantized::GgmlDType;

use super::invalid;
use crate::EngineError;

/// Tensors, entries, items of a list: ten times more than any model has.
const MOST_ITEMS: u64 = 4 << 20;

/// Chat templates are some kilobytes.
const LONGEST_TEXT: u64 = 16 << 20;

/// GGML has no more.
const MOST_DIMENSIONS: u32 = 4;

const DEFAULT_ALIGNMENT: u64 = 32;

#[derive(Debug)]
pub(super) struct Head {
    pub(super) entries: HashMap<String, Value>,
    pub(super) tensors: HashMap<String, TensorHead>,
    /// Where the tensors' data begins.
    pub(super) data_begins: u64,
}

/// Integers of all widths are one; what nobody asks for is read past.
#[derive(Debug)]
pub(super) enum Value {
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Text(String),
    Integers(Vec<i64>),
    Texts(Vec<String>),
    Other,
}

#[derive(Debug)]
pub(super) struct TensorHead {
    /// Slowest first.
    pub(super) dimensions: Vec<u64>,
    pub(super) dtype: GgmlDType,
    /// Behind the beginning of the data.
    pub(super) offset: u64,
}

impl Head {
    pub(super) fn read<R: Read + Seek>(reader: &mut R) -> Result<Self, EngineError> {
        let mut fields = Fields { reader };
        if fields.bytes()? != *b"GGUF" {
            return Err(invalid("it does not begin with `GGUF`"));
        }
        let version = fields.u32()?;
        if !matches!(version, 2 | 3) {
            let message = format!("it is GGUF of version {version}; this engine reads 2 and 3");
            return Err(invalid(message));
        }
        let (tensor_count, entry_count) = (fields.count()?, fields.count()?);
        let mut entries = HashMap::new();
        for _ in 0..entry_count {
            let key = fields.text()?;
            let kind = fields.u32()?;
            entries.insert(key, fields.value(kind)?);
        }
        let mut tensors = HashMap::new();
        for _ in 0..tensor_count {
            tensors.insert(fields.text()?, fields.tensor()?);
        }
        let alignment = match entries.get("general.alignment") {
            Some(Value::Integer(alignment)) => u32::try_from(*alignment).ok().map(u64::from),
            _ => Some(DEFAULT_ALIGNMENT),
        };
        let end = fields.reader.stream_position()?;
        let data_begins = alignment
            .filter(|alignment| *alignment > 0)
            .and_then(|alignment| end.checked_next_multiple_of(alignment))
            .ok_or_else(|| invalid("`general.alignment` is no alignment"))?;
        Ok(Self {
            entries,
            tensors,
            data_begins,
        })
    }
}

struct Fields<'a, R> {
    reader: &'a mut R,
}

impl<R: Read> Fields<'_, R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], EngineError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, EngineError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, EngineError> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn count(&mut self) -> Result<u64, EngineError> {
        let count = self.u64()?;
        if count > MOST_ITEMS {
            return Err(invalid(format!("it claims to have {count} of something")));
        }
        Ok(count)
    }

    /// Some files have texts that are no UTF-8, or end in zeros.
    fn text(&mut self) -> Result<String, EngineError> {
        let length = self.u64()?;
        if length > LONGEST_TEXT {
            return Err(invalid(format!("it claims a text of {length} bytes")));
        }
        let mut bytes = Vec::new();
        // Takes as much memory as there are bytes, whatever the length says.
        let read = self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if read as u64 != length {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let end = bytes.iter().rposition(|byte| *byte != 0);
        bytes.truncate(end.map_or(0, |last| last + 1));
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn value(&mut self, kind: u32) -> Result<Value, EngineError> {
        Ok(match kind {
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            7 => Value::Boolean(u8::from_le_bytes(self.bytes()?) != 0),
            8 => Value::Text(self.text()?),
            9 => self.list()?,
            _ => Value::Integer(self.integer(kind)?),
        })
    }

    fn integer(&mut self, kind: u32) -> Result<i128, EngineError> {
        Ok(match kind {
            0 => u8::from_le_bytes(self.bytes()?).into(),
            1 => i8::from_le_bytes(self.bytes()?).into(),
            2 => u16::from_le_bytes(self.bytes()?).into(),
            3 => i16::from_le_bytes(self.bytes()?).into(),
            4 => self.u32()?.into(),
            5 => i32::from_le_bytes(self.bytes()?).into(),
            10 => self.u64()?.into(),
            11 => i64::from_le_bytes(self.bytes()?).into(),
            _ => {
                return Err(invalid(format!(
                    "it has a value of the unknown type {kind}"
                )));
            }
        })
    }

    fn list(&mut self) -> Result<Value, EngineError> {
        let kind = self.u32()?;
        let count = self.count()?;
        match kind {
            8 => {
                let texts: Result<_, _> = (0..count).map(|_| self.text()).collect();
                texts.map(Value::Texts)
            }
            6 | 7 | 12 => {
                for _ in 0..count {
                    self.value(kind)?;
                }
                Ok(Value::Other)
            }
            9 => Err(invalid("it has lists of lists")),
            _ => {
                let mut integers = Vec::new();
                for _ in 0..count {
                    let integer = i64::try_from(self.integer(kind)?);
                    integers.push(integer.map_err(|_| invalid("it has a number beyond i64"))?);
                }
                Ok(Value::Integers(integers))
            }
        }
    }

    fn tensor(&mut self) -> Result<TensorHead, EngineError> {
        let count = self.u32()?;
        if count > MOST_DIMENSIONS {
            return Err(invalid(format!("a tensor has {count} dimensions")));
        }
        let mut dimensions = Vec::new();
        for _ in 0..count {
            dimensions.push(self.u64()?);
        }
        dimensions.reverse();
        Ok(TensorHead {
            dimensions,
            dtype: dtype(self.u32()?)?,
            offset: self.u64()?,
        })
    }
}

/// GGML's numbers of its types (`ggml_type`).
fn dtype(number: u32) -> Result<GgmlDType, EngineError> {
    Ok(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        9 => GgmlDType::Q8_1,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        15 => GgmlDType::Q8K,
        30 => GgmlDType::BF16,
        _ => {
            let message =
                format!("it has a tensor of GGML's type {number}, which is not known here");
            return Err(invalid(message));
        }
    })
}
