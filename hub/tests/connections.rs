//! Who may connect to `/ws`: origins, proxies, connections per address.

mod support;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use support::hub::TestHub;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The status that a refused connection was answered with.
async fn connect(hub: &TestHub, headers: &[(&str, &str)]) -> Result<Socket, (u16, HeaderMap)> {
    let mut request = hub.node_url().into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err((response.status().as_u16(), response.headers().clone())),
        Err(other) => panic!("neither joined nor refused: {other}"),
    }
}

async fn status(hub: &TestHub, headers: &[(&str, &str)]) -> u16 {
    connect(hub, headers)
        .await
        .map_or_else(|(status, _)| status, |_| 101)
}

#[tokio::test]
async fn pages_join_by_their_origin_and_programs_without_one() {
    let hub = TestHub::with(&[("ALLOWED_ORIGINS", "https://studio.example")]).await;
    let own = format!("http://{}", hub.address);
    assert_eq!(status(&hub, &[]).await, 101);
    for origin in [
        own.as_str(),
        "https://studio.example",
        "http://192.168.1.7:4321",
    ] {
        assert_eq!(status(&hub, &[("origin", origin)]).await, 101, "{origin}");
    }
    for origin in [
        "https://evil.example",
        "http://10.evil.com",
        "http://192.168.1.1.evil.com",
    ] {
        assert_eq!(status(&hub, &[("origin", origin)]).await, 403, "{origin}");
    }
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_gets_them_back() {
    let hub = TestHub::with(&[("CONNECTIONS_PER_ADDRESS", "2")]).await;
    let first = connect(&hub, &[]).await.unwrap();
    let _second = connect(&hub, &[]).await.unwrap();
    let (refused, headers) = connect(&hub, &[]).await.unwrap_err();
    assert_eq!(refused, 429);
    assert!(headers.contains_key("retry-after"));

    drop(first);
    for _ in 0..200 {
        if connect(&hub, &[]).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("a closed connection never gave its place back");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    let hub = TestHub::with(&[("CONNECTIONS_PER_ADDRESS", "1")]).await;
    let _a = connect(&hub, &[("x-forwarded-for", "198.51.100.1")])
        .await
        .unwrap();
    let _b = connect(&hub, &[("x-forwarded-for", "198.51.100.2")])
        .await
        .unwrap();
    let forged = [("x-forwarded-for", "203.0.113.1, 198.51.100.2")];
    assert_eq!(
        status(&hub, &forged).await,
        429,
        "what stands left of the proxy's word is no word"
    );
}

#[tokio::test]
async fn the_word_of_an_unknown_proxy_counts_for_nothing() {
    let hub = TestHub::with(&[
        ("CONNECTIONS_PER_ADDRESS", "1"),
        ("TRUSTED_PROXIES", "192.0.2.0/24"),
    ])
    .await;
    let _a = connect(&hub, &[("x-forwarded-for", "198.51.100.1")])
        .await
        .unwrap();
    assert_eq!(
        status(&hub, &[("x-forwarded-for", "198.51.100.2")]).await,
        429
    );
}
