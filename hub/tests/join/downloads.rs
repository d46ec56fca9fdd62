//! Programs, the list that names them, and what proves it.

use super::*;

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
