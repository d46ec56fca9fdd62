//! Readers that are too slow: a client that takes no tokens, a node that takes no prompts.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::routing::get;
use hub::decisions::Decisions;
use hub::dispatch::{
    AnswerEvent, DispatchSettings, Dispatcher, FailureKind, Forget, NodePreference,
    PromptSubmission,
};
use hub::keys::{Bill, Client, Keys};
use hub::metrics::Metrics;
use hub::nodes::{NodeGate, NodeSettings};
use hub::store::{Store, StoreSettings};
use hub::tuning::Tuned;
use protocol::{
    Catalogue, ChatMessage, FinishReason, Hello, PromptInput, PromptRequest, Role, Sampling, Usage,
};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::node::{cancel_within_a_second, named, next_prompt};
use crate::support::fake_node::{FakeNode, MODEL};

const PATIENCE: Duration = Duration::from_secs(20);

/// The dispatcher with `/ws` in front of it, and no HTTP client's buffers in between.
async fn dispatcher(dispatch: DispatchSettings, nodes: NodeSettings) -> (Dispatcher, String) {
    let at_start = Tuned {
        dispatch: dispatch.clone(),
        nodes: Arc::new(nodes),
        ..Tuned::default()
    };
    let dispatcher = Dispatcher::start(dispatch, &Catalogue::default(), Arc::new(Forget));
    // Nobody here has a key, so it matters to nobody that its database can't be written.
    let nowhere = StoreSettings::new("/dev/null/none.sqlite".into());
    let store = Store::start(nowhere).unwrap();
    let keys = Keys::start(&store);
    let decisions = Decisions::start(at_start, &store.admin(), &dispatcher);
    let metrics = Metrics::new(&Catalogue::default());
    let gate = NodeGate::new(dispatcher.clone(), decisions, keys, metrics);
    let accept = |State(gate): State<NodeGate>, upgrade: WebSocketUpgrade| async move {
        gate.accept(upgrade, Ipv4Addr::LOCALHOST.into(), ())
    };
    let router: Router = Router::new().route("/ws", get(accept)).with_state(gate);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (dispatcher, url)
}

fn submission(text: String) -> PromptSubmission {
    let message = ChatMessage {
        role: Role::User,
        content: text,
        name: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
    };
    PromptSubmission {
        resume: true,
        request: PromptRequest {
            model: MODEL.to_owned(),
            input: PromptInput::Chat {
                messages: vec![message],
                tools: Vec::new(),
                prefill: None,
            },
            sampling: Sampling::default(),
            response_format: None,
        },
        preference: NodePreference::Any,
        demand: NodePreference::Any,
        owner: None,
        bill: Bill::unmetered(Client::at(Ipv4Addr::LOCALHOST.into())),
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read_ends_with_an_error_and_frees_the_node() {
    let settings = DispatchSettings {
        answer_buffer: 4,
        ..DispatchSettings::default()
    };
    let (dispatcher, url) = dispatcher(settings, NodeSettings::default()).await;
    let mut node = FakeNode::join(&url, named("fast")).await;
    let slow = dispatcher.submit(submission("hei".to_owned()));
    let fast = async {
        let task_id = next_prompt(&mut node).await.task_id;
        for seq in 0..6 {
            node.token(&task_id, seq, "x").await;
        }
        assert_eq!(cancel_within_a_second(&mut node).await, task_id);
    };
    let (answer, ()) = tokio::join!(slow, fast);

    let mut answer = answer.unwrap();
    for _ in 0..4 {
        assert!(matches!(answer.next().await, Some(AnswerEvent::Token(_))));
    }
    let Some(AnswerEvent::Failed(failure)) = answer.next().await else {
        panic!("no failure")
    };
    assert_eq!(failure.kind, FailureKind::ClientTooSlow);
    assert_eq!(answer.next().await, None);

    let next = dispatcher.submit(submission("hei".to_owned()));
    let answered = async {
        let task_id = next_prompt(&mut node).await.task_id;
        node.answer(&task_id, &["free again"]).await;
    };
    assert!(tokio::join!(next, answered).0.is_ok());
}

#[tokio::test]
async fn a_node_that_does_not_read_is_dropped_and_its_prompts_go_elsewhere() {
    let settings = NodeSettings {
        // The welcome, the benchmark and one prompt may come at once.
        outgoing_frames: 3,
        ..NodeSettings::default()
    };
    let (dispatcher, url) = dispatcher(DispatchSettings::default(), settings).await;
    let many_slots = |name| Hello {
        slots: 32,
        ..named(name)
    };
    let _stuck = FakeNode::join(&url, many_slots("stuck")).await;
    // More than the sockets' buffers hold.
    let prompts: Vec<_> = (0..16)
        .map(|_| {
            let dispatcher = dispatcher.clone();
            tokio::spawn(async move { dispatcher.submit(submission("x".repeat(2 << 20))).await })
        })
        .collect();
    let gone = async {
        while !dispatcher.snapshot().await.nodes.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the node is dropped");

    let mut reader = FakeNode::join(
        &url,
        Hello {
            slots: 1,
            ..named("reader")
        },
    )
    .await;
    for _ in 0..prompts.len() {
        let task_id = next_prompt(&mut reader).await.task_id;
        reader
            .done(&task_id, FinishReason::Stop, Usage::default())
            .await;
    }
    for prompt in prompts {
        let answer = timeout(PATIENCE, prompt)
            .await
            .expect("it is answered")
            .unwrap()
            .unwrap();
        assert_eq!(answer.node.name, "reader");
    }
}
