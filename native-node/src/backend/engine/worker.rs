//! The thread that computes: takes prompts one after another and steps through each.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use ::engine::{Audit, Engine, EngineError, FinishReason, Judgement, Request, Step, Usage};
use protocol::Timings;
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    model_file::ModelFile,
    shelf::{NotLoaded, Shelf},
};

/// Tokens of an audit in one step: a prompt that comes meanwhile waits for no more than these.
const AUDIT_CHUNK: usize = 64;

#[derive(Debug)]
pub(super) enum Order {
    /// Load this model, and tell when it is there.
    Load(Arc<ModelFile>, oneshot::Sender<Result<(), NotLoaded>>),
    Answer(Job),
    /// Judge an answer, whenever there is nothing else to do.
    Audit(AuditJob),
}

/// An answer to be judged. Dropping the receiver cancels.
#[derive(Debug)]
pub(super) struct AuditJob {
    pub(super) file: Arc<ModelFile>,
    pub(super) audit: Audit,
    pub(super) judged: oneshot::Sender<Result<Vec<Judgement>, NotLoaded>>,
}

/// A prompt and where its answer goes. Dropping the receiver cancels.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) file: Arc<ModelFile>,
    pub(super) request: Request,
    pub(super) events: mpsc::Sender<Event>,
}

#[derive(Debug)]
pub(super) enum Event {
    Token {
        text: String,
        token_id: u32,
    },
    Finished {
        text: String,
        reason: FinishReason,
        usage: Usage,
        timings: Timings,
    },
    Failed(EngineError),
    NotLoaded(NotLoaded),
    /// The engine made a mistake.
    Panicked,
}

/// What the worker needs of an engine.
pub(super) trait Compute {
    /// The session borrows the engine, and yields nothing more after an error or the end.
    fn start<'a>(&'a mut self, request: &Request) -> Result<Box<dyn Steps + 'a>, EngineError>;

    /// True once everything is judged.
    fn judge(&mut self, audit: &mut Audit) -> Result<bool, EngineError>;
}

pub(super) trait Steps: Iterator<Item = Result<Step, EngineError>> {
    fn usage(&self) -> Usage;
}

impl Compute for Engine {
    fn start<'a>(&'a mut self, request: &Request) -> Result<Box<dyn Steps + 'a>, EngineError> {
        Ok(Box::new(Engine::start(self, request)?))
    }

    fn judge(&mut self, audit: &mut Audit) -> Result<bool, EngineError> {
        audit.step(self, AUDIT_CHUNK)
    }
}

impl Steps for ::engine::Session<'_> {
    fn usage(&self) -> Usage {
        ::engine::Session::usage(self)
    }
}

/// Works until every sender of orders is gone.
pub(super) fn run(shelf: &mut Shelf, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut audits = VecDeque::new();
    loop {
        let order = if audits.is_empty() {
            orders.blocking_recv().ok_or(TryRecvError::Disconnected)
        } else {
            orders.try_recv()
        };
        // Whoever asked may have gone in this moment; then nobody needs to know.
        match order {
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => judge_a_little(shelf, &mut audits),
            Ok(order) => take(shelf, order, &mut audits),
        }
    }
}

fn take(shelf: &mut Shelf, order: Order, audits: &mut VecDeque<AuditJob>) {
    match order {
        Order::Load(file, loaded) => {
            let taken = shelf.take(&file, &|| !loaded.is_closed()).map(drop);
            let _ = loaded.send(taken);
        }
        Order::Answer(job) => {
            if let Some(last) = load_and_answer(shelf, &job) {
                let _ = job.events.blocking_send(last);
            }
        }
        Order::Audit(job) => audits.push_back(job),
    }
}

/// One step of the audit that has waited longest.
fn judge_a_little(shelf: &mut Shelf, audits: &mut VecDeque<AuditJob>) {
    let Some(mut job) = audits.pop_front().filter(|job| !job.judged.is_closed()) else {
        return;
    };
    let step = match shelf.take(&job.file, &|| !job.judged.is_closed()) {
        Ok((engine, _)) => {
            let judged = catch_unwind(AssertUnwindSafe(|| engine.judge(&mut job.audit)));
            let Ok(judged) = judged else {
                // Whoever waits hears that nobody judges any more.
                return shelf.discard(&job.file);
            };
            judged.map_err(NotLoaded::Failed)
        }
        Err(error) => Err(error),
    };
    let _ = match step {
        Ok(false) => return audits.push_front(job),
        Ok(true) => job.judged.send(Ok(job.audit.into_judgements())),
        Err(error) => job.judged.send(Err(error)),
    };
}

/// `None` where nobody waits for the answer any more.
fn load_and_answer(shelf: &mut Shelf, job: &Job) -> Option<Event> {
    if job.events.is_closed() {
        return None;
    }
    let (engine, load) = match shelf.take(&job.file, &|| !job.events.is_closed()) {
        Ok(taken) => taken,
        Err(error) => return Some(Event::NotLoaded(error)),
    };
    // It costs this prompt its answer, and not the node all that come after.
    let answered = catch_unwind(AssertUnwindSafe(|| answer(engine, job, load)));
    answered.unwrap_or_else(|_| {
        shelf.discard(&job.file);
        Some(Event::Panicked)
    })
}

/// Steps to the end of the answer; `None` where nobody waits for it any more.
fn answer(engine: &mut dyn Compute, job: &Job, load: Duration) -> Option<Event> {
    let started = Instant::now();
    let mut prefilled = started;
    let mut session = match engine.start(&job.request) {
        Ok(session) => session,
        Err(error) => return Some(Event::Failed(error)),
    };
    while !job.events.is_closed() {
        match session.next()? {
            Ok(Step::Prefilled { .. }) => prefilled = Instant::now(),
            Ok(Step::Text { text, token_id }) => {
                job.events
                    .blocking_send(Event::Token { text, token_id })
                    .ok()?;
            }
            Ok(Step::Finished { text, reason }) => {
                let timings = Timings {
                    load_ms: load.as_secs_f64() * 1e3,
                    prefill_ms: (prefilled - started).as_secs_f64() * 1e3,
                    decode_ms: prefilled.elapsed().as_secs_f64() * 1e3,
                };
                return Some(Event::Finished {
                    text,
                    reason,
                    usage: session.usage(),
                    timings,
                });
            }
            Err(error) => return Some(Event::Failed(error)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
        time::Duration,
    };

    use ::engine::{Input, Sampling};

    use super::*;

    use super::super::shelf::{Load, tests::file};

    /// Answers every prompt with this many tokens, and counts them; "panic" is more than it can bear.
    #[derive(Clone)]
    struct Counter {
        tokens: usize,
        computed: Arc<AtomicUsize>,
        /// Steps of audits.
        judged: Arc<AtomicUsize>,
    }

    struct CounterSteps<'a>(&'a Counter, usize);

    impl Compute for Counter {
        fn start<'a>(&'a mut self, request: &Request) -> Result<Box<dyn Steps + 'a>, EngineError> {
            if matches!(&request.input, Input::Raw { prompt, .. } if prompt.is_empty()) {
                return Err(EngineError::InvalidRequest("empty".into()));
            }
            if matches!(&request.input, Input::Raw { prompt, .. } if prompt == "panic") {
                panic!("a mistake of the engine's");
            }
            Ok(Box::new(CounterSteps(self, 0)))
        }

        fn judge(&mut self, _: &mut Audit) -> Result<bool, EngineError> {
            let before = self.judged.fetch_add(1, Ordering::SeqCst);
            Ok(before + 1 >= self.tokens)
        }
    }

    impl Iterator for CounterSteps<'_> {
        type Item = Result<Step, EngineError>;

        fn next(&mut self) -> Option<Self::Item> {
            self.1 += 1;
            if self.1 == 1 {
                return Some(Ok(Step::Prefilled { done: 3, total: 3 }));
            }
            if self.1 > self.0.tokens + 1 {
                return Some(Ok(Step::Finished {
                    text: ".".into(),
                    reason: FinishReason::Stop,
                }));
            }
            self.0.computed.fetch_add(1, Ordering::SeqCst);
            Some(Ok(Step::Text {
                text: "x".into(),
                token_id: 1,
            }))
        }
    }

    impl Steps for CounterSteps<'_> {
        fn usage(&self) -> Usage {
            Usage {
                prompt_tokens: 3,
                cached_tokens: 0,
                completion_tokens: self.0.tokens,
            }
        }
    }

    /// The model that everybody's prompts are for; another has other words for it.
    impl Load for Counter {
        fn load(
            &mut self,
            file: &ModelFile,
            _: &dyn Fn() -> bool,
        ) -> Result<Box<dyn Compute>, EngineError> {
            if file.id == "broken" {
                return Err(EngineError::InvalidModel("it is broken".into()));
            }
            assert!(file.id != "panic", "a mistake of the engine's");
            Ok(Box::new(self.clone()))
        }

        fn available_bytes(&self) -> Option<u64> {
            Some(u64::MAX)
        }

        fn held_bytes(&self) -> Option<u64> {
            None
        }

        fn given_up(&self, _: &ModelFile) {}
    }

    fn start(tokens: usize) -> (mpsc::UnboundedSender<Order>, Arc<AtomicUsize>) {
        let computed = Arc::new(AtomicUsize::new(0));
        let counter = Counter {
            tokens,
            computed: Arc::clone(&computed),
            judged: Arc::default(),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        thread::spawn(move || run(&mut Shelf::new(Box::new(counter)), receiver));
        (sender, computed)
    }

    fn ask(orders: &mpsc::UnboundedSender<Order>, prompt: &str) -> mpsc::Receiver<Event> {
        ask_model(orders, "a", prompt)
    }

    fn ask_model(
        orders: &mpsc::UnboundedSender<Order>,
        model: &str,
        prompt: &str,
    ) -> mpsc::Receiver<Event> {
        let (events, receiver) = mpsc::channel(4);
        let input = Input::Raw {
            prompt: prompt.into(),
            suffix: None,
        };
        let job = Job {
            file: file(model, 100),
            request: Request {
                input,
                sampling: Sampling::greedy(None),
            },
            events,
        };
        orders.send(Order::Answer(job)).unwrap();
        receiver
    }

    #[tokio::test]
    async fn every_token_leaves_before_the_end_with_usage_and_timings() {
        let (jobs, _) = start(10);
        let mut events = ask(&jobs, "hei");
        for _ in 0..10 {
            assert!(matches!(events.recv().await, Some(Event::Token { .. })));
        }
        let Some(Event::Finished {
            text,
            usage,
            timings,
            ..
        }) = events.recv().await
        else {
            panic!("the end")
        };
        assert_eq!((text.as_str(), usage.completion_tokens), (".", 10));
        assert!(timings.prefill_ms >= 0.0 && timings.decode_ms >= 0.0);
        assert!(events.recv().await.is_none());
    }

    #[tokio::test]
    async fn an_answer_that_nobody_waits_for_stops_and_the_next_begins() {
        let (jobs, computed) = start(usize::MAX - 1);
        let mut abandoned = ask(&jobs, "hei");
        assert!(abandoned.recv().await.is_some());
        drop(abandoned);
        let mut next = ask(&jobs, "hei");
        assert!(next.recv().await.is_some());
        drop(next);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let after = computed.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(
            computed.load(Ordering::SeqCst),
            after,
            "nothing is computed for nobody"
        );
    }

    #[test]
    fn a_prompt_that_was_abandoned_in_the_queue_is_never_begun() {
        let computed = Arc::new(AtomicUsize::new(0));
        let counter = Counter {
            tokens: 2,
            computed: Arc::clone(&computed),
            judged: Arc::default(),
        };
        let (jobs, receiver) = mpsc::unbounded_channel();
        drop(ask(&jobs, "hei"));
        drop(jobs);
        run(&mut Shelf::new(Box::new(counter)), receiver);
        assert_eq!(computed.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn models_take_turns_and_a_broken_one_harms_no_other() {
        let (orders, _) = start(1);
        for model in ["a", "b", "a"] {
            let mut events = ask_model(&orders, model, "hei");
            assert!(matches!(events.recv().await, Some(Event::Token { .. })));
            let Some(Event::Finished { timings, .. }) = events.recv().await else {
                panic!("the end")
            };
            assert!(timings.load_ms >= 0.0);
        }
        let mut broken = ask_model(&orders, "broken", "hei");
        let error = broken.recv().await;
        assert!(matches!(
            error,
            Some(Event::NotLoaded(NotLoaded::Failed(_)))
        ));
        let (loaded, told) = oneshot::channel();
        orders.send(Order::Load(file("b", 100), loaded)).unwrap();
        assert!(told.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_mistake_of_the_engines_costs_one_prompt_and_its_model_is_loaded_anew() {
        let (orders, _) = start(1);
        let loads = async |prompt: &str| {
            let mut events = ask(&orders, prompt);
            loop {
                match events.recv().await {
                    Some(Event::Token { .. }) => {}
                    Some(Event::Finished { timings, .. }) => return Some(timings.load_ms > 0.0),
                    Some(Event::Panicked) => return None,
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(loads("hei").await, Some(true));
        assert_eq!(loads("hei").await, Some(false));
        assert_eq!(loads("panic").await, None);
        assert_eq!(loads("hei").await, Some(true));
        let mut unloadable = ask_model(&orders, "panic", "hei");
        let error = unloadable.recv().await;
        assert!(matches!(
            error,
            Some(Event::NotLoaded(NotLoaded::Failed(_)))
        ));
        assert_eq!(loads("hei").await, Some(false));
    }

    #[tokio::test]
    async fn a_refused_prompt_says_why_and_the_worker_lives_on() {
        let (jobs, _) = start(1);
        let mut refused = ask(&jobs, "");
        let error = refused.recv().await;
        assert!(matches!(
            error,
            Some(Event::Failed(EngineError::InvalidRequest(_)))
        ));
        assert!(matches!(
            ask(&jobs, "hei").recv().await,
            Some(Event::Token { .. })
        ));
    }

    #[test]
    fn an_audit_goes_on_only_while_no_prompt_waits_and_ends_when_nobody_does() {
        let judged = Arc::new(AtomicUsize::new(0));
        let counter = Counter {
            tokens: 10,
            computed: Arc::default(),
            judged: Arc::clone(&judged),
        };
        let (orders, receiver) = mpsc::unbounded_channel();
        let audit = |judged| {
            let request = ::engine::AuditRequest {
                input: Input::Raw {
                    prompt: "hei".into(),
                    suffix: None,
                },
                sampling: Sampling::greedy(None),
                answer: "x".into(),
                token_ids: Vec::new(),
                ended: false,
            };
            let audit = Audit::new(request);
            orders
                .send(Order::Audit(AuditJob {
                    file: file("a", 100),
                    audit,
                    judged,
                }))
                .unwrap();
        };
        let (sender, result) = oneshot::channel();
        audit(sender);
        let (abandoned, nobody) = oneshot::channel();
        drop(nobody);
        audit(abandoned);
        // Its channel holds four events: its answer is not at its end before they are read.
        let mut prompt = ask(&orders, "hei");
        thread::spawn(move || run(&mut Shelf::new(Box::new(counter)), receiver));
        assert!(matches!(prompt.blocking_recv(), Some(Event::Token { .. })));
        assert_eq!(judged.load(Ordering::SeqCst), 0, "the prompt came first");
        while prompt.blocking_recv().is_some() {}
        assert!(result.blocking_recv().unwrap().is_ok());
        assert_eq!(judged.load(Ordering::SeqCst), 10);
        drop(orders);
    }
}
