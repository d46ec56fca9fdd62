//! Frames that no node sends.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{client::Client, support::hub::TestHub};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn joined(hub: &TestHub, headers: &str) -> (Client, String) {
    let mut client = Client::connect(hub.address).await;
    client.send(&format!("{UPGRADE}{headers}\r\n")).await;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let byte = timeout(Duration::from_secs(20), client.socket.read_u8()).await;
        head.push(byte.unwrap().unwrap().into());
    }
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    (client, head)
}

/// A frame as clients send them: masked, with a mask of zeros.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The code of the close frame that the hub ends the connection with.
async fn close_code(mut client: Client, frames: &[u8]) -> u16 {
    let _ = client.socket.write_all(frames).await;
    let mut bytes = Vec::new();
    let reading = client.socket.read_to_end(&mut bytes);
    let _ = timeout(Duration::from_secs(20), reading)
        .await
        .expect("the hub closes the connection");
    // A ping is answered before.
    let frames = match bytes.as_slice() {
        [0x8a, length, rest @ ..] => &rest[usize::from(*length)..],
        frames => frames,
    };
    match frames {
        [0x88, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        other => panic!("no close frame: {other:?}"),
    }
}

#[tokio::test]
async fn compression_is_never_agreed_to() {
    let hub = TestHub::start().await;
    let offer = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";
    let (client, head) = joined(&hub, offer).await;
    assert!(
        !head.to_lowercase().contains("sec-websocket-extensions"),
        "{head}"
    );
    // What comes compressed all the same (the first reserved bit) breaks the protocol.
    let code = close_code(client, &frame(0xc1, b"\xca\x48\xcd\xc9\xc9\x07\x00")).await;
    assert_eq!(code, protocol::close_code::PROTOCOL_VIOLATION);
}

#[tokio::test]
async fn frames_that_break_the_rules_end_the_connection_with_a_reason() {
    let hub = TestHub::start().await;
    let long = vec![b' '; protocol::MAX_NODE_FRAME_BYTES + 1];
    let half = vec![b' '; protocol::MAX_NODE_FRAME_BYTES / 2 + 1];
    let in_pieces = [frame(0x01, &half), frame(0x00, &half), frame(0x80, b"{}")].concat();
    let deep = "[".repeat(100_000);
    let deep = format!(r#"{{"type":"hello","device":{deep}"#);
    for (name, frames) in [
        ("longer than a frame may be", frame(0x81, &long)),
        ("longer in pieces than a message may be", in_pieces),
        ("an unknown opcode", frame(0x83, b"{}")),
        ("no text in a text frame", frame(0x81, b"\xff\xfe")),
        ("binary", frame(0x82, b"{}")),
        ("no JSON", frame(0x81, b"hello")),
        ("JSON without an end", frame(0x81, deep.as_bytes())),
        ("not masked", vec![0x81, 2, b'{', b'}']),
    ] {
        let (client, _) = joined(&hub, "").await;
        let code = close_code(client, &frames).await;
        assert_eq!(code, protocol::close_code::PROTOCOL_VIOLATION, "{name}");
    }
    assert_eq!(hub.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn whoever_says_no_hello_in_time_is_sent_away() {
    let hub = TestHub::tuned(|config| {
        config.nodes.hello_deadline = Duration::from_millis(200);
    })
    .await;
    let (client, _) = joined(&hub, "").await;
    let code = close_code(client, &frame(0x89, b"ping")).await;
    assert_eq!(code, protocol::close_code::HELLO_EXPECTED);
}
