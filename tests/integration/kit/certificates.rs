//! Certificates for tests of encrypted connections.

use std::path::PathBuf;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;

use super::meta::fresh_digits;

/// Signs certificates.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    file: PemFile,
}

/// A certificate with its private key, both in PEM format.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) private_key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, format!("Test authority {}", fresh_digits()));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let file = PemFile::new(&certificate.pem());
        Self { certificate, issuer: Issuer::new(parameters, key), file }
    }

    /// A certificate for a host name or an IP address.
    pub(crate) fn issue(&self, host: &str) -> Identity {
        self.sign(&CertificateParams::new([host.to_owned()]).unwrap())
    }

    /// A certificate that is no longer valid.
    pub(crate) fn issue_expired(&self, host: &str) -> Identity {
        let mut parameters = CertificateParams::new([host.to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        self.sign(&parameters)
    }

    fn sign(&self, parameters: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.pem(), private_key: key.serialize_pem() }
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The path of a PEM file with its certificate.
    pub(crate) fn path(&self) -> &str {
        self.file.path()
    }
}

/// A file that is deleted when it is dropped.
pub(crate) struct PemFile(PathBuf);

impl PemFile {
    pub(crate) fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parley-test-{}.pem", fresh_digits()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
