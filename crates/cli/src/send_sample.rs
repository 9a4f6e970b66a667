//! `parley whatsapp send-sample`: sends a running server a signed sample delivery.

mod api;
mod error;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use config::SampleConfig;
use kernel::{Clock as _, SystemClock, SystemEntropy};
use serde_json::Value;
use url::Url;

use super::arguments::SendSampleArgs;
use super::loopback::loopback;
use super::sample::{Sample, new_wamid};

use api::{Account, Api};

pub(crate) use error::SampleError;

/// How long the message may take from the webhook to its conversation.
const DEADLINE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Sends the sample and prints the conversation and the message.
pub(super) async fn run(config: SampleConfig, arguments: &SendSampleArgs) -> Result<(), SampleError> {
    let mut api = Api::new(server(&config, arguments)?)?;
    api.log_in(&arguments.tenant, &arguments.email, &arguments.password).await?;
    let account = account(api.accounts().await?, arguments.phone_number_id.as_deref())?;

    let wamid = new_wamid(&SystemEntropy::new())?;
    let sample = Sample {
        waba_id: &account.waba_id,
        phone_number_id: &account.phone_number_id,
        display_phone_number: account.display_phone_number.as_deref().unwrap_or(&account.phone_number_id),
        wamid: &wamid,
        from: &arguments.from,
        name: &arguments.name,
        text: &arguments.text,
        sent_at: SystemClock::new().now(),
    };
    let delivery = sample.to_delivery();
    let body = delivery.to_string();
    let signature = config.secrets.sign(body.as_bytes()).ok_or(SampleError::Unsigned)?;
    print(&format!("sent to {}, signed {signature}:", api.webhook()?), &delivery)?;

    let started = Instant::now();
    let status = api.deliver(body, &signature).await?;
    line(&format!("response {status} after {} ms", started.elapsed().as_millis()))?;
    let (conversation, message) = arrival(&api, &account, &wamid, started).await?;
    line(&format!("in its conversation after {} ms", started.elapsed().as_millis()))?;
    print("the conversation:", &conversation)?;
    Ok(print("the message:", &message)?)
}

/// The server of the flag, else that of the configuration.
fn server(config: &SampleConfig, arguments: &SendSampleArgs) -> Result<Url, SampleError> {
    match &arguments.server {
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url.clone()),
        Some(url) => Err(SampleError::Server(url.to_string())),
        None => {
            let address = format!("http://{}", loopback(config.listen));
            Url::parse(&address).map_err(|_| SampleError::Server(address))
        }
    }
}

fn account(accounts: Vec<Account>, wanted: Option<&str>) -> Result<Account, SampleError> {
    let mut accounts = accounts.into_iter();
    match wanted {
        Some(id) => accounts
            .find(|account| account.phone_number_id == id)
            .ok_or_else(|| SampleError::NoSuchNumber(id.to_owned())),
        None => accounts.find(|account| account.status == "active").ok_or(SampleError::NoActiveNumber),
    }
}

/// Waits until the message is in a conversation, and returns both as the API shows them.
async fn arrival(api: &Api, account: &Account, wamid: &str, started: Instant) -> Result<(Value, Value), SampleError> {
    while started.elapsed() < DEADLINE {
        if let Some(found) = api.find_message(account, wamid).await? {
            return Ok(found);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(SampleError::NotArrived(DEADLINE.as_secs()))
}

fn print(title: &str, json: &Value) -> io::Result<()> {
    line(&format!("{title}\n{json:#}"))
}

fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use whatsapp::{AppSecret, AppSecrets};

    use super::*;
    use crate::arguments::{Cli, Command, WhatsAppCommand};

    fn arguments(more: &[&str]) -> SendSampleArgs {
        let command = ["parley", "whatsapp", "send-sample", "--tenant=acme", "--email=a@example.com", "--password=p"];
        let cli = Cli::try_parse_from(command.iter().chain(more)).unwrap();
        match cli.command {
            Command::Whatsapp { command: WhatsAppCommand::SendSample(arguments) } => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn server_is_that_of_the_flag_or_of_the_configuration() {
        let secrets = AppSecrets::new(&AppSecret::new("secret".into()).unwrap(), None);
        let config = SampleConfig { secrets, listen: "0.0.0.0:8080".parse().unwrap() };
        assert_eq!(server(&config, &arguments(&[])).unwrap().as_str(), "http://127.0.0.1:8080/");
        let named = arguments(&["--server=https://parley.example"]);
        assert_eq!(server(&config, &named).unwrap().as_str(), "https://parley.example/");
        let other = server(&config, &arguments(&["--server=ftp://parley.example"]));
        assert!(matches!(other, Err(SampleError::Server(_))), "{other:?}");
    }

    #[test]
    fn newest_active_number_is_used_unless_one_is_named() {
        let numbers = || {
            [("1", "pending"), ("2", "active"), ("3", "active")].map(|(id, status)| Account {
                id: id.to_owned(),
                phone_number_id: format!("10{id}"),
                waba_id: "900".to_owned(),
                display_phone_number: None,
                status: status.to_owned(),
            })
        };
        assert_eq!(account(numbers().into(), None).unwrap().id, "2");
        assert_eq!(account(numbers().into(), Some("103")).unwrap().id, "3");
        assert!(matches!(account(numbers().into(), Some("104")), Err(SampleError::NoSuchNumber(_))));
        assert!(matches!(account(Vec::new(), None), Err(SampleError::NoActiveNumber)));
    }
}
