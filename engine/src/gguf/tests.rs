use std::io::Cursor;

use super::*;

pub(crate) const U32: u32 = 4;
pub(crate) const STRING: u32 = 8;
const LIST: u32 = 9;

/// A file as it comes: nothing checks that its parts go together.
#[derive(Clone, Default)]
pub(crate) struct File {
    entries: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

impl File {
    pub(crate) fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        let kind = kind.to_le_bytes();
        self.entries.push([&text(key), &kind[..], value].concat());
        self
    }

    pub(crate) fn tensor(
        mut self,
        name: &str,
        dimensions: &[u64],
        dtype: u32,
        offset: u64,
    ) -> Self {
        let mut tensor = text(name);
        tensor.extend((dimensions.len() as u32).to_le_bytes());
        tensor.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
        tensor.extend(dtype.to_le_bytes());
        tensor.extend(offset.to_le_bytes());
        self.tensors.push(tensor);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        bytes.extend(self.entries.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }

    pub(crate) fn read(&self) -> Result<Gguf, EngineError> {
        Gguf::read(&mut Cursor::new(self.bytes()))
    }
}

pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::InvalidModel(message)) => message,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn entries_of_every_type_are_read() {
    let list = |kind: u32, count: u64, items: &[u8]| {
        [&kind.to_le_bytes(), &count.to_le_bytes()[..], items].concat()
    };
    let gguf = File::default()
        .entry("u8", 0, &[200])
        .entry("i8", 1, &[0xff])
        .entry("u16", 2, &[1, 2])
        .entry("u64", 10, &(1_u64 << 31).to_le_bytes())
        .entry("f32", 6, &1.5_f32.to_le_bytes())
        .entry("f64", 12, &2.5_f64.to_le_bytes())
        .entry("yes", 7, &[1])
        .entry("text", STRING, &text("moi\0\0"))
        .entry("texts", LIST, &list(8, 2, &[text("a"), text("ä")].concat()))
        .entry("counts", LIST, &list(5, 2, &[3, 0, 0, 0, 4, 0, 0, 0]))
        .entry("scores", LIST, &list(6, 1, &[0; 4]))
        .read()
        .unwrap();
    assert_eq!(gguf.integer("u8").unwrap(), 200);
    assert_eq!(gguf.integer("u16").unwrap(), 513);
    assert_eq!(gguf.integer("u64").unwrap(), 1 << 31);
    assert!(refusal(gguf.integer("i8")).contains("not a count"));
    assert_eq!(gguf.float("f32").unwrap() + gguf.float("f64").unwrap(), 4.0);
    assert_eq!(gguf.boolean("yes"), Some(true));
    assert_eq!(gguf.string("text").unwrap(), "moi");
    assert_eq!(gguf.strings("texts").unwrap(), ["a", "ä"]);
    assert_eq!(gguf.integers("counts").unwrap(), [3, 4]);
    assert!(gguf.has("scores") && gguf.integers("scores").is_err());
}

#[test]
fn a_tensor_lies_behind_the_head_at_the_files_alignment() {
    let file = File::default()
        .entry("general.alignment", U32, &64_u32.to_le_bytes())
        .tensor("a", &[32, 2], 8, 128);
    let tensor = file.read().unwrap().tensor("a").unwrap();
    assert_eq!((tensor.rows, tensor.columns, tensor.bytes), (2, 32, 68));
    assert!(tensor.position.is_multiple_of(64));
}

#[test]
fn a_head_that_claims_too_much_is_refused_before_it_costs_memory() {
    let huge = u64::MAX.to_le_bytes();
    let many = 4_000_000_u64.to_le_bytes();
    let mut endless = File::default().bytes();
    endless[8..16].copy_from_slice(&huge);
    let list_of = |kind: u32, count: [u8; 8]| {
        let list = [&kind.to_le_bytes()[..], &count].concat();
        File::default().entry("list", LIST, &list).bytes()
    };
    for (bytes, said) in [
        (b"GGUG".to_vec(), "does not begin"),
        (b"GGUF\x01\0\0\0".to_vec(), "version 1"),
        (b"GGUF\x03\0\0\0\0".to_vec(), "can't be read"),
        (endless, "claims to have"),
        (list_of(8, huge), "claims to have"),
        (list_of(8, many), "can't be read"),
        (list_of(4, many), "can't be read"),
        (list_of(9, [1, 0, 0, 0, 0, 0, 0, 0]), "lists of lists"),
        (list_of(77, [1, 0, 0, 0, 0, 0, 0, 0]), "unknown type"),
        (
            File::default().entry("x", STRING, &huge).bytes(),
            "claims a text",
        ),
        (File::default().entry("x", 13, &[]).bytes(), "unknown type"),
        (
            File::default().tensor("t", &[1; 5], 0, 0).bytes(),
            "5 dimensions",
        ),
        (
            File::default().tensor("t", &[1], 4, 0).bytes(),
            "GGML's type 4",
        ),
    ] {
        let message = refusal(Gguf::read(&mut Cursor::new(bytes)));
        assert!(message.contains(said), "{message} says nothing of: {said}");
    }
}

#[test]
fn an_alignment_that_is_none_is_refused() {
    for alignment in [0, u64::MAX] {
        let file = File::default().entry("general.alignment", 10, &alignment.to_le_bytes());
        assert!(refusal(file.read()).contains("general.alignment"));
    }
    let negative = File::default().entry("general.alignment", 5, &(-32_i32).to_le_bytes());
    assert!(refusal(negative.read()).contains("general.alignment"));
}

#[test]
fn tensors_that_no_file_can_hold_are_refused() {
    let file = File::default()
        .tensor("empty", &[0], 0, 0)
        .tensor("no whole block", &[33], 8, 0)
        .tensor("too many", &[1 << 40, 1 << 40], 0, 0)
        .tensor("too large", &[1 << 31, 1 << 32], 0, 0)
        .tensor("too far", &[32], 0, u64::MAX)
        .tensor("cube", &[2, 2, 2], 0, 0);
    let gguf = file.read().unwrap();
    for (name, said) in [
        ("empty", "bad shape"),
        ("no whole block", "bad shape"),
        ("too many", "bad shape"),
        ("too large", "bad shape"),
        ("too far", "bad shape"),
        ("cube", "3 dimensions"),
        ("absent", "no tensor"),
    ] {
        let message = refusal(gguf.tensor(name));
        assert!(message.contains(said), "{name}: {message}");
    }
    assert_eq!(gguf.parameters(), u64::MAX, "nobody can count them");
    assert!(gguf.tensor_bytes().is_err());
}

#[test]
fn a_file_must_have_all_that_its_head_claims() {
    let mut file = File::default().tensor("t", &[32], 0, 32);
    let gguf = file.read().unwrap();
    for (bytes, is_whole) in [(159, false), (160, true), (500, true)] {
        file.data = vec![0; bytes];
        let checked = gguf.check_length(&mut Cursor::new(file.bytes()));
        assert_eq!(checked.is_ok(), is_whole, "{bytes}: {checked:?}");
    }
}
