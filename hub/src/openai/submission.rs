//! From OpenAI's request to the hub's own terms: checked, and with every default filled in.

use std::{fmt::Display, ops::RangeInclusive};

use protocol::{PromptRequest, Sampling};
use serde_json::Value;

use super::{
    messages::conversation,
    request::{ChatCompletionRequest, KipinaOptions, Nodes, Stop},
};
use crate::{
    access::Asker,
    dispatch::{NodePreference, PromptSubmission},
    error::ApiError,
    keys::Bill,
};

/// OpenAI allows 4; local models are often steered with more.
const MOST_STOP_STRINGS: usize = 16;

/// Nodes that one request may keep busy.
const LARGEST_ENSEMBLE: i64 = 5;

/// No model's name is longer, and the name is the one text of a request that is kept.
const LONGEST_MODEL_NAME_BYTES: usize = 256;

/// # Errors
/// Names the first field that is out of range, or that asks for what no node can do.
pub(super) fn submission(
    request: ChatCompletionRequest,
    asker: Asker,
) -> Result<PromptSubmission, ApiError> {
    refuse_unsupported(&request)?;
    if request.model.is_empty() {
        let message = "'model' is missing; GET /v1/models lists the names to choose from";
        return Err(ApiError::invalid("model", message));
    }
    if request.model.len() > LONGEST_MODEL_NAME_BYTES {
        return Err(ApiError::invalid(
            "model",
            "'model' is too long to be a model's name",
        ));
    }
    let sampling = sampling(&request)?;
    let KipinaOptions {
        nodes,
        owner,
        resume,
        ensemble: _,
    } = request.kipina.unwrap_or_default();
    let preference = preference(nodes.unwrap_or(Nodes::Any));
    let owner = match asker.demand {
        // Its nodes are those of the key, whoever the request says it is.
        NodePreference::Own => asker.owner,
        _ => owner.or(asker.owner),
    };
    if preference == NodePreference::Own && owner.is_none() {
        let message =
            "'kipina.owner' is missing: \"nodes\": \"own\" asks for the nodes of an owner";
        return Err(ApiError::invalid("kipina.owner", message));
    }
    let input = conversation(request.messages)?;
    let request = PromptRequest {
        model: request.model,
        input,
        sampling,
        response_format: None,
    };
    Ok(PromptSubmission {
        request,
        preference,
        demand: asker.demand,
        owner,
        bill: Bill::unmetered(asker.client),
        resume: resume.unwrap_or(true),
    })
}

/// How many nodes are to answer.
///
/// # Errors
/// Where these are none, or more than any question is worth.
pub(super) fn ensemble(request: &ChatCompletionRequest) -> Result<u32, ApiError> {
    let wanted = request.kipina.as_ref().and_then(|kipina| kipina.ensemble);
    let wanted = in_range("kipina.ensemble", wanted, 1..=LARGEST_ENSEMBLE)?;
    Ok(wanted.map_or(1, |size| u32::try_from(size).unwrap_or(1)))
}

fn preference(nodes: Nodes) -> NodePreference {
    match nodes {
        Nodes::Any => NodePreference::Any,
        Nodes::Native => NodePreference::Native,
        Nodes::Browser => NodePreference::Browser,
        Nodes::Trusted => NodePreference::Trusted,
        Nodes::Own => NodePreference::Own,
    }
}

fn sampling(request: &ChatCompletionRequest) -> Result<Sampling, ApiError> {
    let defaults = Sampling::default();
    Ok(Sampling {
        temperature: float("temperature", request.temperature, 0.0..=2.0)?
            .unwrap_or(defaults.temperature),
        top_k: top_k(request.top_k)?.unwrap_or(defaults.top_k),
        top_p: float("top_p", request.top_p, 0.0..=1.0)?.unwrap_or(defaults.top_p),
        min_p: float("min_p", request.min_p, 0.0..=1.0)?.unwrap_or(defaults.min_p),
        repeat_penalty: float("repeat_penalty", request.repeat_penalty, 0.01..=10.0)?
            .unwrap_or(defaults.repeat_penalty),
        seed: request.seed,
        max_tokens: max_tokens(request)?,
        stop: stop(request.stop.as_ref())?,
    })
}

fn float(
    name: &str,
    value: Option<f64>,
    allowed: RangeInclusive<f64>,
) -> Result<Option<f32>, ApiError> {
    Ok(in_range(name, value, allowed)?.map(|value| value as f32))
}

/// -1 is how vLLM's users write "all of them"; here that is 0.
fn top_k(value: Option<i64>) -> Result<Option<u32>, ApiError> {
    let value = in_range("top_k", value, -1..=i64::from(u32::MAX))?;
    Ok(value.map(|value| u32::try_from(value).unwrap_or(0)))
}

fn max_tokens(request: &ChatCompletionRequest) -> Result<Option<u32>, ApiError> {
    let count = |name, value| in_range(name, value, 1..=i64::from(u32::MAX));
    let old = count("max_tokens", request.max_tokens)?;
    let new = count("max_completion_tokens", request.max_completion_tokens)?;
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        let message =
            format!("'max_tokens' is {old} and 'max_completion_tokens' is {new}: give only one");
        return Err(ApiError::invalid("max_tokens", message));
    }
    Ok(new.or(old).and_then(|value| u32::try_from(value).ok()))
}

fn stop(stop: Option<&Stop>) -> Result<Vec<String>, ApiError> {
    let strings = match stop {
        None => return Ok(Vec::new()),
        Some(Stop::One(string)) => std::slice::from_ref(string),
        Some(Stop::Several(strings)) => strings,
    };
    if strings.len() > MOST_STOP_STRINGS {
        let message = format!("'stop' may hold {MOST_STOP_STRINGS} strings at most");
        return Err(ApiError::invalid("stop", message));
    }
    if strings.iter().any(String::is_empty) {
        return Err(ApiError::invalid(
            "stop",
            "'stop' must not hold an empty string",
        ));
    }
    Ok(strings.to_vec())
}

fn in_range<N: PartialOrd + Display>(
    name: &str,
    value: Option<N>,
    allowed: RangeInclusive<N>,
) -> Result<Option<N>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    if allowed.contains(&value) {
        return Ok(Some(value));
    }
    let (least, most) = (allowed.start(), allowed.end());
    let message = format!("'{name}' must be from {least} to {most}, and is {value}");
    Err(ApiError::invalid(name, message))
}

/// What no node can do yet is refused where ignoring it would change the answer, and let pass
/// where it asks for what happens anyway.
fn refuse_unsupported(request: &ChatCompletionRequest) -> Result<(), ApiError> {
    in_range("n", request.n, 1..=128)?;
    in_range("frequency_penalty", request.frequency_penalty, -2.0..=2.0)?;
    in_range("presence_penalty", request.presence_penalty, -2.0..=2.0)?;

    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
    let is_filled = |list: &Option<Vec<Value>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let is_choice = |choice: &Option<Value>| {
        is_set(choice)
            && !matches!(
                choice.as_ref().and_then(Value::as_str),
                Some("none" | "auto")
            )
    };
    // Without tools "auto" can't choose one; with `tool_choice: "none"` the tools would still be
    // shown to the model.
    let refused: &[(bool, &str, &str)] = &[
        (
            request.n.is_some_and(|n| n > 1),
            "n",
            "send the request several times instead",
        ),
        (
            request
                .frequency_penalty
                .is_some_and(|penalty| penalty != 0.0),
            "frequency_penalty",
            "use 'repeat_penalty' instead",
        ),
        (
            request
                .presence_penalty
                .is_some_and(|penalty| penalty != 0.0),
            "presence_penalty",
            "use 'repeat_penalty' instead",
        ),
        (
            request.logprobs == Some(true),
            "logprobs",
            "nodes do not report probabilities yet",
        ),
        (
            request.top_logprobs.is_some_and(|count| count > 0),
            "top_logprobs",
            "nodes do not report probabilities yet",
        ),
        (
            request
                .logit_bias
                .as_ref()
                .is_some_and(|bias| !bias.is_empty()),
            "logit_bias",
            "nodes can't bias single tokens yet",
        ),
        (
            request
                .response_format
                .as_ref()
                .is_some_and(|format| format.r#type != "text"),
            "response_format",
            "nodes can only answer with text yet; ask for JSON in the prompt",
        ),
        (
            is_filled(&request.tools),
            "tools",
            "nodes can't call tools yet",
        ),
        (
            is_choice(&request.tool_choice),
            "tool_choice",
            "nodes can't call tools yet",
        ),
        (
            is_filled(&request.functions),
            "functions",
            "nodes can't call functions yet",
        ),
        (
            is_choice(&request.function_call),
            "function_call",
            "nodes can't call functions yet",
        ),
        (
            request
                .modalities
                .iter()
                .flatten()
                .any(|modality| modality != "text"),
            "modalities",
            "nodes can only answer with text",
        ),
        (
            is_set(&request.audio),
            "audio",
            "nodes can only answer with text",
        ),
        (
            is_set(&request.web_search_options),
            "web_search_options",
            "nodes can't search the web",
        ),
    ];
    match refused.iter().find(|(is_refused, ..)| *is_refused) {
        None => Ok(()),
        Some((_, field, why)) => Err(ApiError::unsupported(
            *field,
            format!("'{field}' is not supported: {why}"),
        )),
    }
}

#[cfg(test)]
mod tests;
