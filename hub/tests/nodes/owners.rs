//! Prompts that are somebody's own, and nodes that want no others.

use protocol::{Hello, NodeMessage, NodeStatus, Owner};
use serde_json::{Value, json};

use crate::client::{Asking, ask, ask_for, whole_answer};
use crate::node::{browser, join, named, next_prompt};
use crate::support::hub::TestHub;

const AINO: &str = "aino-s-own-secret";
const EINO: &str = "eino-s-own-secret";

fn of(owner: &str, hello: Hello) -> Hello {
    Hello {
        owner: Some(Owner::try_from(owner.to_owned()).unwrap()),
        ..hello
    }
}

fn only_own(owner: &str, name: &str) -> Hello {
    Hello {
        only_own: true,
        ..of(owner, browser(name))
    }
}

fn ask_with(hub: &TestHub, kipina: &Value) -> Asking {
    ask_for(hub, &json!({"stream": true, "kipina": kipina}))
}

#[tokio::test]
async fn a_tab_that_wants_only_its_own_prompts_gets_no_others_from_the_first_moment() {
    let hub = TestHub::start().await;
    let mut tab = join(&hub, only_own(AINO, "tab")).await;
    for stranger in [ask(&hub), ask_with(&hub, &json!({"owner": EINO}))] {
        let refused = stranger.refusal().await;
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (503, "no_node_available")
        );
    }
    let own = ask_with(&hub, &json!({"owner": AINO}));
    let prompt = next_prompt(&mut tab).await;
    tab.answer(&prompt.task_id, &["mine"]).await;
    assert_eq!(whole_answer(own).await, "mine");
}

#[tokio::test]
async fn the_switch_lets_strangers_in_and_keeps_them_out_again() {
    let hub = TestHub::start().await;
    let mut tab = join(&hub, only_own(AINO, "tab")).await;
    let switch = |only_own| {
        NodeMessage::NodeStatus(NodeStatus {
            only_own: Some(only_own),
            ..NodeStatus::default()
        })
    };
    hub.models_when(0).await;

    tab.send(switch(false)).await;
    hub.models_when(1).await;
    let stranger = ask(&hub);
    let prompt = next_prompt(&mut tab).await;
    tab.send(switch(true)).await;
    hub.models_when(0).await;
    assert_eq!(ask(&hub).refusal().await.status, 503);
    // What it has it finishes.
    tab.answer(&prompt.task_id, &["the last of others"]).await;
    assert_eq!(whole_answer(stranger).await, "the last of others");
}

#[tokio::test]
async fn a_prompt_may_insist_on_its_owners_nodes() {
    let hub = TestHub::start().await;
    let _faster = join(&hub, named("native")).await;
    let mut tab = join(&hub, of(AINO, browser("tab"))).await;
    let own = ask_with(&hub, &json!({"nodes": "own", "owner": AINO}));
    let prompt = next_prompt(&mut tab).await;
    tab.answer(&prompt.task_id, &["at home"]).await;
    assert_eq!(whole_answer(own).await, "at home");

    let nobody = ask_with(&hub, &json!({"nodes": "own", "owner": EINO}));
    assert_eq!(nobody.refusal().await.status, 503);
    for kipina in [json!({"nodes": "own"}), json!({"owner": "me"})] {
        assert_eq!(ask_with(&hub, &kipina).refusal().await.status, 400);
    }
}

#[tokio::test]
async fn a_tab_that_comes_paused_gets_nothing_until_it_goes_on() {
    let hub = TestHub::start().await;
    let hello = Hello {
        paused: true,
        ..browser("tab")
    };
    let mut tab = join(&hub, hello).await;
    assert_eq!(ask(&hub).refusal().await.status, 503);
    tab.send(NodeMessage::NodeStatus(NodeStatus {
        paused: Some(false),
        ..NodeStatus::default()
    }))
    .await;
    hub.models_when(1).await;
    let client = ask(&hub);
    let prompt = next_prompt(&mut tab).await;
    tab.answer(&prompt.task_id, &["awake"]).await;
    assert_eq!(whole_answer(client).await, "awake");
}

#[tokio::test]
async fn an_owner_is_told_to_nobody_and_kept_nowhere() {
    let hub = TestHub::start().await;
    let mut tab = join(&hub, only_own(AINO, "tab")).await;
    let own = ask_with(&hub, &json!({"nodes": "own", "owner": AINO}));
    let prompt = next_prompt(&mut tab).await;
    assert!(!serde_json::to_string(&prompt).unwrap().contains(AINO));
    assert!(!format!("{prompt:?}").contains(AINO));
    tab.answer(&prompt.task_id, &["mine"]).await;
    assert_eq!(whole_answer(own).await, "mine");
    for path in ["/api/stats", "/api/models", "/v1/models"] {
        let told = hub.get(path).await.text().await.unwrap();
        assert!(!told.contains(AINO), "{path}");
    }
    let directory = hub.stop().await;
    let mut files = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let secret = AINO.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
        files += 1;
    }
    assert!(files > 0, "the database is here");
}
