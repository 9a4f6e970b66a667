//! A user's own sessions.

use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use kernel::ids::{SessionId, UserId};
use kernel::{Clock, Page, PageRequest, StoreError};
use tokens::{Session, SessionRepo};

use crate::{Access, TenantTx};

/// Which of a user's sessions end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOut {
    /// The one that asks.
    #[default]
    This,
    /// All but that one.
    Others,
    All,
}

/// The caller's sessions in force, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn sessions(
    access: &Access,
    tx: &mut dyn TenantTx,
    page: &PageRequest,
    clock: &dyn Clock,
) -> Result<Page<Session>, StoreError> {
    SessionRepo::sessions(tx, access.user.id, page, clock.now()).await
}

/// Ends sessions of the caller's, from the next request on.
///
/// # Errors
/// [`StoreError`].
pub async fn log_out(
    access: &Access,
    tx: &mut dyn TenantTx,
    which: LogOut,
    origin: Origin,
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
    let ended = SessionRepo::end_sessions(tx, user, others, clock.now()).await?;
    if ended == 0 {
        return Ok(());
    }
    let record = Record::new(Actor::User(user), origin, Action::SessionsEnded, clock)
        .about(target::USER, &user)
        .with("reason", if others.is_some() { "logout_others" } else { "logout_all" })
        .with("sessions", ended);
    AuditRepo::append_audit_record(tx, &record).await
}

/// Ends one session of the caller's; whether there was one in force.
///
/// # Errors
/// [`StoreError`].
pub async fn end_session(
    access: &Access,
    tx: &mut dyn TenantTx,
    session: SessionId,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let user = access.user.id;
    if !SessionRepo::end_session(tx, user, session, clock.now()).await? {
        return Ok(false);
    }
    let reason = if session == access.session.id { "logout" } else { "revoked" };
    note_ended(tx, user, session, reason, origin, clock).await?;
    Ok(true)
}

pub(crate) async fn note_ended(
    tx: &mut dyn TenantTx,
    user: UserId,
    session: SessionId,
    reason: &str,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(Actor::User(user), origin, Action::SessionsEnded, clock)
        .about(target::SESSION, &session)
        .with("reason", reason);
    AuditRepo::append_audit_record(tx, &record).await
}
