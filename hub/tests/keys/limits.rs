//! How much a caller gets, and what is written down of it.

use std::time::Duration;

use hub::dispatch::HedgeSettings;
use serde_json::{Value, json};

use crate::client::{Answered, administer, ask_with, bearer, key, models_with, prompt, send};
use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
    hub::TestHub,
};

/// Asks, and has the node answer: 12 tokens of prompt, and one of answer.
async fn answered(hub: &TestHub, node: &mut FakeNode, secret: &str, fields: &Value) -> Answered {
    let answering = async {
        let prompt = node.prompt().await;
        node.answer(&prompt.task_id, &["hei"]).await;
    };
    tokio::join!(ask_with(hub, secret, fields), answering).0
}

/// As a visitor from `address`, whom a proxy on this machine names.
async fn ask_from(hub: &TestHub, address: &str) -> Answered {
    let headers = [("x-forwarded-for", address)];
    let body = prompt(&json!({}));
    send(hub, "POST", "/v1/chat/completions", &headers, Some(&body)).await
}

#[tokio::test]
async fn a_minutes_requests_are_counted_down_in_headers_and_then_refused() {
    let hub = TestHub::start().await;
    let limits = json!({"requests_per_minute": 2, "tokens_per_minute": 100_000});
    let (_, secret) = key(&hub, &json!({"name": "aino", "limits": limits})).await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    hub.models_when(1).await;
    let first = answered(&hub, &mut node, &secret, &json!({})).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit-requests"), "2");
    assert_eq!(first.header("x-ratelimit-remaining-requests"), "1");
    assert_eq!(first.header("x-ratelimit-reset-requests"), "30s");
    assert_eq!(first.header("x-ratelimit-limit-tokens"), "100000");
    // What can't be served takes nothing, and neither does a look at the models.
    let invalid = ask_with(&hub, &secret, &json!({"n": 7})).await;
    assert_eq!(invalid.status, 400);
    assert_eq!(models_with(&hub, &secret).await.status, 200);
    // A refusal that follows from something else tells it, too, and counts.
    let second = ask_with(&hub, &secret, &json!({"kipina": {"nodes": "browser"}})).await;
    assert_eq!(second.status, 503);
    assert_eq!(second.header("x-ratelimit-remaining-requests"), "0");

    let third = ask_with(&hub, &secret, &json!({})).await;
    assert_eq!((third.status, third.code()), (429, "rate_limit_exceeded"));
    assert_eq!(third.body["error"]["type"], "rate_limit_error");
    let message = third.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("2 requests a minute"), "{message}");
    assert_eq!(third.header("x-ratelimit-remaining-requests"), "0");
    let pause: u64 = third.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&pause), "{pause}");
}

#[tokio::test]
async fn a_days_tokens_are_what_prompts_came_to_and_outlive_the_hub() {
    let hub = TestHub::start().await;
    let terms = json!({"name": "aino", "limits": {"tokens_per_day": 30}});
    let (id, secret) = key(&hub, &terms).await;
    let short = json!({"max_tokens": 5});
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    hub.models_when(1).await;
    // 9 are expected, and 13 it is: after two there are 4 left.
    for _ in 0..2 {
        let answered = answered(&hub, &mut node, &secret, &short).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
    }
    let refused = ask_with(&hub, &secret, &short).await;
    assert_eq!(
        (refused.status, refused.code()),
        (429, "insufficient_quota")
    );
    assert_eq!(refused.header("x-ratelimit-remaining-tokens"), "4");
    drop(node);

    let hub = TestHub::in_directory(hub.stop().await, &[]).await;
    let refused = ask_with(&hub, &secret, &short).await;
    assert_eq!(
        (refused.status, refused.code()),
        (429, "insufficient_quota")
    );
    let shown = administer(&hub, "GET", &format!("/keys/{id}"), None)
        .await
        .body;
    let sum = json!({"prompts": 2, "prompt_tokens": 24, "completion_tokens": 2});
    assert_eq!(
        (&shown["usage"]["today"], &shown["usage"]["total"]),
        (&sum, &sum)
    );
    assert_eq!(shown["usage"]["days"][0]["prompts"], 2);
    assert!(shown["last_used_at"].as_u64() >= shown["created_at"].as_u64());
    let listed = administer(&hub, "GET", "/keys", None).await.body;
    assert_eq!(listed["keys"][0]["usage"]["today"], sum);

    // More is allowed from the next request on.
    let patch = json!({"limits": {"tokens_per_day": null}});
    administer(&hub, "PATCH", &format!("/keys/{id}"), Some(&patch)).await;
    let refused = ask_with(&hub, &secret, &short).await;
    assert_eq!((refused.status, refused.code()), (503, "no_node_available"));
}

#[tokio::test]
async fn a_prompt_that_nobody_answers_gives_its_tokens_back() {
    let hub = TestHub::start().await;
    let limits = json!({"tokens_per_minute": 1000});
    let (_, secret) = key(&hub, &json!({"name": "aino", "limits": limits})).await;
    for _ in 0..5 {
        // 404 are expected of each.
        let refused = ask_with(&hub, &secret, &json!({})).await;
        assert_eq!((refused.status, refused.code()), (503, "no_node_available"));
    }
}

/// What was used with the key today, as soon as so many prompts are counted.
async fn used(hub: &TestHub, id: u64, prompts: u64) -> Value {
    for _ in 0..500 {
        let shown = administer(hub, "GET", &format!("/keys/{id}"), None).await;
        let today = &shown.body["usage"]["today"];
        if today["prompts"].as_u64() >= Some(prompts) {
            return today.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the prompts were never counted");
}

#[tokio::test]
async fn who_hangs_up_pays_for_what_was_read_and_written_until_then() {
    let hub = TestHub::start().await;
    let limits = json!({"tokens_per_day": 2200});
    let (id, secret) = key(&hub, &json!({"name": "aino", "limits": limits})).await;
    let mut node = FakeNode::join(&hub.node_url(), hello(MODEL)).await;
    hub.models_when(1).await;
    let long = "sana ".repeat(1600);
    let body = prompt(&json!({
        "stream": true, "max_tokens": 5, "messages": [{"role": "user", "content": long}],
    }));
    let asking = http::client()
        .post(hub.url("/v1/chat/completions"))
        .header("authorization", bearer(&secret))
        .body(body.to_string());
    let begun = async {
        let prompt = node.prompt().await;
        node.token(&prompt.task_id, 0, "hei").await;
        prompt
    };
    let (response, prompt) = tokio::join!(asking.send(), begun);
    let mut response = response.unwrap();
    while !String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()).contains("hei") {}
    drop(response);
    assert_eq!(node.cancelled().await, prompt.task_id);
    let used = used(&hub, id, 1).await;
    // Four bytes a token, as long as nobody tells better.
    assert_eq!(used["prompt_tokens"].as_u64().unwrap() / 100, 20, "{used}");
    assert_eq!(used["completion_tokens"], 1);
    let next = ask_with(&hub, &secret, &json!({"max_tokens": 2000})).await;
    assert_eq!((next.status, next.code()), (429, "insufficient_quota"));
}

#[tokio::test]
async fn whichever_of_two_nodes_answers_a_request_is_one_and_its_tokens_are_paid() {
    for is_second_faster in [true, false] {
        let hub = TestHub::tuned(|config| {
            config.dispatch.hedge = Some(HedgeSettings {
                multiple: 1.0,
                least: Duration::from_millis(100),
            });
        })
        .await;
        let limits = json!({"tokens_per_day": 100});
        let (id, secret) = key(&hub, &json!({"name": "aino", "limits": limits})).await;
        let mut nodes = [
            FakeNode::join(&hub.node_url(), hello(MODEL)).await,
            FakeNode::join(&hub.node_url(), hello(MODEL)).await,
        ];
        hub.models_when(1).await;
        let answering = async {
            let [one, other] = &mut nodes;
            let (first, is_one_first) = tokio::select! {
                prompt = one.prompt() => (prompt, true),
                prompt = other.prompt() => (prompt, false),
            };
            let (late, hedge) = if is_one_first {
                (one, other)
            } else {
                (other, one)
            };
            let second = hedge.prompt().await;
            let (faster, prompt) = if is_second_faster {
                (hedge, second)
            } else {
                (late, first)
            };
            faster.answer(&prompt.task_id, &["hei"]).await;
        };
        let fields = json!({"max_tokens": 50});
        let (answered, ()) = tokio::join!(ask_with(&hub, &secret, &fields), answering);
        assert_eq!(answered.status, 200, "{}", answered.body);
        hub.stats_when(|stats| stats.queue.running == 0).await;
        let used = used(&hub, id, 1).await;
        let paid = json!({"prompts": 1, "prompt_tokens": 12, "completion_tokens": 1});
        assert_eq!(used, paid, "{is_second_faster}");
        // 13 of 100 are used: 87 are left.
        let next = ask_with(&hub, &secret, &json!({"max_tokens": 90})).await;
        assert_eq!(next.header("x-ratelimit-remaining-tokens"), "87");
    }
}

#[tokio::test]
async fn addresses_without_a_key_have_limits_of_their_own_and_this_machine_has_none() {
    let hub = TestHub::with(&[("ANONYMOUS_REQUESTS_PER_MINUTE", "1")]).await;
    for address in ["198.51.100.7", "198.51.100.8", "2001:db8::1"] {
        let first = ask_from(&hub, address).await;
        assert_eq!(
            (first.status, first.code()),
            (503, "no_node_available"),
            "{address}"
        );
        let second = ask_from(&hub, address).await;
        assert_eq!((second.status, second.code()), (429, "rate_limit_exceeded"));
        let message = second.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("without an API key"), "{message}");
    }
    let neighbour = ask_from(&hub, "2001:db8::2").await;
    assert_eq!(neighbour.status, 429, "one customer's network");
    for _ in 0..3 {
        let own = hub.chat(&prompt(&json!({}))).await;
        assert_eq!(own.status(), 503);
        assert!(own.headers().get("x-ratelimit-limit-requests").is_none());
    }
    let (_, secret) = key(&hub, &json!({"name": "aino"})).await;
    for _ in 0..3 {
        assert_eq!(ask_with(&hub, &secret, &json!({})).await.status, 503);
    }
}
