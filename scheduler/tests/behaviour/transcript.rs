//! A transcript: one line per event, `seconds | event | the effects it must have`.

use std::time::Duration;

use protocol::{Catalogue, NodeKind, NodeModel, NodeStatus, Owner, Timings, Usage};
use scheduler::{
    Benchmark, BreakerSettings, ClientId, Effect, EnsembleId, Event, GiveUpReason, HedgeSettings,
    ModelNames, NodeId, NodePreference, NodeProfile, Prefix, PromptId, PromptProfile, Scheduler,
    Settings,
};

pub(crate) fn settings() -> Settings {
    Settings {
        queue_length: 2,
        queue_deadline: Duration::from_secs(60),
        stranded_deadline: Duration::from_secs(10),
        attempts: 3,
        breaker: BreakerSettings::default(),
        hedge: Some(HedgeSettings {
            multiple: 4.0,
            least: Duration::from_secs(100),
        }),
        affinity: true,
        resume: true,
    }
}

pub(crate) fn scheduler() -> Scheduler {
    scheduler_with(settings())
}

pub(crate) fn scheduler_with(settings: Settings) -> Scheduler {
    let catalogue = Catalogue::parse(include_str!("../../../models.toml"));
    Scheduler::new(
        settings,
        ModelNames::new(&catalogue.expect("the catalogue parses")),
    )
}

/// Writes the everyday model's name out.
pub(crate) fn with_small(transcript: &str) -> String {
    transcript.replace("SMALL", "qwen2.5-coder:0.5b")
}

/// Plays the lines and compares every line's effects with those written at its end.
pub(crate) fn play(transcript: &str) -> Scheduler {
    let mut scheduler = scheduler();
    for line in transcript
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let mut columns = line.split('|').map(str::trim);
        let seconds: f64 = columns.next().expect("a time").parse().expect("seconds");
        let event = event(columns.next().expect("an event"));
        let expected = columns.next().unwrap_or_default();
        let effects = scheduler.handle(Duration::from_secs_f64(seconds), event);
        let effects: Vec<String> = effects.iter().map(describe).collect();
        assert_eq!(effects.join("; "), expected, "at the line: {line}");
    }
    scheduler
}

pub(crate) fn model(id: &str) -> NodeModel {
    NodeModel {
        id: id.to_owned(),
        digest: None,
        quantisation: None,
        parameters: None,
        context_length: 4096,
        runtime: String::new(),
    }
}

pub(crate) fn owner(secret: &str) -> Owner {
    Owner::try_from(secret.to_owned()).expect("a proper owner")
}

/// Whose it is, as in `of:aino`.
fn whose(words: &[&str]) -> Option<Owner> {
    let name = words.iter().find_map(|word| word.strip_prefix("of:"))?;
    Some(owner(&format!("{name}-and-a-long-secret")))
}

/// A number behind a word, as in `by:7`.
fn number(words: &[&str], name: &str) -> Option<u64> {
    let number = words.iter().find_map(|word| word.strip_prefix(name))?;
    Some(number.parse().expect("a number"))
}

/// Where the messages of a conversation end, each as long as all others, as in `talk:ab`.
fn prefixes(words: &[&str]) -> Vec<Prefix> {
    let talk = words.iter().find_map(|word| word.strip_prefix("talk:"));
    let talk = talk.unwrap_or_default();
    let each = number(words, "long:").unwrap_or(100) as u32 / talk.len().max(1) as u32;
    let mut fingerprint = 0;
    talk.bytes()
        .zip(1..)
        .map(|(message, count)| {
            fingerprint = fingerprint * 1000 + u64::from(message);
            Prefix {
                fingerprint,
                tokens: each * count,
            }
        })
        .collect()
}

pub(crate) fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["join", node, kind, models, ref rest @ ..] => Event::NodeJoined {
            node: node_id(node),
            profile: NodeProfile {
                kind: if kind == "native" {
                    NodeKind::Native
                } else {
                    NodeKind::Browser
                },
                trusted: rest.contains(&"trusted"),
                has_gpu: rest.contains(&"gpu"),
                slots: rest.iter().find_map(|word| word.parse().ok()).unwrap_or(1),
                models: models.split(',').map(model).collect(),
                owner: whose(rest),
                only_own: rest.contains(&"only-own"),
                paused: rest.contains(&"paused"),
                drained: rest.contains(&"drained"),
                suspended: rest.contains(&"suspended"),
            },
        },
        ["benchmark", node, cpu, ref gpu @ ..] => Event::Benchmarked {
            node: node_id(node),
            benchmark: Benchmark {
                cpu_multiply_adds_per_second: cpu.parse().expect("a speed"),
                gpu_multiply_adds_per_second: gpu.first().map(|gpu| gpu.parse().expect("a speed")),
            },
        },
        ["suspend", node] => suspended(node, true),
        ["reinstate", node] => suspended(node, false),
        ["only-own", node, switch] => changed(
            node,
            NodeStatus {
                only_own: Some(switch == "on"),
                ..Default::default()
            },
        ),
        ["pause", node] => changed(
            node,
            NodeStatus {
                paused: Some(true),
                ..Default::default()
            },
        ),
        ["resume", node] => changed(
            node,
            NodeStatus {
                paused: Some(false),
                ..Default::default()
            },
        ),
        ["slots", node, slots] => {
            let slots = Some(slots.parse().expect("a number of slots"));
            changed(
                node,
                NodeStatus {
                    slots,
                    ..Default::default()
                },
            )
        }
        ["models", node, models] => {
            let models = Some(models.split(',').map(model).collect());
            changed(
                node,
                NodeStatus {
                    models,
                    ..Default::default()
                },
            )
        }
        ["rule", node, ref rest @ ..] => Event::NodeRuled {
            node: node_id(node),
            trusted: rest.contains(&"trusted"),
            drained: rest.contains(&"drained"),
        },
        ["settings", ref words @ ..] => Event::SettingsChanged(changed_settings(words)),
        ["leave", node] => Event::NodeLeft {
            node: node_id(node),
        },
        ["ask", prompt, model, ref rest @ ..] => Event::Submitted {
            prompt: prompt_id(prompt),
            profile: PromptProfile {
                model: model.to_owned(),
                preference: match rest.first() {
                    Some(&"native") => NodePreference::Native,
                    Some(&"browser") => NodePreference::Browser,
                    Some(&"trusted") => NodePreference::Trusted,
                    Some(&"own") => NodePreference::Own,
                    _ => NodePreference::Any,
                },
                demand: if rest.contains(&"key-trusted") {
                    NodePreference::Trusted
                } else {
                    NodePreference::Any
                },
                owner: whose(rest),
                client: ClientId(number(rest, "by:").unwrap_or_default()),
                prompt_tokens: number(rest, "long:").map_or(100, |tokens| tokens as u32),
                answer_tokens: 400,
                prefixes: prefixes(rest),
                hedges: rest
                    .iter()
                    .find_map(|word| word.strip_prefix("again:"))
                    .map(prompt_id),
                resumable: rest.contains(&"resumable"),
                ensemble: rest.iter().find_map(|word| {
                    let number = word.strip_prefix("ensemble:")?;
                    Some(EnsembleId(number.parse().expect("an ensemble's number")))
                }),
            },
        },
        // `ensemble 1 n1:SMALL n2:SMALL`
        ["ensemble", id, ref members @ ..] => Event::EnsembleBegun {
            ensemble: EnsembleId(id.parse().expect("an ensemble's number")),
            among: members
                .iter()
                .map(|member| {
                    let (node, model) = member.split_once(':').expect("a node and its model");
                    (node_id(node), model.to_owned())
                })
                .collect(),
        },
        ["start", prompt, "on", node] => Event::Started {
            node: node_id(node),
            prompt: prompt_id(prompt),
        },
        ["unresumable", prompt, "on", node] => Event::Unresumable {
            node: node_id(node),
            prompt: prompt_id(prompt),
        },
        ["finish", prompt, "on", node, ref speed @ ..] => Event::Finished {
            node: node_id(node),
            prompt: prompt_id(prompt),
            usage: Usage {
                prompt_tokens: 100,
                cached_tokens: 0,
                completion_tokens: 100,
            },
            timings: speed
                .first()
                .map_or_else(Timings::default, |tokens_per_second| {
                    let tokens_per_second: f64 = tokens_per_second.parse().expect("a speed");
                    let milliseconds = 100_000.0 / tokens_per_second;
                    Timings {
                        load_ms: 0.0,
                        prefill_ms: milliseconds,
                        decode_ms: milliseconds,
                    }
                }),
        },
        ["fail", prompt, "on", node, ref rest @ ..] => Event::Failed {
            node: node_id(node),
            prompt: prompt_id(prompt),
            retryable: rest.contains(&"retryable"),
            fault: rest.contains(&"retryable"),
        },
        ["cancel", prompt] => Event::Cancelled {
            prompt: prompt_id(prompt),
        },
        ["time"] => Event::TimePassed,
        ["expect", "nodes"] => Event::NodesExpected(true),
        ["expect", "nobody"] => Event::NodesExpected(false),
        ["drain"] => Event::DrainRequested,
        _ => panic!("no such event: {text}"),
    }
}

fn suspended(node: &str, suspended: bool) -> Event {
    Event::NodeSuspended {
        node: node_id(node),
        suspended,
    }
}

/// The usual ones but for what is named.
fn changed_settings(words: &[&str]) -> Settings {
    let usual = settings();
    Settings {
        queue_length: number(words, "queue:").map_or(usual.queue_length, |length| length as usize),
        queue_deadline: number(words, "wait:").map_or(usual.queue_deadline, Duration::from_secs),
        hedge: usual.hedge.filter(|_| !words.contains(&"no-hedge")),
        affinity: !words.contains(&"no-affinity"),
        resume: !words.contains(&"no-resume"),
        ..usual
    }
}

fn changed(node: &str, status: NodeStatus) -> Event {
    Event::NodeChanged {
        node: node_id(node),
        status,
    }
}

fn node_id(text: &str) -> NodeId {
    NodeId(
        text.trim_start_matches('n')
            .parse()
            .expect("a node's id, as in n1"),
    )
}

fn prompt_id(text: &str) -> PromptId {
    PromptId(
        text.trim_start_matches('p')
            .parse()
            .expect("a prompt's id, as in p1"),
    )
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Assign {
            prompt,
            node,
            model,
        } => {
            format!("p{} to n{} with {model}", prompt.0, node.0)
        }
        Effect::Cancel { prompt, node } => format!("cancel p{} on n{}", prompt.0, node.0),
        Effect::Hedge { prompt } => format!("hedge p{}", prompt.0),
        Effect::Withdraw { prompt } => format!("withdraw p{}", prompt.0),
        Effect::GiveUp { prompt, reason } => {
            let reason = match reason {
                GiveUpReason::NoNode { known: true } => "no node".to_owned(),
                GiveUpReason::NoNode { known: false } => "no such model".to_owned(),
                GiveUpReason::QueueFull { waiting, .. } => format!("queue full with {waiting}"),
                GiveUpReason::DeadlineExpired => "deadline".to_owned(),
                GiveUpReason::Failed => "failed".to_owned(),
                GiveUpReason::Stopping => "stopping".to_owned(),
            };
            format!("give up p{}: {reason}", prompt.0)
        }
    }
}
