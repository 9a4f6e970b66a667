//! `/sandbox/state` and `/sandbox/reset`.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::clock;
use crate::options::Options;
use crate::setup;
use crate::shared::Shared;

pub(super) async fn get(shared: Data<Shared>) -> HttpResponse {
    let world = shared.world();
    let now = shared.clock.now_ms();
    HttpResponse::Ok().json(json!({
        "now": clock::text(now),
        "clock_offset_ms": shared.clock.offset_ms(),
        "numbers": world.numbers.len(),
        "customers": world.customers.all().len(),
        "requests": world.journal.counts(),
        "faults": world.faults.all().len(),
        "statuses_scheduled": shared.schedule.len(),
        "updates_waiting": shared.outbox.waiting(),
        "webhooks_paused": shared.outbox.is_paused(),
    }))
}

/// Forgets everything but the numbers, which keep their settings, and sets the clock right.
pub(super) async fn reset(shared: Data<Shared>, options: Data<Options>) -> HttpResponse {
    shared.schedule.clear();
    shared.clock.set_offset_ms(0);
    let mut world = shared.world();
    world.reset(options.seed);
    let options = Options { numbers: Vec::new(), ..options.get_ref().clone() };
    setup::fill(&mut world, &options);
    if !options.no_sample_templates {
        let wabas: Vec<String> = world.wabas.keys().cloned().collect();
        for waba in wabas {
            world.add_sample_templates(&waba);
        }
    }
    drop(world);
    shared.outbox.clear();
    shared.outbox.pause(false);
    HttpResponse::NoContent().finish()
}
