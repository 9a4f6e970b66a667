//! Logins, against the hash that each of them takes and nothing else.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::Scale;
use crate::cores::Cores;
use crate::error::{Result, fail};
use crate::http::Connection;
use crate::latency::Latencies;
use crate::report::{Report, plain, rounded};
use crate::usage::memory;
use crate::world::{PASSWORD, Tenant, World, get, post};

/// People who log in again and again.
pub(crate) const PEOPLE: usize = 64;
/// Many and short ones: what else slows the machine, for seconds at a time, slows both.
const ROUNDS: u32 = 8;

/// All sessions but each user's first, so that no login reaches the limit of sessions.
const FORGET: &str = "
DELETE FROM sessions s
 WHERE id <> (SELECT id FROM sessions f WHERE f.tenant_id = s.tenant_id ORDER BY created_at, id LIMIT 1)";

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let all = Cores::all()?;
    let own = logins(world, scale, all.half()).await?;
    let shared = logins(world, scale, all).await?;
    let name = |cores: Cores| format!("login, {PEOPLE} people, api on {} of {} cores", cores.count(), all.count());
    let rows = [own.rows(&name(all.half())), shared.rows(&name(all))];
    let mut json = own.json();
    json["api_on_all_cores"] = shared.json();
    report.add("login", json, rows.concat());
    Ok(())
}

/// Logins a second, hashes alone on the same cores, and how long `GET /auth/me` took during the logins.
struct Logins {
    per_second: f64,
    baseline_per_second: f64,
    me_p50: f64,
    me_p99: f64,
    /// The most memory that the api held.
    memory_mib: f64,
}

impl Logins {
    fn ratio(&self) -> f64 {
        self.per_second / self.baseline_per_second
    }

    fn rows(&self, name: &str) -> [[String; 4]; 2] {
        let Self { per_second, baseline_per_second, me_p50, me_p99, memory_mib } = self;
        let ratio = format!("{:.2}", self.ratio());
        [
            [name.to_owned(), format!("{per_second:.1}/s"), format!("{baseline_per_second:.1}/s, argon2 alone"), ratio],
            plain(
                "  GET /auth/me meanwhile, 40/s",
                format!("p50 {me_p50:.1} ms, p99 {me_p99:.1} ms; the api held at most {memory_mib:.0} MiB"),
            ),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "per_second": rounded(self.per_second),
            "baseline_per_second": rounded(self.baseline_per_second),
            "ratio": rounded(self.ratio()),
            "me_p50_ms": rounded(self.me_p50),
            "me_p99_ms": rounded(self.me_p99),
            "memory_mib": rounded(self.memory_mib),
        })
    }
}

/// Logins at an api that has these cores, and the hash alone on them. Database and generator run where there is room.
async fn logins(world: &World, scale: &Scale, cores: Cores) -> Result<Logins> {
    let api = world.deployment.start_on(cores, "api").await?;
    let (people, onlooker) = (&world.tenants[1..=PEOPLE], &world.tenants[0]);
    let rounds = if scale.quick { 1 } else { ROUNDS };
    // So that the connections to the database are open, which is no part of a login.
    storm(api.address, people, onlooker, scale.turn / 2).await?;
    let (mut per_second, mut baseline_per_second, mut waits) = (0.0, 0.0, Latencies::default());
    for _ in 0..rounds {
        world.sql.execute(FORGET, &[]).await?;
        baseline_per_second += hashes_alone(cores, scale.turn / 4).await? / f64::from(rounds);
        let (reached, waited) = storm(api.address, people, onlooker, scale.turn / 2).await?;
        per_second += reached / f64::from(rounds);
        waits.extend(waited);
    }
    let memory_mib = memory(api.id())[1];
    api.stop()?;
    let [me_p50, me_p99] = [500, 990].map(|per_mille| waits.percentile(per_mille));
    Ok(Logins { per_second, baseline_per_second, me_p50, me_p99, memory_mib })
}

/// Hashes a second on these cores, with the parameters that passwords have by default, and without asking for memory each time.
async fn hashes_alone(cores: Cores, duration: Duration) -> Result<f64> {
    let on_each = move || {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores.count()).map(|_| scope.spawn(|| hashes(duration))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| fail("a hash crashed"))).sum()
        })
    };
    tokio::task::spawn_blocking(move || cores.confine(on_each)).await?
}

fn hashes(duration: Duration) -> Result<f64> {
    let parameters = Params::new(19_456, 2, 1, None).map_err(|error| error.to_string())?;
    let mut memory = vec![Block::default(); parameters.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let (started, mut done, mut hash) = (Instant::now(), 0_u32, [0; 32]);
    while started.elapsed() < duration {
        let outcome = argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut hash, &mut memory);
        outcome.map_err(|error| error.to_string())?;
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}

/// Logins a second, and the latencies of a client that asks `GET /auth/me` forty times a second meanwhile.
async fn storm(
    address: SocketAddr,
    people: &[Tenant],
    onlooker: &Tenant,
    duration: Duration,
) -> Result<(f64, Latencies)> {
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let logins = async {
        let logins =
            try_join_all(people.iter().enumerate().map(|(n, person)| log_in(address, n, person, duration))).await;
        over.store(true, Ordering::Relaxed);
        let elapsed = started.elapsed().as_secs_f64();
        logins.map(|logins| logins.iter().sum::<f64>() / elapsed)
    };
    let (logins, waits) = tokio::join!(logins, look_on(address, onlooker, &over));
    Ok((logins?, waits?))
}

async fn log_in(address: SocketAddr, place: usize, person: &Tenant, duration: Duration) -> Result<f64> {
    let body = json!({ "email": person.email, "password": PASSWORD });
    let request = post("/auth/login", place, &[("X-Tenant-ID", &person.slug)], &body);
    let mut connection = Connection::open(address).await?;
    let (started, mut done) = (Instant::now(), 0.0);
    while started.elapsed() < duration {
        let status = connection.send(&request).await?;
        if status != 200 {
            return fail(format!("a login was answered {status}"));
        }
        done += 1.0;
    }
    Ok(done)
}

async fn look_on(address: SocketAddr, onlooker: &Tenant, over: &AtomicBool) -> Result<Latencies> {
    let request = get("/auth/me", &onlooker.token);
    let mut connection = Connection::open(address).await?;
    let mut waits = Latencies::default();
    let mut pace = interval(Duration::from_millis(25));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !over.load(Ordering::Relaxed) {
        // From when it was due: a request that waits for the one before it is late, too.
        let due = pace.tick().await;
        connection.json(&request, 200).await?;
        waits.note(due.elapsed());
    }
    Ok(waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_ratio() {
        let logins =
            Logins { per_second: 45.0, baseline_per_second: 50.0, me_p50: 5.0, me_p99: 20.0, memory_mib: 60.0 };
        let figures = logins.json();
        assert_eq!((figures["ratio"].as_f64(), figures["me_p99_ms"].as_f64()), (Some(0.9), Some(20.0)));
    }
}
