//! `/api/admin/queue`: prompts that wait or run, without a word of them, and how one is ended.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use protocol::TaskId;
use serde::Serialize;
use serde_json::{Value, json};

use super::{LogEntry, Operator, key_views::KeyName};
use crate::{dispatch::ListedPrompt, error::ApiError, keys::Book, state::Hub};

#[derive(Debug, Serialize)]
struct PromptView<'a> {
    task_id: &'a TaskId,
    model: &'a str,
    /// Null where it was sent without a key.
    key: Option<KeyName<'a>>,
    state: Stage,
    /// So long in this state.
    for_ms: u64,
    expected_prompt_tokens: u32,
    expected_answer_tokens: u32,
    attempts: u32,
    /// It stands in for another that is late.
    second_attempt: bool,
    node: Option<NodeName<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Waiting,
    /// A node has it and has not begun to answer.
    Reading,
    Answering,
}

#[derive(Debug, Serialize)]
struct NodeName<'a> {
    id: &'a str,
    name: &'a str,
    /// What it answers with.
    model: &'a str,
}

pub(super) async fn list(_operator: Operator, State(hub): State<Hub>) -> Json<Value> {
    let book = hub.keys.book().await.ok();
    let list = hub.dispatcher.prompts().await;
    let prompts: Vec<PromptView<'_>> = list
        .prompts
        .iter()
        .map(|prompt| PromptView::of(prompt, book.as_deref()))
        .collect();
    Json(json!({ "waiting": list.waiting, "running": list.running, "prompts": prompts }))
}

pub(super) async fn cancel(
    operator: Operator,
    State(hub): State<Hub>,
    task_id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(task_id) = task_id?;
    let wanted = TaskId(task_id.clone());
    if !hub.dispatcher.has_prompt(wanted.clone()).await {
        return Err(no_such_prompt());
    }
    let entry = LogEntry::now(operator.author, "prompt.cancelled", task_id, json!({}));
    let dispatcher = hub.dispatcher.clone();
    let stop = async move { dispatcher.stop(wanted).await };
    if hub.admin.record_and_do(Vec::new(), entry, stop).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        // It ended while that was written.
        Err(no_such_prompt())
    }
}

fn no_such_prompt() -> ApiError {
    ApiError::NoSuchThing {
        message: "no prompt of this id waits or runs; GET /api/admin/queue lists them".to_owned(),
    }
}

impl<'a> PromptView<'a> {
    fn of(prompt: &'a ListedPrompt, book: Option<&'a Book>) -> Self {
        let answering = prompt.answering.as_ref();
        Self {
            task_id: &prompt.task_id,
            model: &prompt.model,
            key: prompt.key.map(|id| KeyName::of(id, book)),
            state: match answering {
                None => Stage::Waiting,
                Some(node) if node.started => Stage::Answering,
                Some(_) => Stage::Reading,
            },
            for_ms: u64::try_from(prompt.for_so_long.as_millis()).unwrap_or(u64::MAX),
            expected_prompt_tokens: prompt.prompt_tokens,
            expected_answer_tokens: prompt.answer_tokens,
            attempts: prompt.attempts,
            second_attempt: prompt.is_second,
            node: answering.map(|node| NodeName {
                id: &node.node_id,
                name: &node.node_name,
                model: &node.model,
            }),
        }
    }
}
