//! `parley check` on a valid setup and with each error it detects.

use std::process::Output;

use diesel_async::SimpleAsyncConnection;
use url::Url;

use crate::kit::broker;
use crate::kit::deployment::Deployment;
use crate::kit::services::services;

/// A valid encryption key that differs from the deployment's.
const OTHER_KEY: &str = "xEq1K1dXwCq0V8hKpZ0yZ6mJtq7n3Q9oW4yB5cRk2L8";

/// The output of `parley check` without the warnings that apply to every test server: disabled fsync and weak secrets.
pub(crate) async fn check(deployment: &Deployment, settings: &[(&str, &str)]) -> Vec<String> {
    let mut command = deployment.command(&["check", "--allow-weak"]);
    command.env("PARLEY_AMQP_URL", &services().await.amqp_url).envs(settings.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    let wrong = stdout.lines().filter(|line| line.contains("  wrong: ")).count();
    assert_eq!(status.code(), Some(i32::from(wrong > 0)), "{stdout}{stderr}");
    let about_every_test_server = [" is off: ", "  weak: ", "  open: "];
    let told = stdout.lines().filter(|line| !about_every_test_server.iter().any(|part| line.contains(part)));
    told.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_open_to_strangers() {
    let deployment = Deployment::new().await;
    let open = |settings: &[(&str, &str)]| {
        let output = deployment.command(&["check", "--allow-weak"]).envs(settings.iter().copied()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().filter(|line| line.contains("  open: ")).count()
    };
    assert_eq!(open(&[]), 2);
    assert_eq!(open(&[("PARLEY_REGISTRATION_MODE", "closed")]), 1);
    assert_eq!(open(&[("PARLEY_REGISTRATION_MODE", "closed"), ("PARLEY_SIGNUP_MODE", "closed")]), 0);
    deployment.finish().await;
}

/// The same database URL with another user.
fn as_user(url: &str, user: &str, password: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some(password)).unwrap();
    url.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_of_valid_setup_passes_and_writes_nothing() {
    let deployment = Deployment::new().await;
    let before_any_server = check(&deployment, &[]).await;
    assert!(before_any_server.iter().all(|line| line.ends_with("  ok")), "{before_any_server:#?}");
    let (_connection, channel) =
        broker::broker(&format!("{}.elsewhere", deployment.namespace)).await.open("test").await.unwrap();
    let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = format!("{}.inbound.v1", deployment.namespace);
    channel.queue_declare(queue.into(), passive, lapin::types::FieldTable::default()).await.unwrap_err();

    deployment.serve_as("api,relay").await.kill().await;
    let lines = check(&deployment, &[]).await;
    assert!(lines.iter().all(|line| line.ends_with("  ok")), "{lines:#?}");
    for area in ["configuration", "broker", "keys"] {
        assert!(lines.iter().any(|line| line.starts_with(area)), "{lines:#?}");
    }
    broker::delete(&format!("{}.elsewhere", deployment.namespace)).await;
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_errors_with_remedy() {
    let deployment = Deployment::new().await;
    // Starting a server creates the signing key.
    deployment.serve_as("api").await.kill().await;
    let database = &deployment.database;
    let bypasses = format!("{}_bypasses", database.name);
    let mut admin = database.admin().await;
    let make = format!("CREATE ROLE \"{bypasses}\" LOGIN BYPASSRLS PASSWORD 'bypasses'");
    admin.batch_execute(&make).await.unwrap();

    let wrong_password = as_user(&database.app_url, "parley_app", "not the password");
    let missing_role = as_user(&database.app_url, "parley_gone", "x");
    let bypassing = as_user(&database.app_url, &bypasses, "bypasses");
    let (other_id, other_key) = (format!("other:{OTHER_KEY}"), format!("test:{OTHER_KEY}"));
    let cases = [
        ("PARLEY_DATABASE_URL", wrong_password.as_str(), "database.url is refused", "ALTER ROLE parley_app"),
        ("PARLEY_DATABASE_URL", &missing_role, "database.url logs in as parley_gone", "`parley migrate`"),
        ("PARLEY_DATABASE_URL", &bypassing, "bypasses row level security", "NOBYPASSRLS"),
        ("PARLEY_DATABASE_PLATFORM_URL", &database.admin_url, "is a superuser", "NOSUPERUSER"),
        ("PARLEY_DATABASE_PLATFORM_URL", &database.app_url, "logs in as parley_app", "parley_platform"),
        ("PARLEY_DATABASE_URL", "no URL", "database.url must be a URL", "postgres://"),
        ("PARLEY_AMQP_URL", "amqp://127.0.0.1:1", "connecting with amqp.url failed", "refused"),
        ("PARLEY_KEYS_ENCRYPTION", "", "keys.encryption is missing", "PARLEY_KEYS_ENCRYPTION"),
        ("PARLEY_KEYS_ENCRYPTION", &other_id, "was sealed with the key-encryption key \"test\"", "keys.encryption"),
        ("PARLEY_KEYS_ENCRYPTION", &other_key, "the key-encryption key \"test\" has another value", "keys.encryption"),
    ];
    for (setting, value, problem, mend) in cases {
        let lines = check(&deployment, &[(setting, value)]).await;
        let named = lines.iter().any(|line| line.contains("wrong: ") && line.contains(problem) && line.contains(mend));
        assert!(named, "{setting}: {lines:#?}");
    }
    let nowhere = "postgres://parley_app:x@127.0.0.1:1/parley";
    let lines =
        check(&deployment, &[("PARLEY_DATABASE_URL", nowhere), ("PARLEY_DATABASE_PLATFORM_URL", nowhere)]).await;
    assert!(lines.iter().any(|line| line.contains("database.platform_url")), "{lines:#?}");

    broker::replace_work_queue(&deployment.namespace).await;
    let change =
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations);
                  ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY;
                  ALTER FUNCTION app.preview(text) COST 7;
                  UPDATE app.applied_functions SET source_hash = 'older' WHERE name = 'tenant_of'";
    admin.batch_execute(change).await.unwrap();
    let locale = format!("ALTER ROLE parley_app IN DATABASE \"{}\" SET lc_messages = 'POSIX'", database.name);
    admin.batch_execute(&locale).await.unwrap();
    let lines = check(&deployment, &[]).await;
    let reports = |words: &str| lines.iter().any(|line| line.contains("wrong: ") && line.contains(words));
    assert!(reports("migrations are pending: 20") && reports("run `parley migrate`"), "{lines:#?}");
    assert!(reports("the table contacts is not isolated by tenant"), "{lines:#?}");
    assert!(reports("functions/tenant_of (run `parley migrate`"), "{lines:#?}");
    assert!(reports("SQL functions were changed since this version applied them: preview"), "{lines:#?}");
    assert!(reports("ALTER ROLE parley_app SET lc_messages = 'C'") && reports("locale \"POSIX\""), "{lines:#?}");
    assert!(reports(".inbound.v1\" with other arguments"), "{lines:#?}");

    broker::remove_replaced_queue(&deployment.namespace).await;
    admin.batch_execute(&format!("DROP ROLE \"{bypasses}\"")).await.unwrap();
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_fails_on_warnings_unless_allowed() {
    let deployment = Deployment::new().await.with("PARLEY_PASSWORDS_PASSES", "1");
    let amqp_url = &services().await.amqp_url;
    let run = |arguments: &[&str]| {
        let output = deployment.command(arguments).env("PARLEY_AMQP_URL", amqp_url).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (stdout, _) = run(&["check"]);
    for weakness in [
        "passwords.memory_kib and passwords.passes are too low",
        "whatsapp.app_secret contains a common word",
        "channels.self_service is true while signup.mode is open",
        "keys.encryption has a key \"test\" that is not random",
        "database.url has a password that is shorter than 16 characters",
    ] {
        assert!(stdout.contains(&format!("strength       weak: {weakness}")), "{stdout}");
    }
    assert!(!stdout.contains(crate::kit::meta::APP_SECRET), "{stdout}");
    let failed =
        |complaint: &str| complaint.split_whitespace().nth(2).and_then(|count| count.parse().ok()).unwrap_or(0);
    let (all, wrong_only) = (failed(&run(&["check"]).1), failed(&run(&["check", "--allow-weak"]).1));
    assert_eq!(all - wrong_only, stdout.matches("  weak: ").count(), "{stdout}");
    deployment.database.drop().await;
}
