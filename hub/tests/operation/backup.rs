//! `kipina-hub backup`, on a database that is being written to.

use std::{fs, path::Path, process::Output};

use protocol::Totals;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    process::{hub, start, terminate, text},
};

fn back_up(home: &TempDir, target: &Path) -> Output {
    let mut command = hub(home, &[]);
    command.arg("backup").arg(target).output().unwrap()
}

async fn answer_one(address: &str) {
    let mut node = FakeNode::join(&format!("ws://{address}/ws"), hello(MODEL)).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    let request = http::client()
        .post(format!("http://{address}/v1/chat/completions"))
        .body(body.to_string());
    let asking = tokio::spawn(request.send());
    let prompt = node.prompt().await;
    node.answer(&prompt.task_id, &["valmis"]).await;
    let response = asking.await.unwrap().unwrap();
    response.bytes().await.unwrap();
}

async fn totals(address: &str) -> Totals {
    let stats = http::client().get(format!("http://{address}/api/stats"));
    let stats = stats.send().await.unwrap().text().await.unwrap();
    serde_json::from_str::<protocol::Stats>(&stats)
        .unwrap()
        .totals
}

async fn prompts_when(address: &str, wished: u64) {
    for _ in 0..500 {
        if totals(address).await.prompts == wished {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{wished} prompts were never written down");
}

#[tokio::test]
async fn a_copy_of_a_live_database_is_whole_and_restores_the_hub() {
    let home = TempDir::new().unwrap();
    let (mut child, address) = start(&home, &[]);
    answer_one(&address).await;
    prompts_when(&address, 1).await;
    let copy = home.path().join("copy.sqlite");
    let output = back_up(&home, &copy);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(
        said.starts_with("The backup is made and checked") && said.contains("1 prompts"),
        "{said}"
    );
    answer_one(&address).await;
    prompts_when(&address, 2).await;

    let again = back_up(&home, &copy);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is there already"));
    terminate(&child);
    assert!(child.wait().unwrap().success());

    // As docs/OPERATIONS.md says: the log goes, the copy comes.
    let database = home.path().join(".local/share/kipina/kipina.sqlite");
    for beside in ["kipina.sqlite-wal", "kipina.sqlite-shm"] {
        let _ = fs::remove_file(database.with_file_name(beside));
    }
    fs::copy(&copy, &database).unwrap();
    let (mut child, address) = start(&home, &[]);
    assert_eq!(totals(&address).await.prompts, 1, "as it was at the copy");
    answer_one(&address).await;
    prompts_when(&address, 2).await;
    terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nothing_is_left_where_there_was_nothing_to_copy() {
    let home = TempDir::new().unwrap();
    let copy = home.path().join("copy.sqlite");
    let output = back_up(&home, &copy);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("There is no database"));

    let database = home.path().join(".local/share/kipina/kipina.sqlite");
    fs::create_dir_all(database.parent().unwrap()).unwrap();
    fs::write(
        &database,
        "this is no database, but long enough to look like one".repeat(100),
    )
    .unwrap();
    let output = back_up(&home, &copy);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("copy"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
