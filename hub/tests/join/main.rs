//! What a machine needs to join: scripts that know their hub, and programs with their checksums.

mod downloads;
mod scripts;
#[path = "../support/mod.rs"]
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
