//! A user's own sessions.

use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use kernel::ids::{SessionId, UserId};
use kernel::{Clock, Page, PageRequest, StoreError};
use tokens::{Session, SessionRepo};

use super::ports::EndSessionTx;
use crate::Access;

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

#[cfg(test)]
mod tests {
    use kernel::ManualClock;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, access, origin, run};

    fn log_out_as(store: &mut FakeStore, access: &Access, which: LogOut) {
        let clock = store.clock.clone();
        run(log_out(access, store, which, origin(), &*clock)).unwrap();
    }

    fn active(store: &FakeStore, access: &Access) -> Vec<SessionId> {
        let now = ManualClock::now(&store.clock);
        store.active_sessions(access.user.id, now).iter().map(|session| session.id).collect()
    }

    #[test]
    fn logout_ends_the_session_of_the_request() {
        let mut store = FakeStore::with_owner();
        let (this, other) = (access(&mut store), access(&mut store));
        log_out_as(&mut store, &this, LogOut::This);
        assert_eq!(active(&store, &this), [other.session.id]);
        assert_eq!(store.audit_log.pop().unwrap().changes["reason"], "logout");
    }

    #[test]
    fn logout_of_others_keeps_the_session_of_the_request() {
        let mut store = FakeStore::with_owner();
        let (this, _, _) = (access(&mut store), access(&mut store), access(&mut store));
        log_out_as(&mut store, &this, LogOut::Others);
        assert_eq!(active(&store, &this), [this.session.id]);
        let record = store.audit_log.pop().unwrap();
        assert_eq!((&record.changes["reason"], &record.changes["sessions"]), (&"logout_others".into(), &2.into()));
    }

    #[test]
    fn logout_of_all_ends_every_session_of_the_user_only() {
        let mut store = FakeStore::with_owner();
        let this = access(&mut store);
        store.caller = store.add_user("ada", SystemRole::Agent);
        let of_ada = access(&mut store);
        log_out_as(&mut store, &this, LogOut::All);
        assert_eq!(active(&store, &this), []);
        assert_eq!(active(&store, &of_ada), [of_ada.session.id]);
    }

    #[test]
    fn logout_that_ends_nothing_is_not_audited() {
        let mut store = FakeStore::with_owner();
        let this = access(&mut store);
        log_out_as(&mut store, &this, LogOut::All);
        store.audit_log.clear();
        for which in [LogOut::This, LogOut::Others, LogOut::All] {
            log_out_as(&mut store, &this, which);
        }
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn session_of_another_user_is_not_ended() {
        let mut store = FakeStore::with_owner();
        let this = access(&mut store);
        store.caller = store.add_user("ada", SystemRole::Agent);
        let of_ada = access(&mut store);
        let clock = store.clock.clone();
        assert!(!run(end_session(&this, &mut store, of_ada.session.id, origin(), &*clock)).unwrap());
        assert_eq!(active(&store, &of_ada).len(), 1);
    }

    #[test]
    fn ended_other_session_is_audited_as_revoked() {
        let mut store = FakeStore::with_owner();
        let (this, other) = (access(&mut store), access(&mut store));
        let clock = store.clock.clone();
        assert!(run(end_session(&this, &mut store, other.session.id, origin(), &*clock)).unwrap());
        assert_eq!(store.audit_log.pop().unwrap().changes["reason"], "revoked");
    }
}
