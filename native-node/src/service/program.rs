//! Which program the service runs, and its flags and variables as they hold from anywhere.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::config::Secret;

/// Flags that may name a file.
const PATHS: [&str; 2] = ["--model", "--log-file"];

/// Variables that name a file or a folder.
const PATH_VARIABLES: [&str; 3] = ["MODELS_DIR", "SSL_CERT_FILE", "XDG_DATA_HOME"];

/// Those that name several, as `PATH` does.
const PATHS_VARIABLES: [&str; 3] = ["SSL_CERT_DIR", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// The link that updates point to the newest version, where it leads to this program; else the
/// program itself.
pub fn stable_program(current: &Path, home: &Path) -> PathBuf {
    let link = home.join(".local/bin/kipina-node");
    let same = |link: &Path| Some(link.canonicalize().ok()? == current.canonicalize().ok()?);
    if same(&link) == Some(true) {
        link
    } else {
        current.to_owned()
    }
}

/// The flags without the one that asks for the service, and with paths that do not depend on the
/// folder that they were given in.
pub fn absolute_flags(given: &[String], folder: &Path) -> Vec<String> {
    let mut flags = Vec::new();
    let mut before = "";
    for given in given.iter().filter(|given| *given != "--install") {
        flags.push(match given.split_once('=') {
            _ if PATHS.contains(&before) => absolute(before, given, folder),
            Some((flag, value)) if PATHS.contains(&flag) => {
                format!("{flag}={}", absolute(flag, value, folder))
            }
            _ => given.clone(),
        });
        before = given;
    }
    flags
}

/// The variables, with paths that do not depend on the folder that they were given in.
pub fn absolute_variables(
    given: &[(&'static str, Secret)],
    folder: &Path,
) -> Vec<(&'static str, Secret)> {
    let absolute = |name: &str, value: &str| {
        if PATH_VARIABLES.contains(&name) {
            return Some(folder.join(value).into_os_string());
        }
        // What holds no list of paths is none, and stays as it is.
        let paths = PATHS_VARIABLES
            .contains(&name)
            .then(|| env::split_paths(value))?;
        let paths = paths.filter(|path| !path.as_os_str().is_empty());
        env::join_paths(paths.map(|path| folder.join(path))).ok()
    };
    let variables = given.iter().map(|(name, value)| {
        let path = absolute(name, value.reveal()).and_then(|path| path.into_string().ok());
        (*name, path.map_or_else(|| value.clone(), Secret))
    });
    variables.collect()
}

/// A model is named by its id unless it ends like a model's file.
fn absolute(flag: &str, value: &str, folder: &Path) -> String {
    if flag == "--model" && !value.to_lowercase().ends_with(".gguf") {
        return value.to_owned();
    }
    folder.join(value).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absolute(given: &[&str]) -> Vec<String> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        absolute_flags(&given, Path::new("/srv"))
    }

    #[test]
    fn files_are_found_from_anywhere() {
        assert_eq!(
            absolute(&[
                "--install",
                "--model",
                "tiny.GGUF",
                "--name",
                "./x",
                "--engine"
            ]),
            ["--model", "/srv/tiny.GGUF", "--name", "./x", "--engine"]
        );
        assert_eq!(
            absolute(&[
                "--log-file=node.txt",
                "--model=/m/a.gguf",
                "--log-file",
                "logs/x"
            ]),
            [
                "--log-file=/srv/node.txt",
                "--model=/m/a.gguf",
                "--log-file",
                "/srv/logs/x"
            ]
        );
        for id in ["qwen2.5-coder:3b", "hf.co/bartowski/x:Q4_K_M", "llama3.2"] {
            assert_eq!(absolute(&["--model", id]), ["--model", id]);
        }
    }

    #[test]
    #[cfg(unix)]
    fn variables_lead_to_the_same_files_from_anywhere() {
        let given = [
            ("MODELS_DIR", "models"),
            ("SSL_CERT_FILE", "../ca.pem"),
            ("SSL_CERT_DIR", "certs:/etc/certs:more"),
            ("VK_DRIVER_FILES", "own/icd.json:/etc/icd.json"),
            ("XDG_DATA_HOME", "/data"),
            ("HUB_URL", "ws://hub/ws"),
            ("PATH", "bin:/usr/bin"),
        ];
        let given = given.map(|(name, value)| (name, Secret(value.into())));
        let absolute = absolute_variables(&given, Path::new("/srv"));
        let absolute: Vec<_> = absolute
            .iter()
            .map(|(name, value)| (*name, value.reveal()))
            .collect();
        assert_eq!(
            absolute,
            [
                ("MODELS_DIR", "/srv/models"),
                ("SSL_CERT_FILE", "/srv/../ca.pem"),
                ("SSL_CERT_DIR", "/srv/certs:/etc/certs:/srv/more"),
                ("VK_DRIVER_FILES", "/srv/own/icd.json:/etc/icd.json"),
                ("XDG_DATA_HOME", "/data"),
                ("HUB_URL", "ws://hub/ws"),
                ("PATH", "bin:/usr/bin"),
            ]
        );
    }

    #[test]
    #[cfg(unix)]
    fn the_link_is_run_only_where_it_leads_here() {
        let home = tempfile::tempdir().unwrap();
        let (program, other) = (home.path().join("kipina-node"), home.path().join("other"));
        for file in [&program, &other] {
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(stable_program(&program, home.path()), program);
        let link = home.path().join(".local/bin/kipina-node");
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert_eq!(stable_program(&program, home.path()), link);
        assert_eq!(stable_program(&other, home.path()), other);
    }
}
