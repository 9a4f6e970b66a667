use std::collections::BTreeMap;

use actix_web::web;
use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::auth::Public;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

/// Whether there is everything that requests need.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Looks at each thing that is needed. Answers within a few seconds, whatever is away.
    async fn check(&self) -> Vec<Check>;
}

/// One thing that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `database`, `migrations`, `broker`.
    pub name: &'static str,
    /// Whether this process cannot do its work without it. What only others need is told, too.
    pub needed: bool,
    /// What is wrong with it, in a sentence that anyone may read: no hosts, no names of users.
    pub state: Result<(), String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadyBody {
    #[schema(value_type = String, example = "ready")]
    status: &'static str,
    /// Each thing that the system needs, and that it is there; of what this process can do without, also what is wrong with it.
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "database": "ok", "migrations": "ok", "broker": "ok" }))]
    checks: BTreeMap<&'static str, String>,
}

/// Can it serve?
///
/// Each thing that this process needs for its part is there. The API alone does without the broker: it accepts, and others
/// publish.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = tag::OPERATIONS,
    responses((status = 200, description = "It can", body = ReadyBody)),
    extensions(("x-problems" = json!([Code::NotReady]))),
)]
pub(crate) async fn ready(
    _public: Public,
    readiness: web::Data<dyn Readiness>,
) -> Result<web::Json<ReadyBody>, Problem> {
    let checks = readiness.check().await;
    let ready = checks.iter().all(|check| check.state.is_ok() || !check.needed);
    let checks =
        checks.into_iter().map(|check| (check.name, check.state.err().unwrap_or_else(|| "ok".to_owned()))).collect();
    if ready {
        Ok(web::Json(ReadyBody { status: "ready", checks }))
    } else {
        Err(Problem::new(Code::NotReady).with_checks(checks))
    }
}
