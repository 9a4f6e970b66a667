//! Everything the sandbox knows: numbers, people, messages, templates, faults and the journal.

pub(crate) mod business;
pub(crate) mod chat;
pub(crate) mod customer;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod media;
pub(crate) mod number;
pub(crate) mod phone;
pub(crate) mod settle;
pub(crate) mod status;
pub(crate) mod template;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::graph::error::GraphError;
use crate::ids::Ids;
use chat::Chat;
use customer::{CustomerKey, Customers};
use fault::Faults;
use journal::Journal;
use media::MediaFiles;
use number::{Number, NumberSettings};
use template::{Template, Templates, samples};

/// A business account.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Waba {
    pub(crate) name: String,
    /// Whether its webhooks are sent: `POST` and `DELETE /{waba_id}/subscribed_apps` change it.
    pub(crate) subscribed: bool,
    /// Where its webhooks of messages go instead of the number's URL.
    pub(crate) override_callback_uri: Option<String>,
    pub(crate) can_send_message: String,
    /// New templates are approved after this time; null leaves them pending.
    pub(crate) template_review_after_ms: Option<i64>,
}

impl Default for Waba {
    fn default() -> Self {
        Self {
            name: "Demo Business".to_owned(),
            subscribed: true,
            override_callback_uri: None,
            can_send_message: "AVAILABLE".to_owned(),
            template_review_after_ms: Some(500),
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) numbers: BTreeMap<String, Number>,
    pub(crate) wabas: BTreeMap<String, Waba>,
    pub(crate) customers: Customers,
    pub(crate) chats: HashMap<(Arc<str>, CustomerKey), Chat>,
    /// Whose chat a message is in.
    pub(crate) owners: HashMap<String, (Arc<str>, CustomerKey)>,
    pub(crate) templates: Templates,
    pub(crate) media: MediaFiles,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) ids: Ids,
    /// Where webhooks go, of numbers that do not say it.
    pub(crate) webhook_url: Option<String>,
    /// What signs webhooks, of numbers that do not say it.
    pub(crate) app_secret: String,
    /// Changes of chats, as JSON, for phone pages that are open.
    pub(crate) phone_pages: broadcast::Sender<Arc<str>>,
}

impl World {
    pub(crate) fn new(seed: u64, now_ms: i64) -> Self {
        Self {
            webhook_url: None,
            app_secret: String::new(),
            phone_pages: broadcast::Sender::new(1024),
            numbers: BTreeMap::new(),
            wabas: BTreeMap::new(),
            customers: Customers::default(),
            chats: HashMap::new(),
            owners: HashMap::new(),
            templates: Templates::default(),
            media: MediaFiles::default(),
            faults: Faults::new(seed),
            journal: Journal::default(),
            ids: Ids::new(now_ms),
        }
    }

    /// Adds a number, or replaces the one with its id.
    pub(crate) fn put_number(&mut self, settings: NumberSettings) {
        self.wabas.entry(settings.waba_id.clone()).or_default();
        self.numbers.insert(settings.phone_number_id.clone(), Number::new(settings));
    }

    /// Gives a business account the sample templates, unless it has templates.
    pub(crate) fn add_sample_templates(&mut self, waba: &str) {
        if self.templates.of_waba(waba).next().is_some() {
            return;
        }
        for sample in samples() {
            let id = self.ids.numeric();
            self.templates.add(Template { id, waba_id: waba.to_owned(), ..sample });
        }
    }

    /// Forgets messages, customers, media, templates, faults and the journal, and keeps numbers. Ids are not used again.
    pub(crate) fn reset(&mut self, seed: u64) {
        self.customers = Customers::default();
        self.chats.clear();
        self.owners.clear();
        self.templates.clear();
        self.media = MediaFiles::default();
        self.faults = Faults::new(seed);
        self.journal = Journal::default();
        for number in self.numbers.values_mut() {
            number.bucket = crate::bucket::Bucket::default();
        }
    }

    pub(crate) fn chat(&mut self, number: &Arc<str>, customer: CustomerKey) -> &mut Chat {
        self.chats.entry((Arc::clone(number), customer)).or_default()
    }

    /// Puts a message into its chat.
    pub(crate) fn keep_message(&mut self, number: &Arc<str>, customer: CustomerKey, message: chat::PhoneMessage) {
        self.owners.insert(message.id.clone(), (Arc::clone(number), customer));
        for dropped in self.chat(number, customer).add(message) {
            self.owners.remove(&dropped);
        }
    }

    /// The number that a call with this token may use.
    pub(crate) fn number_for(&self, id: &str, token: &str, method: &str, now_ms: i64) -> Result<&Number, GraphError> {
        let number = self.numbers.get(id).filter(|number| number.settings.tokens.iter().any(|own| own == token));
        match number {
            Some(number) => match number.token_error(now_ms) {
                Some(subcode) => Err(GraphError::token(Some(subcode))),
                None => Ok(number),
            },
            None => Err(self.unknown_object(id, token, method, now_ms)),
        }
    }

    /// A number of the business account that a call with this token may use.
    pub(crate) fn waba_for(&self, id: &str, token: &str, method: &str, now_ms: i64) -> Result<&Waba, GraphError> {
        let mut numbers = self.numbers.values().filter(|number| number.settings.waba_id == id);
        let owned = numbers.find(|number| number.settings.tokens.iter().any(|own| own == token));
        match (owned, self.wabas.get(id)) {
            (Some(number), Some(waba)) => match number.token_error(now_ms) {
                Some(subcode) => Err(GraphError::token(Some(subcode))),
                None => Ok(waba),
            },
            _ => Err(self.unknown_object(id, token, method, now_ms)),
        }
    }

    /// Meta checks the token first, and then does not say whether the object exists.
    pub(crate) fn unknown_object(&self, id: &str, token: &str, method: &str, now_ms: i64) -> GraphError {
        match self.owner_of(token) {
            None => GraphError::token(None),
            Some(number) => match number.token_error(now_ms) {
                Some(subcode) => GraphError::token(Some(subcode)),
                None => GraphError::no_object(method, id),
            },
        }
    }

    /// The first number that has the token.
    pub(crate) fn owner_of(&self, token: &str) -> Option<&Number> {
        self.numbers.values().find(|number| number.settings.tokens.iter().any(|own| own == token))
    }
}
