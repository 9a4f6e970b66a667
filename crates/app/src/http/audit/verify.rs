use actix_web::web;
use audit::{Damage, Verification, verify_log};
use flows::settle;
use kernel::ids::AuditRecordId;
use kernel::{AuditRead, Grant as _, hex};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::openapi::tag;
use crate::http::problem::Problem;

/// What became of an audit log since it was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditVerification)]
pub(crate) struct VerificationBody {
    /// Nothing was found.
    valid: bool,
    /// Records whose seal was checked.
    #[schema(example = 42)]
    sealed: u64,
    /// Records that wait for their seal.
    #[schema(example = 0)]
    unsealed: u64,
    /// The end of the chain: whoever keeps it can tell later whether the end was cut off. Null while nothing is sealed.
    #[schema(required)]
    head: Option<HeadBody>,
    /// The first 100 things that were found.
    damage: Vec<DamageBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHead)]
pub(crate) struct HeadBody {
    #[schema(example = 42)]
    sequence: i64,
    /// Hexadecimal.
    #[schema(example = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    hash: String,
}

/// What somebody did to a log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditDamage)]
pub(crate) struct DamageBody {
    kind: DamageKindBody,
    /// The place in the chain.
    #[schema(required)]
    sequence: Option<i64>,
    #[schema(required)]
    record_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditDamageKind)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DamageKindBody {
    /// It is not the record that was sealed in that place.
    Changed,
    /// It was sealed and is no longer there.
    Removed,
    /// The seal with this number is no longer there.
    Missing,
    /// It did not come the way that records come.
    Inserted,
    /// It was sealed under a key that is not configured: nobody can say.
    UnknownKey,
}

/// Verify the audit log
///
/// Checks the seal of each record: whether one was changed, removed or added by somebody who can write into the database.
#[utoipa::path(
    get,
    path = "/audit-log/verify",
    operation_id = "verifyAuditLog",
    tag = tag::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    responses((status = 200, description = "What was found", body = VerificationBody)),
)]
pub(crate) async fn verify(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
) -> Result<web::Json<VerificationBody>, Problem> {
    let tenant = allow.scope().tenant();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = verify_log(allow.permit().into(), &mut *tx, tenant, &state.ring).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

impl From<Verification> for VerificationBody {
    fn from(found: Verification) -> Self {
        Self {
            valid: found.is_clean(),
            sealed: found.sealed,
            unsealed: found.unsealed,
            head: found.head.map(|seal| HeadBody { sequence: seal.sequence, hash: hex(&seal.tag.bytes) }),
            damage: found.damage.into_iter().map(DamageBody::from).collect(),
        }
    }
}

impl From<Damage> for DamageBody {
    fn from(damage: Damage) -> Self {
        let (kind, sequence, record) = match damage {
            Damage::Changed { sequence, record } => (DamageKindBody::Changed, Some(sequence), Some(record)),
            Damage::Removed { sequence, record } => (DamageKindBody::Removed, Some(sequence), Some(record)),
            Damage::Missing { sequence } => (DamageKindBody::Missing, Some(sequence), None),
            Damage::Inserted { record } => (DamageKindBody::Inserted, None, Some(record)),
            Damage::UnknownKey { sequence, record, .. } => (DamageKindBody::UnknownKey, Some(sequence), Some(record)),
        };
        Self { kind, sequence, record_id: record.map(AuditRecordId::as_uuid) }
    }
}
