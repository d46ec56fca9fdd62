//! What a machine needs to join: scripts that know their hub, and programs with their checksums.

mod support;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    extract::connect_info::MockConnectInfo,
    http::{HeaderValue, Request, StatusCode},
};
use serde_json::{Value, json};
use support::local::{Fixture, Reply, get, get_with, head, hub, send, write};

const SCRIPTS: [&str; 3] = ["/kipina-node", "/join.sh", "/kipina-node.ps1"];
const LINUX: &str = "kipina-node-0.1.0-linux-x86_64";
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJKOiegwE/utCTQ007EsJgQRQD0nIZkN937RC+qXenLSPbI5YamYI/KgRPDg0li5oqbd+FxBHu8fIXXL7C+TZSw==";

/// A hub whose visitors come from `peer`.
fn hub_seen_from(peer: [u8; 4], settings: &[(&str, &str)]) -> Fixture {
    let mut hub = hub(settings);
    let peer = SocketAddr::from((peer, 4711));
    hub.router = hub.router.layer(MockConnectInfo(peer));
    hub
}

fn joinable() -> Fixture {
    hub_seen_from([192, 0, 2, 1], &[])
}

fn downloads(hub: &Fixture) -> PathBuf {
    hub.directory.path().join(".local/share/kipina/downloads")
}

/// Files, and a list that names them, with a digest that nobody here checks.
fn release(hub: &Fixture, files: &[(&str, &str)]) {
    let folder = downloads(hub);
    for (name, content) in files {
        write(&folder, name, content);
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    list(hub, &names, 0);
    write(&folder, "SHA256SUMS.sig", "c2lnbmF0dXJl\n");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----\n");
    write(&folder, "kipina.pub", &pem);
}

/// Two lists of one length, written within a clock's tick, have different times as well.
fn list(hub: &Fixture, names: &[&str], seconds_later: u64) {
    let lines: Vec<String> = names.iter().map(|name| line(name)).collect();
    write(&downloads(hub), "SHA256SUMS", &lines.concat());
    let time = SystemTime::now() + Duration::from_secs(seconds_later);
    let path = downloads(hub).join("SHA256SUMS");
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

fn digest() -> String {
    "0123456789abcdef".repeat(4)
}

fn line(name: &str) -> String {
    format!("{}  {name}\n", digest())
}

async fn listed(hub: &Fixture) -> Vec<Value> {
    let version = get(&hub.router, "/api/version").await.json();
    version["downloads"].as_array().unwrap().clone()
}

async fn listed_files(hub: &Fixture) -> Vec<String> {
    let files = listed(hub).await.into_iter();
    files
        .map(|it| it["file"].as_str().unwrap().to_owned())
        .collect()
}

async fn script(hub: &Fixture, path: &str, headers: &[(&str, &str)]) -> Reply {
    get_with(&hub.router, path, headers).await
}

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
async fn a_hub_without_downloads_says_so() {
    let hub = joinable();
    let version = get(&hub.router, "/api/version").await;
    assert_eq!(version.header("cache-control"), "no-cache");
    assert_eq!(
        version.json(),
        json!({"version": env!("CARGO_PKG_VERSION"), "protocol_version": 1, "downloads": []})
    );
    let reply = script(&hub, "/kipina-node", &[("host", "h")]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.body.contains("@KIPINA"));
    for path in ["SHA256SUMS", "SHA256SUMS.sig", "kipina.pub", LINUX] {
        let missing = get(&hub.router, &format!("/download/{path}")).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(missing.header("cache-control"), "", "{path}");
    }
}

#[tokio::test]
async fn the_newest_of_each_program_is_listed_with_size_and_checksum() {
    let hub = joinable();
    release(
        &hub,
        &[
            ("kipina-node-0.9.0-linux-x86_64", "old"),
            ("kipina-node-0.10.0-linux-x86_64", "newer"),
            ("kipina-node-0.9.0-windows-x86_64.exe", "windows"),
            ("kipina-0.10.0-source.tar.gz", "source"),
        ],
    );
    assert_eq!(
        listed(&hub).await,
        [
            json!({"name": "kipina-node", "version": "0.10.0", "system": "linux", "architecture": "x86_64",
                "file": "kipina-node-0.10.0-linux-x86_64", "bytes": 5, "sha256": digest()}),
            json!({"name": "kipina-node", "version": "0.9.0", "system": "windows", "architecture": "x86_64",
                "file": "kipina-node-0.9.0-windows-x86_64.exe", "bytes": 7, "sha256": digest()}),
            json!({"name": "kipina", "version": "0.10.0",
                "file": "kipina-0.10.0-source.tar.gz", "bytes": 6, "sha256": digest()}),
        ]
    );
    let old = get(&hub.router, "/download/kipina-node-0.9.0-linux-x86_64").await;
    assert_eq!((old.status, old.body.as_str()), (StatusCode::OK, "old"));
}

#[tokio::test]
async fn programs_are_served_in_ranges_and_cached_for_ever() {
    let hub = joinable();
    release(&hub, &[(LINUX, "0123456789")]);
    let path = format!("/download/{LINUX}");
    let whole = get(&hub.router, &path).await;
    assert_eq!(
        (whole.status, whole.body.as_str()),
        (StatusCode::OK, "0123456789")
    );
    assert_eq!(
        whole.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(whole.header("content-type"), "application/octet-stream");

    let rest = get_with(&hub.router, &path, &[("range", "bytes=7-")]).await;
    assert_eq!(
        (rest.status, rest.body.as_str()),
        (StatusCode::PARTIAL_CONTENT, "789")
    );
    assert_eq!(rest.header("content-range"), "bytes 7-9/10");
    let beyond = get_with(&hub.router, &path, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("cache-control"), "");
    assert_eq!(
        head(&hub.router, &path).await.header("content-length"),
        "10"
    );
}

#[tokio::test]
async fn what_proves_a_program_is_asked_for_every_time() {
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    for (name, content) in [
        ("SHA256SUMS", line(LINUX)),
        ("SHA256SUMS.sig", "c2lnbmF0dXJl\n".to_owned()),
    ] {
        let reply = get(&hub.router, &format!("/download/{name}")).await;
        assert_eq!((reply.status, reply.body), (StatusCode::OK, content));
        assert_eq!(reply.headers["cache-control"], "no-cache", "{name}");
        assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    }
    let key = get(&hub.router, "/download/kipina.pub").await;
    assert!(key.body.contains(KEY));
}

#[tokio::test]
async fn what_the_list_does_not_name_is_not_there() {
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    let folder = downloads(&hub);
    write(&folder, "kipina-node-0.2.0-linux-x86_64", "not in the list");
    write(&folder, "release.key", "secret");
    write(&folder, "deeper/kipina-node-0.1.0-linux-arm64", "deeper");
    write(hub.directory.path(), "secret", "secret");
    for name in [
        "kipina-node-0.2.0-linux-x86_64",
        "release.key",
        "secret",
        "deeper%2Fkipina-node-0.1.0-linux-arm64",
        "..%2F..%2F..%2F..%2Fsecret",
        "..",
        "%2e%2e",
        ".",
        "%00",
        &format!("{LINUX}%00"),
        &format!("deeper%2F..%2F{LINUX}"),
        &format!(".%2F{LINUX}"),
    ] {
        let reply = get(&hub.router, &format!("/download/{name}")).await;
        assert!(reply.status.is_client_error(), "{name}: {}", reply.status);
        assert!(
            !reply.body.contains("secret\n") && reply.body != "deeper",
            "{name}"
        );
        assert_eq!(reply.header("cache-control"), "", "{name}");
    }
}

#[tokio::test]
async fn lines_that_lead_elsewhere_are_left_out() {
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    write(hub.directory.path(), "secret", "secret");
    let lines = [
        line("../../../../secret"),
        line("/etc/passwd"),
        line("SHA256SUMS"),
        "not a line\n".to_owned(),
        "\n".to_owned(),
        line(LINUX),
        line(LINUX).replace('0', "f"),
        line("kipina-node-0.1.0-linux-arm64"),
    ];
    write(&downloads(&hub), "SHA256SUMS", &lines.concat());
    // The last one is well-formed, and its file is not here.
    assert_eq!(listed_files(&hub).await, [LINUX]);
    assert_eq!(listed(&hub).await[0]["sha256"], digest());
    let secret = get(&hub.router, "/download/..%2F..%2F..%2F..%2Fsecret").await;
    assert_eq!(secret.status, StatusCode::NOT_FOUND);
}

#[cfg(unix)]
#[tokio::test]
async fn links_may_not_lead_out_of_the_folder() {
    use std::os::unix::fs::symlink;

    let arm = "kipina-node-0.1.0-linux-arm64";
    let mac = "kipina-node-0.1.0-macos-arm64";
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    write(hub.directory.path(), "secret", "secret");
    symlink(
        hub.directory.path().join("secret"),
        downloads(&hub).join(arm),
    )
    .unwrap();
    symlink(LINUX, downloads(&hub).join(mac)).unwrap();
    list(&hub, &[LINUX, arm, mac], 0);
    assert_eq!(listed_files(&hub).await, [LINUX, mac]);
    let out = get(&hub.router, &format!("/download/{arm}")).await;
    assert_eq!(out.status, StatusCode::NOT_FOUND);
    let within = get(&hub.router, &format!("/download/{mac}")).await;
    assert_eq!(within.body, "program");
}

#[tokio::test]
async fn a_new_release_needs_no_restart() {
    let hub = joinable();
    assert_eq!(listed_files(&hub).await, [""; 0]);
    release(&hub, &[(LINUX, "program")]);
    assert_eq!(listed_files(&hub).await, [LINUX]);

    let other = "kipina-node-0.1.1-linux-x86_64";
    write(&downloads(&hub), other, "program");
    list(&hub, &[other], 1);
    assert_eq!(listed_files(&hub).await, [other]);
    let old = get(&hub.router, &format!("/download/{LINUX}")).await;
    assert_eq!(old.status, StatusCode::NOT_FOUND);

    fs::remove_dir_all(downloads(&hub)).unwrap();
    assert_eq!(listed_files(&hub).await, [""; 0]);
}

#[tokio::test]
async fn a_spoilt_key_is_no_key() {
    let hub = joinable();
    release(&hub, &[(LINUX, "program")]);
    write(&downloads(&hub), "kipina.pub", "'; rm -rf ~; echo '");
    let reply = script(&hub, "/kipina-node", &[("host", "h")]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.body.contains("rm -rf ~"));
    assert!(!reply.body.contains("@KIPINA_RELEASE_KEY@") && !reply.body.contains(KEY));
}

#[tokio::test]
async fn the_studio_does_not_stand_before_what_joins() {
    let site = tempfile::TempDir::new().unwrap();
    for path in ["kipina-node", "join.sh", "download/index.html", "404.html"] {
        write(site.path(), path, "a page");
    }
    let settings = [("STATIC_DIR", site.path().to_str().unwrap())];
    let hub = hub_seen_from([192, 0, 2, 1], &settings);
    release(&hub, &[(LINUX, "program")]);
    for path in SCRIPTS {
        let reply = script(&hub, path, &[("host", "hub.example")]).await;
        assert!(reply.body.contains("http://hub.example"), "{path}");
    }
    let download = get(&hub.router, &format!("/download/{LINUX}")).await;
    assert_eq!(download.body, "program");
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
