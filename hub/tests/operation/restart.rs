//! One process takes another's place under load.

use std::{
    os::unix::net::UnixDatagram,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use protocol::{
    FinishReason, Hello, HubMessage, LlmDone, LlmToken, NodeMessage, TaskId, Timings, Usage,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::support::{
    fake_node::{FakeNode, MODEL, Socket, hello},
    http,
    process::{hub, signal, spawn, start, terminate},
    sse,
};

const NODES: u64 = 6;
/// More than the nodes have slots: some prompts always wait.
const CLIENTS: usize = 18;
const TOKENS: u64 = 24;
const PACE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// What the load saw.
#[derive(Debug, Default)]
struct Load {
    stop: AtomicBool,
    answered: AtomicU64,
    /// Times that a node was told to come back soon, and did.
    moves: AtomicU64,
}

fn answer() -> String {
    (0..TOKENS).map(|number| format!("{number} ")).collect()
}

async fn send(socket: &mut Socket, message: NodeMessage) -> Option<()> {
    let text = serde_json::to_string(&message).unwrap();
    socket.send(Message::text(text)).await.ok()
}

async fn answer_prompt(socket: &mut Socket, task_id: TaskId) -> Option<()> {
    for seq in 0..TOKENS {
        sleep(PACE).await;
        let token = LlmToken {
            task_id: task_id.clone(),
            seq,
            text: format!("{seq} "),
            token_ids: Vec::new(),
        };
        send(socket, NodeMessage::LlmToken(token)).await?;
    }
    let done = LlmDone {
        task_id,
        finish_reason: FinishReason::Stop,
        usage: Usage {
            completion_tokens: TOKENS as u32,
            ..Usage::default()
        },
        timings: Timings::default(),
    };
    send(socket, NodeMessage::LlmDone(done)).await
}

/// Serves until the hub closes the connection; gives the time within which to come back.
async fn serve(url: &str, hello: Hello) -> Option<Duration> {
    let (mut socket, _) = connect_async(url).await.ok()?;
    send(&mut socket, NodeMessage::Hello(hello)).await?;
    let mut within = None;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match serde_json::from_str(&text).unwrap() {
            HubMessage::LlmPrompt(prompt) => answer_prompt(&mut socket, prompt.task_id).await?,
            HubMessage::Drain(drain) => {
                within = drain.reconnect_within_ms.map(Duration::from_millis);
            }
            _ => {}
        }
    }
    within
}

async fn node(url: String, number: u64, load: Arc<Load>) {
    let hello = Hello {
        name: format!("node {number}"),
        ..hello(MODEL)
    };
    loop {
        let pause = match serve(&url, hello.clone()).await {
            Some(within) => {
                load.moves.fetch_add(1, Ordering::Relaxed);
                within.mul_f64(number as f64 / NODES as f64)
            }
            None => Duration::from_millis(50),
        };
        sleep(pause).await;
    }
}

async fn ask(client: &reqwest::Client, url: &str, stream: bool) -> Result<String, String> {
    let body = json!({
        "model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "laske"}],
    });
    let request = client.post(url).body(body.to_string());
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let text = response
        .text()
        .await
        .map_err(|error| format!("{error:?}"))?;
    if status != 200 {
        return Err(format!("{status}: {text}"));
    }
    if !stream {
        let answer: Value = serde_json::from_str(&text).unwrap();
        return Ok(answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned());
    }
    if !text.trim_end().ends_with("data: [DONE]") {
        return Err(format!("cut off: {text}"));
    }
    Ok(sse::text(&sse::chunks(&text)))
}

/// Asks again and again, over connections that are kept; gives what went wrong.
async fn ask_on(
    client: reqwest::Client,
    url: String,
    stream: bool,
    load: Arc<Load>,
) -> Vec<String> {
    let mut failures = Vec::new();
    while !load.stop.load(Ordering::Relaxed) {
        match ask(&client, &url, stream).await {
            Ok(text) if text == answer() => {
                load.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(text) => failures.push(format!("another answer: {text}")),
            Err(failure) => failures.push(failure),
        }
    }
    failures
}

async fn wait_for_end(child: Child) -> bool {
    let mut child = child;
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap().success());
    timeout(PATIENCE, ended).await.expect("it ends").unwrap()
}

fn replacing(home: &TempDir) -> Command {
    let mut command = hub(home, &[]);
    command.arg("replace");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_prompt_fails_while_one_process_takes_anothers_place() {
    let home = TempDir::new().unwrap();
    let (first, address) = start(&home, &[]);
    let load = Arc::new(Load::default());
    for number in 0..NODES {
        tokio::spawn(node(
            format!("ws://{address}/ws"),
            number,
            Arc::clone(&load),
        ));
    }
    let client = http::client();
    let url = format!("http://{address}/v1/chat/completions");
    while ask(&client, &url, false).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let stream = number % 3 != 0;
        clients.spawn(ask_on(
            client.clone(),
            url.clone(),
            stream,
            Arc::clone(&load),
        ));
    }
    sleep(Duration::from_millis(700)).await;

    let before = load.answered.load(Ordering::Relaxed);
    let (second, same_address) = spawn(&mut replacing(&home));
    assert_eq!(same_address, address);
    assert!(wait_for_end(first).await, "the first hub ends well");
    assert!(before > 0 && load.answered.load(Ordering::Relaxed) > before);
    assert!(
        load.moves.load(Ordering::Relaxed) >= NODES,
        "every node has moved"
    );

    // And once more, since whoever took over must be able to give away.
    let (third, _) = spawn(&mut replacing(&home));
    assert!(wait_for_end(second).await, "the second hub ends well");
    sleep(Duration::from_millis(500)).await;
    load.stop.store(true, Ordering::Relaxed);
    let failures: Vec<String> = timeout(PATIENCE, clients.join_all())
        .await
        .expect("every prompt is answered")
        .concat();
    assert!(
        failures.is_empty(),
        "{} of {}: {failures:#?}",
        failures.len(),
        load.answered.load(Ordering::Relaxed)
    );
    assert!(
        load.answered.load(Ordering::Relaxed) > 100,
        "there was a load"
    );
    terminate(&third);
    assert!(wait_for_end(third).await);
}

/// Reads one response from a connection that stays open, or not.
async fn exchange(connection: &mut TcpStream) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"}") {
        let read = connection.read_buf(&mut response).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&response));
    }
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn a_connection_to_the_old_process_reaches_the_new_one_and_is_closed() {
    let home = TempDir::new().unwrap();
    let (first, address) = start(&home, &[]);
    let mut kept = TcpStream::connect(&address).await.unwrap();
    assert!(exchange(&mut kept).await.starts_with("HTTP/1.1 200"));
    let (second, _) = spawn(&mut replacing(&home));
    sleep(Duration::from_millis(300)).await;
    let passed_on = exchange(&mut kept).await.to_lowercase();
    assert!(
        passed_on.starts_with("http/1.1 200") && passed_on.contains("connection: close"),
        "{passed_on}"
    );
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0, "it is closed");
    assert!(wait_for_end(first).await);
    terminate(&second);
    assert!(wait_for_end(second).await);
}

/// The old process has nothing of its own left for longer than it waits for idle connections.
#[tokio::test]
async fn an_answer_that_is_passed_on_is_passed_on_to_its_end() {
    let home = TempDir::new().unwrap();
    let (first, address) = start(&home, &[]);
    let mut kept = TcpStream::connect(&address).await.unwrap();
    assert!(exchange(&mut kept).await.starts_with("HTTP/1.1 200"));
    let (second, _) = spawn(&mut replacing(&home));
    sleep(Duration::from_millis(300)).await;
    let mut node = FakeNode::join(&format!("ws://{address}/ws"), hello(MODEL)).await;
    let body = json!({
        "model": MODEL, "stream": true, "messages": [{"role": "user", "content": "hei"}],
    })
    .to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: hub\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    kept.write_all((head + &body).as_bytes()).await.unwrap();
    let prompt = node.prompt().await;
    node.token(&prompt.task_id, 0, "early ").await;
    sleep(Duration::from_secs(14)).await;
    node.token(&prompt.task_id, 1, "late").await;
    node.done(&prompt.task_id, FinishReason::Stop, Usage::default())
        .await;
    let mut read = Vec::new();
    kept.read_to_end(&mut read).await.unwrap();
    let read = String::from_utf8(read).unwrap();
    assert!(read.contains("late") && read.contains("[DONE]"), "{read}");
    assert!(wait_for_end(first).await);
    terminate(&second);
    assert!(wait_for_end(second).await);
}

#[tokio::test]
async fn a_signal_has_the_program_replace_itself_and_the_service_manager_is_told() {
    let home = TempDir::new().unwrap();
    let told = home.path().join("notify");
    let manager = UnixDatagram::bind(&told).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let (child, address) = start(&home, &[("NOTIFY_SOCKET", told.to_str().unwrap())]);
    let main_process = || {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).unwrap();
        let message = String::from_utf8(message[..length].to_vec()).unwrap();
        assert!(message.contains("READY=1"), "{message}");
        let process = message
            .lines()
            .find_map(|line| line.strip_prefix("MAINPID="));
        process.unwrap().to_owned()
    };
    let first = main_process();
    assert_eq!(first, child.id().to_string());
    signal(&child, "-USR2");
    let second = main_process();
    assert_ne!(first, second);
    assert!(
        wait_for_end(child).await,
        "the first process ends by itself"
    );
    let url = format!("http://{address}/readyz");
    assert_eq!(http::client().get(url).send().await.unwrap().status(), 200);
    let stopped = Command::new("kill").args(["-TERM", &second]).status();
    assert!(stopped.unwrap().success());
}

#[test]
fn where_no_hub_runs_there_is_none_to_replace() {
    let home = TempDir::new().unwrap();
    let output = replacing(&home).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("The running hub can't be replaced"),
        "{errors}"
    );
}

/// As a container does whenever it starts: on a machine that has just come up there is nobody to replace.
#[tokio::test]
async fn a_hub_that_may_start_takes_over_only_where_one_runs() {
    let home = TempDir::new().unwrap();
    let or_start = || {
        let mut command = hub(&home, &[("PORT", "0")]);
        command.args(["replace", "--or-start"]);
        command
    };
    let (first, address) = spawn(&mut or_start());
    let (second, same_address) = spawn(&mut or_start());
    assert_eq!(same_address, address);
    assert!(wait_for_end(first).await, "it is replaced");
    // It leaves a socket behind that nobody answers.
    signal(&second, "-KILL");
    assert!(!wait_for_end(second).await);
    let (third, _) = spawn(&mut or_start());
    terminate(&third);
    assert!(wait_for_end(third).await);
}
