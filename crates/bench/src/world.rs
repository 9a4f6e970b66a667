//! Tenants with connected numbers, made as people make them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::deliveries::Number;
use crate::deployment::{Deployment, Process};
use crate::error::Result;
use crate::http::{Connection, request};
use crate::sql;

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery bench";

/// Where figures are measured.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) deployment: Deployment,
    pub(crate) tenants: Vec<Tenant>,
    /// As a superuser.
    pub(crate) sql: Client,
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) account: Uuid,
    pub(crate) number: Number,
}

impl World {
    pub(crate) async fn new(deployment: Deployment) -> Result<Self> {
        let sql = sql::connect(&deployment.superuser()?).await?;
        Ok(Self { deployment, tenants: Vec::new(), sql })
    }

    /// Signs up tenants until there are so many.
    pub(crate) async fn grow(&mut self, tenants: usize) -> Result {
        if self.tenants.len() >= tenants {
            return Ok(());
        }
        let api = self.deployment.start("api").await?;
        for place in self.tenants.len()..tenants {
            self.tenants.push(sign_up(api.address, place).await?);
        }
        api.stop()
    }

    /// The numbers of so many tenants.
    pub(crate) fn numbers(&self, tenants: usize) -> Vec<Number> {
        self.tenants.iter().take(tenants).map(|tenant| tenant.number.clone()).collect()
    }

    pub(crate) async fn api(&self) -> Result<Process> {
        self.deployment.start("api").await
    }
}

async fn sign_up(address: SocketAddr, place: usize) -> Result<Tenant> {
    let (slug, email) = (format!("bench-{place}"), format!("owner-{place}@bench.example"));
    let mut connection = Connection::open(address).await?;
    let body = json!({ "tenant_name": slug, "slug": slug, "email": email, "password": PASSWORD });
    let answer = connection.json(&post("/auth/signup", place, &[], &body), 201).await?;
    let token = text(&answer["access_token"])?;
    let number = Number { phone_number_id: format!("10654035{place:07}"), waba_id: format!("10229012{place:07}") };
    let body = json!({ "phone_number_id": number.phone_number_id, "waba_id": number.waba_id });
    let authorization = format!("Bearer {token}");
    let connect = post("/whatsapp-accounts", place, &[("Authorization", &authorization)], &body);
    let account = connection.json(&connect, 201).await?;
    let [id, account] = [&answer["tenant"]["id"], &account["id"]].map(text);
    Ok(Tenant { id: id?.parse()?, slug, email, token, account: account?.parse()?, number })
}

/// A request from an address of its own.
pub(crate) fn post(path: &str, person: usize, more: &[(&str, &str)], body: &Value) -> Vec<u8> {
    let forwarded = format!("10.0.{}.{}", person / 256, person % 256);
    let headers = [&[("Content-Type", "application/json"), ("X-Forwarded-For", forwarded.as_str())], more].concat();
    request("POST", path, &headers, body.to_string().as_bytes())
}

/// The same for reading.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    request("GET", path, &[("Authorization", &format!("Bearer {token}"))], b"")
}

pub(crate) fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().ok_or_else(|| format!("{value} is no text"))?.to_owned())
}
