//! `kpn bench`: how fast a model answers, through the hub.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::Context;
use crate::{
    error::Failure,
    hub::{ChatRequest, Message, Sampling},
    text::{Text, table},
};

const TOKENS: u32 = 64;
const LINES: usize = 12;

/// One question's figures; what nobody measured is absent.
#[derive(Debug, Default, Serialize)]
struct Run {
    node: Option<String>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    /// From the question to the first text, as seen from here.
    first_text_ms: Option<f64>,
    queued_ms: Option<f64>,
    prompt_tokens_per_second: Option<f64>,
    tokens_per_second: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    model: &'a str,
    median: Figures,
    runs: &'a [Run],
}

#[derive(Debug, Serialize)]
struct Figures {
    first_text_ms: Option<f64>,
    queued_ms: Option<f64>,
    prompt_tokens_per_second: Option<f64>,
    tokens_per_second: Option<f64>,
}

pub(super) async fn run(context: &Context, times: u32) -> Result<(), Failure> {
    let model = context.model().await?.id;
    let (output, language) = (context.output, context.language);
    let mut runs = Vec::new();
    for number in 1..=times {
        if output.is_watched() {
            output.note(Text::default().dim(language.bench_run(number, times)))?;
        }
        runs.push(measure(context, &model).await?);
    }
    let columns = columns(&runs);
    if output.json {
        let [first_text_ms, queued_ms, prompt, answer] =
            columns.each_ref().map(|column| median(column));
        return Ok(output.json(&Told {
            model: &model,
            median: Figures {
                first_text_ms,
                queued_ms,
                prompt_tokens_per_second: prompt,
                tokens_per_second: answer,
            },
            runs: &runs,
        })?);
    }
    let number =
        |value: Option<f64>| value.map_or("–".to_owned(), |value| language.decimal(value));
    let rows: Vec<Vec<String>> = language
        .bench_names()
        .iter()
        .zip(&columns)
        .map(|(name, column)| {
            let least = column.iter().copied().reduce(f64::min);
            let most = column.iter().copied().reduce(f64::max);
            vec![
                (*name).to_owned(),
                number(median(column)),
                number(least),
                number(most),
            ]
        })
        .collect();
    let mut nodes: Vec<String> = runs.iter().filter_map(|run| run.node.clone()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    output.line(
        Text::default()
            .bold(model)
            .dim(format!("  {}", nodes.join(", "))),
    )?;
    for line in table(&language.bench_heads(), &rows, &[1, 2, 3]) {
        output.line(line)?;
    }
    Ok(())
}

async fn measure(context: &Context, model: &str) -> Result<Run, Failure> {
    let request = question(model, fastrand::u64(..));
    let mut answer = context.hub.ask(&request).await?;
    let mut first_at = None;
    let mut last_at = None;
    while answer.next().await?.is_some() {
        let now = Instant::now();
        first_at.get_or_insert(now);
        last_at = Some(now);
    }
    let (end, first_text) = answer.end();
    let usage = end.usage.unwrap_or_default();
    let cached = usage
        .prompt_tokens_details
        .map_or(0, |details| details.cached_tokens);
    let computed = usage.prompt_tokens.saturating_sub(cached);
    let report = end.report;
    // The hub's clock where it tells: the way from here to it is no part of the machine's work.
    let prefill_ms = match &report {
        Some(report) => Some(report.first_token_ms - report.queued_ms),
        None => first_text.map(milliseconds),
    };
    let seen = match (first_at, last_at) {
        (Some(first), Some(last)) => per_second(
            usage.completion_tokens.saturating_sub(1),
            milliseconds(last - first),
        ),
        _ => None,
    };
    Ok(Run {
        prompt_tokens: Some(usage.prompt_tokens),
        completion_tokens: Some(usage.completion_tokens),
        first_text_ms: first_text.map(milliseconds),
        queued_ms: report.as_ref().map(|report| report.queued_ms),
        prompt_tokens_per_second: prefill_ms.and_then(|spent| per_second(computed, spent)),
        tokens_per_second: report
            .as_ref()
            .and_then(|report| report.tokens_per_second)
            .or(seen),
        node: report.map(|report| report.node),
    })
}

/// Some two hundred tokens. `salt` comes first, so that no machine has the prompt's beginning computed already.
fn question(model: &str, salt: u64) -> ChatRequest {
    let lines: String = (1..=LINES)
        .map(|line| {
            format!(
                "Line {line}: a small web service keeps items in a table and answers requests.\n"
            )
        })
        .collect();
    ChatRequest {
        model: model.to_owned(),
        messages: vec![
            Message::new("system", format!("Run {salt}. You count.")),
            Message::new(
                "user",
                format!("{lines}Count from 1 to 100, one number on each line."),
            ),
        ],
        sampling: Sampling {
            temperature: Some(0.0),
            repeat_penalty: Some(1.0),
            max_tokens: Some(TOKENS),
            ..Sampling::default()
        },
        stop: Vec::new(),
    }
}

fn columns(runs: &[Run]) -> [Vec<f64>; 4] {
    let column = |of: fn(&Run) -> Option<f64>| runs.iter().filter_map(of).collect();
    [
        column(|run| run.first_text_ms),
        column(|run| run.queued_ms),
        column(|run| run.prompt_tokens_per_second),
        column(|run| run.tokens_per_second),
    ]
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 0 => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        _ => Some(sorted[middle]),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn per_second(tokens: u64, milliseconds: f64) -> Option<f64> {
    (tokens > 0 && milliseconds > 0.0).then(|| tokens as f64 * 1000.0 / milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn nothing_measured_is_no_speed() {
        assert_eq!(per_second(10, 500.0), Some(20.0));
        assert_eq!(per_second(0, 500.0), None);
        assert_eq!(per_second(10, -3.0), None);
    }

    #[test]
    fn no_two_runs_begin_alike() {
        let begin = |salt| question("m", salt).messages[0].content.clone();
        assert_ne!(begin(1), begin(2));
    }
}
