//! Scripts that know the hub that they came from.

use super::*;

#[tokio::test]
async fn scripts_know_the_hub_and_the_key_that_they_came_with() {
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    for path in SCRIPTS {
        let reply = script(&hub, path, &[("host", "hub.example:3000")]).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert!(reply.body.contains("http://hub.example:3000"), "{path}");
        assert!(!reply.body.contains("@KIPINA_HUB@"), "{path}");
        assert!(!reply.body.contains("@KIPINA_RELEASE_KEY@"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    assert!(
        script(&hub, "/kipina-node", &[("host", "h")])
            .await
            .body
            .contains(KEY)
    );
    for (path, kind) in [
        ("/kipina-node", "text/x-shellscript; charset=utf-8"),
        ("/join.sh", "text/x-shellscript; charset=utf-8"),
        ("/kipina-node.ps1", "text/plain; charset=utf-8"),
    ] {
        let reply = script(&hub, path, &[("host", "hub.example")]).await;
        assert_eq!(reply.header("content-type"), kind, "{path}");
    }
    let head = head(&hub.router, "/kipina-node").await;
    assert_eq!(head.body, "");
}

#[tokio::test]
async fn scripts_differ_from_those_in_the_repository_by_nothing_else() {
    let hub = joinable();
    for (path, file) in [
        ("/kipina-node", "scripts/join/kipina-node.sh"),
        ("/kipina-node.ps1", "scripts/join/kipina-node.ps1"),
        ("/join.sh", "join.sh"),
    ] {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let template = fs::read_to_string(template).unwrap();
        assert!(template.contains("@KIPINA_HUB@"), "{file}");
        let expected = template
            .replace("@KIPINA_HUB@", "http://h")
            .replace("@KIPINA_RELEASE_KEY@", "");
        assert_eq!(script(&hub, path, &[("host", "h")]).await.body, expected);
    }
}

#[tokio::test]
async fn a_proxy_that_is_trusted_tells_how_the_hub_is_called() {
    let forwarded = [
        ("host", "127.0.0.1:3000"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "kipina.studio"),
    ];
    let behind_proxy = hub_seen_from([127, 0, 0, 1], &[]);
    let reply = script(&behind_proxy, "/kipina-node", &forwarded).await;
    assert!(reply.body.contains("https://kipina.studio"));
    assert!(!reply.body.contains("127.0.0.1:3000"));

    let reply = script(&joinable(), "/kipina-node", &forwarded).await;
    assert!(reply.body.contains("http://127.0.0.1:3000"));
    assert!(
        !reply.body.contains("https://kipina.studio\""),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn a_hostile_host_never_gets_into_a_script() {
    let hostile = [
        "a;rm -rf",
        "a b",
        "a\"b",
        "a'b",
        "$(x)",
        "`x`",
        "a\\nb",
        "a\tb",
        "a&b",
        "a/b",
        "user@a",
        "@KIPINA_HUB@",
        "",
    ];
    let trusting = hub_seen_from([127, 0, 0, 1], &[]);
    for path in SCRIPTS {
        for host in hostile {
            let direct = script(&joinable(), path, &[("host", host)]).await;
            let proxied = [("host", "a"), ("x-forwarded-host", host)];
            let proxied = script(&trusting, path, &proxied).await;
            for reply in [direct, proxied] {
                assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path} {host}");
                assert!(
                    host.is_empty() || !reply.body.contains(host),
                    "{path} {host}"
                );
            }
        }
        let bytes = HeaderValue::from_bytes(b"a\xffb").unwrap();
        let request = Request::get(path).header("host", bytes);
        let reply = send(&trusting.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        let without = get(&trusting.router, path).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn a_refused_script_ends_the_shell_that_it_is_piped_to_with_a_line() {
    for path in ["/kipina-node", "/join.sh"] {
        let refused = script(&joinable(), path, &[("host", "a b")]).await;
        let bash = std::process::Command::new("bash")
            .arg("-c")
            .arg(&refused.body)
            .output()
            .unwrap();
        assert_eq!(bash.status.code(), Some(1), "{bash:?}");
        let said = String::from_utf8(bash.stderr).unwrap();
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(
            said.contains("could not make out its own address"),
            "{said}"
        );
    }
    let refused = script(&joinable(), "/kipina-node.ps1", &[("host", "a b")]).await;
    assert_eq!(refused.json()["error"]["code"], "unclear_address");
}

#[tokio::test]
async fn over_a_real_socket_the_address_is_the_one_that_was_asked() {
    let hub = support::hub::TestHub::start().await;
    let reply = hub.get("/kipina-node").await;
    assert_eq!(reply.status().as_u16(), 200);
    let text = reply.text().await.unwrap();
    assert!(text.contains(&format!("http://{}", hub.address)), "{text}");
    hub.stop().await;
}
