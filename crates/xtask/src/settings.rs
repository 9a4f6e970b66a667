//! The configuration file that `cargo xtask run` writes for the server.

use crate::database_url::DatabaseUrl;
use crate::error::Result;
use crate::store::{self, Store};
use crate::{ports, random};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) file: PathBuf,
    pub(crate) http_port: u16,
    pub(crate) sandbox: SandboxSettings,
}

/// What the stand-in for Meta and the server have in common.
#[derive(Debug)]
pub(crate) struct SandboxSettings {
    pub(crate) port: u16,
    /// Signs webhooks.
    pub(crate) app_secret: String,
    /// Lets the demo number send.
    pub(crate) token: String,
}

/// Writes `parley.toml` for the two services. Secrets and ports are those of the last run.
pub(crate) fn write(store: &mut Store, superuser_url: &str, amqp_url: &str) -> Result<Settings> {
    let server = DatabaseUrl::parse(superuser_url)?;
    let mut role_url = |role: &str| -> Result<String> {
        let password = store.get_or(&format!("{role}_password"), random::password)?;
        Ok(server.of(role, &password, "parley"))
    };
    let database = [
        ("url", role_url("parley_app")?),
        ("platform_url", role_url("parley_platform")?),
        ("owner_url", role_url("parley_owner")?),
        // With this one `parley migrate` makes the roles and the database.
        ("admin_url", superuser_url.to_owned()),
    ];
    let http_port = ports::choose(store, "http_port", Some(8080))?;
    let metrics_port = ports::choose(store, "metrics_port", Some(9464))?;
    let http = [("listen", format!("127.0.0.1:{http_port}")), ("metrics_listen", format!("127.0.0.1:{metrics_port}"))];
    let keys = [("encryption", format!("dev:{}", store.get_or("encryption_key", random::key)?))];
    let sandbox = SandboxSettings {
        port: ports::choose(store, "sandbox_port", Some(8090))?,
        app_secret: store.get_or("whatsapp_app_secret", random::password)?,
        token: store.get_or("sandbox_token", random::password)?,
    };
    let whatsapp = [
        ("app_secret", sandbox.app_secret.clone()),
        ("verify_token", store.get_or("whatsapp_verify_token", random::password)?),
        ("graph_url", format!("http://127.0.0.1:{}", sandbox.port)),
    ];

    let media = store.directory().join("media");
    fs::create_dir_all(&media).map_err(|error| format!("the folder for files cannot be made: {error}"))?;
    let mut text = "# Written by `cargo xtask run` at each start: changes made here are lost.\n".to_owned();
    section(&mut text, "database", &database);
    section(&mut text, "amqp", &[("url", amqp_url.to_owned())]);
    section(&mut text, "http", &http);
    section(&mut text, "keys", &keys);
    section(&mut text, "whatsapp", &whatsapp);
    section(&mut text, "media", &[("store", format!("file://{}", media.display()))]);
    text.push_str("\n[channels]\nself_service = true\n");
    section(&mut text, "tokens", &[("issuer", format!("http://127.0.0.1:{http_port}"))]);

    let file = store.directory().join("parley.toml");
    store::write_secret(&file, &text)?;
    Ok(Settings { file, http_port, sandbox })
}

fn section(text: &mut String, name: &str, values: &[(&str, String)]) {
    // Writing to a String cannot fail.
    let _written = write!(text, "\n[{name}]\n");
    for (key, value) in values {
        let _written = writeln!(text, "{key} = {}", quoted(value));
    }
}

/// A TOML basic string. URLs given by the environment may hold anything.
fn quoted(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _written = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(quoted("a\nb"), "\"a\\u000Ab\"");
    }

    #[test]
    fn section_is_toml() {
        let mut text = String::new();
        section(&mut text, "amqp", &[("url", "amqp://a".to_owned())]);
        assert_eq!(text, "\n[amqp]\nurl = \"amqp://a\"\n");
    }
}
