//! WhatsApp events in every shape Meta documents, and the resulting CRM data.

mod activity;
mod app_isolation;
mod coexistence;
mod evidence;
mod fields;
mod identity;
mod identity_changes;
mod kinds;
mod merge;
mod order;
mod parallel;
mod permutations;
mod recipients;
mod senders;
mod statuses;
mod streams;
mod tellings;

use crate::kit::api::{Interaction, column};

/// The kinds of interactions, latest first.
fn kinds(interactions: &[Interaction]) -> Vec<&str> {
    column(interactions, |interaction| interaction.kind.as_str())
}
