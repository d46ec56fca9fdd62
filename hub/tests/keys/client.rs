//! A client with a key, and the operator at the hub's own machine.

use serde_json::{Value, json};

use crate::support::{fake_node::MODEL, http, hub::TestHub};

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn send(
    hub: &TestHub,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answered {
    let method = method.parse().unwrap();
    let mut request = http::client().request(method, hub.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answered {
        status,
        headers,
        body,
    }
}

/// As the operator, who is at the hub's own machine.
pub(crate) async fn administer(
    hub: &TestHub,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answered {
    send(hub, method, &format!("/api/admin{path}"), &[], body).await
}

/// A new key's number and secret.
pub(crate) async fn key(hub: &TestHub, terms: &Value) -> (u64, String) {
    let made = administer(hub, "POST", "/keys", Some(terms)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = made.body["secret"].as_str().expect("it is shown once");
    (made.body["id"].as_u64().unwrap(), secret.to_owned())
}

pub(crate) fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

pub(crate) async fn models(hub: &TestHub, authorization: Option<&str>) -> Answered {
    let headers: Vec<_> = authorization
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    send(hub, "GET", "/v1/models", &headers, None).await
}

pub(crate) async fn models_with(hub: &TestHub, secret: &str) -> Answered {
    models(hub, Some(&bearer(secret))).await
}

pub(crate) fn prompt(fields: &Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// A plain answer, or the refusal.
pub(crate) async fn ask_with(hub: &TestHub, secret: &str, fields: &Value) -> Answered {
    let authorization = bearer(secret);
    let headers = [("authorization", authorization.as_str())];
    let body = prompt(fields);
    send(hub, "POST", "/v1/chat/completions", &headers, Some(&body)).await
}
