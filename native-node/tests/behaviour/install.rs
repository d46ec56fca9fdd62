//! `--install` on Linux, with a stand-in for systemd's own tool.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

fn kipina_node(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kipina-node"));
    command
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("PATH", folder.join("bin"))
        .current_dir(folder);
    command
}

#[test]
fn a_service_finds_what_its_owner_had_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let systemctl = folder.path().join("bin/systemctl");
    fs::create_dir_all(systemctl.parent().unwrap()).unwrap();
    fs::write(&systemctl, "#!/bin/sh\necho systemd 252\n").unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
    let proxies = proxies.map(|name| [name.to_owned(), name.to_lowercase()]);
    let mut kept: Vec<_> = proxies
        .as_flattened()
        .iter()
        .map(|name| {
            (
                name.as_str(),
                "http://proxy:8080",
                "http://proxy:8080".to_owned(),
            )
        })
        .collect();
    let below = |path: &str| folder.path().join(path).display().to_string();
    kept.extend([
        ("TZ", "Europe/Helsinki", "Europe/Helsinki".into()),
        ("MODELS_DIR", "models", below("models")),
        ("SSL_CERT_FILE", "own/ca.pem", below("own/ca.pem")),
        (
            "SSL_CERT_DIR",
            "own:/etc/own",
            format!("{}:/etc/own", below("own")),
        ),
    ]);
    let installed = kipina_node(folder.path())
        .args(["--install", "--engine"])
        .envs(kept.iter().map(|(name, value, _)| (name, value)))
        .output()
        .unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let environment = folder.path().join("home/.config/kipina/node.env");
    let written = fs::read_to_string(&environment).unwrap();
    for (name, _, value) in &kept {
        let line = format!("{name}=\"{value}\"");
        assert!(
            written.lines().any(|written| written == line),
            "{line} is missing from:\n{written}"
        );
    }
    let removed = kipina_node(folder.path()).arg("--uninstall").output();
    assert!(removed.unwrap().status.success());
    assert!(!environment.exists());
}
