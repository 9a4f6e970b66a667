//! A deployment with the demo tenant, on which the examples run.

use std::collections::{BTreeSet, HashMap};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::compare::{alike, differences};
use super::page::{Item, Page};
use super::shell::{Command, Curl, Variables};
use crate::kit::api::{Contact, LoggedIn, WebhookEvent};
use crate::kit::client::{Client, Response};
use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{APP_SECRET, Number, sign_with, signature, text};
use crate::kit::sandbox::MetaSandbox;
use crate::kit::upload::{PNG, upload};
use crate::kit::users::log_in;
use crate::kit::wait;

/// What the pages use in place of the reader's deployment.
const HOST: &str = "http://127.0.0.1:8080";
const TENANT: &str = "demo";
const EMAIL: &str = "owner@demo.example";
const PASSWORD: &str = "parley-demo-password";
/// What pages show where a reader has an id.
const EXAMPLE_ID: &str = "0190b5a2-7e2f-7000-8000-000000000000";
/// Meta calls it with a query that no page shows.
const NOT_SENT: &str = "/webhooks/whatsapp";

pub(super) struct Session {
    meta: MetaSandbox,
    deployment: Deployment,
    server: Server,
    /// The placeholders that the pages declare.
    placeholders: Variables,
    /// These, and what the page assigned.
    variables: Variables,
    refresh_token: String,
    document: Value,
    /// The ids of what the page created last, by the path of its list.
    created: HashMap<String, String>,
    /// The last response, until another item than its body follows.
    last: Option<Response>,
    /// The number of examples that were run.
    pub(super) examples: usize,
}

impl Session {
    /// Starts a deployment with the demo tenant, which has contacts, conversations and dead letters.
    pub(super) async fn start(declared: &BTreeSet<String>) -> Self {
        let meta = MetaSandbox::start();
        let deployment = Deployment::new().await.with("PARLEY_WHATSAPP_GRAPH_URL", meta.url());
        run(&deployment, &["demo"]).unwrap();
        let all = "tenants:read,tenants:write,audit:read,events:read,channels:read,channels:write";
        let made = run(&deployment, &["provisioning-key", "create", "--name", "handbook", "--scopes", all]).unwrap();
        let key = made.lines().find(|line| line.starts_with("parley_pk_")).expect("the key is printed").to_owned();
        let server = deployment.serve_as("api,relay,worker,sender").await;
        let login: LoggedIn = log_in(&server.client, TENANT, EMAIL, PASSWORD).await.body(200);
        let document = server.client.get("/openapi.json").await.json(200);
        let mut values = Variables::from([
            ("TOKEN".to_owned(), login.access_token),
            ("KEY".to_owned(), key),
            ("APP_SECRET".to_owned(), APP_SECRET.to_owned()),
        ]);
        values.retain(|name, _| declared.contains(name));
        assert_eq!(values.len(), declared.len(), "the test has no value for one of {declared:?}");
        let session = Self {
            meta,
            deployment,
            server,
            variables: values.clone(),
            placeholders: values,
            refresh_token: login.refresh_token,
            document,
            created: HashMap::new(),
            last: None,
            examples: 0,
        };
        session.let_the_number_send().await;
        session.receive_messages().await;
        session
    }

    /// Makes the number of the demo tenant known to the sandbox, and enters its access token.
    async fn let_the_number_send(&self) {
        let owner = self.server.client.with_token(&self.variables["TOKEN"]);
        let account: crate::kit::api::WhatsAppAccount = owner.all().await.remove(0);
        let number = json!({
            "phone_number_id": account.phone_number_id, "waba_id": account.waba_id, "tokens": ["EAAhandbook"],
            "app_secret": APP_SECRET, "webhook_url": format!("{}/webhooks/whatsapp", self.server.client.base()),
        });
        self.meta.post("/numbers", &number).await;
        let token = json!({"access_token": "EAAhandbook"});
        owner.patch(&format!("/whatsapp-accounts/{}", account.id), &token).await.expect(200);
    }

    /// Messages of two customers, and two that become dead letters.
    async fn receive_messages(&self) {
        let owner = self.server.client.with_token(&self.variables["TOKEN"]);
        let account: crate::kit::api::WhatsAppAccount = owner.all().await.remove(0);
        let number = Number { phone_number_id: account.phone_number_id, waba_id: account.waba_id };
        let mut messages = ["15550100", "15550101", "15550101", "15550100", "15550100"].map(|from| text(from, "hello"));
        for invalid in &mut messages[1..3] {
            invalid.as_object_mut().unwrap().remove("id");
        }
        messages[1]["from"] = json!("15550102");
        let body = number.delivery(&messages).to_string().into_bytes();
        let signed = self.server.client.with("x-hub-signature-256", &signature(&body));
        signed.send(Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
        owner.create::<Contact>(&json!({"display_name": "Another contact"})).await;
        wait::until("the events to be processed", async || {
            let events: Vec<WebhookEvent> = owner.all().await;
            let is_finished = |event: &WebhookEvent| ["processed", "dead_letter"].contains(&event.status.as_str());
            (events.len() == messages.len() && events.iter().all(is_finished)).then_some(())
        })
        .await;
    }

    /// Runs the examples of a page and returns what is wrong with them.
    pub(super) async fn run(&mut self, page: &Page) -> Vec<String> {
        self.variables = self.placeholders.clone();
        self.created.clear();
        self.last = None;
        let mut wrong = Vec::new();
        for index in 0..page.items.len() {
            if let Err(reason) = self.example(&page.items, index).await {
                wrong.push(format!("{}, {:?}:\n{reason}", page.name, page.items[index]));
            }
        }
        wrong
    }

    async fn example(&mut self, items: &[Item], index: usize) -> Result<(), String> {
        match &items[index] {
            Item::Operation { method, path } => {
                self.last = None;
                if method != "GET" || path.starts_with(NOT_SENT) {
                    return Ok(());
                }
                let path = self.fill(path).await?;
                succeeded(&self.client_for(&path).get(&path).await)?;
            }
            Item::Subcommand(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
                run(&self.deployment, &words)?;
            }
            Item::Command { line, output } => {
                self.command(line, output).await?;
                let is_shown = matches!(items.get(index + 1), Some(Item::Json { follows_block: true, .. }));
                if let Some(response) = self.last.as_ref().filter(|_| !is_shown) {
                    succeeded(response)?;
                }
            }
            Item::Json { schema, text, follows_block } => {
                let body: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
                match self.last.take().filter(|_| *follows_block) {
                    Some(response) => is_as_shown(&body, &response)?,
                    None => self.send(schema, body, &items[..index]).await?,
                }
            }
            Item::NotRun(_) => return Ok(()),
        }
        self.examples += 1;
        Ok(())
    }

    /// Runs a command, and compares its output with the one shown.
    async fn command(&mut self, line: &str, shown: &str) -> Result<(), String> {
        let output = match Command::parse(line, &self.variables) {
            Command::Assign(name, value) => {
                self.variables.insert(name, value);
                return Ok(());
            }
            Command::Sign(name, body) => {
                let signature = sign_with(&self.variables["APP_SECRET"], body.as_bytes());
                self.variables.insert(name, signature.trim_start_matches("sha256=").to_owned());
                return Ok(());
            }
            Command::Parley(arguments) => {
                run(&self.deployment, &arguments.iter().map(String::as_str).collect::<Vec<_>>())?
            }
            Command::Curl(curl) => {
                let response = self.curl(&curl).await?;
                if curl.prints_status { response.status.as_u16().to_string() } else { response.text }
            }
        };
        if shown.is_empty() || alike(shown, output.trim_end()) { Ok(()) } else { Err(format!("prints:\n{output}")) }
    }

    async fn curl(&mut self, curl: &Curl) -> Result<Response, String> {
        let path = curl.url.strip_prefix(HOST).ok_or_else(|| format!("the URL is not of {HOST}"))?;
        let mut client = self.server.client.clone();
        for (name, value) in &curl.headers {
            client = client.with(name.clone().leak(), value);
        }
        if curl.body.is_some() && !curl.headers.iter().any(|(name, _)| name == "content-type") {
            client = client.with("content-type", "application/x-www-form-urlencoded");
        }
        let default = if curl.body.is_some() { "POST" } else { "GET" };
        let method = curl.method.as_deref().unwrap_or(default).parse().expect("the method is valid");
        let response = client.send(method, path, curl.body.clone().map(String::into_bytes)).await;
        self.remember(path, &response);
        Ok(response)
    }

    /// Sends a body to the last operation before it that takes its schema.
    async fn send(&mut self, schema: &str, mut body: Value, before: &[Item]) -> Result<(), String> {
        let takes_it = |item: &Item| {
            let Item::Operation { method, path } = item else { return None };
            let operation = &self.document["paths"][path][method.to_lowercase()];
            let is_body = operation["requestBody"].to_string().contains(&format!("/schemas/{schema}\""));
            is_body.then(|| (method.clone(), path.clone()))
        };
        let found = before.iter().rev().find_map(takes_it);
        let (method, template) = found.ok_or_else(|| format!("no operation before it takes {schema}"))?;
        let (path, client) = (self.fill(&template).await?, self.client_for(&template));
        self.replace_examples(&mut body, &path).await?;
        if method == "PATCH" && body["version"].is_number() {
            body["version"] = client.read::<Value>(&path).await["version"].take();
        }
        let response = match method.as_str() {
            "PATCH" => client.patch(&path, &body).await,
            "PUT" => client.put(&path, &body).await,
            _ => client.post(&path, &body).await,
        };
        succeeded(&response)?;
        self.remember(&template, &response);
        Ok(())
    }

    fn client_for(&self, path: &str) -> Client {
        let client = &self.server.client;
        if ["/auth/login", "/auth/register"].contains(&path) {
            client.with("x-tenant-id", TENANT)
        } else if path.starts_with("/tenants") || path.starts_with("/platform") {
            client.with_token(&self.variables["KEY"])
        } else {
            client.with_token(&self.variables["TOKEN"])
        }
    }

    /// A path with an id in place of its parameter: of what the page created last, or else the first of the list.
    async fn fill(&self, template: &str) -> Result<String, String> {
        let Some((list, rest)) = template.split_once("/{") else { return Ok(template.to_owned()) };
        // Only pictures have thumbnails, and the page uploads another file.
        let created = self.created.get(list).filter(|_| !template.ends_with("/thumbnail"));
        let id = match created {
            Some(id) => id.clone(),
            None => self.ids(list).await.into_iter().next().ok_or_else(|| format!("{list} is empty"))?,
        };
        match rest.split_once('}') {
            Some((_, rest)) if !rest.contains('{') => Ok(format!("{list}/{id}{rest}")),
            _ => Err("no test support for two parameters".to_owned()),
        }
    }

    /// The ids in a list; dead letters only, since the examples are about them.
    async fn ids(&self, list: &str) -> Vec<String> {
        if list == "/crm/media" {
            let file = upload(&self.client_for(list), "a.png", "image/png", PNG).await;
            return file["id"].as_str().map(str::to_owned).into_iter().collect();
        }
        let path = match list {
            "/webhook-events" => format!("{list}?status=dead_letter"),
            // Those of the conversation with the latest one.
            "/crm/messages" => {
                let conversations: Vec<Value> = self.client_for(list).list("/crm/conversations").await;
                format!("/crm/conversations/{}/messages", conversations[0]["id"].as_str().unwrap_or_default())
            }
            _ => list.to_owned(),
        };
        let items: Vec<Value> = self.client_for(list).list(&path).await;
        items.iter().filter_map(|item| item["id"].as_str().or(item["key"].as_str()).map(str::to_owned)).collect()
    }

    /// Replaces the example id by another contact's or a file's, and the example refresh token by the session's.
    async fn replace_examples(&self, body: &mut Value, path: &str) -> Result<(), String> {
        for (member, value) in body.as_object_mut().ok_or("the body is no object")? {
            if member == "contact_id" && value == EXAMPLE_ID {
                let other = self.ids("/crm/contacts").await.into_iter().find(|id| !path.contains(id.as_str()));
                *value = json!(other.ok_or("there is no other contact")?);
            } else if value["media_id"] == EXAMPLE_ID {
                value["media_id"] = json!(self.created.get("/crm/media").ok_or("no file was uploaded")?);
            } else if member == "refresh_token" {
                *value = json!(self.refresh_token);
            }
        }
        Ok(())
    }

    /// Keeps a response for the block that shows it, and the id of what was created.
    fn remember(&mut self, list: &str, response: &Response) {
        let body: Value = serde_json::from_str(&response.text).unwrap_or_default();
        if response.status == 201
            && let Some(id) = body["id"].as_str().or(body["key"].as_str())
        {
            self.created.insert(list.to_owned(), id.to_owned());
        }
        self.last = Some(response.clone());
    }

    pub(super) async fn finish(self) {
        self.server.signal("TERM");
        assert!(self.server.exit().await.success(), "SIGTERM exits successfully");
        self.deployment.finish().await;
    }
}

/// The output of a command of `parley`, which must succeed.
fn run(deployment: &Deployment, arguments: &[&str]) -> Result<String, String> {
    let output = deployment.command(arguments).output().expect("the command starts");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() { Ok(stdout) } else { Err(format!("{}: {stderr}", output.status)) }
}

fn is_done(response: &Response) -> bool {
    response.status.is_success() || response.status == StatusCode::NOT_MODIFIED
}

fn succeeded(response: &Response) -> Result<(), String> {
    if is_done(response) { Ok(()) } else { Err(format!("is answered {}: {}", response.status, response.text)) }
}

/// Compares a response with the one shown: a problem has its status, everything else succeeds.
fn is_as_shown(shown: &Value, response: &Response) -> Result<(), String> {
    let answered: Value = serde_json::from_str(&response.text).unwrap_or_default();
    let mut differences = differences(shown, &answered);
    let status = u64::from(response.status.as_u16());
    match shown["status"].as_u64() {
        Some(shown) if shown != status => differences.push(format!("the status is {status}, not {shown}")),
        None if !is_done(response) => differences.push(format!("the status is {status}")),
        _ => {}
    }
    if differences.is_empty() { Ok(()) } else { Err(format!("{}\n{}", differences.join("\n"), response.text)) }
}
