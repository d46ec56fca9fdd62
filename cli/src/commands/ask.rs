//! `kpn ask`: one question, one answer.

use std::io::{IsTerminal, Read};

use serde::Serialize;

use super::Context;
use crate::{
    arguments,
    error::{Failure, Usage},
    hub::{Answer, ChatRequest, Message, Sampling},
    text::Text,
};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Told<'a> {
    model: &'a str,
    answer: &'a str,
    #[serde(flatten)]
    end: &'a Answer,
}

pub(super) async fn run(context: &Context, ask: arguments::Ask) -> Result<(), Failure> {
    let question = question(&ask.words).await?;
    let model = context.model().await?.id;
    let request = ChatRequest {
        messages: messages(&ask, question),
        sampling: sampling(&ask),
        model,
        stop: Vec::new(),
    };
    let (text, end) = answer(context, &request).await?;
    if context.output.json {
        return Ok(context.output.json(&Told {
            model: &request.model,
            answer: &text,
            end: &end,
        })?);
    }
    let (output, language) = (context.output, context.language);
    if text.is_empty() {
        output.note(Text::default().yellow(language.empty_answer()))?;
    } else if end.is_cut_off() {
        output.note(Text::default().yellow(language.cut_off()))?;
    }
    tell_of_end(context, &end)
}

/// Shows an answer as it comes.
pub(super) async fn answer(
    context: &Context,
    request: &ChatRequest,
) -> Result<(String, Answer), Failure> {
    let mut text = String::new();
    let streamed = stream(context, request, &mut text).await;
    // Whatever follows, an error too, begins in a line of its own.
    let is_in_line = !text.is_empty() && !text.ends_with('\n');
    if is_in_line && !context.output.json {
        context.output.piece("\n")?;
    }
    Ok((text, streamed?))
}

/// `text` has what came, however it ended.
pub(super) async fn stream(
    context: &Context,
    request: &ChatRequest,
    text: &mut String,
) -> Result<Answer, Failure> {
    let mut answer = context.hub.ask(request).await?;
    while let Some(piece) = answer.next().await? {
        text.push_str(&piece);
        if !context.output.json {
            context.output.piece(&piece)?;
        }
    }
    Ok(answer.end().0)
}

/// Who answered, and how fast; only for somebody who watches.
pub(super) fn tell_of_end(context: &Context, end: &Answer) -> Result<(), Failure> {
    let (output, language) = (context.output, context.language);
    if !output.is_watched() {
        return Ok(());
    }
    let mut facts = Vec::new();
    if let Some(report) = &end.report {
        facts.extend([report.model.clone(), report.node.clone()]);
    }
    if let Some(usage) = &end.usage {
        facts.push(language.tokens(usage.completion_tokens));
    }
    if let Some(speed) = end
        .report
        .as_ref()
        .and_then(|report| report.tokens_per_second)
    {
        facts.push(language.speed(speed));
    }
    facts.retain(|fact| !fact.is_empty());
    Ok(output.note(Text::default().dim(facts.join(" · ")))?)
}

/// The words, with what comes in in place of each `-`; nothing but that where there are none.
async fn question(words: &[String]) -> Result<String, Failure> {
    let reads = words.is_empty() || words.iter().any(|word| word == "-");
    // Whoever types a question to a program that reads would not know that it waits.
    let is_typed = words.is_empty() && std::io::stdin().is_terminal();
    if is_typed {
        return Err(Failure::Usage(Usage::NoQuestion));
    }
    let read = if reads { read_all().await? } else { Vec::new() };
    let read = String::from_utf8_lossy(&read);
    let mut question = String::new();
    for word in words {
        let is_input = word == "-";
        if !question.is_empty() {
            question.push_str(if is_input { "\n\n" } else { " " });
        }
        question.push_str(if is_input { &read } else { word });
    }
    if words.is_empty() {
        question = read.into_owned();
    }
    if question.trim().is_empty() {
        return Err(Failure::Usage(Usage::NoQuestion));
    }
    Ok(question)
}

/// On a thread of its own, which Ctrl+C need not wait for.
async fn read_all() -> Result<Vec<u8>, Failure> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut read = Vec::new();
        std::io::stdin().lock().read_to_end(&mut read)?;
        Ok(read)
    });
    reading.await.map_err(anyhow::Error::from)?
}

fn messages(ask: &arguments::Ask, question: String) -> Vec<Message> {
    let prompt = ask.agent.map(|role| super::agent(role).prompt);
    let system = ask.system.clone().or(prompt);
    let system = system.map(|prompt| Message::new("system", prompt));
    system
        .into_iter()
        .chain([Message::new("user", question)])
        .collect()
}

fn sampling(ask: &arguments::Ask) -> Sampling {
    let agent = ask.agent.map(|role| super::agent(role).sampling.into());
    let Sampling {
        temperature,
        max_tokens,
        ..
    } = agent.unwrap_or_default();
    Sampling {
        temperature: ask.temperature.or(temperature),
        max_tokens: ask.max_tokens.or(max_tokens),
        seed: ask.seed,
        ..agent.unwrap_or_default()
    }
}
