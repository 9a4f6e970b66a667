mod api;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use kernel::{Clock as _, NoEntropy, SystemClock, SystemEntropy};
use serde_json::Value;
use url::Url;

use super::CliError;
use super::arguments::SendSampleArgs;
use super::reachable::reachable;
use super::sample::{Sample, new_wamid};
use crate::config::SampleConfig;

use api::{Account, Api};

/// How long the message may take from the webhook to its conversation.
const DEADLINE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Why the sample did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("{0} is no address of a server")]
    Server(String),
    #[error("the server at {server} cannot be reached: {reason}; is it running?")]
    Unreachable { server: String, reason: String },
    #[error("{action} was answered with {status}: {detail}")]
    Refused { action: &'static str, status: u16, detail: String },
    #[error("{action} was answered with something else than the API's: {detail}")]
    Unexpected { action: &'static str, detail: String },
    #[error("the tenant has no active WhatsApp number: connect one (POST /whatsapp-accounts) and have it approved")]
    NoActiveNumber,
    #[error("the tenant has no number with the id {0}")]
    NoSuchNumber(String),
    #[error("the delivery could not be signed")]
    Unsigned,
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error(
        "the delivery was accepted, but its message was in no conversation after {} s: are the worker and the relay \
         running, and is the number active?",
        DEADLINE.as_secs()
    )]
    NotArrived,
}

/// Sends the sample and shows what became of it.
pub(super) async fn run(config: SampleConfig, arguments: &SendSampleArgs) -> Result<(), CliError> {
    let mut api = Api::new(server(&config, arguments)?)?;
    api.log_in(&arguments.tenant, &arguments.email, &arguments.password).await?;
    let account = account(api.accounts().await?, arguments.phone_number_id.as_deref())?;

    let wamid = new_wamid(&SystemEntropy::new()).map_err(SampleError::from)?;
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
    line(&format!("answered {status} after {} ms", started.elapsed().as_millis()))?;
    let (conversation, message) = arrival(&api, &account, &wamid, started).await?;
    line(&format!("in its conversation after {} ms", started.elapsed().as_millis()))?;
    print("the conversation:", &conversation)?;
    print("the message:", &message)
}

/// The server that the flag names, else the one of this configuration.
fn server(config: &SampleConfig, arguments: &SendSampleArgs) -> Result<Url, SampleError> {
    match &arguments.server {
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url.clone()),
        Some(url) => Err(SampleError::Server(url.to_string())),
        None => {
            let address = format!("http://{}", reachable(config.listen));
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

/// Waits until the message is in a conversation; both as the API shows them.
async fn arrival(api: &Api, account: &Account, wamid: &str, started: Instant) -> Result<(Value, Value), SampleError> {
    while started.elapsed() < DEADLINE {
        if let Some(found) = api.find_message(account, wamid).await? {
            return Ok(found);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(SampleError::NotArrived)
}

fn print(title: &str, json: &Value) -> Result<(), CliError> {
    line(&format!("{title}\n{json:#}"))
}

fn line(text: &str) -> Result<(), CliError> {
    writeln!(io::stdout(), "{text}").map_err(CliError::Output)
}
