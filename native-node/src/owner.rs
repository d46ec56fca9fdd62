//! What a hub knows this machine's nodes by from one connection to the next, where no key says it: a secret, made up by
//! the first of them and kept in the data folder, as a tab keeps one in its browser.

use std::{fmt::Write, fs, io, path::Path};

use protocol::Owner;
use sha2::{Digest, Sha256};

use crate::private_file;

const FILE: &str = "owner";

/// 256 bits, as digits.
const DIGITS: usize = 64;

/// Every hub gets another one: what it is told it could tell another.
pub fn for_hub(data_folder: &Path, hub_url: &str) -> io::Result<Owner> {
    let secret = kept(&data_folder.join(FILE))?;
    let digest = Sha256::digest(format!("{secret} {hub_url}"));
    Owner::try_from(digits(&digest)).map_err(io::Error::other)
}

fn kept(file: &Path) -> io::Result<String> {
    match fs::read_to_string(file) {
        Ok(text) if is_secret(text.trim()) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    private_file::write(file, &digits(&bytes))?;
    // Two nodes that start at once agree on what lies there in the end.
    Ok(fs::read_to_string(file)?.trim().to_owned())
}

fn is_secret(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Text takes what is written to it.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "wss://kipina.studio/ws";

    #[test]
    fn a_machine_is_the_same_to_a_hub_ever_after_and_another_to_another_hub() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = folder.path().join("kipina");
        let first = for_hub(&data, HUB).unwrap();
        assert_eq!(for_hub(&data, HUB).unwrap(), first);
        assert_ne!(for_hub(&data, "wss://example.org/ws").unwrap(), first);
        assert_ne!(for_hub(other.path(), HUB).unwrap(), first);
        let kept = fs::read_to_string(data.join(FILE)).unwrap();
        assert_ne!(kept, String::from(first), "no hub is told what is kept");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it_and_a_broken_one_is_made_anew() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, "half a sec").unwrap();
        let first = for_hub(folder.path(), HUB).unwrap();
        assert_eq!(for_hub(folder.path(), HUB).unwrap(), first);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(for_hub(&file, HUB).is_err());
    }
}
