//! The cheap client reads what servers send, however it is cut into pieces.

use hub_bench::client::{AskError, Connection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const STREAM: &str = "HTTP/1.1 200 OK\r\nx-kipina-task: task-1\r\nTransfer-Encoding: chunked\r\n\r\n\
                      9\r\ndata: 1\n\n\r\n7\r\ndata: 2\r\n2\r\n\n\n\r\n0\r\n\r\n";
const PLAIN: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone";

/// A server that answers each request with the next of these, some bytes at a time.
async fn server(answers: &'static [&'static str], bytes: usize) -> Connection {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        for answer in answers {
            assert!(socket.read(&mut request).await.unwrap() > 0);
            for piece in answer.as_bytes().chunks(bytes) {
                socket.write_all(piece).await.unwrap();
                socket.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    Connection::open(address, None).await.unwrap()
}

#[tokio::test]
async fn events_and_bodies_come_whole_over_one_connection() {
    for bytes in [1, 3, 1000] {
        let mut connection = server(&[STREAM, PLAIN, STREAM], bytes).await;
        expect_stream(&mut connection).await;
        let reply = connection.get("/").await.unwrap();
        assert_eq!((reply.status, &*reply.body), (404, &b"none"[..]));
        expect_stream(&mut connection).await;
    }
}

async fn expect_stream(connection: &mut Connection) {
    let mut events = Vec::new();
    let reply = connection.post("/", "{}", |event, _| events.push(event.to_vec()));
    let reply = reply.await.unwrap();
    assert_eq!(events, [b"data: 1", b"data: 2"]);
    assert_eq!((reply.status, reply.task.as_deref()), (200, Some("task-1")));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let mut connection = server(
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata"],
        5,
    )
    .await;
    let reply = connection.get("/").await;
    assert!(matches!(reply, Err(AskError::CutOff)), "{reply:?}");
}
