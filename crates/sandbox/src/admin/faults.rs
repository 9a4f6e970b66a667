//! `/sandbox/faults`.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{self, AdminError};
use crate::shared::Shared;
use crate::world::fault::Fault;

pub(super) async fn list(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(shared.world().faults.all())
}

pub(super) async fn add(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Map<String, Value>>(&body).and_then(|given| {
        let fault = parse(&given).map_err(|error| answer::bad_request(&error))?;
        Ok(HttpResponse::Created().json(shared.world().faults.add(fault)))
    })
}

/// Members that a fault does not have are refused: a filter that is misspelt would match everything.
fn parse(given: &Map<String, Value>) -> Result<Fault, String> {
    let fault: Fault = serde_json::from_value(Value::Object(given.clone())).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(&fault).map_err(|error| error.to_string())?;
    let known: BTreeSet<&String> = known.as_object().into_iter().flat_map(Map::keys).collect();
    match given.keys().find(|key| !known.contains(key)) {
        Some(key) => Err(format!("{} has no member {key}", fault.kind.name())),
        None if !(0.0..=1.0).contains(&fault.probability) => Err("probability is 0 to 1".to_owned()),
        None => Ok(fault),
    }
}

pub(super) async fn clear(shared: Data<Shared>) -> HttpResponse {
    shared.world().faults.clear();
    HttpResponse::NoContent().finish()
}

pub(super) async fn remove(shared: Data<Shared>, id: Path<u64>) -> Result<HttpResponse, AdminError> {
    if shared.world().faults.remove(*id) {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(answer::not_found("no such fault"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
}

/// The draws begin again, from this seed.
pub(super) async fn seed(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Seed>(&body).map(|wanted| {
        shared.world().faults.seed(wanted.seed);
        HttpResponse::NoContent().finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_member_of_a_fault_is_refused() {
        let parsed = |fault: Value| parse(fault.as_object().unwrap());
        assert!(parsed(json!({"fault": "garbage", "count": 1, "phone_number_id": "1"})).is_ok());
        assert!(parsed(json!({"fault": "garbage", "number": "1"})).unwrap_err().contains("number"));
        assert!(parsed(json!({"fault": "explode"})).is_err());
        assert!(parsed(json!({"fault": "garbage", "probability": 2})).is_err());
        assert!(parsed(json!({"fault": "error"})).is_err());
    }
}
