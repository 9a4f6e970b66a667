//! What a database URL says about encryption. The driver knows neither all modes nor `sslrootcert`, so these parameters are
//! taken out of the URL before the driver reads it.

use std::borrow::Cow;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

/// How a connection is encrypted, and what a server must prove.
///
/// The parameters have the names and the meaning that libpq gives them
/// (<https://www.postgresql.org/docs/current/libpq-ssl.html>), with two exceptions: without `sslmode` a connection is not
/// encrypted, and the modes that fall back to plaintext are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    Plaintext,
    /// Any certificate.
    Unverified,
    /// A certificate of an authority in the file, for any name.
    Authority(PathBuf),
    /// A certificate of an authority, for the host of the URL.
    AuthorityAndName(Authorities),
}

/// The authorities whose certificates are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authorities {
    /// Those that the operating system trusts.
    System,
    /// The certificates in a PEM file.
    File(PathBuf),
}

/// Why a database URL cannot be used. Never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    #[error("must be a URL such as postgres://user:password@host:5432/database")]
    NotPostgres,
    #[error("has an invalid parameter: {0}")]
    Driver(String),
    #[error("has the parameter {0} twice")]
    Repeated(&'static str),
    #[error(
        "has sslmode={0}, which is refused: it sends passwords and data in plaintext, without a warning, as soon as the server or \
         an attacker on the network offers no encryption (use sslmode=verify-full, or sslmode=disable to choose plaintext)"
    )]
    FallsBack(String),
    #[error("has the unknown sslmode {0:?} (use disable, require, verify-ca or verify-full)")]
    UnknownMode(String),
    #[error("has sslrootcert, but is not encrypted (add sslmode=verify-full)")]
    AuthoritiesOfPlaintext,
    #[error("has sslmode=verify-ca without sslrootcert: name the file with the certificate of your authority")]
    MissingAuthorities,
    #[error(
        "has sslrootcert=system, which needs sslmode=verify-full: anyone can get a certificate of a public authority, for another \
         name"
    )]
    SystemWithoutName,
    #[error("has sslnegotiation=direct, but is not encrypted (add sslmode=verify-full)")]
    NegotiationOfPlaintext,
    #[error("names a file in sslrootcert that cannot be read: {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("names a file in sslrootcert that holds no certificate in PEM format: {0}")]
    NoCertificate(PathBuf),
    #[error("needs certificates of authorities, and this system has none: set sslrootcert to a file ({0})")]
    NoSystemAuthorities(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Splits a URL into what the driver reads and how the connection is encrypted.
pub(crate) fn parse(url: &str) -> Result<(Config, Encryption), DatabaseUrlError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(DatabaseUrlError::NotPostgres);
    }
    let parameters = Parameters::take_from(url)?;
    let encryption = parameters.encryption()?;
    let mut driver: Config =
        parameters.rest.parse().map_err(|error| DatabaseUrlError::Driver(kernel::error_chain(&error)))?;
    // As with libpq: Postgres does not encrypt Unix sockets, which do not leave the machine.
    let on_network =
        driver.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) || !driver.get_hostaddrs().is_empty();
    let encryption = if on_network { encryption } else { Encryption::Plaintext };
    if encryption == Encryption::Plaintext {
        if driver.get_ssl_negotiation() == SslNegotiation::Direct {
            return Err(DatabaseUrlError::NegotiationOfPlaintext);
        }
        driver.ssl_mode(SslMode::Disable);
    } else {
        // The driver's `prefer`, its default, would accept a server without TLS.
        driver.ssl_mode(SslMode::Require);
    }
    Ok((driver, encryption))
}

/// The parameters about encryption, and the URL without them.
struct Parameters {
    mode: Option<String>,
    authorities: Option<String>,
    rest: String,
}

const MODE: &str = "sslmode";
const AUTHORITIES: &str = "sslrootcert";
/// The value of `sslrootcert` that stands for the authorities of the operating system.
const SYSTEM: &str = "system";

impl Parameters {
    fn take_from(url: &str) -> Result<Self, DatabaseUrlError> {
        // As the driver does: the password ends at the first @, and may hold a question mark.
        let after_password = url.find('@').map_or(0, |at| at + 1);
        let Some(question_mark) = url[after_password..].find('?').map(|at| after_password + at) else {
            return Ok(Self { mode: None, authorities: None, rest: url.to_owned() });
        };
        let (mut mode, mut authorities, mut others) = (None, None, Vec::new());
        for parameter in url[question_mark + 1..].split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, place) = match &*decode(key) {
                MODE => (MODE, &mut mode),
                AUTHORITIES => (AUTHORITIES, &mut authorities),
                _ => {
                    others.push(parameter);
                    continue;
                }
            };
            if place.replace(decode(value).into_owned()).is_some() {
                return Err(DatabaseUrlError::Repeated(name));
            }
        }
        let mut rest = url[..question_mark].to_owned();
        if !others.is_empty() {
            rest = format!("{rest}?{}", others.join("&"));
        }
        Ok(Self { mode, authorities, rest })
    }

    fn encryption(&self) -> Result<Encryption, DatabaseUrlError> {
        let authorities = match self.authorities.as_deref() {
            None => None,
            Some(SYSTEM) => Some(Authorities::System),
            Some(path) => Some(Authorities::File(path.into())),
        };
        match (self.mode.as_deref().unwrap_or("disable"), authorities) {
            ("disable", None) => Ok(Encryption::Plaintext),
            ("disable", Some(_)) => Err(DatabaseUrlError::AuthoritiesOfPlaintext),
            ("require", None) => Ok(Encryption::Unverified),
            ("verify-ca", None) => Err(DatabaseUrlError::MissingAuthorities),
            ("require" | "verify-ca", Some(Authorities::File(path))) => Ok(Encryption::Authority(path)),
            ("require" | "verify-ca", Some(Authorities::System)) => Err(DatabaseUrlError::SystemWithoutName),
            ("verify-full", authorities) => {
                Ok(Encryption::AuthorityAndName(authorities.unwrap_or(Authorities::System)))
            }
            (mode @ ("allow" | "prefer"), _) => Err(DatabaseUrlError::FallsBack(mode.to_owned())),
            (mode, _) => Err(DatabaseUrlError::UnknownMode(mode.to_owned())),
        }
    }
}

/// Percent-decodes like the driver: a plus sign is not a space.
fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "postgres://u:p@db.example:6432/parley";

    fn encryption(parameters: &str) -> Result<Encryption, String> {
        parse(&format!("{HOST}?{parameters}")).map(|(_, encryption)| encryption).map_err(|error| error.to_string())
    }

    #[test]
    fn absent_mode_and_disable_are_plaintext() {
        let (driver, encryption_of_none) = parse(HOST).unwrap();
        assert_eq!((encryption_of_none, driver.get_ssl_mode()), (Encryption::Plaintext, SslMode::Disable));
        assert_eq!(encryption("sslmode=disable"), Ok(Encryption::Plaintext));
        assert_eq!(encryption("application_name=x"), Ok(Encryption::Plaintext));
        assert_eq!(encryption(""), Ok(Encryption::Plaintext));
    }

    #[test]
    fn mode_and_authorities_decide_what_is_verified() {
        let file = || PathBuf::from("/etc/ca.pem");
        for (parameters, expected) in [
            ("sslmode=require", Encryption::Unverified),
            ("sslmode=require&sslrootcert=/etc/ca.pem", Encryption::Authority(file())),
            ("sslmode=verify-ca&sslrootcert=/etc/ca.pem", Encryption::Authority(file())),
            ("sslmode=verify-full", Encryption::AuthorityAndName(Authorities::System)),
            ("sslrootcert=system&sslmode=verify-full", Encryption::AuthorityAndName(Authorities::System)),
            ("sslmode=verify-full&sslrootcert=/etc/ca.pem", Encryption::AuthorityAndName(Authorities::File(file()))),
        ] {
            assert_eq!(encryption(parameters), Ok(expected), "{parameters}");
            let (driver, _) = parse(&format!("{HOST}?{parameters}")).unwrap();
            assert_eq!(driver.get_ssl_mode(), SslMode::Require, "{parameters}");
        }
    }

    #[test]
    fn mode_that_falls_back_is_refused_with_reason() {
        for mode in ["prefer", "allow"] {
            let refused = encryption(&format!("sslmode={mode}")).unwrap_err();
            assert!(refused.contains(&format!("sslmode={mode}")) && refused.contains("in plaintext"), "{refused}");
            assert!(refused.contains("use sslmode=verify-full"), "{refused}");
        }
    }

    #[test]
    fn unclear_parameters_are_refused() {
        for (parameters, part) in [
            ("sslmode=verify_full", "unknown sslmode \"verify_full\""),
            ("sslmode=", "unknown sslmode \"\""),
            ("sslmode", "unknown sslmode \"\""),
            ("sslmode=Require", "unknown sslmode \"Require\""),
            ("sslmode=require&sslmode=disable", "sslmode twice"),
            ("sslrootcert=/etc/ca.pem", "add sslmode=verify-full"),
            ("sslmode=disable&sslrootcert=/etc/ca.pem", "add sslmode=verify-full"),
            ("sslmode=verify-ca", "without sslrootcert"),
            ("sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("sslnegotiation=direct", "add sslmode=verify-full"),
            ("sslmode=require&sslcert=/etc/client.pem", "unknown option `sslcert`"),
        ] {
            let refused = encryption(parameters).unwrap_err();
            assert!(refused.contains(part) && !refused.contains(":p@"), "{parameters}: {refused}");
        }
        assert!(matches!(parse("host=db user=u password=p"), Err(DatabaseUrlError::NotPostgres)));
    }

    #[test]
    fn percent_encoded_parameters_are_decoded() {
        let expected = Encryption::AuthorityAndName(Authorities::File("/etc/our ca+1.pem".into()));
        assert_eq!(encryption("ssl%6dode=verify%2Dfull&sslrootcert=%2Fetc%2Four%20ca+1.pem"), Ok(expected));
    }

    #[test]
    fn other_parts_of_the_url_reach_the_driver() {
        let url = "postgresql://u%40x:a?b%26c@db.example:6432/par%2Dley?options=-c%20geqo%3Doff&sslmode=require\
                   &application_name=x&connect_timeout=3";
        let (driver, encryption) = parse(url).unwrap();
        assert_eq!(encryption, Encryption::Unverified);
        assert_eq!((driver.get_user(), driver.get_password()), (Some("u@x"), Some(&b"a?b&c"[..])));
        assert_eq!((driver.get_dbname(), driver.get_application_name()), (Some("par-ley"), Some("x")));
        assert_eq!((driver.get_options(), driver.get_ports()), (Some("-c geqo=off"), &[6432][..]));
    }

    #[test]
    fn unix_socket_is_never_encrypted() {
        for url in [
            "postgres://u@%2Frun%2Fpostgresql/parley?sslmode=verify-full",
            "postgres://u@/parley?host=/run/postgresql&sslmode=require",
        ] {
            let (driver, encryption) = parse(url).unwrap();
            assert_eq!((encryption, driver.get_ssl_mode()), (Encryption::Plaintext, SslMode::Disable), "{url}");
        }
        let mixed = "postgres://u@%2Frun%2Fpostgresql,db.example/parley?sslmode=require";
        assert_eq!(parse(mixed).unwrap().1, Encryption::Unverified);
        let by_address = "postgres://u@/parley?hostaddr=10.0.0.5&sslmode=require";
        assert_eq!(parse(by_address).unwrap().1, Encryption::Unverified);
    }
}
