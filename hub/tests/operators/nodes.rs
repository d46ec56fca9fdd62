//! Nodes as operators see them, and what they decide about them.

use protocol::{Hello, NodeMessage, close_code};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::actions;
use crate::asking::{ask, whole_answer};
use crate::client::{administer, key, models};
use crate::node::{browser, closing, join, named, next_prompt};
use crate::support::{fake_node::FakeNode, hub::TestHub};

fn with_key(name: &str, secret: &str) -> Hello {
    Hello {
        key: Some(secret.to_owned()),
        ..named(name)
    }
}

/// The only node of this name that is here.
async fn seen(hub: &TestHub, name: &str) -> Value {
    let nodes = administer(hub, "GET", "/nodes", None).await.body;
    let nodes = nodes["nodes"].as_array().unwrap();
    let mut named = nodes.iter().filter(|node| node["name"] == name);
    let node = named
        .next()
        .unwrap_or_else(|| panic!("no {name} in {nodes:?}"));
    assert!(named.next().is_none());
    node.clone()
}

/// Does something about the node, and gives the answer.
async fn about(hub: &TestHub, node: &FakeNode, method: &str, what: &str) -> Value {
    let path = format!("/nodes/{}/{what}", node.welcome.node_id);
    let done = administer(hub, method, &path, None).await;
    assert_eq!(done.status, 200, "{}", done.body);
    done.body
}

/// How the hub sends a node away that says this.
async fn refused(hub: &TestHub, hello: Hello) -> (u16, String) {
    use futures_util::SinkExt;

    let (mut socket, _) = connect_async(hub.node_url()).await.unwrap();
    let hello = serde_json::to_string(&NodeMessage::Hello(hello)).unwrap();
    socket.send(Message::text(hello)).await.unwrap();
    closing(socket).await.expect("a close frame")
}

#[tokio::test]
async fn a_node_is_shown_with_what_only_operators_see() {
    let hub = TestHub::start().await;
    let terms = json!({"name": "machines", "scopes": ["node"], "owner": "aino"});
    let (id, secret) = key(&hub, &terms).await;
    let _mine = join(&hub, with_key("mine", &secret)).await;
    let _guest = join(&hub, browser("guest")).await;

    let mine = seen(&hub, "mine").await;
    assert_eq!(
        mine["key"],
        json!({"id": id, "name": "machines", "owner": "aino"})
    );
    assert_eq!(mine["address"], "127.0.0.1");
    assert_eq!(mine["software"], "fake 0.1.0");
    assert_eq!(
        mine["breaker"],
        json!({"state": "closed", "rests_for_ms": null})
    );
    assert_eq!(
        (&mine["trusted"], &mine["draining"]),
        (&json!(true), &json!(false))
    );
    let guest = seen(&hub, "guest").await;
    assert_eq!(
        (&guest["key"], &guest["has_key"]),
        (&Value::Null, &json!(false))
    );
    assert!(!mine.to_string().contains(&secret[11..]));
}

#[tokio::test]
async fn a_drained_node_finishes_what_it_has_and_stays_drained_until_that_is_undone() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("mine")).await;
    let running = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    assert_eq!(about(&hub, &node, "POST", "drain").await["draining"], true);
    assert_eq!(ask(&hub).refusal().await.code, "no_node_available");
    node.answer(&prompt.task_id, &["done"]).await;
    assert_eq!(whole_answer(running).await, "done");
    hub.models_when(0).await;

    // Neither coming back nor a new hub changes that.
    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    let hub = TestHub::in_directory(hub.stop().await, &[]).await;
    let mut node = join(&hub, named("mine")).await;
    assert_eq!(seen(&hub, "mine").await["draining"], true);
    assert_eq!(ask(&hub).refusal().await.code, "no_node_available");
    assert_eq!(
        about(&hub, &node, "DELETE", "drain").await["draining"],
        false
    );
    let answer = ask(&hub);
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["again"]).await;
    assert_eq!(whole_answer(answer).await, "again");

    about(&hub, &node, "DELETE", "drain").await;
    assert_eq!(
        actions(&hub).await,
        ["node.drain_ended", "node.drained"],
        "what changes nothing is not written down"
    );
}

#[tokio::test]
async fn what_waits_is_not_given_to_a_drained_node_that_comes_back() {
    let hub = TestHub::start().await;
    let node = join(&hub, named("mine")).await;
    about(&hub, &node, "POST", "drain").await;
    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    let mut other = join(&hub, named("other")).await;
    let running = ask(&hub);
    let first = next_prompt(&mut other).await;
    let waiting = ask(&hub);
    hub.stats_when(|stats| stats.queue.waiting == 1).await;
    let _mine = join(&hub, named("mine")).await;
    other.answer(&first.task_id, &["one"]).await;
    assert_eq!(whole_answer(running).await, "one");
    let second = next_prompt(&mut other).await;
    other.answer(&second.task_id, &["two"]).await;
    assert_eq!(whole_answer(waiting).await, "two");
}

#[tokio::test]
async fn a_banned_node_has_to_leave_and_is_refused_until_the_ban_is_taken_back() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("spoiler")).await;
    let asking = ask(&hub);
    next_prompt(&mut node).await;
    let mut other = join(&hub, named("other")).await;
    let order = json!({"reason": "answers nonsense"});
    let path = format!("/nodes/{}/ban", node.welcome.node_id);
    let banned = administer(&hub, "POST", &path, Some(&order)).await;
    assert_eq!(banned.status, 200, "{}", banned.body);
    let (code, reason) = closing(node.socket).await.unwrap();
    assert_eq!(code, close_code::BANNED);
    assert!(reason.contains("answers nonsense"), "{reason}");
    let prompt = next_prompt(&mut other).await;
    other.answer(&prompt.task_id, &["taken over"]).await;
    assert_eq!(whole_answer(asking).await, "taken over");

    drop(other);
    let hub = TestHub::in_directory(hub.stop().await, &[]).await;
    let (code, reason) = refused(&hub, named("spoiler")).await;
    assert_eq!(code, close_code::BANNED);
    assert!(reason.contains("answers nonsense"), "{reason}");
    let _other = join(&hub, named("other")).await;

    let rules = administer(&hub, "GET", "/node-rules", None).await.body;
    let rule = &rules["rules"][0];
    assert_eq!(rule["rule"], "ban");
    assert_eq!(
        rule["whom"],
        json!({"kind": "node", "node_kind": "native", "name": "spoiler", "network": "127.0.0.1"})
    );
    let path = format!("/node-rules/{}", rule["id"]);
    assert_eq!(administer(&hub, "DELETE", &path, None).await.status, 200);
    let _back = join(&hub, named("spoiler")).await;
    assert_eq!(administer(&hub, "DELETE", &path, None).await.status, 404);
    assert_eq!(actions(&hub).await, ["node_rule.taken_back", "node.banned"]);
}

#[tokio::test]
async fn a_ban_of_an_address_is_one_of_everybody_there() {
    let hub = TestHub::start().await;
    let node = join(&hub, named("one")).await;
    let neighbour = join(&hub, browser("another")).await;
    let path = format!("/nodes/{}/ban", node.welcome.node_id);
    let banned = administer(&hub, "POST", &path, Some(&json!({"whom": "address"}))).await;
    assert_eq!(banned.status, 200, "{}", banned.body);
    for node in [node, neighbour] {
        assert_eq!(closing(node.socket).await.unwrap().0, close_code::BANNED);
    }
    assert_eq!(refused(&hub, named("a third")).await.0, close_code::BANNED);
}

#[tokio::test]
async fn trust_in_a_key_is_taken_back_for_good_and_given_again() {
    let hub = TestHub::start().await;
    let (_, secret) = key(&hub, &json!({"name": "machines", "scopes": ["node"]})).await;
    let node = join(&hub, with_key("mine", &secret)).await;
    let distrusted = about(&hub, &node, "DELETE", "trust").await;
    assert_eq!(
        (&distrusted["trusted"], &distrusted["distrusted"]),
        (&json!(false), &json!(true))
    );
    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    let node = join(&hub, with_key("mine", &secret)).await;
    assert!(!hub.stats().await.nodes[0].trusted);
    let trusted = about(&hub, &node, "POST", "trust").await;
    assert_eq!(
        (&trusted["trusted"], &trusted["distrusted"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        actions(&hub).await[..2],
        ["node.trusted", "node.distrusted"]
    );
}

#[tokio::test]
async fn a_node_without_a_key_is_trusted_as_long_as_it_stays() {
    let hub = TestHub::start().await;
    let mut node = join(&hub, named("guest")).await;
    let trusted_only = || {
        crate::asking::ask_for(
            &hub,
            &json!({"stream": true, "kipina": {"nodes": "trusted"}}),
        )
    };
    assert_eq!(trusted_only().refusal().await.code, "no_node_available");
    assert_eq!(about(&hub, &node, "POST", "trust").await["trusted"], true);
    let answer = trusted_only();
    let prompt = next_prompt(&mut node).await;
    node.answer(&prompt.task_id, &["mine"]).await;
    assert_eq!(whole_answer(answer).await, "mine");

    drop(node);
    hub.stats_when(|stats| stats.nodes.is_empty()).await;
    let node = join(&hub, named("guest")).await;
    assert_eq!(
        seen(&hub, "guest").await["trusted"],
        false,
        "anybody may say that name"
    );
    about(&hub, &node, "POST", "trust").await;
    assert_eq!(
        about(&hub, &node, "DELETE", "trust").await["trusted"],
        false
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let hub = TestHub::start().await;
    let node = join(&hub, named("mine")).await;
    let ban = format!("/nodes/{}/ban", node.welcome.node_id);
    for body in [
        json!({"reason": "x".repeat(81)}),
        json!({"reason": "ä".repeat(41)}),
        json!({"reason": "two\nlines"}),
        json!({"whom": "everybody"}),
        json!({"why": "so"}),
    ] {
        let refused = administer(&hub, "POST", &ban, Some(&body)).await;
        assert_eq!(refused.status, 400, "{body}");
    }
    for (method, path) in [
        ("POST", "/nodes/nobody/drain"),
        ("POST", "/nodes/nobody/ban"),
        ("DELETE", "/nodes/nobody/trust"),
        ("DELETE", "/node-rules/7"),
    ] {
        let missing = administer(&hub, method, path, None).await;
        assert_eq!(
            (missing.status, missing.code()),
            (404, "not_found"),
            "{path}"
        );
    }
    assert!(actions(&hub).await.is_empty());
}

#[tokio::test]
async fn many_nodes_are_told_in_pages() {
    let hub = TestHub::start().await;
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        nodes.push(join(&hub, named(name)).await);
    }
    let page = async |query: &str| administer(&hub, "GET", &format!("/nodes{query}"), None).await;
    let names = |page: &Value| {
        let nodes = page["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["name"].clone()).collect::<Vec<_>>()
    };
    let first = page("?limit=2").await.body;
    assert_eq!(
        (names(&first), &first["count"]),
        (vec![json!("a"), json!("b")], &json!(3))
    );
    let after = first["next_after"].as_str().unwrap();
    let second = page(&format!("?limit=2&after={after}")).await.body;
    assert_eq!(names(&second), ["c"]);
    assert_eq!(
        (&second["count"], &second["next_after"]),
        (&json!(3), &Value::Null)
    );
    assert_eq!(names(&page("").await.body).len(), 3);
    for wrong in ["?limit=0", "?limit=501", "?limit=many"] {
        assert_eq!(page(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_number_of_a_rule_is_never_given_to_another() {
    let hub = TestHub::start().await;
    let node = join(&hub, named("mine")).await;
    let drained = async |hub: &TestHub, node: &FakeNode| {
        about(hub, node, "POST", "drain").await;
        let rules = administer(hub, "GET", "/node-rules", None).await.body;
        let id = rules["rules"][0]["id"].as_u64().unwrap();
        about(hub, node, "DELETE", "drain").await;
        id
    };
    assert_eq!(drained(&hub, &node).await, 1);
    assert_eq!(drained(&hub, &node).await, 2);
    drop(node);
    let hub = TestHub::in_directory(hub.stop().await, &[]).await;
    let node = join(&hub, named("mine")).await;
    assert_eq!(drained(&hub, &node).await, 3);
}

async fn ban(hub: &TestHub, name: &str, order: &Value) {
    let node = join(hub, named(name)).await;
    let path = format!("/nodes/{}/ban", node.welcome.node_id);
    let banned = administer(hub, "POST", &path, Some(order)).await;
    assert_eq!(banned.status, 200, "{}", banned.body);
}

#[tokio::test]
async fn a_reason_reaches_the_nodes_owner_whole() {
    let hub = TestHub::start().await;
    let longest = "ä".repeat(40);
    ban(&hub, "spoiler", &json!({"reason": longest})).await;
    let (_, reason) = refused(&hub, named("spoiler")).await;
    assert!(reason.ends_with(&longest), "{reason}");
}

#[tokio::test]
async fn one_rule_that_can_not_be_read_leaves_the_others() {
    let hub = TestHub::start().await;
    ban(&hub, "spoiler", &json!({})).await;
    let directory = hub.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("hub.sqlite")).unwrap();
    let of_tomorrow =
        "INSERT INTO node_rules (rule, whom, made_at_ms) VALUES ('\"praise\"', '{', 1)";
    database.execute(of_tomorrow, []).unwrap();
    drop(database);
    let hub = TestHub::in_directory(directory, &[]).await;
    assert_eq!(refused(&hub, named("spoiler")).await.0, close_code::BANNED);
    ban(&hub, "another", &json!({})).await;
    assert_eq!(refused(&hub, named("another")).await.0, close_code::BANNED);
}

#[tokio::test]
async fn what_was_decided_holds_where_the_database_can_not_be_read() {
    let hub = TestHub::start().await;
    ban(&hub, "spoiler", &json!({})).await;
    let keys_only = json!({"access": "keys"});
    administer(&hub, "PATCH", "/settings", Some(&keys_only)).await;
    let directory = hub.stop().await;
    let database = directory.path().join("hub.sqlite");
    std::fs::remove_file(&database).unwrap();
    // Nobody can open that, root included.
    std::fs::create_dir(&database).unwrap();
    let hub = TestHub::in_directory(directory, &[]).await;
    assert_eq!(refused(&hub, named("spoiler")).await.0, close_code::BANNED);
    assert_eq!(models(&hub, None).await.code(), "missing_api_key");
}
