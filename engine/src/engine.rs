//! A loaded model, ready to answer.

use std::io::{Read, Seek};

use crate::compute::{Compute, blocking};
use crate::gguf::{Gguf, quantisation};
use crate::kernels::Spawn;
use crate::model::{CHUNK, Config};
use crate::sampler::argmax;
use crate::template::ChatTemplate;
use crate::text::TextStream;
use crate::tokenizer::Tokenizer;
use crate::{Begun, EngineError, Gpu, GpuFacts, Input, Request, Session};

/// How to load a model.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Threads to compute with, the caller's own included; at least 1.
    pub threads: usize,
    /// How to start them: [`spawn_thread`](crate::spawn_thread) where the system has threads.
    pub spawn: Spawn,
    /// The most tokens of prompt and answer together; `None`: what the model was trained for.
    pub context_length: Option<usize>,
    /// Tokens of several prompts and answers whose keys and values are kept for prompts that begin
    /// the same; at least the context's length, which is also what `None` means.
    pub cache_tokens: Option<usize>,
    /// What computes; `None`: the processor.
    pub gpu: Option<Gpu>,
}

#[derive(Clone, Copy, Debug)]
pub struct LoadProgress {
    pub done_bytes: u64,
    pub total_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// GGUF's `general.architecture`.
    pub architecture: String,
    /// GGUF's `general.name`.
    pub name: Option<String>,
    /// As in `Q4_K_M`, from GGUF's `general.file_type`.
    pub quantisation: String,
    pub parameters: u64,
    /// What this engine was loaded with, at most what the model was trained for.
    pub context_length: usize,
    /// Which instruction set's kernels compute it, as in `avx2`; `webgpu` on a GPU.
    pub kernels: &'static str,
    /// Threads that compute, the caller's own included.
    pub threads: usize,
    /// The GPU's name, where one computes.
    pub gpu: Option<String>,
}

/// What is known of a model before it is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelHead {
    /// As in [`ModelInfo`].
    pub quantisation: String,
    pub parameters: u64,
    /// The most tokens that it was trained for.
    pub trained_context: usize,
}

/// A loaded model and its KV cache; answers one prompt at a time.
#[derive(Debug)]
pub struct Engine {
    pub(crate) compute: Compute,
    pub(crate) tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    info: ModelInfo,
}

impl Engine {
    /// As [`Self::load_async`], where the thread may block: everywhere but in a browser with a GPU.
    pub fn load<R: Read + Seek>(
        reader: &mut R,
        options: &EngineOptions,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        blocking(Self::load_async(reader, options, progress))
    }

    /// Reads tensor by tensor; never holds the whole file in memory beside the packed weights.
    pub async fn load_async<R: Read + Seek>(
        reader: &mut R,
        options: &EngineOptions,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Self, EngineError> {
        let gguf = Gguf::read(reader)?;
        gguf.check_length(reader)?;
        // First what may be refused for little: the weights are the long part.
        let architecture = architecture(&gguf)?;
        let tokenizer = Tokenizer::read(&gguf)?;
        let template = ChatTemplate::read(&gguf, &tokenizer)?;
        let compute = Compute::load(&gguf, reader, options, progress).await?;
        let info = ModelInfo {
            architecture,
            name: gguf.string("general.name").ok().map(str::to_owned),
            quantisation: quantisation(&gguf),
            parameters: gguf.parameters(),
            context_length: compute.context_length(),
            kernels: compute.kernels_name(),
            threads: compute.threads(),
            gpu: compute.adapter().map(str::to_owned),
        };
        Ok(Self {
            compute,
            tokenizer,
            template,
            info,
        })
    }

    /// Reads the header of a model's file and nothing after it.
    pub fn inspect<R: Read + Seek>(reader: &mut R) -> Result<ModelHead, EngineError> {
        let gguf = Gguf::read(reader)?;
        architecture(&gguf)?;
        Ok(ModelHead {
            quantisation: quantisation(&gguf),
            parameters: gguf.parameters(),
            trained_context: Config::read(&gguf)?.trained_context,
        })
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What a token costs, where a GPU computes.
    pub fn gpu_facts(&self) -> Option<GpuFacts> {
        self.compute.gpu_facts()
    }

    /// Nanoseconds of each kind of work of one token at a position, where a GPU computes that can tell.
    pub fn gpu_profile(&self, position: usize) -> Result<Vec<(String, f64)>, EngineError> {
        blocking(self.compute.gpu_profile(position))
    }

    /// Whether what computes is still there: a GPU may go while nothing is asked of it.
    ///
    /// # Errors
    /// [`GpuError::Lost`](crate::GpuError::Lost), after which only a new engine computes.
    pub fn check(&self) -> Result<(), EngineError> {
        self.compute.check()
    }

    /// Begins an answer. Whatever the KV cache already holds of the prompt is not computed again.
    pub fn start(&mut self, request: &Request) -> Result<Session<'_>, EngineError> {
        let (prompt, said, text) = self.beginning(request)?;
        Session::start(self, prompt, said, text, &request.sampling, usize::MAX)
    }

    /// The ids of a text; special tokens in it are recognised by name.
    pub fn tokenize(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        self.tokenizer.encode(text)
    }

    /// The text of a prompt as the model sees it.
    pub fn render(&self, input: &Input) -> Result<String, EngineError> {
        match input {
            Input::Chat {
                messages,
                tools,
                prefill,
            } => {
                let template = self.template.as_ref().ok_or_else(|| {
                    EngineError::InvalidRequest(
                        "this model has no chat template: send a raw prompt".into(),
                    )
                })?;
                Ok(template.render(messages, tools)? + prefill)
            }
            Input::Raw {
                prompt,
                suffix: None,
            } => Ok(prompt.clone()),
            Input::Raw {
                prompt,
                suffix: Some(suffix),
            } => {
                let names = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"];
                if names.iter().any(|name| self.tokenizer.id(name).is_none()) {
                    return Err(EngineError::InvalidRequest(
                        "this model can't fill in the middle: send a prompt without `suffix`"
                            .into(),
                    ));
                }
                let [before, after, middle] = names;
                Ok(format!("{before}{prompt}{after}{suffix}{middle}"))
            }
        }
    }

    /// Multiplies the output's matrix by one row and returns how many multiply-adds that was: work
    /// to measure a machine with. Nothing that was computed before is disturbed.
    pub fn exercise(&mut self) -> Result<u64, EngineError> {
        blocking(self.exercise_async())
    }

    /// As [`Self::exercise`], for callers that may not block.
    pub async fn exercise_async(&mut self) -> Result<u64, EngineError> {
        self.compute.exercise().await
    }

    /// The tokens to go on from, and the text's state behind them.
    fn beginning(&self, request: &Request) -> Result<(Vec<u32>, usize, TextStream), EngineError> {
        let Request {
            input,
            begun,
            sampling,
        } = request;
        if let Some(text) = self.replay(begun, &sampling.stop) {
            let mut tokens = self.prompt_tokens(input)?;
            tokens.extend(&begun.token_ids);
            return Ok((tokens, begun.token_ids.len(), text));
        }
        let tokens = self.prompt_tokens(&input.clone().and_then_text(&begun.text))?;
        Ok((tokens, 0, TextStream::new(sampling.stop.clone())))
    }

    /// What a session would hold back after it had said these tokens; none where it would not have
    /// said exactly this text. Ids come from other people's machines.
    fn replay(&self, begun: &Begun, stop: &[String]) -> Option<TextStream> {
        let ends = |id: &u32| self.tokenizer.ends(*id);
        if begun.token_ids.is_empty() || begun.token_ids.iter().any(ends) {
            return None;
        }
        TextStream::after(
            stop.to_vec(),
            begun.token_ids.iter().map(|id| self.tokenizer.bytes(*id)),
            &begun.text,
        )
    }

    pub(crate) fn prompt_tokens(&self, input: &Input) -> Result<Vec<u32>, EngineError> {
        let text = self.render(input)?;
        let tokens = match input {
            // A template writes its own beginning-of-sequence token where the model wants one.
            Input::Chat { .. } => self.tokenizer.encode(&text)?,
            Input::Raw { .. } => self.tokenizer.encode_prompt(&text)?,
        };
        if tokens.is_empty() {
            return Err(EngineError::InvalidRequest("the prompt is empty".into()));
        }
        Ok(tokens)
    }

    pub(crate) fn check_tokens(&self, tokens: &[u32]) -> Result<(), EngineError> {
        let vocabulary = self.compute.config().vocabulary;
        match tokens.iter().find(|&&id| id as usize >= vocabulary) {
            Some(unknown) => Err(EngineError::InvalidRequest(format!(
                "the model has no token {unknown}"
            ))),
            None => Ok(()),
        }
    }

    /// Computes `tokens` in one pass and tells for each from `first` on (at least 1) how it compares
    /// with what the model would have said there: what a check of somebody else's answer needs.
    pub fn score(&mut self, tokens: &[u32], first: usize) -> Result<Vec<Score>, EngineError> {
        blocking(self.score_async(tokens, first))
    }

    /// As [`Self::score`], for callers that may not block.
    pub async fn score_async(
        &mut self,
        tokens: &[u32],
        first: usize,
    ) -> Result<Vec<Score>, EngineError> {
        let context_length = self.info.context_length;
        if tokens.len() > context_length {
            return Err(EngineError::ContextLengthExceeded {
                prompt_tokens: tokens.len(),
                context_length,
            });
        }
        self.check_tokens(tokens)?;
        if first == 0 || first > tokens.len() {
            return Err(EngineError::InvalidRequest(format!(
                "of {} tokens, those from {first} on can't be scored",
                tokens.len()
            )));
        }
        self.compute.begin(&[], 0);
        let mut scores = Vec::with_capacity(tokens.len() - first);
        for (index, chunk) in tokens.chunks(CHUNK).enumerate() {
            self.compute.forward(chunk).await?;
            // The logits after a token judge the next one.
            let start = index * CHUNK + 1;
            let skipped = first.saturating_sub(start).min(chunk.len());
            let judged = &tokens[start + skipped..(start + chunk.len()).min(tokens.len())];
            self.compute
                .each_logits(skipped..skipped + judged.len(), |at, logits| {
                    scores.push(Score::of(logits, judged[at]));
                })
                .await?;
        }
        Ok(scores)
    }
}

fn architecture(gguf: &Gguf) -> Result<String, EngineError> {
    let architecture = gguf.string("general.architecture")?.to_owned();
    if matches!(architecture.as_str(), "qwen2" | "llama") {
        Ok(architecture)
    } else {
        Err(EngineError::UnsupportedArchitecture(architecture))
    }
}

/// How a token compares with what the model would have said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The token that the model finds likeliest.
    pub likeliest: u32,
    /// How far the given token's logit lies below the likeliest one's; 0 where it is the same.
    pub logit_margin: f32,
    /// Natural logarithm of the probability that the model gives the token.
    pub log_probability: f32,
}

impl Score {
    fn of(logits: &[f32], token: u32) -> Self {
        let (likeliest, largest) = argmax(logits);
        let sum: f64 = logits
            .iter()
            .map(|logit| f64::from(logit - largest).exp())
            .sum();
        let logit_margin = largest - logits[token as usize];
        Self {
            likeliest,
            logit_margin,
            log_probability: -logit_margin - sum.ln() as f32,
        }
    }
}
