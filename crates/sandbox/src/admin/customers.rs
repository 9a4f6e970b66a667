//! `/sandbox/customers`.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};

use super::answer::{self, AdminError};
use crate::shared::Shared;
use crate::world::customer::Customer;

pub(super) async fn list(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(shared.world().customers.all())
}

/// Adds a customer, or replaces the one with this phone number.
pub(super) async fn put(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Customer>(&body).and_then(|customer| {
        if customer.phone.chars().filter(char::is_ascii_digit).count() < 5 {
            return Err(answer::bad_request("phone must have five digits or more"));
        }
        let mut world = shared.world();
        let key = world.customers.put(customer);
        Ok(HttpResponse::Ok().json(world.customers.get(key)))
    })
}
