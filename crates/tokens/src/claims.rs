use chrono::{DateTime, Utc};
use kernel::ids::{SessionId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The claims of an access token (RFC 9068, with private claims `tid` and `sid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    /// The id of the token, for the log.
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

/// The payload on the wire: all members required, none repeated, no others. Ids stay texts until the other members have been
/// checked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) tid: String,
    pub(crate) sid: String,
    pub(crate) jti: String,
    /// Seconds since the epoch, like the times below; floats and negative numbers do not parse.
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
}
