//! The options of the program.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::world::number::NumberSettings;

/// A stand-in for Meta's WhatsApp Cloud API and for the customer's phone.
///
/// Serves the Graph API under any version (`/v25.0/...`), the phone at `/`, and the API that tests use under `/sandbox`. It
/// checks and limits messages as Meta does, sends signed webhooks, journals what it accepted, and has faults that tests set.
/// Never expose it to a network that you do not trust: who reaches it controls it.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "parley-sandbox", version)]
pub struct Options {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "PARLEY_SANDBOX_LISTEN", default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Secret of the Meta app: signs webhooks, of numbers without a secret of their own
    #[arg(
        long,
        env = "PARLEY_SANDBOX_APP_SECRET",
        default_value = "sandbox-app-secret",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub app_secret: String,

    /// File with that secret
    #[arg(long, env = "PARLEY_SANDBOX_APP_SECRET_FILE", value_name = "FILE")]
    pub app_secret_file: Option<PathBuf>,

    /// Where webhooks go, of numbers without a URL of their own; without one they are not sent
    #[arg(long, env = "PARLEY_SANDBOX_WEBHOOK_URL", value_name = "URL")]
    pub webhook_url: Option<String>,

    /// A business number: `PHONE_NUMBER_ID:WABA_ID:TOKEN`, and perhaps `:DISPLAY_NUMBER` and `:NAME`; can be repeated
    #[arg(long = "number", env = "PARLEY_SANDBOX_NUMBERS", value_delimiter = ',', value_name = "NUMBER", hide_env_values = true, value_parser = number)]
    pub numbers: Vec<NumberOption>,

    /// A customer whom the phone page offers: `PHONE:NAME`; can be repeated
    #[arg(long = "customer", value_name = "CUSTOMER", value_parser = customer, default_values = ["15550100011:Ada Lovelace", "15550100012:Grace Hopper", "4915550100013:Emmy Noether"])]
    pub customers: Vec<CustomerOption>,

    /// Start without templates; otherwise each business account has `hello_world` and `order_update`
    #[arg(long)]
    pub no_sample_templates: bool,

    /// Seed of the random draws of faults
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub seed: u64,

    /// Threads that serve requests
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub workers: usize,
}

impl Options {
    /// Takes the secret from its file, if there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn with_secret_of_file(mut self) -> std::io::Result<Self> {
        if let Some(file) = self.app_secret_file.take() {
            std::fs::read_to_string(file)?.trim().clone_into(&mut self.app_secret);
        }
        Ok(self)
    }
}

impl Default for Options {
    /// On a free port of this host, without numbers and customers.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            app_secret: "sandbox-app-secret".to_owned(),
            app_secret_file: None,
            webhook_url: None,
            numbers: Vec::new(),
            customers: Vec::new(),
            no_sample_templates: false,
            seed: 1,
            workers: 1,
        }
    }
}

/// A business number of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberOption {
    pub phone_number_id: String,
    pub waba_id: String,
    pub token: String,
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
}

impl NumberOption {
    pub(crate) fn settings(&self) -> Option<NumberSettings> {
        let mut settings = serde_json::json!({
            "phone_number_id": self.phone_number_id, "waba_id": self.waba_id, "tokens": [self.token],
        });
        if let Some(display) = &self.display_phone_number {
            settings["display_phone_number"] = display.as_str().into();
        }
        if let Some(name) = &self.verified_name {
            settings["verified_name"] = name.as_str().into();
        }
        serde_json::from_value(settings).ok()
    }
}

/// A customer of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerOption {
    pub phone: String,
    pub name: String,
}

fn number(text: &str) -> Result<NumberOption, String> {
    let mut parts = text.splitn(5, ':').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(phone_number_id), Some(waba_id), Some(token))
            if ![&phone_number_id, &waba_id, &token].iter().any(|part| part.is_empty()) =>
        {
            Ok(NumberOption {
                phone_number_id,
                waba_id,
                token,
                display_phone_number: parts.next(),
                verified_name: parts.next(),
            })
        }
        _ => Err("expected PHONE_NUMBER_ID:WABA_ID:TOKEN".to_owned()),
    }
}

fn customer(text: &str) -> Result<CustomerOption, String> {
    match text.split_once(':') {
        Some((phone, name))
            if phone.bytes().all(|byte| byte.is_ascii_digit()) && phone.len() >= 5 && !name.is_empty() =>
        {
            Ok(CustomerOption { phone: phone.to_owned(), name: name.to_owned() })
        }
        _ => Err("expected PHONE:NAME, with digits only".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn secret_of_a_file_is_trimmed() {
        let file = std::env::temp_dir().join(format!("parley-sandbox-secret-{}", std::process::id()));
        std::fs::write(&file, "of-the-file\n").unwrap();
        let options = Options { app_secret_file: Some(file.clone()), ..Options::default() };
        assert_eq!(options.with_secret_of_file().unwrap().app_secret, "of-the-file");
        std::fs::remove_file(&file).unwrap();
        let options = Options { app_secret_file: Some(file), ..Options::default() };
        assert!(options.with_secret_of_file().is_err());
    }

    #[test]
    fn number_has_three_to_five_parts() {
        let options = Options::parse_from(["parley-sandbox", "--number", "1:2:t", "--number", "3:4:u:1555:Shop"]);
        assert_eq!(options.numbers[0].display_phone_number, None);
        assert_eq!(options.numbers[1].verified_name.as_deref(), Some("Shop"));
        assert!(Options::try_parse_from(["parley-sandbox", "--number", "1:2"]).is_err());
    }
}
