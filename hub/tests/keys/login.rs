//! Who gets in as the operator, and how.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::connect_info::MockConnectInfo,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::local::{Fixture, Reply, hub, send};

const PASSWORD: &str = "oikea hevonen paristo niitti";
const HUB: &str = "hub.example";

struct Visitor<'a> {
    router: &'a Router,
    headers: Vec<(&'a str, String)>,
}

fn visitor(hub: &Fixture) -> Visitor<'_> {
    Visitor {
        router: &hub.router,
        headers: Vec::new(),
    }
}

impl<'a> Visitor<'a> {
    fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/admin{path}"));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        send(
            self.router,
            request.body(Body::from(body.to_string())).unwrap(),
        )
        .await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &Value::Null).await
    }

    async fn log_in(&self, password: &str) -> Reply {
        self.send("POST", "/login", &json!({"password": password}))
            .await
    }
}

/// Reached through the network by somebody else.
fn public(settings: &[(&str, &str)]) -> Fixture {
    let mut hub = hub(&[&[("BIND", "0.0.0.0")], settings].concat());
    let peer = SocketAddr::from(([198, 51, 100, 7], 4711));
    hub.router = hub.router.layer(MockConnectInfo(peer));
    hub
}

fn code(reply: &Reply) -> String {
    let code = reply.json()["error"]["code"].as_str().unwrap().to_owned();
    format!("{} {code}", reply.status.as_u16())
}

/// The cookie as a browser sends it back.
fn cookie(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn without_a_password_whoever_is_at_the_machine_is_the_operator_and_nobody_else() {
    let hub = hub(&[]);
    for host in ["127.0.0.1:3000", "localhost:3000", "[::1]:3000"] {
        let here = visitor(&hub).with("host", host);
        let session = here.get("/session").await;
        assert_eq!(session.status, StatusCode::OK, "{host}");
        assert_eq!(session.json()["who"]["kind"], "this_machine");
    }
    // A name on the web that its owner has point to this machine.
    let rebound = visitor(&hub).with("host", "evil.example:3000");
    assert_eq!(code(&rebound.get("/keys").await), "403 admin_closed");
    // Somebody else, through a proxy on this machine.
    let here = || visitor(&hub).with("host", "127.0.0.1:3000");
    let proxied = here().with("x-forwarded-for", "198.51.100.7");
    assert_eq!(code(&proxied.get("/keys").await), "403 admin_closed");
    let named = here().with("x-forwarded-host", HUB);
    assert_eq!(code(&named.get("/keys").await), "403 admin_closed");
    // A page of somebody else's that the operator looks at, on the web or at another port.
    for origin in ["https://evil.example", "http://127.0.0.1:4321", "null"] {
        let page = here().with("origin", origin);
        let reply = page.send("POST", "/keys", &json!({"name": "mine"})).await;
        assert_eq!(code(&reply), "403 origin_not_allowed", "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    let own = here().with("origin", "http://127.0.0.1:3000");
    let made = own.send("POST", "/keys", &json!({"name": "mine"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(code(&here().log_in("x").await), "403 no_password");
}

#[tokio::test]
async fn a_public_hub_without_a_password_is_closed_to_operators() {
    let hub = public(&[]);
    let stranger = visitor(&hub).with("host", HUB);
    for path in ["/keys", "/session", "/audit-log"] {
        assert_eq!(
            code(&stranger.get(path).await),
            "403 admin_closed",
            "{path}"
        );
    }
    assert_eq!(code(&stranger.log_in("").await), "403 admin_closed");
    let dressed = visitor(&hub).with("host", "127.0.0.1:3000");
    assert_eq!(code(&dressed.get("/keys").await), "403 admin_closed");
}

#[tokio::test]
async fn the_password_opens_a_session_that_ends_with_logging_out() {
    let hub = public(&[("ADMIN_PASSWORD", PASSWORD)]);
    let page = || {
        let page = visitor(&hub).with("host", HUB);
        page.with("origin", format!("https://{HUB}"))
            .with("sec-fetch-site", "same-origin")
    };
    assert_eq!(code(&page().get("/session").await), "401 login_required");
    assert_eq!(code(&page().log_in("arvaus").await), "401 wrong_password");
    let begun = page().log_in(PASSWORD).await;
    assert_eq!(begun.status, StatusCode::OK);
    assert_eq!(begun.header("cache-control"), "no-store");
    let set = begun.header("set-cookie");
    for part in [
        "HttpOnly",
        "SameSite=Strict",
        "Path=/api/admin",
        "Max-Age=43200",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "the way here is not: {set}");

    let inside = || page().with("cookie", cookie(&begun));
    let session = inside().get("/session").await;
    assert_eq!(session.json()["who"]["kind"], "session");
    assert!(session.json()["expires_at"].as_u64().is_some());
    let made = inside()
        .send("POST", "/keys", &json!({"name": "mine"}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let log = inside().get("/audit-log").await.json();
    assert_eq!(log["entries"][0]["who"], json!({"kind": "session"}));
    assert_eq!(log["entries"][0]["address"], "198.51.100.7");
    assert_eq!(log["entries"][1]["action"], "session.begun");

    let forged = page().with("cookie", "kipina_admin=AAAA");
    assert_eq!(code(&forged.get("/keys").await), "401 login_required");
    let ended = inside().send("POST", "/logout", &Value::Null).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(code(&inside().get("/keys").await), "401 login_required");
}

#[tokio::test]
async fn a_session_is_of_no_use_to_other_sites_pages() {
    let hub = public(&[("ADMIN_PASSWORD", PASSWORD)]);
    let page = || visitor(&hub).with("host", HUB);
    let begun = page().log_in(PASSWORD).await;
    let inside = || page().with("cookie", cookie(&begun));
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "https://hub.example:8443"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let forged = inside().with(name, value);
        for (method, path) in [
            ("POST", "/keys"),
            ("DELETE", "/keys/1"),
            ("POST", "/logout"),
        ] {
            let reply = forged.send(method, path, &json!({"name": "x"})).await;
            assert_eq!(
                code(&reply),
                "403 origin_not_allowed",
                "{method} {path} {value}"
            );
        }
        let reply = page().with(name, value).log_in(PASSWORD).await;
        assert_eq!(code(&reply), "403 origin_not_allowed", "login from {value}");
    }
    assert_eq!(inside().get("/keys").await.json()["keys"], json!([]));
    let preflight = inside()
        .with("origin", "http://localhost:4321")
        .with("access-control-request-method", "POST");
    let reply = preflight.send("OPTIONS", "/keys", &Value::Null).await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn behind_a_proxy_with_tls_the_cookie_is_for_tls_alone() {
    let hub = hub(&[("ADMIN_PASSWORD", PASSWORD)]);
    let proxied = visitor(&hub)
        .with("host", HUB)
        .with("x-forwarded-for", "198.51.100.7")
        .with("x-forwarded-proto", "https")
        .with("origin", format!("https://{HUB}"));
    let begun = proxied.log_in(PASSWORD).await;
    assert!(begun.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_guesser() {
    let hub = hub(&[("ADMIN_PASSWORD", PASSWORD)]);
    let from = |address: &str| {
        let visitor = visitor(&hub).with("host", HUB);
        visitor.with("x-forwarded-for", address)
    };
    for _ in 0..5 {
        let wrong = from("198.51.100.7").log_in("arvaus").await;
        assert_eq!(code(&wrong), "401 wrong_password");
    }
    let slowed = from("198.51.100.7").log_in(PASSWORD).await;
    assert_eq!(code(&slowed), "429 rate_limit_exceeded");
    assert_eq!(slowed.header("retry-after"), "1");
    let operator = from("198.51.100.8").log_in(PASSWORD).await;
    assert_eq!(operator.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_with_the_scope_admin_gets_in_by_itself() {
    let hub = public(&[("ADMIN_PASSWORD", PASSWORD)]);
    let page = || visitor(&hub).with("host", HUB);
    let begun = page().log_in(PASSWORD).await;
    let inside = page().with("cookie", cookie(&begun));
    let secret = async |scope: &str| {
        let terms = json!({"name": scope, "scopes": [scope]});
        let made = inside.send("POST", "/keys", &terms).await.json();
        made["secret"].as_str().unwrap().to_owned()
    };
    let (admin, api) = (secret("admin").await, secret("api").await);
    let with = |secret: &str| page().with("authorization", format!("Bearer {secret}"));
    let session = with(&admin).get("/session").await.json();
    assert_eq!(
        session["who"],
        json!({"kind": "key", "id": 1, "name": "admin"})
    );
    assert!(session["expires_at"].is_null());
    let made = with(&admin)
        .send("POST", "/keys", &json!({"name": "x"}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(
        code(&with(&api).get("/keys").await),
        "403 insufficient_scope"
    );
    assert_eq!(
        code(&with("kp_wrong").get("/keys").await),
        "401 invalid_api_key"
    );
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_without_a_word_of_them() {
    let hub = public(&[("ADMIN_PASSWORD", PASSWORD)]);
    let page = visitor(&hub).with("host", HUB);
    for body in [
        json!({"password": ["a secret slip"]}),
        json!("a secret slip"),
        json!({}),
    ] {
        let reply = page.send("POST", "/login", &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(!reply.body.contains("slip"), "{}", reply.body);
    }
    let long = json!({"password": "x".repeat(5 << 20)});
    let reply = page.send("POST", "/login", &long).await;
    assert_eq!(code(&reply), "413 request_too_large");
}
