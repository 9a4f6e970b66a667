use audit::{Action, Record, RequestOrigin, target};
use channels::{AccountCheck, WhatsAppAccount};
use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};
use outbound::{PauseRepo, PauseScope, PausesToEnd};

use super::AccountTx;

/// What Meta says of a business account that may send.
const AVAILABLE: &str = "AVAILABLE";

/// Ends the pauses of an account by hand: what waits is sent. If the reason still holds, Meta's next refusal pauses it again. `None` if
/// the tenant has no such account.
///
/// # Errors
/// [`StoreError`].
pub async fn resume_account(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn AccountTx,
    id: AccountId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<WhatsAppAccount>, StoreError> {
    if tx.lock_account(id).await?.is_none() {
        return Ok(None);
    }
    let now = clock.now();
    if tx.end_pauses(id, &PausesToEnd::all(now), now).await? > 0 {
        let record = Record::new(permit.actor().into(), origin, Action::AccountResumed, clock);
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    tx.account(id).await
}

/// Ends the pauses that Meta's answers refute. Meta was asked at that time: what was refused later may be of another reason. Pauses that
/// end by themselves stay, as no answer is about them.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn end_refuted_pauses<Repo: PauseRepo + ?Sized>(
    repo: &mut Repo,
    id: AccountId,
    check: &AccountCheck,
    token_is_usable: bool,
    asked_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let scopes = refuted(check, token_is_usable);
    if !scopes.is_empty() {
        repo.end_pauses(id, &PausesToEnd { scopes, timed: false, started_until: asked_at }, now).await?;
    }
    Ok(())
}

/// A usable token refutes that the token is refused. That the number, or the business account, can send is only known if nothing is
/// wrong, and Meta says so of it.
fn refuted(check: &AccountCheck, token_is_usable: bool) -> Vec<PauseScope> {
    let all_well = token_is_usable && check.problems.is_empty();
    let mut scopes = Vec::new();
    if token_is_usable {
        scopes.push(PauseScope::Token);
    }
    if all_well && check.number.registered == Some(true) {
        scopes.push(PauseScope::Number);
    }
    if all_well && check.account.status.as_deref() == Some(AVAILABLE) {
        scopes.push(PauseScope::BusinessAccount);
    }
    scopes
}

#[cfg(test)]
mod tests {
    use channels::{AccountStatus, BusinessAccountCheck, CheckProblem, NumberCheck, TokenCheck};
    use outbound::{ErrorClass, PausedSends, SendingPause};
    use whatsapp::MetaAppKey;

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn healthy() -> AccountCheck {
        AccountCheck {
            checked_at: DateTime::UNIX_EPOCH,
            token: TokenCheck { valid: Some(true), ..TokenCheck::default() },
            number: NumberCheck { registered: Some(true), ..NumberCheck::default() },
            account: BusinessAccountCheck { status: Some(AVAILABLE.to_owned()), ..BusinessAccountCheck::default() },
            problems: Vec::new(),
        }
    }

    fn pause(account: AccountId, scope: PauseScope, started_at: DateTime<Utc>) -> SendingPause {
        SendingPause {
            account,
            scope,
            subject: String::new(),
            sends: PausedSends::All,
            code: Some(1),
            class: ErrorClass::Policy,
            reason: String::new(),
            advice: String::new(),
            started_at,
            until: None,
        }
    }

    #[test]
    fn answers_refute_only_what_they_are_about() {
        let (token, number, account) = (PauseScope::Token, PauseScope::Number, PauseScope::BusinessAccount);
        assert_eq!(refuted(&healthy(), true), [token, number, account]);
        let unsaid =
            AccountCheck { number: NumberCheck::default(), account: BusinessAccountCheck::default(), ..healthy() };
        assert_eq!(refuted(&unsaid, true), [token]);
        let reviewed = BusinessAccountCheck { status: Some("APPROVED".to_owned()), ..BusinessAccountCheck::default() };
        assert_eq!(refuted(&AccountCheck { account: reviewed, ..healthy() }, true), [token, number]);
        let problem = CheckProblem { what: "a".to_owned(), advice: "b".to_owned() };
        assert_eq!(refuted(&AccountCheck { problems: vec![problem], ..healthy() }, true), [token]);
        assert!(refuted(&healthy(), false).is_empty());
    }

    #[test]
    fn pause_that_began_after_the_question_stays() {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), AccountStatus::Active);
        let now = store.clock.now();
        let later = now + chrono::TimeDelta::seconds(1);
        let timed = SendingPause { until: Some(later), ..pause(id, PauseScope::BusinessAccount, now) };
        store.channels.pauses = vec![pause(id, PauseScope::Token, now), pause(id, PauseScope::Number, later), timed];
        run(end_refuted_pauses(&mut store, id, &healthy(), true, now, later)).unwrap();
        let left: Vec<PauseScope> = store.channels.pauses.iter().map(|pause| pause.scope).collect();
        assert_eq!(left, [PauseScope::Number, PauseScope::BusinessAccount]);
    }

    #[test]
    fn resuming_ends_all_pauses_and_is_audited_once() {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), AccountStatus::Active);
        let (permit, clock) = (store.permit(), store.clock.clone());
        let timed = SendingPause { until: Some(clock.now()), ..pause(id, PauseScope::Number, clock.now()) };
        store.channels.pauses = vec![pause(id, PauseScope::Token, clock.now()), timed];
        for _ in 0..2 {
            let resumed = run(resume_account(store.permit(), &mut store, id, origin(), &*clock)).unwrap();
            assert_eq!(resumed.unwrap().id, id);
        }
        assert!(store.channels.pauses.is_empty());
        assert_eq!(store.audited(), [Action::AccountResumed]);
        let missing = AccountId::new(&*clock);
        assert!(run(resume_account(permit, &mut store, missing, origin(), &*clock)).unwrap().is_none());
    }
}
