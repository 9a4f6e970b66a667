use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{SessionId, TenantId, UserId};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::claims::{Header, Payload};
use crate::{Claims, KeySet, SigningKey};

/// RFC 9068, section 2.1.
const TYPE: &str = "at+jwt";
/// More than any issued token has, and little enough to check for any caller.
const MAX_BYTES: usize = 4 * 1024;
/// The tolerated difference between the clocks of two machines.
pub(crate) const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Integers above this are not exact in JSON (RFC 8259, section 6).
const MAX_EXACT_INTEGER: u64 = 1 << 53;
/// A thumbprint is a SHA-256 in base64url (RFC 7638).
const KID_BYTES: usize = 43;

/// Issuer, audience and lifetime of access tokens.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    pub issuer: String,
    pub audience: String,
    /// 1 to 60 minutes.
    pub lifetime: TimeDelta,
}

/// The token is not valid. It deliberately carries no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is invalid or expired")]
pub struct InvalidToken;

/// Why a token was rejected, for internal use only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The key set has no key with this id; it may be outdated. Nothing of the token has been verified.
    UnknownKey,
    Invalid,
}

impl From<Rejection> for InvalidToken {
    fn from(_: Rejection) -> Self {
        Self
    }
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("no signing key is active")]
    NoSigningKey,
    #[error("the token could not be signed")]
    Failed,
}

/// A signed token, and the id of its key.
#[derive(Clone)]
pub struct IssuedToken {
    pub token: String,
    pub kid: String,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The claims of a verified token, and the id of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    pub claims: Claims,
    pub kid: String,
}

impl KeySet {
    /// Signs a token with the active key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, policy: &TokenPolicy, claims: &Claims) -> Result<IssuedToken, IssueError> {
        let (kid, signer) = self.signer().ok_or(IssueError::NoSigningKey)?;
        let seconds = |time: DateTime<Utc>| u64::try_from(time.timestamp()).map_err(|_| IssueError::Failed);
        let issued_at = seconds(claims.issued_at)?;
        let header = Header { alg: SigningKey::ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
        let payload = Payload {
            iss: policy.issuer.clone(),
            aud: policy.audience.clone(),
            sub: claims.user.to_string(),
            tid: claims.tenant.to_string(),
            sid: claims.session.to_string(),
            jti: claims.token.to_string(),
            iat: issued_at,
            nbf: issued_at,
            exp: seconds(claims.expires_at)?,
        };
        let encode = |json: Result<Vec<u8>, _>| json.map(|json| URL_SAFE_NO_PAD.encode(json));
        let header = encode(serde_json::to_vec(&header)).map_err(|_| IssueError::Failed)?;
        let payload = encode(serde_json::to_vec(&payload)).map_err(|_| IssueError::Failed)?;
        let message = format!("{header}.{payload}");
        let signature = signer.sign(message.as_bytes()).map_err(|_| IssueError::Failed)?;
        Ok(IssuedToken { token: format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)), kid: kid.to_owned() })
    }

    /// Verifies a token, cheapest checks first. No claim is used before the signature is verified.
    ///
    /// # Errors
    /// [`Rejection`]; the caller gets [`InvalidToken`] in all cases.
    pub fn verify(&self, policy: &TokenPolicy, token: &str, now: DateTime<Utc>) -> Result<VerifiedToken, Rejection> {
        if token.len() > MAX_BYTES {
            return Err(Rejection::Invalid);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Rejection::Invalid)?;
        let (header, payload) = message.split_once('.').ok_or(Rejection::Invalid)?;
        // The base64url alphabet has no dot, so a fourth part does not decode.
        let (header_json, payload_json, signature) = (decode(header)?, decode(payload)?, decode(signature)?);

        let header: Header = parse(&header_json)?;
        if header.typ != TYPE || !is_kid(&header.kid) {
            return Err(Rejection::Invalid);
        }
        let verifier = self.verifier(&header.kid).ok_or(Rejection::UnknownKey)?;
        if header.alg != SigningKey::ALGORITHM {
            return Err(Rejection::Invalid);
        }
        verifier.verify(message.as_bytes(), &signature).map_err(|_| Rejection::Invalid)?;

        let payload: Payload = parse(&payload_json)?;
        if payload.iss != policy.issuer || payload.aud != policy.audience {
            return Err(Rejection::Invalid);
        }
        let (issued_at, not_before, expires_at) = (time(payload.iat)?, time(payload.nbf)?, time(payload.exp)?);
        let in_force = issued_at - LEEWAY <= now && not_before - LEEWAY <= now && now < expires_at + LEEWAY;
        let lifetime = expires_at - issued_at;
        if !in_force || lifetime <= TimeDelta::zero() || lifetime > policy.lifetime {
            return Err(Rejection::Invalid);
        }
        let claims = Claims {
            user: UserId::from_uuid(id(&payload.sub)?),
            tenant: TenantId::from_uuid(id(&payload.tid)?),
            session: SessionId::from_uuid(id(&payload.sid)?),
            token: id(&payload.jti)?,
            issued_at,
            expires_at,
        };
        Ok(VerifiedToken { claims, kid: header.kid })
    }
}

/// Strict base64url: no padding, no white space, no stray bits at the end.
fn decode(part: &str) -> Result<Vec<u8>, Rejection> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::Invalid)
}

/// Accepts only JSON objects: serde would read a struct from an array, too.
fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Rejection> {
    if json.first() != Some(&b'{') {
        return Err(Rejection::Invalid);
    }
    serde_json::from_slice(json).map_err(|_| Rejection::Invalid)
}

/// Whether the text has the form of a thumbprint. No other key id is looked up or sent to the database.
fn is_kid(text: &str) -> bool {
    text.len() == KID_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn time(seconds: u64) -> Result<DateTime<Utc>, Rejection> {
    if seconds > MAX_EXACT_INTEGER {
        return Err(Rejection::Invalid);
    }
    let seconds = i64::try_from(seconds).map_err(|_| Rejection::Invalid)?;
    // Leaves room for the leeway on both sides: chrono panics on overflow.
    let time = DateTime::from_timestamp(seconds, 0).ok_or(Rejection::Invalid)?;
    time.checked_add_signed(LEEWAY).and(time.checked_sub_signed(LEEWAY)).map(|_| time).ok_or(Rejection::Invalid)
}

/// Accepts only the form that this program writes: the library parses several.
fn id(text: &str) -> Result<Uuid, Rejection> {
    let id: Uuid = text.parse().map_err(|_| Rejection::Invalid)?;
    if id.to_string() == text { Ok(id) } else { Err(Rejection::Invalid) }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
