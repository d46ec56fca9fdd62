//! Text to token ids and back, built from the GGUF's own vocabulary and merges.

use std::collections::HashMap;
use std::io::{Read, Seek};

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use crate::EngineError;
use crate::gguf::{Gguf, invalid};

/// `tokenizer.ggml.token_type` (llama.cpp's `llama_token_type`).
const CONTROL: usize = 3;
const USER_DEFINED: usize = 4;

/// Tokens that structure code for training and have no place in an answer, though files mark some
/// of them as ordinary text: they end it.
const STRUCTURE_TOKENS: [&str; 10] = [
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<repo_name>",
    "<file_sep>",
    "<reponame>",
    "<filename>",
];

/// A model's tokenizer, which needs only the file's header: for counting without the weights.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The bytes of each token; of control tokens, their name.
    bytes: Vec<Box<[u8]>>,
    /// Whether a token ends an answer: it is neither shown nor generated past.
    ends: Vec<bool>,
    by_name: HashMap<String, u32>,
    pub(crate) bos: Option<u32>,
    pub(crate) eos: Option<u32>,
    adds_bos: bool,
}

impl Tokenizer {
    /// Reads the header of a model's file and nothing after it.
    pub fn load<R: Read + Seek>(reader: &mut R) -> Result<Self, EngineError> {
        Self::read(&Gguf::read(reader)?)
    }

    pub(crate) fn read(gguf: &Gguf) -> Result<Self, EngineError> {
        let model = gguf.string("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(invalid(format!(
                "its tokenizer is of kind `{model}`; this engine reads byte-pair ones (`gpt2`)"
            )));
        }
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let types = gguf.integers("tokenizer.ggml.token_type")?;
        if types.len() != tokens.len() {
            return Err(invalid("its tokens and token types differ in number"));
        }
        let special = |id: usize| matches!(types[id], CONTROL | USER_DEFINED);
        let ids = 0..u32::try_from(tokens.len()).map_err(|_| invalid("too many tokens"))?;
        let by_name: HashMap<String, u32> = tokens
            .iter()
            .map(|token| (*token).to_owned())
            .zip(ids)
            .collect();
        let token_id = |key: &str| {
            let id = gguf.integer(key).ok().filter(|&id| id < tokens.len())?;
            u32::try_from(id).ok()
        };
        let eos = token_id("tokenizer.ggml.eos_token_id");
        let ends = (0..tokens.len())
            .map(|id| {
                types[id] == CONTROL
                    || STRUCTURE_TOKENS.contains(&tokens[id])
                    || eos.is_some_and(|eos| eos as usize == id)
            })
            .collect();
        let byte_of_char = byte_of_char();
        let bytes = tokens
            .iter()
            .enumerate()
            .map(|(id, token)| {
                let byte = |c| byte_of_char.get(&c).copied();
                let decoded: Option<Vec<u8>> = token.chars().map(byte).collect();
                match decoded {
                    Some(bytes) if !special(id) => bytes.into(),
                    _ => token.as_bytes().into(),
                }
            })
            .collect();
        Ok(Self {
            inner: build(gguf, &tokens, special)?,
            bytes,
            ends,
            by_name,
            bos: token_id("tokenizer.ggml.bos_token_id"),
            eos,
            adds_bos: gguf
                .boolean("tokenizer.ggml.add_bos_token")
                .unwrap_or(false),
        })
    }

    /// The ids of `text`; special tokens in it are recognised by name.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let encoding = self.inner.encode_fast(text, false);
        let encoding = encoding.map_err(|error| EngineError::InvalidRequest(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// As [`Self::encode`], with what the model wants before every prompt.
    pub(crate) fn encode_prompt(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let mut ids = self.encode(text)?;
        if let Some(bos) = self
            .bos
            .filter(|bos| self.adds_bos && ids.first() != Some(bos))
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// The bytes of a token, which may be part of a character; of a control token its name.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }

    pub(crate) fn ends(&self, token: u32) -> bool {
        self.ends.get(token as usize).copied().unwrap_or(true)
    }

    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn text_of(&self, token: Option<u32>) -> String {
        token.map_or_else(String::new, |id| {
            String::from_utf8_lossy(self.bytes(id)).into_owned()
        })
    }
}

fn build(
    gguf: &Gguf,
    tokens: &[&str],
    special: impl Fn(usize) -> bool,
) -> Result<tokenizers::Tokenizer, EngineError> {
    let merge = |merge: &str| {
        // The first part may itself be a space's letter, but never a space.
        let (first, second) = merge.split_once(' ')?;
        Some((first.to_owned(), second.to_owned()))
    };
    let merges: Option<Vec<_>> = gguf
        .strings("tokenizer.ggml.merges")?
        .into_iter()
        .map(merge)
        .collect();
    let merges = merges.ok_or_else(|| invalid("a merge of its tokenizer has one part only"))?;
    let vocabulary: HashMap<String, u32> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| ((*token).to_owned(), id as u32))
        .collect();
    let fail = |error: tokenizers::Error| invalid(format!("its tokenizer does not fit: {error}"));
    let model = BPE::builder()
        .vocab_and_merges(
            vocabulary
                .into_iter()
                .collect::<tokenizers::models::bpe::Vocab>(),
            merges,
        )
        .build()
        .map_err(fail)?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);

    let mut steps = Vec::new();
    for pattern in split_patterns(gguf.string("tokenizer.ggml.pre").unwrap_or("default"))? {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(fail)?;
        steps.push(PreTokenizerWrapper::Split(split));
    }
    steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(
        false, false, false,
    )));
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));

    let names = tokens
        .iter()
        .enumerate()
        .filter(|(id, _)| special(*id))
        .map(|(_, token)| *token);
    let added = names.map(|name| AddedToken::from(name, true).normalized(false));
    tokenizer.add_special_tokens(added).map_err(fail)?;
    Ok(tokenizer)
}

/// How text is cut before byte pairs are merged, by `tokenizer.ggml.pre` (llama.cpp's names).
fn split_patterns(pre: &str) -> Result<&'static [&'static str], EngineError> {
    const GPT2: &str =
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    Ok(match pre {
        "qwen2" => &[concat!(
            r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
            r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )],
        "llama-bpe" | "llama3" => &[concat!(
            r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
            r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+",
            r"|\s+(?!\S)|\s+"
        )],
        "smollm" => &[r"\p{N}", GPT2],
        "gpt-2" | "default" => &[GPT2],
        other => {
            return Err(invalid(format!(
                "its pre-tokenizer `{other}` is not supported"
            )));
        }
    })
}

/// GPT-2's way to write bytes as printable characters: printable Latin-1 stands for itself, the
/// others follow from U+0100 on.
fn byte_of_char() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100;
    (0..=255u8)
        .map(|byte| {
            if printable(byte) {
                return (char::from(byte), byte);
            }
            next += 1;
            (char::from_u32(next - 1).unwrap_or('\0'), byte)
        })
        .collect()
}
