use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Arg, Args as _, Command, FromArgMatches as _, value_parser};

use inbound::RetryPolicy;
use tokens::{RotationPolicy, SessionPolicy};

use super::source::{self, Sources};
use super::{ConfigErrors, Settings, show};

fn sources(arguments: &[&str], environment: &[(&str, &str)]) -> Sources {
    let file = Arg::new(source::CONFIG_FILE).long("config").value_parser(value_parser!(PathBuf)).global(true);
    let command = Settings::augment_args(Command::new("parley").arg(file)).subcommand(Command::new("serve"));
    let arguments = ["parley"].iter().chain(arguments).map(OsString::from).collect();
    let environment: HashMap<String, OsString> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    source::read(command, arguments, |name| environment.get(name).cloned()).unwrap()
}

fn settings(arguments: &[&str], environment: &[(&str, &str)]) -> Settings {
    let sources = sources(arguments, environment);
    let mut settings = Settings::from_arg_matches(&sources.matches).unwrap();
    settings.file_errors = sources.errors;
    settings
}

/// Deleted when it is dropped.
struct TestFile(String);

fn file(name: &str, text: &str) -> TestFile {
    let path = std::env::temp_dir().join(format!("parley-config-{}-{name}", std::process::id()));
    fs::write(&path, text).unwrap();
    TestFile(path.to_str().unwrap().to_owned())
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const COMPLETE: &[&str] = &[
    "--database-url=postgres://parley_app:p1@db/parley",
    "--database-platform-url=postgres://parley_platform:p2@db/parley",
    "--amqp-url=amqp://guest:p3@mq",
    "--keys-encryption=a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "--whatsapp-app-secret=p4",
    "--whatsapp-verify-token=p5",
];

#[test]
fn all_errors_are_reported_at_once() {
    let ConfigErrors { .. } = settings(&[], &[]).serve().unwrap_err();
    let text = settings(
        &["--http-listen=here", "--tokens-access-minutes=61", "--database-url=hunter2", "--log-format=xml"],
        &[],
    )
    .serve()
    .unwrap_err()
    .to_string();
    for part in [
        "8 errors",
        "http.listen must be an IP address and a port, such as 0.0.0.0:8080, not \"here\"",
        "tokens.access_minutes must be",
        "database.url must be a URL",
        "database.platform_url is missing: set --database-platform-url, PARLEY_DATABASE_PLATFORM_URL, or \
         `platform_url` in [database] of the configuration file",
        "amqp.url is missing",
        "keys.encryption is missing",
        "whatsapp.app_secret is missing",
        "whatsapp.verify_token is missing",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn command_requires_only_its_own_settings() {
    let owner = "--database-owner-url=postgres://parley_owner:p@db/parley";
    assert!(settings(&[owner], &[]).migrate().unwrap().admin.is_none());
    // Creating the roles needs their passwords.
    let text =
        settings(&[owner, "--database-admin-url=postgres://postgres:p@db"], &[]).migrate().unwrap_err().to_string();
    assert!(text.contains("database.url is missing") && text.contains("database.platform_url is missing"), "{text}");
    assert!(settings(&["--whatsapp-app-secret=s"], &[]).sample().is_ok());
}

#[test]
fn flag_overrides_file_and_file_overrides_default() {
    let path = file("order.toml", "[http]\nlisten = '0.0.0.0:1'\nmetrics_listen = '0.0.0.0:2'\nworkers = 3\n");
    let arguments = [COMPLETE, &["serve", "--config", &path.0, "--http-listen", "0.0.0.0:9"]].concat();
    let http = settings(&arguments, &[]).serve().unwrap().http;
    assert_eq!((http.listen.port(), http.metrics_listen.port()), (9, 2));
    assert_eq!(http.workers.unwrap().get(), 3);
}

#[test]
fn secret_is_read_from_the_file_that_its_variable_names() {
    let path = file("secret", "from a file\n");
    let named = [("PARLEY_WHATSAPP_APP_SECRET_FILE", path.0.as_str())];
    assert!(settings(&[], &named).sample().is_ok());

    let twice = [named[0], ("PARLEY_WHATSAPP_APP_SECRET", "x")];
    assert!(settings(&[], &twice).sample().unwrap_err().to_string().contains("both set"));
    let missing = [("PARLEY_WHATSAPP_APP_SECRET_FILE", "/nowhere")];
    assert!(settings(&[], &missing).sample().unwrap_err().to_string().contains("/nowhere"));
}

#[test]
fn errors_of_the_file_are_reported_with_the_others() {
    let path = file("invalid.toml", "[http]\nlisen = '0.0.0.0:1'\n");
    let text = settings(&["--config", &path.0], &[]).sample().unwrap_err().to_string();
    assert!(text.contains("unknown key: http.lisen") && text.contains("whatsapp.app_secret is missing"), "{text}");
}

#[test]
fn empty_value_counts_as_missing() {
    assert!(settings(&["--whatsapp-app-secret="], &[]).sample().is_err());
    assert!(settings(&["--whatsapp-app-secret=s", "--whatsapp-previous-app-secret="], &[]).sample().is_ok());
}

#[test]
fn encryption_key_must_have_32_bytes() {
    let keys = |value: &str| settings(&[&format!("--keys-encryption={value}")], &[]).auth();
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    assert!(keys(&format!("a:{key}=, b:{key}")).is_ok());
    for wrong in ["", "a", "a:", "a:AAEC", key, &format!("a:{key},a:{key}"), &format!(":{key}"), "a:hunter2!"] {
        let errors = keys(wrong).unwrap_err().to_string();
        assert!(errors.contains("keys.encryption") && !errors.contains("hunter2"), "{wrong:?}: {errors}");
    }
}

#[test]
fn files_of_the_broker_are_read_and_validated() {
    let amqp = |url: &str, more: &[String]| {
        let arguments: Vec<&str> = [url].into_iter().chain(more.iter().map(String::as_str)).collect();
        settings(&arguments, &[]).amqp().map_err(|errors| errors.to_string())
    };
    let (encrypted, plaintext) = ("--amqp-url=amqps://mq", "--amqp-url=amqp://mq");
    let certificate = file("cert.pem", "of the broker\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let key = file("key.pem", "-----BEGIN PRIVATE KEY-----\nhunter2=\n-----END PRIVATE KEY-----\n");
    let ca = format!("--amqp-ca-file={}", certificate.0);
    let shown = format!("--amqp-certificate-file={}", certificate.0);
    let proof = format!("--amqp-key-file={}", key.0);

    assert!(amqp(plaintext, &[]).unwrap().tls.authorities.is_none());
    let config = amqp(encrypted, &[ca.clone(), shown.clone(), proof.clone()]).unwrap();
    assert!(config.tls.authorities.as_ref().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(config.tls.identity.is_some() && !format!("{config:?}").contains("hunter2"));
    for (url, arguments, part) in [
        (plaintext, vec![ca], "amqp.key_file need amqp.url to begin with amqps://"),
        (encrypted, vec![shown.clone()], "amqp.certificate_file and amqp.key_file belong together"),
        (encrypted, vec![proof], "amqp.certificate_file and amqp.key_file belong together"),
        (
            encrypted,
            vec![shown, format!("--amqp-key-file={}", certificate.0)],
            "with a line -----BEGIN PRIVATE KEY-----",
        ),
        (encrypted, vec![format!("--amqp-ca-file={}", key.0)], "amqp.ca_file must name a file in PEM format"),
        (
            encrypted,
            vec!["--amqp-ca-file=/nowhere".to_owned()],
            "amqp.ca_file names a file that cannot be read: /nowhere",
        ),
    ] {
        let errors = amqp(url, &arguments).unwrap_err();
        assert!(errors.contains(part) && !errors.contains("hunter2"), "{arguments:?}: {errors}");
    }
}

#[test]
fn plaintext_to_another_machine_is_weak() {
    let plaintext = |arguments: &[&str]| {
        let warnings = settings(&[COMPLETE, arguments].concat(), &[]).warnings();
        warnings.iter().filter(|text| text.contains("is not encrypted")).map(str::to_owned).collect::<Vec<_>>()
    };
    let remedy = "another machine (add sslmode=verify-full and sslrootcert to its parameters)";
    assert_eq!(
        plaintext(&["--database-admin-url=postgres://postgres:p@localhost"]),
        [
            format!("database.url is not encrypted, and db is {remedy}"),
            format!("database.platform_url is not encrypted, and db is {remedy}"),
            "amqp.url is not encrypted, and mq is another machine (use amqps)".to_owned(),
        ]
    );
}

#[test]
fn hash_cost_and_proxies_are_validated() {
    let serve = |arguments: &[&str]| settings(&[COMPLETE, arguments].concat(), &[]).serve();
    let config = serve(&["--http-trusted-proxies=10.0.0.0/8, ::1", "--passwords-memory-kib=65536"]).unwrap();
    assert_eq!(config.http.trusted_proxies.len(), 2);
    let parameters = config.auth.passwords;
    assert_eq!((parameters.memory_kib, parameters.passes, parameters.lanes), (65_536, 2, 1));
    for (argument, part) in [
        ("--http-trusted-proxies=proxy", "http.trusted_proxies must be IP addresses and networks"),
        ("--passwords-memory-kib=64", "passwords.memory_kib must be a number from 8192 to 1048576"),
        ("--passwords-passes=0", "passwords.passes must be a number from 1 to 16"),
        ("--passwords-lanes=17", "passwords.lanes must be a number from 1 to 16"),
    ] {
        assert!(serve(&[argument]).unwrap_err().to_string().contains(part), "{argument}");
    }
}

#[test]
fn lifetimes_of_keys_and_sessions_are_validated() {
    let serve = |arguments: &[&str]| settings(&[COMPLETE, arguments].concat(), &[]).serve();
    let auth = serve(&[]).unwrap().auth;
    assert_eq!((auth.signing.rotation, auth.sessions), (RotationPolicy::DEFAULT, SessionPolicy::DEFAULT));
    let auth = serve(&["--signing-active-days=7", "--sessions-per-user=3"]).unwrap().auth;
    assert_eq!((auth.signing.rotation.active, auth.sessions.per_user), (TimeDelta::days(7), 3));
    for (arguments, part) in [
        (&["--signing-active-days=0"][..], "signing.active_days must be a number of days from 1 to 365"),
        (&["--signing-poll-seconds=61"], "signing.poll_seconds must be a number of seconds from 1 to 60"),
        (&["--signing-publish-seconds=60"], "signing.publish_seconds must be more than twice signing.poll_seconds"),
        (&["--signing-publish-seconds=2"], "signing.publish_seconds must be a number of seconds from 3 to 86400"),
        (&["--signing-retiring-minutes=15"], "signing.retiring_minutes must be more than tokens.access_minutes"),
        (&["--signing-retiring-minutes=1"], "signing.retiring_minutes must be a number of minutes from 2 to 10080"),
        (&["--tokens-access-minutes=0"], "tokens.access_minutes must be"),
        (&["--sessions-idle-days=91"], "sessions.idle_days must be a number from 1 to 90"),
        (&["--sessions-absolute-days=366"], "sessions.absolute_days must be a number from 1 to 365"),
        (&["--sessions-idle-days=8", "--sessions-absolute-days=7"], "sessions.absolute_days must be at least"),
        (&["--sessions-per-user=0"], "sessions.per_user must be a number from 1 to 1000"),
    ] {
        let errors = serve(arguments).unwrap_err().to_string();
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}

#[test]
fn secrets_are_in_neither_debug_nor_shown_configuration() {
    let sources = sources(COMPLETE, &[]);
    let text = show(&sources);
    assert!(text.contains("[database]\nurl = \"***\" # command line"), "{text}");
    assert!(text.contains("# owner_url is not set") && text.contains("access_minutes = 15 # default"), "{text}");
    let settings = settings(COMPLETE, &[]);
    let debug = format!("{settings:?} {:?}", settings.serve().unwrap());
    for secret in ["p1", "p2", "p3", "p4", "p5", "AAEC"] {
        assert!(!text.contains(secret) && !debug.contains(secret), "{secret}");
    }
    assert!(text.parse::<toml::Table>().is_ok(), "{text}");
}

#[test]
fn retry_policy_is_read_and_validated() {
    let policy = |more: &[&str]| settings(&[COMPLETE, more].concat(), &[]).serve().map(|config| config.retry);
    assert_eq!(policy(&[]).unwrap(), RetryPolicy::default());
    let changed = policy(&["--retry-max-attempts=3", "--retry-first-delay-seconds=1"]).unwrap();
    assert_eq!((changed.delay_after(1, 0), changed.delay_after(3, 0)), (Some(TimeDelta::seconds(1)), None));
    for wrong in ["--retry-max-attempts=0", "--retry-max-attempts=21", "--retry-first-delay-seconds=1.5"] {
        assert!(policy(&[wrong]).unwrap_err().to_string().contains("a number from 1 to"), "{wrong}");
    }
}

#[test]
fn payment_days_are_bounded() {
    let payment = |days: &str| settings(&[&format!("--billing-payment-days={days}")], &[]).payment();
    assert_eq!(settings(&[], &[]).payment().unwrap(), billing::PaymentTerms::days(14).unwrap());
    assert!(payment("0").is_ok() && payment("365").is_ok());
    for days in ["", "-1", "366", "1.5"] {
        assert!(payment(days).unwrap_err().to_string().contains("billing.payment_days must be"), "{days}");
    }
}

#[test]
fn traces_are_off_without_a_collector() {
    let serve = |arguments: &[&str]| settings(&[COMPLETE, arguments].concat(), &[]).serve();
    let traces = serve(&[]).unwrap().traces;
    assert!(traces.endpoint.is_none() && (traces.ratio - 1.0).abs() < f64::EPSILON);
    for (given, used) in [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://collector/otlp/", "https://collector/otlp/v1/traces"),
    ] {
        let traces = serve(&["--traces-otlp-endpoint", given, "--traces-sample-ratio=0.25"]).unwrap().traces;
        assert_eq!(traces.endpoint.unwrap().as_str(), used);
        assert!((traces.ratio - 0.25).abs() < f64::EPSILON);
    }
    for wrong in ["collector:4318", "ftp://collector", "http://user:hunter2@collector", "http://collector?x=hunter2"] {
        let errors = serve(&["--traces-otlp-endpoint", wrong]).unwrap_err().to_string();
        assert!(errors.contains("traces.otlp_endpoint must be a URL") && !errors.contains("hunter2"), "{errors}");
    }
    for wrong in ["1.1", "-0.1", "NaN", "half"] {
        let errors = serve(&[&format!("--traces-sample-ratio={wrong}")]).unwrap_err().to_string();
        assert!(errors.contains("traces.sample_ratio must be a number from 0 to 1"), "{errors}");
    }
}

#[test]
fn limit_of_zero_is_none_and_others_are_bounded() {
    let limits = settings(COMPLETE, &[]).serve().unwrap().limits;
    assert_eq!((limits.new_accounts.signups_per_address, limits.new_accounts.signups), (10, 1_000));
    assert_eq!((limits.requests_per_user.map(u32::from), limits.concurrent_per_tenant), (Some(6_000), None));
    let off = ["--limits-requests-per-user=0", "--limits-signups=0", "--limits-concurrent-per-tenant=0"];
    let limits = settings(&[COMPLETE, &off].concat(), &[]).serve().unwrap().limits;
    assert_eq!((limits.requests_per_user, limits.new_accounts.signups), (None, 0));
    assert_eq!(limits.concurrent_per_tenant, Some(0));
    let invalid = ["--limits-signups=10001", "--limits-requests-per-user=many", "--registration-mode=maybe"];
    let error = settings(&[COMPLETE, &invalid].concat(), &[]).serve().unwrap_err().to_string();
    for part in ["limits.signups must be a number from 0 to 10000", "limits.requests_per_user", "registration.mode"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
}

#[test]
fn address_of_the_graph_api_is_validated() {
    let graph = |arguments: &[&str]| settings(arguments, &[]).graph().map_err(|errors| errors.to_string());
    let default = graph(&[]).unwrap();
    assert_eq!((default.url.as_str(), default.version.as_str()), ("https://graph.facebook.com/", "v25.0"));
    let stand_in =
        graph(&["--whatsapp-graph-url=http://127.0.0.1:8090/meta", "--whatsapp-graph-version=v26.0"]).unwrap();
    assert_eq!((stand_in.url.as_str(), stand_in.version.as_str()), ("http://127.0.0.1:8090/meta", "v26.0"));

    for url in ["", "graph.facebook.com", "ftp://meta", "https://u:hunter2@meta", "https://meta?x=1", "https://meta#x"]
    {
        let errors = graph(&[&format!("--whatsapp-graph-url={url}")]).unwrap_err();
        assert!(errors.contains("whatsapp.graph_url must be a URL") && !errors.contains("hunter2"), "{url}: {errors}");
    }
    for version in ["", "25.0", "v25", "v25.", "v.0", "v25.0.1", "v25/0", "vx.y"] {
        let errors = graph(&[&format!("--whatsapp-graph-version={version}")]).unwrap_err();
        assert!(errors.contains("whatsapp.graph_version must be a version such as v25.0"), "{version}: {errors}");
    }
}

#[test]
fn unencrypted_graph_api_on_another_machine_is_weak() {
    let weak = |url: &str| {
        let warnings = settings(&[&format!("--whatsapp-graph-url={url}")], &[]).warnings();
        warnings.iter().find(|text| text.contains("graph_url")).map(str::to_owned)
    };
    let warning = "whatsapp.graph_url is not encrypted, and sandbox is another machine (use https)";
    assert_eq!(weak("http://sandbox:8090").as_deref(), Some(warning));
    for url in ["http://127.0.0.1:8090", "http://localhost:8090", "https://graph.facebook.com"] {
        assert_eq!(weak(url), None, "{url}");
    }
}
