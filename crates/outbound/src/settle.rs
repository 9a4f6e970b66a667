//! What becomes of a send after a call to Meta.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{AccountId, SendId};

use crate::{
    Action, Attempt, AttemptOutcome, BackOff, CallOutcome, InterruptedSend, OnUnknown, PauseEnd, PauseScope,
    RESEND_AFTER, Reason, SendError, SendKind, SendState, SendingPause, SettledSend, Verdict, When, classify,
};

/// A call that has ended, and what its send allows.
#[derive(Clone, Debug)]
pub struct AttemptFacts {
    pub send: SendId,
    pub kind: SendKind,
    pub account: AccountId,
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub on_unknown: OnUnknown,
    /// Refusals before this attempt.
    pub refusals: i32,
    /// Times it was sent again although it may have been sent.
    pub resends: i32,
    pub send_before: DateTime<Utc>,
    pub recipient: String,
    pub conversation: String,
    pub template: Option<String>,
    /// It shows files of ours, which Meta has by ids that end.
    pub has_files: bool,
}

/// Meta does not accept a file, or does not have it.
pub const FILE_REFUSED: i64 = 131_053;
/// Waits of calls that never reached Meta.
const NOT_SENT: BackOff = BackOff::APP;
/// Added at random, so that what waited for one reason does not go again at one moment.
const JITTER: f64 = 0.25;

/// What a call made of its send, and what it stops. `random` is between 0 and 1.
///
/// Only what was surely not sent is tried again, until its time is over. What may have been sent is `unknown`, unless its sender
/// wants it sent once more.
#[must_use]
pub fn settle(facts: &AttemptFacts, outcome: CallOutcome, random: f64) -> (SettledSend, Option<SendingPause>) {
    match outcome {
        CallOutcome::Accepted { wamid, .. } => {
            let settled = SettledSend { wamid, ..facts.settled(SendState::Accepted, AttemptOutcome::Accepted) };
            (settled, None)
        }
        CallOutcome::NotSent(reason) => {
            let wait = NOT_SENT.wait(u32::try_from(facts.refusals).unwrap_or(0), None);
            let error = SendError {
                code: None,
                class: "unreachable".to_owned(),
                title: "WhatsApp could not be reached".to_owned(),
                advice: "It is tried again by itself.".to_owned(),
            };
            let mut settled = facts.again(wait, random, AttemptOutcome::NotSent, error);
            settled.attempt.title = Some(reason);
            (settled, None)
        }
        CallOutcome::Unclear { reason, http_status } => {
            let mut settled = facts.unclear(AttemptOutcome::Unclear);
            settled.attempt.title = Some(reason);
            settled.attempt.http_status = http_status.map(i32::from);
            (settled, None)
        }
        CallOutcome::Refused(error) => {
            let verdict = classify(&error, When::Answer);
            let said = SendError {
                code: error.code,
                class: <&str>::from(verdict.class).to_owned(),
                title: verdict.title.to_owned(),
                advice: verdict.advice.to_owned(),
            };
            let mut settled = match verdict.action {
                Action::Unknown => facts.unclear(AttemptOutcome::Unclear),
                // The id may be one that Meta has forgotten: the file is uploaded again, once.
                Action::Fail | Action::UploadAgain
                    if facts.has_files && facts.refusals == 0 && error.code == Some(FILE_REFUSED) =>
                {
                    facts.again(Duration::ZERO, random, AttemptOutcome::Refused, said)
                }
                Action::Fail | Action::UploadAgain => facts.failed(said),
                Action::Requeue | Action::Hold => {
                    facts.again(facts.wait(&verdict, error.retry_after), random, AttemptOutcome::Refused, said)
                }
            };
            settled.attempt.http_status = error.http_status.map(i32::from);
            settled.attempt.code = error.code;
            settled.attempt.title = Some(error.title.clone());
            settled.attempt.trace_id.clone_from(&error.trace_id);
            let pause = facts.pause(&verdict, error.code, error.retry_after);
            (settled, pause)
        }
    }
}

/// The sender of a send died after the call had begun: it may have been sent.
#[must_use]
pub fn settle_interrupted(send: &InterruptedSend, account: AccountId, now: DateTime<Utc>) -> SettledSend {
    let facts = AttemptFacts {
        send: send.id,
        kind: send.kind,
        account,
        number: send.attempt,
        started_at: send.started_at,
        ended_at: now,
        on_unknown: send.on_unknown,
        refusals: 0,
        resends: send.resends,
        send_before: now,
        recipient: String::new(),
        conversation: String::new(),
        template: None,
        has_files: false,
    };
    let mut settled = facts.unclear(AttemptOutcome::Unclear);
    settled.attempt.title = Some("the sender stopped during the call".to_owned());
    settled
}

impl AttemptFacts {
    fn settled(&self, state: SendState, outcome: AttemptOutcome) -> SettledSend {
        SettledSend {
            id: self.send,
            state,
            due_at: self.ended_at,
            was_refused: false,
            is_resend: false,
            may_have_been_sent: false,
            error: None,
            wamid: None,
            attempt: Attempt {
                number: self.number,
                started_at: self.started_at,
                ended_at: Some(self.ended_at),
                outcome: Some(outcome),
                http_status: None,
                code: None,
                title: None,
                trace_id: None,
            },
        }
    }

    fn failed(&self, error: SendError) -> SettledSend {
        SettledSend { error: Some(error), ..self.settled(SendState::Failed, AttemptOutcome::Refused) }
    }

    /// It was surely not sent and goes again after the wait. What can no longer leave then expires when its turn comes.
    fn again(&self, wait: Duration, random: f64, outcome: AttemptOutcome, error: SendError) -> SettledSend {
        let wait = wait.mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0));
        let due_at = self.ended_at + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        SettledSend {
            due_at: due_at.min(self.send_before),
            was_refused: true,
            error: Some(error),
            ..self.settled(SendState::Queued, outcome)
        }
    }

    fn unclear(&self, outcome: AttemptOutcome) -> SettledSend {
        let error = Some(Reason::Unclear.error());
        match (self.kind, self.on_unknown) {
            // To do it twice changes nothing.
            (SendKind::Reaction | SendKind::ReadReceipt, _) if self.resends == 0 => SettledSend {
                due_at: self.ended_at + TimeDelta::seconds(1),
                is_resend: true,
                ..self.settled(SendState::Queued, outcome)
            },
            (SendKind::Message, OnUnknown::Resend) if self.resends == 0 => SettledSend {
                due_at: self.ended_at + RESEND_AFTER,
                is_resend: true,
                may_have_been_sent: true,
                error,
                ..self.settled(SendState::Queued, outcome)
            },
            (SendKind::Message, OnUnknown::Hold | OnUnknown::Resend) => {
                SettledSend { may_have_been_sent: true, error, ..self.settled(SendState::Unknown, outcome) }
            }
            _ => SettledSend { may_have_been_sent: true, error, ..self.settled(SendState::Failed, outcome) },
        }
    }

    fn wait(&self, verdict: &Verdict, retry_after: Option<Duration>) -> Duration {
        match verdict.pause.map(|pause| pause.end) {
            Some(PauseEnd::After(back_off)) => back_off.wait(u32::try_from(self.refusals).unwrap_or(0), retry_after),
            // It waits for the end of the pause.
            Some(PauseEnd::Lifted) => Duration::ZERO,
            None => BackOff::APP.wait(u32::try_from(self.refusals).unwrap_or(0), retry_after),
        }
    }

    fn pause(&self, verdict: &Verdict, code: Option<i64>, retry_after: Option<Duration>) -> Option<SendingPause> {
        let pause = verdict.pause?;
        let subject = match pause.scope {
            PauseScope::Pair | PauseScope::Recipient => self.recipient.clone(),
            PauseScope::Conversation => self.conversation.clone(),
            PauseScope::Template => self.template.clone()?,
            PauseScope::Number | PauseScope::BusinessAccount | PauseScope::Token => String::new(),
        };
        let until = match pause.end {
            PauseEnd::Lifted => None,
            PauseEnd::After(_) => {
                let wait = TimeDelta::from_std(self.wait(verdict, retry_after)).unwrap_or(TimeDelta::MAX);
                Some(self.ended_at + wait)
            }
        };
        Some(SendingPause {
            account: self.account,
            scope: pause.scope,
            subject,
            sends: pause.sends,
            code,
            class: verdict.class,
            reason: verdict.title.to_owned(),
            advice: verdict.advice.to_owned(),
            started_at: self.ended_at,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use whatsapp::GraphError;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn facts() -> AttemptFacts {
        AttemptFacts {
            send: SendId::from_uuid(Uuid::from_u128(1)),
            kind: SendKind::Message,
            account: AccountId::from_uuid(Uuid::from_u128(2)),
            number: 1,
            started_at: at(99),
            ended_at: at(100),
            on_unknown: OnUnknown::Hold,
            refusals: 0,
            resends: 0,
            send_before: at(10_000),
            recipient: "+4915112345678".to_owned(),
            conversation: "c".to_owned(),
            template: None,
            has_files: false,
        }
    }

    fn refused(code: i64) -> CallOutcome {
        CallOutcome::Refused(GraphError { http_status: Some(400), code: Some(code), ..GraphError::default() })
    }

    fn unclear() -> CallOutcome {
        CallOutcome::Unclear { reason: "timeout".to_owned(), http_status: None }
    }

    #[test]
    fn accepted_send_has_its_wamid() {
        let outcome = CallOutcome::Accepted { wamid: Some("w".to_owned()), wa_id: None };
        let (settled, pause) = settle(&facts(), outcome, 0.0);
        assert_eq!((settled.state, settled.wamid.as_deref(), pause), (SendState::Accepted, Some("w"), None));
    }

    #[test]
    fn unclear_message_is_sent_again_only_if_wanted_and_once() {
        let settled = |on_unknown, resends| settle(&AttemptFacts { on_unknown, resends, ..facts() }, unclear(), 0.0).0;
        for (on_unknown, resends, state) in [
            (OnUnknown::Hold, 0, SendState::Unknown),
            (OnUnknown::Fail, 0, SendState::Failed),
            (OnUnknown::Resend, 0, SendState::Queued),
            (OnUnknown::Resend, 1, SendState::Unknown),
        ] {
            let settled = settled(on_unknown, resends);
            assert_eq!((settled.state, settled.may_have_been_sent), (state, true), "{on_unknown:?} {resends}");
        }
        let again = settled(OnUnknown::Resend, 0);
        assert_eq!((again.due_at, again.is_resend), (at(190), true));
    }

    #[test]
    fn ambiguous_code_is_unclear_and_never_refused() {
        for code in [1, 2, 131_000, 131_016, 133_004] {
            let (settled, _) = settle(&facts(), refused(code), 0.0);
            assert_eq!((settled.state, settled.was_refused), (SendState::Unknown, false), "{code}");
        }
    }

    #[test]
    fn throttle_is_not_yet_and_pauses_its_scope() {
        let (settled, pause) = settle(&facts(), refused(130_429), 0.0);
        assert_eq!((settled.state, settled.was_refused, settled.due_at), (SendState::Queued, true, at(101)));
        let pause = pause.unwrap();
        assert_eq!((pause.scope, pause.until), (PauseScope::Number, Some(at(101))));
        let (settled, pause) = settle(&AttemptFacts { refusals: 2, ..facts() }, refused(131_056), 1.0);
        assert_eq!((settled.due_at, pause.unwrap().subject.as_str()), (at(120), "+4915112345678"));
    }

    #[test]
    fn dead_token_holds_the_message_until_people_act() {
        let (settled, pause) = settle(&facts(), refused(190), 0.0);
        assert_eq!(settled.state, SendState::Queued);
        let pause = pause.unwrap();
        assert_eq!((pause.scope, pause.until, pause.stops_account()), (PauseScope::Token, None, true));
    }

    #[test]
    fn wrong_recipient_fails_for_good() {
        let (settled, _) = settle(&facts(), refused(131_026), 0.0);
        assert_eq!((settled.state, settled.error.unwrap().code), (SendState::Failed, Some(131_026)));
    }

    #[test]
    fn unreachable_meta_is_tried_again_until_time_is_over() {
        let facts = AttemptFacts { refusals: 9, send_before: at(130), ..facts() };
        let (settled, _) = settle(&facts, CallOutcome::NotSent("connection refused".to_owned()), 0.0);
        assert_eq!((settled.state, settled.due_at), (SendState::Queued, at(130)));
    }

    #[test]
    fn read_receipt_is_repeated_once() {
        let receipt = AttemptFacts { kind: SendKind::ReadReceipt, ..facts() };
        assert_eq!(settle(&receipt, unclear(), 0.0).0.state, SendState::Queued);
        assert_eq!(settle(&AttemptFacts { resends: 1, ..receipt }, unclear(), 0.0).0.state, SendState::Failed);
        let typing = AttemptFacts { kind: SendKind::Typing, ..facts() };
        assert_eq!(settle(&typing, unclear(), 0.0).0.state, SendState::Failed);
    }

    #[test]
    fn refused_file_is_uploaded_again_once() {
        let settled = |has_files, refusals| {
            settle(&AttemptFacts { refusals, has_files, ..facts() }, refused(FILE_REFUSED), 0.0).0.state
        };
        assert_eq!(settled(true, 0), SendState::Queued);
        assert_eq!(settled(true, 1), SendState::Failed);
        assert_eq!(settled(false, 0), SendState::Failed);
    }
}
