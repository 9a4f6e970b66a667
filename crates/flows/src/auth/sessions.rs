//! A user's own sessions.

use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use kernel::ids::{SessionId, UserId};
use kernel::{Clock, Page, PageRequest, StoreError};
use tokens::{Session, SessionRepo};

use crate::Access;

/// What ending sessions needs.
pub trait EndSessionTx: SessionRepo + AuditRepo {}

impl<T: SessionRepo + AuditRepo + ?Sized> EndSessionTx for T {}

/// Which sessions of the caller end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOut {
    /// The session of the request.
    #[default]
    This,
    /// All sessions except that of the request.
    Others,
    All,
}

/// Lists the caller's active sessions, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn sessions(
    access: &Access,
    repo: &mut dyn SessionRepo,
    page: &PageRequest,
    clock: &dyn Clock,
) -> Result<Page<Session>, StoreError> {
    repo.sessions(access.user.id, page, clock.now()).await
}

/// Ends sessions of the caller. Takes effect on their next request.
///
/// # Errors
/// [`StoreError`].
pub async fn log_out(
    access: &Access,
    tx: &mut dyn EndSessionTx,
    which: LogOut,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let (user, this) = (access.user.id, access.session.id);
    let others = match which {
        LogOut::This => {
            end_session(access, tx, this, origin, clock).await?;
            return Ok(());
        }
        LogOut::Others => Some(this),
        LogOut::All => None,
    };
    let ended = tx.end_sessions(user, others, clock.now()).await?;
    if ended == 0 {
        return Ok(());
    }
    let record = Record::new(Principal::User(user), origin, Action::SessionsEnded, clock)
        .about(target::USER, &user)
        .with("reason", if others.is_some() { "logout_others" } else { "logout_all" })
        .with("sessions", ended);
    tx.append_audit_record(&record).await
}

/// Ends one session of the caller. Returns whether it was active.
///
/// # Errors
/// [`StoreError`].
pub async fn end_session(
    access: &Access,
    tx: &mut dyn EndSessionTx,
    session: SessionId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let user = access.user.id;
    if !tx.end_session(user, session, clock.now()).await? {
        return Ok(false);
    }
    let reason = if session == access.session.id { "logout" } else { "revoked" };
    record_session_ended(tx, user, session, reason, origin, clock).await?;
    Ok(true)
}

pub(crate) async fn record_session_ended(
    repo: &mut dyn AuditRepo,
    user: UserId,
    session: SessionId,
    reason: &str,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(Principal::User(user), origin, Action::SessionsEnded, clock)
        .about(target::SESSION, &session)
        .with("reason", reason);
    repo.append_audit_record(&record).await
}
