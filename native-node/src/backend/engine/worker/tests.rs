use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use ::engine::{Begun, GpuError, Input, Sampling};

use super::*;

use super::super::shelf::{Load, tests::file};

/// Answers every prompt with this many tokens, and counts them; "panic" is more than it can bear, and "lost" more than
/// its GPU can.
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
        if matches!(&request.input, Input::Raw { prompt, .. } if prompt == "lost") {
            return Err(GpuError::Lost("it hung".into()).into());
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

    fn gpu_failed(&mut self, _: &ModelFile, _: &GpuError) {}

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
            begun: Begun::default(),
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
async fn a_lost_gpu_costs_one_prompt_its_answer_and_the_next_finds_the_model_again() {
    let (jobs, _) = start(1);
    let load_ms = async |prompt: &str| {
        let mut events = ask(&jobs, prompt);
        loop {
            match events.recv().await.expect("it ends") {
                Event::Finished { timings, .. } => return Some(timings.load_ms),
                Event::Failed(EngineError::Gpu(GpuError::Lost(_))) => return None,
                _ => {}
            }
        }
    };
    assert!(load_ms("hei").await > Some(0.0), "it was not in memory");
    assert_eq!(load_ms("hei").await, Some(0.0));
    assert_eq!(load_ms("lost").await, None);
    assert!(load_ms("hei").await > Some(0.0), "it was loaded again");
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
fn an_audit_goes_on_while_no_prompt_is_answered_and_ends_when_nobody_waits_for_it() {
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
            finish_reason: None,
            context_length: None,
            seeded: false,
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
    let mut next = ask(&orders, "hei");
    while prompt.blocking_recv().is_some() {}
    assert!(matches!(next.blocking_recv(), Some(Event::Token { .. })));
    assert_eq!(
        judged.load(Ordering::SeqCst),
        STEPS_AFTER_A_PROMPT,
        "some steps between two prompts"
    );
    while next.blocking_recv().is_some() {}
    assert!(result.blocking_recv().unwrap().is_ok());
    assert_eq!(judged.load(Ordering::SeqCst), 10);
    drop(orders);
}
