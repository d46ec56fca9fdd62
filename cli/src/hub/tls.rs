//! TLS that trusts what the operating system trusts.

use rustls::{ClientConfig, RootCertStore};

/// The provider is named here rather than installed for the whole process, and it is ring: the other one, aws-lc,
/// needs cmake to build.
pub(super) fn client_config() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // A store with odd certificates in it is common; those that can be read are enough.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = rustls::crypto::ring::default_provider();
    Ok(ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
