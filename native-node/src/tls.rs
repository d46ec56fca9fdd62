//! The one TLS configuration that the hub's connection and the backends' HTTP clients share.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Trusts what the operating system trusts.
///
/// The provider is named here rather than installed for the whole process, and it is ring: the
/// other one, aws-lc, needs cmake to build.
pub fn client_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for problem in &found.errors {
        tracing::warn!("reading the system's certificates: {problem}");
    }
    // A store with odd certificates in it is common; those that parse are enough.
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
