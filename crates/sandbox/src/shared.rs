//! What all requests share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::webhooks::outbox::Outbox;
use crate::webhooks::schedule::{Event, Schedule};
use crate::world::World;
use crate::world::settle::Outgoing;
use crate::world::status::DueStatus;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<Clock>,
    pub(crate) schedule: Schedule,
    pub(crate) outbox: Outbox,
    world: Mutex<World>,
}

impl Shared {
    pub(crate) fn new(clock: Arc<Clock>, outbox: Outbox, world: World) -> Self {
        Self { clock, schedule: Schedule::default(), outbox, world: Mutex::new(world) }
    }

    /// Held for microseconds and never across an `await`.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets events happen now.
    pub(crate) fn happen(&self, events: Vec<Event>) {
        let now = self.clock.now_ms();
        let outgoing: Vec<Outgoing> = {
            let mut world = self.world();
            let settled = events.into_iter().filter_map(|event| match event {
                Event::Status(due) => world.settle(&due, now),
                Event::TemplateReviewed { template_id } => {
                    let is_pending =
                        world.templates.get(&template_id).is_some_and(|template| template.status == "PENDING");
                    if is_pending { world.change_template_status(&template_id, "APPROVED", None) } else { None }
                }
            });
            settled.collect()
        };
        for outgoing in outgoing {
            self.tell(outgoing);
        }
    }

    pub(crate) fn happen_statuses(&self, statuses: Vec<DueStatus>) {
        self.happen(statuses.into_iter().map(Event::Status).collect());
    }

    pub(crate) fn tell(&self, (destination, update): Outgoing) {
        self.outbox.push(&destination, update);
    }
}
