//! How long refusals take, by reason. They must not differ: a difference would tell which tenants and accounts exist.

use std::time::Instant;

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::Scale;
use crate::error::{Result, fail};
use crate::http::{Connection, request};
use crate::latency::Latencies;
use crate::report::{Report, plain, rounded};
use crate::world::{PASSWORD, Tenant, World, get, post, text};

/// Attempts for each reason. Each comes from an address of its own, so that no rate limit answers.
const ATTEMPTS: usize = 200;
const QUICK_ATTEMPTS: usize = 120;
/// Fewer than the failed attempts that an account may have in an hour.
const FORGET_EVERY: usize = 40;

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let api = world.api().await?;
    let mut connection = Connection::open(api.address).await?;
    let attempts = if scale.quick { QUICK_ATTEMPTS } else { ATTEMPTS };
    let tenant = &world.tenants[0];
    suspend_a_user(&mut connection, tenant).await?;
    let logins = [
        ("wrong password", tenant.slug.as_str(), tenant.email.as_str(), "wrong password"),
        ("unknown user", tenant.slug.as_str(), "unknown@bench.example", PASSWORD),
        ("unknown tenant", "no-such-tenant", tenant.email.as_str(), PASSWORD),
        ("suspended user", tenant.slug.as_str(), SUSPENDED, PASSWORD),
    ];
    let keys = [
        ("unknown key", format!("parley_pk_{}", "A".repeat(43))),
        ("expired key", store_expired_key(world).await?),
        ("too short a key", "parley_pk_".to_owned()),
    ];
    let mut login_times = [const { Latencies::new() }; 4];
    let mut key_times = [const { Latencies::new() }; 3];
    // In turns, so that what else slows the machine slows all of them.
    for attempt in 0..attempts {
        // Guesses against one account are limited, whatever address they come from.
        if attempt % FORGET_EVERY == 0 {
            world.sql.batch_execute("DELETE FROM login_tallies").await?;
        }
        for (place, (_, slug, email, password)) in logins.iter().enumerate() {
            let body = json!({ "email": email, "password": password });
            let request = post("/auth/login", 1_000 + attempt * logins.len() + place, &[("X-Tenant-ID", slug)], &body);
            login_times[place].note(refused(&mut connection, &request).await?);
        }
        for (place, (_, key)) in keys.iter().enumerate() {
            key_times[place].note(refused(&mut connection, &get("/tenants", key)).await?);
        }
    }
    api.stop()?;
    let login_medians = login_times.each_mut().map(|times| times.percentile(500));
    let key_medians = key_times.each_mut().map(|times| times.percentile(500));
    let named = |names: Vec<&str>, medians: &[f64]| {
        let texts: Vec<String> =
            names.iter().zip(medians).map(|(name, median)| format!("{name} {median:.1} ms")).collect();
        texts.join(", ")
    };
    let (login_ratio, key_ratio) = (spread(&login_medians), spread(&key_medians));
    let row = |name: &str, text: String, ratio: f64| {
        let [name, measured, baseline, _] = plain(name, text);
        [name, measured, baseline, format!("{ratio:.2}")]
    };
    let rows = [
        row("refused login, medians", named(logins.iter().map(|login| login.0).collect(), &login_medians), login_ratio),
        row("refused key, medians", named(keys.iter().map(|key| key.0).collect(), &key_medians), key_ratio),
    ];
    let json = json!({
        "login_medians_ms": login_medians.map(rounded),
        "login_ratio": rounded(login_ratio),
        "key_medians_ms": key_medians.map(rounded),
        "key_ratio": rounded(key_ratio),
    });
    report.add("refusal", json, rows);
    Ok(())
}

const SUSPENDED: &str = "suspended@bench.example";

async fn suspend_a_user(connection: &mut Connection, tenant: &Tenant) -> Result {
    let authorization = format!("Bearer {}", tenant.token);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let body = json!({ "email": SUSPENDED, "password": PASSWORD }).to_string();
    let user = connection.json(&request("POST", "/users", &headers, body.as_bytes()), 201).await?;
    let body = json!({ "status": "suspended" }).to_string();
    let path = format!("/users/{}", text(&user["id"])?);
    connection.json(&request("PATCH", &path, &headers, body.as_bytes()), 200).await?;
    Ok(())
}

/// No endpoint makes a key that has expired.
async fn store_expired_key(world: &World) -> Result<String> {
    let key = format!("parley_pk_{}", "B".repeat(43));
    let hash = digest(&SHA256, key.as_bytes());
    let insert = "INSERT INTO provisioning_keys (id, key_hash, name, scopes, created_at, expires_at)
                  VALUES (gen_random_uuid(), $1, 'expired', '{tenants:read}', now() - interval '2 days', now() - interval '1 day')";
    world.sql.execute(insert, &[&hash.as_ref()]).await?;
    Ok(key)
}

async fn refused(connection: &mut Connection, request: &[u8]) -> Result<std::time::Duration> {
    let started = Instant::now();
    let status = connection.send(request).await?;
    let took = started.elapsed();
    if status == 401 { Ok(took) } else { fail(format!("a refusal was answered {status}")) }
}

/// The slowest to the fastest.
fn spread(medians: &[f64]) -> f64 {
    let most = medians.iter().copied().fold(f64::NAN, f64::max);
    most / medians.iter().copied().fold(f64::NAN, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_the_slowest_to_the_fastest() {
        assert!((spread(&[2.0, 1.0, 1.5]) - 2.0).abs() < f64::EPSILON);
    }
}
