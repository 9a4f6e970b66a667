use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use josekit::jws::{JwsSigner, JwsVerifier};
use serde::de::DeserializeOwned;

use crate::claims::{Header, Payload};
use crate::{Claims, KeySet};

const ALGORITHM: &str = "EdDSA";
/// RFC 9068, section 2.1.
const TYPE: &str = "at+jwt";
/// More than any token we issue, and little enough to check for anyone.
const MAX_BYTES: usize = 4 * 1024;
/// How far the clocks of two machines may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Integers above this are not exact in JSON (RFC 8259, section 6).
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Who issues access tokens, for whom, and how long they live.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    pub issuer: String,
    pub audience: String,
    /// 1 to 60 minutes.
    pub lifetime: TimeDelta,
}

/// The token is not a valid one. There is deliberately no reason in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is invalid or expired")]
pub struct InvalidToken;

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("no signing key is active")]
    NoSigningKey,
    #[error("the token could not be signed")]
    Failed,
}

impl KeySet {
    /// Signs a token with the active key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, policy: &TokenPolicy, claims: &Claims) -> Result<String, IssueError> {
        let (kid, signer) = self.signer().ok_or(IssueError::NoSigningKey)?;
        let seconds = |time: DateTime<Utc>| u64::try_from(time.timestamp()).map_err(|_| IssueError::Failed);
        let issued_at = seconds(claims.issued_at)?;
        let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
        let payload = Payload {
            iss: policy.issuer.clone(),
            aud: policy.audience.clone(),
            sub: claims.user,
            tid: claims.tenant,
            sid: claims.session,
            jti: claims.token,
            iat: issued_at,
            nbf: issued_at,
            exp: seconds(claims.expires_at)?,
        };
        let encode = |json: Result<Vec<u8>, _>| json.map(|json| URL_SAFE_NO_PAD.encode(json));
        let header = encode(serde_json::to_vec(&header)).map_err(|_| IssueError::Failed)?;
        let payload = encode(serde_json::to_vec(&payload)).map_err(|_| IssueError::Failed)?;
        let message = format!("{header}.{payload}");
        let signature = signer.sign(message.as_bytes()).map_err(|_| IssueError::Failed)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Checks a token, cheapest and most telling checks first; nothing of it is believed before its signature.
    ///
    /// # Errors
    /// [`InvalidToken`], whatever is wrong.
    pub fn verify(&self, policy: &TokenPolicy, token: &str, now: DateTime<Utc>) -> Result<Claims, InvalidToken> {
        if token.len() > MAX_BYTES {
            return Err(InvalidToken);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(InvalidToken)?;
        let (header, payload) = message.split_once('.').ok_or(InvalidToken)?;
        // The alphabet has no dot, so a fourth part does not decode.
        let (header_json, payload_json, signature) = (decode(header)?, decode(payload)?, decode(signature)?);

        let header: Header = parse(&header_json)?;
        if header.typ != TYPE {
            return Err(InvalidToken);
        }
        let verifier = self.verifier(&header.kid).ok_or(InvalidToken)?;
        if header.alg != verifier.algorithm().name() {
            return Err(InvalidToken);
        }
        verifier.verify(message.as_bytes(), &signature).map_err(|_| InvalidToken)?;

        let payload: Payload = parse(&payload_json)?;
        if payload.iss != policy.issuer || payload.aud != policy.audience {
            return Err(InvalidToken);
        }
        let (issued_at, not_before, expires_at) = (time(payload.iat)?, time(payload.nbf)?, time(payload.exp)?);
        let in_force = issued_at - LEEWAY <= now && not_before - LEEWAY <= now && now < expires_at + LEEWAY;
        let lifetime = expires_at - issued_at;
        if !in_force || lifetime <= TimeDelta::zero() || lifetime > policy.lifetime {
            return Err(InvalidToken);
        }
        Ok(Claims {
            user: payload.sub,
            tenant: payload.tid,
            session: payload.sid,
            token: payload.jti,
            issued_at,
            expires_at,
        })
    }
}

/// Strict base64url: no padding, no white space, no stray bits at the end.
fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken)
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidToken> {
    serde_json::from_slice(json).map_err(|_| InvalidToken)
}

fn time(seconds: u64) -> Result<DateTime<Utc>, InvalidToken> {
    if seconds > MAX_EXACT_INTEGER {
        return Err(InvalidToken);
    }
    let seconds = i64::try_from(seconds).map_err(|_| InvalidToken)?;
    // With room for the leeway on both sides: chrono panics where a sum overflows.
    let time = DateTime::from_timestamp(seconds, 0).ok_or(InvalidToken)?;
    time.checked_add_signed(LEEWAY).and(time.checked_sub_signed(LEEWAY)).map(|_| time).ok_or(InvalidToken)
}

#[cfg(test)]
mod tests;
