//! `/billing`: plans, subscription, usage and invoices.

pub(crate) mod invoices;
mod money;
pub(crate) mod payment;
pub(crate) mod plans;
pub(crate) mod subscription;
pub(crate) mod usage;

use actix_web::web::{ServiceConfig, get, post, put, resource};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/billing/plans").route(get().to(plans::list)))
        .service(
            resource("/billing/subscription").route(get().to(subscription::read)).route(put().to(subscription::change)),
        )
        .service(resource("/billing/usage").route(get().to(usage::read)))
        .service(resource("/billing/invoices").route(get().to(invoices::list)))
        .service(resource("/billing/invoices/{id}").route(get().to(invoices::read)))
        .service(resource("/billing/invoices/{id}/mark-paid").route(post().to(payment::mark_paid)));
}

/// Start of a day, in UTC.
fn midnight_utc(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
