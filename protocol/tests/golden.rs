//! The wire as JSON files: each message is read, written again and compared, so that a change of
//! the wire shows as a change of a file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use protocol::{History, HistoryRange, HubMessage, NodeMessage, Rates, Stats};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn golden(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&path)
        .expect("the golden files are here")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", path.display());
    files
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a readable file");
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse<T: DeserializeOwned>(path: &Path, value: &Value) -> T {
    // Through text, as on the wire.
    serde_json::from_str(&value.to_string())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check_all<T: DeserializeOwned + Serialize>(folder: &str) {
    for path in golden(folder) {
        let value = read(&path);
        let message: T = parse(&path, &value);
        let written = serde_json::to_value(&message).expect("every message can be written");
        assert_eq!(written, value, "{}", path.display());
    }
}

#[test]
fn what_the_hub_says_is_written_as_it_is_read() {
    check_all::<HubMessage>("from_hub");
}

#[test]
fn what_nodes_say_is_written_as_it_is_read() {
    check_all::<NodeMessage>("from_node");
}

#[test]
fn statistics_are_written_as_they_are_read() {
    check_all::<Stats>("stats");
    check_all::<History>("history");
}

#[test]
fn every_message_has_its_file() {
    let types = |folder| -> BTreeSet<String> {
        let files = golden(folder);
        files
            .iter()
            .map(|path| read(path)["type"].as_str().expect("a type").to_owned())
            .collect()
    };
    for (folder, unknown) in [
        (
            "from_hub",
            serde_json::from_value::<HubMessage>(json!({"type": "?"})).err(),
        ),
        (
            "from_node",
            serde_json::from_value::<NodeMessage>(json!({"type": "?"})).err(),
        ),
    ] {
        // serde's error names every variant there is: ``unknown variant `?`, expected one of …``.
        let error = unknown.expect("no message is called '?'").to_string();
        let named = error
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| *name != "?");
        assert_eq!(
            named.map(str::to_owned).collect::<BTreeSet<_>>(),
            types(folder),
            "{folder}"
        );
    }
}

#[test]
fn unknown_fields_are_tolerated_everywhere() {
    fn check<T: DeserializeOwned + PartialEq + std::fmt::Debug>(folder: &str) {
        for path in golden(folder) {
            let known = read(&path);
            let mut newer = known.clone();
            add_unknown_fields(&mut newer);
            assert_eq!(
                parse::<T>(&path, &newer),
                parse::<T>(&path, &known),
                "{}",
                path.display()
            );
        }
    }
    check::<HubMessage>("from_hub");
    check::<NodeMessage>("from_node");
    check::<Stats>("stats");
    check::<History>("history");
}

/// Into every object, but for those that are passed on as they are.
fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if !["tools", "tool_calls", "response_format"].contains(&name.as_str()) {
                    add_unknown_fields(field);
                }
            }
            fields.insert(
                "from_the_future".to_owned(),
                json!({"any": ["thing", 1, null]}),
            );
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        _ => {}
    }
}

#[test]
fn what_an_older_node_leaves_out_has_a_default() {
    let hello = json!({"type": "hello", "protocol_version": 1, "kind": "browser", "name": "tab"});
    let NodeMessage::Hello(hello) = serde_json::from_value(hello).expect("a hello") else {
        panic!("not a hello")
    };
    assert_eq!((hello.slots, hello.models.len(), hello.key), (1, 0, None));
    let whose = (hello.owner, hello.only_own, hello.paused);
    assert_eq!(whose, (None, false, false));

    let done = json!({
        "type": "llm_done", "task_id": "t", "finish_reason": "stop",
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    });
    let NodeMessage::LlmDone(done) = serde_json::from_value(done).expect("a done") else {
        panic!("not a done")
    };
    assert_eq!((done.usage.cached_tokens, done.timings.decode_ms), (0, 0.0));
}

#[test]
fn what_an_older_hub_leaves_out_of_its_statistics_has_a_default() {
    let stats = json!({
        "nodes": [], "queue": {"waiting": 0, "running": 0},
        "totals": {
            "prompts": 1, "failed": 0, "prompt_tokens": 2, "completion_tokens": 3, "nodes_seen": 1,
        },
    });
    let stats: Stats = serde_json::from_value(stats).expect("statistics");
    assert_eq!(stats.rates, Rates::default());
}

#[test]
fn a_range_is_called_what_it_is_written_as() {
    for range in HistoryRange::ALL {
        assert_eq!(json!(range), json!(range.name()));
    }
}

#[test]
fn a_hello_with_an_owner_that_is_none_is_no_hello() {
    let hello = json!({
        "type": "hello", "protocol_version": 1, "kind": "browser", "name": "tab", "owner": "me",
    });
    let error = serde_json::from_value::<NodeMessage>(hello).expect_err("too short a secret");
    assert!(error.to_string().contains("16 to 64"), "{error}");
}

#[test]
fn codes_and_tasks_of_newer_peers_are_read_as_unknown() {
    let error = json!({"type": "llm_error", "task_id": "t", "code": "haunted", "message": "boo"});
    let NodeMessage::LlmError(error) = serde_json::from_value(error).expect("an error") else {
        panic!("not an error")
    };
    assert_eq!(error.code, protocol::LlmErrorCode::Other);

    let task = json!({"type": "ai_task", "task_id": "t", "task": "dream", "depth": 3});
    let HubMessage::AiTask(task) = serde_json::from_value(task).expect("a task") else {
        panic!("not a task")
    };
    assert_eq!(task.task, protocol::Task::Unknown);
}
