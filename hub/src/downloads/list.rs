//! `SHA256SUMS`: what a release has, and which of several releases is the newest.

use std::{cmp::Ordering, collections::HashMap};

use serde::Serialize;

/// A file whose name says what it is: `kipina-node-0.1.0-linux-x86_64`, or
/// `kipina-0.1.0-source.tar.gz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Download {
    pub(super) name: String,
    pub(super) version: String,
    /// One of `SYSTEMS`; None for source, which is for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<String>,
    /// `x86_64` or `arm64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) architecture: Option<String>,
    pub(super) file: String,
    /// Lower-case hex.
    pub(super) sha256: String,
}

const PROGRAMS: [&str; 2] = ["kipina-node", "kpn"];
/// `linux` is for every Linux; `linux_gpu` reaches the driver of a graphics card, where there is glibc.
const SYSTEMS: [&str; 4] = ["linux", "linux_gpu", "macos", "windows"];
const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];

impl Download {
    /// A line as `sha256sum` writes it: 64 hex digits, two spaces, a name.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (sha256, file) = line.split_once("  ")?;
        let is_digest = sha256.len() == 64
            && sha256
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_digest {
            return None;
        }
        let known = |kinds: &[&str], kind: &str| kinds.contains(&kind).then(|| kind.to_owned());
        let source = file
            .strip_prefix("kipina-")
            .and_then(|rest| rest.strip_suffix("-source.tar.gz"));
        let (name, version, system, architecture) = match source {
            Some(version) => ("kipina".to_owned(), version, None, None),
            None => {
                let (stem, is_exe) = match file.strip_suffix(".exe") {
                    Some(stem) => (stem, true),
                    None => (file, false),
                };
                let mut parts = stem.rsplitn(4, '-');
                let architecture = known(&ARCHITECTURES, parts.next()?)?;
                let system = known(&SYSTEMS, parts.next()?)?;
                let version = parts.next()?;
                let name = known(&PROGRAMS, parts.next()?)?;
                if is_exe != (system == "windows") {
                    return None;
                }
                (name, version, Some(system), Some(architecture))
            }
        };
        numbers(version)?;
        Some(Self {
            name,
            version: version.to_owned(),
            system,
            architecture,
            file: file.to_owned(),
            sha256: sha256.to_owned(),
        })
    }
}

/// Of each program for each system the newest version, in the list's own order.
pub(super) fn newest(downloads: &[Download]) -> Vec<&Download> {
    let mut newest = HashMap::new();
    for download in downloads {
        let kept = newest.entry(kind(download)).or_insert(download);
        if compare(&download.version, &kept.version) == Ordering::Greater {
            *kept = download;
        }
    }
    let is_newest = |download: &&Download| {
        let kept = newest.get(&kind(download));
        kept.is_some_and(|kept| kept.file == download.file)
    };
    downloads.iter().filter(is_newest).collect()
}

fn kind(download: &Download) -> (&str, Option<&str>, Option<&str>) {
    (
        &download.name,
        download.system.as_deref(),
        download.architecture.as_deref(),
    )
}

/// Dotted numbers: 0.10 is newer than 0.9, and 0.9.1 than 0.9.
fn compare(one: &str, other: &str) -> Ordering {
    numbers(one).cmp(&numbers(other))
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    version
        .split('.')
        .map(|part| is_plain(part).then(|| part.parse().ok())?)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn parse(file: &str) -> Option<Download> {
        Download::parse(&format!("{DIGEST}  {file}"))
    }

    #[test]
    fn a_name_says_what_a_file_is() {
        for (file, name, version, system, architecture) in [
            (
                "kipina-node-0.1.0-linux-x86_64",
                "kipina-node",
                "0.1.0",
                Some("linux"),
                Some("x86_64"),
            ),
            (
                "kipina-node-1.2-macos-arm64",
                "kipina-node",
                "1.2",
                Some("macos"),
                Some("arm64"),
            ),
            (
                "kpn-10.0.1-windows-x86_64.exe",
                "kpn",
                "10.0.1",
                Some("windows"),
                Some("x86_64"),
            ),
            ("kipina-0.1.0-source.tar.gz", "kipina", "0.1.0", None, None),
        ] {
            let download = parse(file).expect(file);
            assert_eq!(
                (download.name.as_str(), download.version.as_str()),
                (name, version)
            );
            assert_eq!(
                (download.system.as_deref(), download.architecture.as_deref()),
                (system, architecture)
            );
            assert_eq!(
                (download.file.as_str(), download.sha256.as_str()),
                (file, DIGEST)
            );
        }
    }

    #[test]
    fn what_is_no_release_is_no_download() {
        for file in [
            "",
            "notes.txt",
            "kipina-node",
            "kipina-node-0.1.0-linux",
            "kipina-node-0.1.0-linux-x86_64.exe",
            "kipina-node-0.1.0-windows-x86_64",
            "kipina-node-0.1.0-plan9-x86_64",
            "kipina-node-0.1.0-linux-mips",
            "kipina-hub-0.1.0-linux-x86_64",
            "kipina-node-0.1.0-rc1-linux-x86_64",
            "kipina-node-0..1-linux-x86_64",
            "kipina-node--linux-x86_64",
            "kipina-node-+1-linux-x86_64",
            "kipina-node-99999999999999999999-linux-x86_64",
            "../kipina-node-0.1.0-linux-x86_64",
            "a/kipina-node-0.1.0-linux-x86_64",
            " kipina-node-0.1.0-linux-x86_64",
            "kipina-../../x-source.tar.gz",
            "kipina-0.1.0-source.tar.gz/../x",
        ] {
            assert_eq!(parse(file), None, "{file}");
        }
    }

    #[test]
    fn what_is_no_checksum_is_no_download() {
        let file = "kipina-node-0.1.0-linux-x86_64";
        for line in [
            format!("{DIGEST} {file}"),
            format!("{DIGEST} *{file}"),
            format!("{}  {file}", &DIGEST[1..]),
            format!("{DIGEST}0  {file}"),
            format!("{}  {file}", DIGEST.to_uppercase()),
            format!("{}x  {file}", &DIGEST[1..]),
            file.to_owned(),
        ] {
            assert_eq!(Download::parse(&line), None, "{line}");
        }
    }

    #[test]
    fn the_newest_version_of_each_wins_by_its_numbers() {
        let list: Vec<Download> = [
            "kipina-node-0.9.9-linux-x86_64",
            "kipina-node-0.10.0-linux-x86_64",
            "kipina-node-0.9.10-linux-x86_64",
            "kipina-node-0.9.9-linux_gpu-x86_64",
            "kipina-node-0.9.9-macos-arm64",
            "kpn-0.2-linux-x86_64",
            "kpn-0.2.1-linux-x86_64",
        ]
        .into_iter()
        .map(|file| parse(file).expect(file))
        .collect();
        let newest: Vec<&str> = newest(&list).iter().map(|it| it.file.as_str()).collect();
        assert_eq!(
            newest,
            [
                "kipina-node-0.10.0-linux-x86_64",
                "kipina-node-0.9.9-linux_gpu-x86_64",
                "kipina-node-0.9.9-macos-arm64",
                "kpn-0.2.1-linux-x86_64",
            ]
        );
    }
}
