//! The HTTP client of the hub's tests.

/// Where the whole workspace is built at once, another crate's features leave reqwest without a
/// cryptography provider of its own; it wants one even to speak plain HTTP.
pub fn client() -> reqwest::Client {
    // Whoever came first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
