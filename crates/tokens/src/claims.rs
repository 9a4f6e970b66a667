use chrono::{DateTime, Utc};
use kernel::ids::{SessionId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an access token says (RFC 9068, with our own `tid` and `sid`): who, in which tenant and session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    /// This token's own id, for the log.
    pub token: Uuid,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The JWS header: exactly these members. `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64` and repeated ones are refused, as
/// serde refuses unknown and repeated fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: String,
    pub(crate) kid: String,
}

/// The payload on the wire: all required, none repeated, nothing else. The ids are texts until all else has been checked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) tid: String,
    pub(crate) sid: String,
    pub(crate) jti: String,
    /// Seconds since the epoch, as all times here; floats and negative numbers do not parse.
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
}
