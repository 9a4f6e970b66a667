//! Encrypted connections to Postgres, with the test server's own TLS.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use flows::Database;
use kernel::{StoreError, SystemClock, error_chain};
use postgres::migrate;
use tokio::net::lookup_host;
use url::Url;

use crate::check::check;
use crate::kit::certificates::{Authority, Identity};
use crate::kit::database::{self, TestDatabase};
use crate::kit::deployment::Deployment;
use crate::kit::services::services;
use crate::kit::wait;

/// The test server with TLS. Its settings are those of the whole server, so the tests here run one at a time; others do not use
/// TLS.
struct TlsServer {
    /// Holds a lock.
    admin: AsyncPgConnection,
    authority: Authority,
    host: String,
    database: TestDatabase,
}

impl TlsServer {
    /// The server has a valid certificate.
    async fn start() -> Self {
        let url = &services().await.database_url;
        let mut admin = AsyncPgConnection::establish(url).await.unwrap();
        admin.batch_execute("SELECT pg_advisory_lock(7263741)").await.unwrap();
        let host = Url::parse(url).unwrap().host_str().unwrap().to_owned();
        let mut server = Self { admin, authority: Authority::new(), host, database: database::copy().await };
        server.present(&server.authority.issue(&server.host)).await;
        let valid = server.verify_full(&server.authority);
        wait::until("the certificate", async || ping(&valid).await.ok()).await;
        server
    }

    /// Lets the server use a certificate soon.
    async fn present(&mut self, identity: &Identity) {
        for (name, text) in [("certificate", &identity.certificate), ("key", &identity.private_key)] {
            // The server refuses a key that others may read, which a plain COPY would write.
            let copy = format!(
                "COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) TO PROGRAM 'umask 077 && cat > parley_test.{name}'"
            );
            self.admin.batch_execute(&copy).await.unwrap();
        }
        let set = ["ssl_cert_file = 'parley_test.certificate'", "ssl_key_file = 'parley_test.key'", "ssl = on"];
        self.configure(&set.map(|setting| format!("SET {setting}"))).await;
    }

    async fn configure(&mut self, changes: &[String]) {
        for change in changes {
            self.admin.batch_execute(&format!("ALTER SYSTEM {change}")).await.unwrap();
        }
        self.admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    }

    fn verify_full(&self, authority: &Authority) -> TestDatabase {
        with_parameters(&self.database, &[("sslmode", "verify-full"), ("sslrootcert", authority.path())])
    }

    /// The database by a name that is not in the certificate.
    async fn by_another_name(&self, parameters: &[(&str, &str)]) -> TestDatabase {
        let address = lookup_host((self.host.as_str(), 0)).await.unwrap().next().unwrap().ip().to_string();
        let parameters = [&[("hostaddr", address.as_str())][..], parameters].concat();
        changed(&self.database, |url| {
            url.set_host(Some("elsewhere.example")).unwrap();
            url.query_pairs_mut().extend_pairs(&parameters);
        })
    }

    /// Restores the server's settings.
    async fn finish(mut self) {
        let settings = ["ssl", "ssl_cert_file", "ssl_key_file"];
        self.configure(&settings.map(|setting| format!("RESET {setting}"))).await;
        self.database.drop().await;
    }
}

fn with_parameters(database: &TestDatabase, parameters: &[(&str, &str)]) -> TestDatabase {
    changed(database, |url| {
        url.query_pairs_mut().extend_pairs(parameters);
    })
}

/// The same database with other URLs of Parley's roles.
fn changed(database: &TestDatabase, change: impl Fn(&mut Url)) -> TestDatabase {
    let change = |url: &str| {
        let mut url = Url::parse(url).unwrap();
        change(&mut url);
        url.to_string()
    };
    TestDatabase {
        owner_url: change(&database.owner_url),
        app_url: change(&database.app_url),
        platform_url: change(&database.platform_url),
        ..database.clone()
    }
}

/// Opens connections of the pools; the text of an error.
async fn ping(database: &TestDatabase) -> Result<(), String> {
    let Err(error) = database.postgres().ping().await else { return Ok(()) };
    let text = error_chain(&error);
    assert!(matches!(error, StoreError::Unavailable(_)), "{text}");
    assert!(!text.contains("parley-test"), "the password is in {text}");
    Err(text)
}

async fn assert_refused(database: &TestDatabase, reason: &str) {
    let refused = ping(database).await.unwrap_err();
    assert!(refused.contains("the encrypted connection failed") && refused.contains(reason), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_with_verify_full_are_encrypted() {
    let server = TlsServer::start().await;
    let postgres = server.verify_full(&server.authority).postgres();
    postgres.ping().await.unwrap();
    let _intake = postgres.intake().await.unwrap();
    let connections = async |encrypted: bool| {
        let query = format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE datname = '{}' AND usename IN ('parley_app', 'parley_platform') AND ssl = {encrypted}",
            server.database.name
        );
        server.database.count(&query).await
    };
    assert_eq!(connections(true).await, 3, "one of each pool");
    assert_eq!(connections(false).await, 0);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_full_refuses_other_name_authority_and_expired() {
    let mut server = TlsServer::start().await;
    let verify_full = [("sslmode", "verify-full"), ("sslrootcert", server.authority.path())];
    assert_refused(&server.by_another_name(&verify_full).await, "not valid for name \"elsewhere.example\"").await;
    assert_refused(&server.verify_full(&Authority::new()), "UnknownIssuer").await;
    assert_refused(&with_parameters(&server.database, &[("sslmode", "verify-full")]), "UnknownIssuer").await;

    server.present(&server.authority.issue_expired(&server.host)).await;
    let database = server.verify_full(&server.authority);
    let refused = wait::until("the expired certificate", async || ping(&database).await.err()).await;
    assert!(refused.contains("certificate expired"), "{refused}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_counts_for_verify_full_only() {
    let server = TlsServer::start().await;
    let other = Authority::new();
    let (ours, theirs) = (server.authority.path(), other.path());
    for parameters in [
        &[("sslmode", "require")][..],
        &[("sslmode", "require"), ("sslrootcert", ours)],
        &[("sslmode", "verify-ca"), ("sslrootcert", ours)],
    ] {
        assert_eq!(ping(&server.by_another_name(parameters).await).await, Ok(()), "{parameters:?}");
    }
    for mode in ["require", "verify-ca"] {
        let database = with_parameters(&server.database, &[("sslmode", mode), ("sslrootcert", theirs)]);
        assert_refused(&database, "UnknownIssuer").await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_without_tls_is_refused() {
    let mut server = TlsServer::start().await;
    server.configure(&["SET ssl = off".to_owned()]).await;
    let require = with_parameters(&server.database, &[("sslmode", "require")]);
    let refused = wait::until("TLS to be off", async || ping(&require).await.err()).await;
    assert!(refused.contains("server does not support TLS"), "{refused}");
    assert_refused(&server.verify_full(&server.authority), "server does not support TLS").await;
    assert_eq!(ping(&server.database).await, Ok(()), "plaintext, because no sslmode is given");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_verify_the_server() {
    let server = TlsServer::start().await;
    let other = Authority::new();
    let database = database::named("tls_migrated").await;
    let run = async |authority: &Authority| {
        let parameters = [("sslmode", "verify-full"), ("sslrootcert", authority.path())];
        let mut admin = Url::parse(&services().await.database_url).unwrap();
        admin.query_pairs_mut().extend_pairs(parameters);
        migrate(&with_parameters(&database, &parameters).migrate_urls(admin.as_str()), &SystemClock::new()).await
    };
    let refused = run(&other).await.unwrap_err().to_string();
    assert!(refused.contains("cannot connect to the database as the administrator"), "{refused}");
    assert!(refused.contains("the encrypted connection failed") && refused.contains("UnknownIssuer"), "{refused}");
    assert!(!run(&server.authority).await.unwrap().migrations.is_empty());
    database.drop().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_verifies_the_server_and_names_the_reason() {
    let server = TlsServer::start().await;
    let other = Authority::new();
    let mut deployment = Deployment::new().await;
    let plaintext = deployment.database.clone();
    let verify_full = |authority: &Authority| {
        with_parameters(&plaintext, &[("sslmode", "verify-full"), ("sslrootcert", authority.path())])
    };
    deployment.database = verify_full(&server.authority);
    let lines = check(&deployment, &[]).await;
    assert!(lines.iter().all(|line| line.ends_with("  ok")), "{lines:#?}");

    let prefer = with_parameters(&plaintext, &[("sslmode", "prefer")]);
    let missing = with_parameters(&plaintext, &[("sslmode", "verify-full"), ("sslrootcert", "/nowhere/ca.pem")]);
    for (database, reason) in [
        (verify_full(&other), "the encrypted connection failed: invalid peer certificate: UnknownIssuer"),
        (prefer, "database.url has sslmode=prefer, which is refused"),
        (missing, "database.url names a file in sslrootcert that cannot be read: /nowhere/ca.pem"),
    ] {
        let lines = check(&deployment, &[("PARLEY_DATABASE_URL", &database.app_url)]).await;
        let named = |line: &String| line.contains("wrong: database.url") && line.contains(reason);
        assert!(lines.iter().any(named), "{reason}: {lines:#?}");
    }
    plaintext.drop().await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_with_sslmode_prefer_does_not_start() {
    let deployment = Deployment::new().await;
    let prefer = with_parameters(&deployment.database, &[("sslmode", "prefer")]);
    let mut server = deployment.spawn("api", &[("PARLEY_DATABASE_URL", &prefer.app_url)]).await;
    let reason = "database.url has sslmode=prefer, which is refused";
    wait::until("the reason", async || server.log().iter().any(|line| line.to_string().contains(reason)).then_some(()))
        .await;
    wait::until("the exit", async || server.has_ended().then_some(())).await;
    deployment.database.drop().await;
}
