//! The operator's password as argon2id's hash of it: slow on purpose, so never on the runtime's threads.

use std::{fmt, sync::Arc};

use argon2::Argon2;
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::config::Secret;

/// A hash takes 19 MB and some milliseconds of one core: one at a time.
const HASHES_AT_ONCE: usize = 1;

#[derive(Clone)]
pub(super) struct Password {
    hashed: Arc<Hashed>,
    at_once: Arc<Semaphore>,
}

struct Hashed {
    salt: [u8; 16],
    hash: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
    #[error("the password can't be hashed: {0}")]
    Unhashable(#[from] argon2::Error),
}

impl Password {
    pub(super) fn hash(password: &Secret) -> Result<Self, PasswordError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let hash = hash(password.reveal(), &salt)?;
        Ok(Self {
            hashed: Arc::new(Hashed { salt, hash }),
            at_once: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        })
    }

    pub(super) async fn is(&self, tried: String) -> bool {
        let Ok(_turn) = self.at_once.acquire().await else {
            return false;
        };
        let hashed = Arc::clone(&self.hashed);
        let matches = spawn_blocking(move || {
            let tried = hash(&tried, &hashed.salt)?;
            Ok::<bool, argon2::Error>(tried.ct_eq(&hashed.hash).into())
        });
        match matches.await {
            Ok(Ok(matches)) => matches,
            Ok(Err(error)) => {
                tracing::warn!("a password that was tried can't be hashed: {error}");
                false
            }
            Err(panic) => {
                tracing::error!("hashing a password failed: {panic}");
                false
            }
        }
    }
}

/// With the parameters that OWASP recommends, which are the library's own.
fn hash(password: &str, salt: &[u8]) -> Result<[u8; 32], argon2::Error> {
    let mut hash = [0; 32];
    Argon2::default().hash_password_into(password.as_bytes(), salt, &mut hash)?;
    Ok(hash)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
