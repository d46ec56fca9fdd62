//! How fast the engine is: a prompt of exactly so many tokens and an answer of exactly so many, taken
//! the way of every other answer. What time it is, the caller says.

use std::time::Duration;

use crate::text::TextStream;
use crate::{Engine, EngineError, Sampling, Session, Step};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The prompt's ids: [`Engine::repeated`] makes as many as are wanted.
    pub prompt: Vec<u32>,
    /// Tokens after the first one, which the prompt's own pass gives.
    pub decode_tokens: usize,
    /// What the KV cache already holds of the prompt is not computed again.
    pub keep_cache: bool,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speed {
    pub prompt_tokens: usize,
    /// Those of the prompt that the KV cache already held.
    pub cached_tokens: usize,
    /// From the beginning until the prompt was computed.
    pub prefill: Duration,
    /// From the beginning until the answer's first token was there.
    pub first_token: Duration,
    /// Tokens after the first.
    pub decoded_tokens: usize,
    /// From the first token to the last.
    pub decode: Duration,
    /// The answer's ids, the first one included: for a prompt that goes on from here.
    pub answer: Vec<u32>,
}

/// A measurement in the making: the steps of its answer, for callers that do something between two.
#[derive(Debug)]
pub struct Measuring<'engine, Clock> {
    session: Session<'engine>,
    clock: Clock,
    started: Duration,
    speed: Speed,
}

impl Engine {
    /// Measures in one go. `clock` tells the time since any moment, and never goes backwards.
    pub fn measure(
        &mut self,
        measurement: &Measurement,
        clock: impl FnMut() -> Duration,
    ) -> Result<Speed, EngineError> {
        let mut measuring = self.start_measuring(measurement, clock)?;
        for step in measuring.by_ref() {
            step?;
        }
        Ok(measuring.finish())
    }

    /// Begins a measurement that the caller steps through.
    pub fn start_measuring<Clock: FnMut() -> Duration>(
        &mut self,
        measurement: &Measurement,
        mut clock: Clock,
    ) -> Result<Measuring<'_, Clock>, EngineError> {
        let prompt = &measurement.prompt;
        let answer_tokens = measurement.decode_tokens.saturating_add(1);
        let context_length = self.info().context_length;
        let fits = prompt
            .len()
            .checked_add(answer_tokens)
            .is_some_and(|tokens| tokens <= context_length);
        if prompt.is_empty() || !fits {
            return Err(EngineError::InvalidRequest(format!(
                "a prompt of {} tokens and an answer of {answer_tokens} can't be measured: the \
                 context holds {context_length}, and a prompt has at least one",
                prompt.len()
            )));
        }
        self.check_tokens(prompt)?;
        let started = clock();
        let most_cached = if measurement.keep_cache {
            usize::MAX
        } else {
            0
        };
        let sampling = Sampling::greedy(Some(answer_tokens));
        let mut session = Session::start(
            self,
            prompt.clone(),
            0,
            TextStream::new(Vec::new()),
            &sampling,
            most_cached,
        )?;
        session.ignore_ends();
        Ok(Measuring {
            session,
            clock,
            started,
            speed: Speed::default(),
        })
    }

    /// The ids of a prompt of exactly `count` tokens: one ordinary word, again and again.
    pub fn repeated(&self, count: usize) -> Result<Vec<u32>, EngineError> {
        let ids = self.tokenize(" the")?;
        Ok(ids.into_iter().cycle().take(count).collect())
    }
}

impl<Clock: FnMut() -> Duration> Measuring<'_, Clock> {
    /// As [`Session::set_step`].
    pub fn set_step(&mut self, tokens: usize) {
        self.session.set_step(tokens);
    }

    /// How much of the prompt needs no computing.
    pub fn cached_tokens(&self) -> usize {
        self.session.usage().cached_tokens
    }

    /// As [`Session::set_ahead`].
    pub fn set_ahead(&mut self, tokens: usize) {
        self.session.set_ahead(tokens);
    }

    /// As [`Session::next_step`].
    pub async fn next_step(&mut self) -> Option<Result<Step, EngineError>> {
        let step = self.session.next_step().await?;
        self.note(&step);
        Some(step)
    }

    fn note(&mut self, step: &Result<Step, EngineError>) {
        let elapsed = (self.clock)().saturating_sub(self.started);
        match step {
            Ok(Step::Prefilled { .. }) => self.speed.prefill = elapsed,
            Ok(Step::Text { token_id, .. }) => self.speed.decoded(*token_id, elapsed),
            Ok(Step::Finished { .. }) | Err(_) => {}
        }
    }

    /// What came out, of the steps that were taken.
    pub fn finish(self) -> Speed {
        let usage = self.session.usage();
        Speed {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            ..self.speed
        }
    }
}

impl<Clock: FnMut() -> Duration> Iterator for Measuring<'_, Clock> {
    type Item = Result<Step, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.session.next()?;
        self.note(&step);
        Some(step)
    }
}

impl Speed {
    fn decoded(&mut self, token_id: u32, elapsed: Duration) {
        if self.answer.is_empty() {
            self.first_token = elapsed;
        } else {
            self.decoded_tokens += 1;
            self.decode = elapsed - self.first_token;
        }
        self.answer.push(token_id);
    }
}
