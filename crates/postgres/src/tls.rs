//! TLS to Postgres, with rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_url::{Authorities, DatabaseUrlError, Encryption};

/// The protocol's name for the negotiation of application protocols, which direct negotiation demands
/// (<https://www.postgresql.org/docs/current/protocol-flow.html>, "SSL Session Encryption").
const ALPN: &[u8] = b"postgresql";

/// What makes encrypted connections; `None` if they are not to be encrypted. Reads the certificates of the authorities.
pub(crate) fn connector(
    encryption: &Encryption,
    negotiation: SslNegotiation,
) -> Result<Option<MakeRustlsConnect>, DatabaseUrlError> {
    // Named here, and not installed for the process: other libraries choose their own.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseUrlError::Tls(error.to_string()))?;
    let without_name = |authorities| Arc::new(AnyName::new(&provider, authorities));
    let mut config = match encryption {
        Encryption::Plaintext => return Ok(None),
        Encryption::Unverified => builder.dangerous().with_custom_certificate_verifier(without_name(None)),
        Encryption::Authority(path) => {
            builder.dangerous().with_custom_certificate_verifier(without_name(Some(read(path)?)))
        }
        Encryption::AuthorityAndName(Authorities::File(path)) => builder.with_root_certificates(read(path)?),
        Encryption::AuthorityAndName(Authorities::System) => builder.with_root_certificates(system()?),
    }
    .with_no_client_auth();
    if negotiation == SslNegotiation::Direct {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// The certificates of a PEM file.
fn read(path: &Path) -> Result<RootCertStore, DatabaseUrlError> {
    let unreadable = |reason: String| DatabaseUrlError::Unreadable { path: path.to_owned(), reason };
    let explain = |error: pem::Error| match error {
        pem::Error::Io(error) => unreadable(error.to_string()),
        error => unreadable(error.to_string()),
    };
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(explain)? {
        authorities.add(certificate.map_err(explain)?).map_err(|error| unreadable(error.to_string()))?;
    }
    if authorities.is_empty() { Err(DatabaseUrlError::NoCertificate(path.to_owned())) } else { Ok(authorities) }
}

/// The certificates that the operating system trusts. Some systems have a few that cannot be parsed; these are skipped.
fn system() -> Result<RootCertStore, DatabaseUrlError> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(DatabaseUrlError::NoSystemAuthorities(reasons.join("; ")));
    }
    Ok(authorities)
}

/// Accepts a certificate for any name, of one of the authorities if there are some. The server must have its private key.
#[derive(Debug)]
struct AnyName {
    authorities: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyName {
    fn new(provider: &CryptoProvider, authorities: Option<RootCertStore>) -> Self {
        Self { authorities, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(authorities) = &self.authorities {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, authorities, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_or_empty_file_of_authorities_is_named() {
        let refused = |path: &str| {
            let encryption = Encryption::AuthorityAndName(Authorities::File(path.into()));
            connector(&encryption, SslNegotiation::Postgres).err().unwrap().to_string()
        };
        let missing = refused("/nowhere/ca.pem");
        assert!(missing.contains("sslrootcert that cannot be read: /nowhere/ca.pem: No such file"), "{missing}");
        let empty = refused("/dev/null");
        assert!(empty.contains("sslrootcert that holds no certificate") && empty.contains("/dev/null"), "{empty}");
    }

    #[test]
    fn only_plaintext_has_no_connector() {
        let connector = |encryption| connector(&encryption, SslNegotiation::Postgres).unwrap();
        assert!(connector(Encryption::Plaintext).is_none());
        assert!(connector(Encryption::Unverified).is_some());
    }
}
