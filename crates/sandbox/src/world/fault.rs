//! Faults: what goes wrong with chosen requests, so that clients can be tested against it.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub(crate) enum FaultKind {
    // The request is accepted, its answer is spoiled.
    HangAfterAccept {
        seconds: Option<u64>,
    },
    ResetAfterAccept {},
    BadGatewayAfterAccept {},
    ServerErrorAfterAccept {
        code: Option<i64>,
    },
    Garbage {},
    SlowBody {
        seconds: Option<u64>,
    },
    SlowAnswer {
        milliseconds: u64,
    },
    Created {},
    ExtraFields {},
    HeldForQuality {},
    // The request is not accepted.
    HangBeforeAccept {
        seconds: Option<u64>,
    },
    ResetBeforeAccept {},
    BadGateway {},
    ServerError {
        code: Option<i64>,
    },
    Throttle {
        code: Option<i64>,
        retry_after: Option<u64>,
        regain_minutes: Option<u64>,
    },
    Error {
        code: i64,
        subcode: Option<i64>,
        http_status: Option<u16>,
        message: Option<String>,
        details: Option<String>,
    },
    // The request is accepted and answered, its statuses are spoiled.
    FailedStatus {
        code: i64,
        title: Option<String>,
        details: Option<String>,
        after_sent: Option<bool>,
    },
    StatusBeforeAnswer {},
    StatusesTwice {},
    StatusesReversed {},
    FailedThenDelivered {
        code: Option<i64>,
    },
    DeliveredThenFailed {
        code: Option<i64>,
    },
    NoStatuses {},
    WithoutOpaqueData {},
    // The description of a media file is wrong.
    WrongMediaHash {},
    WrongMediaType {
        mime_type: Option<String>,
    },
    WrongMediaSize {
        file_size: u64,
    },
    ExpiredMediaAddress {},
    // The bytes of a media file are spoiled.
    MediaCutOff {
        after: Option<u64>,
    },
    MediaLonger {
        by: Option<u64>,
    },
    OtherMediaBytes {},
    MediaRedirect {
        location: String,
    },
    SlowMedia {
        seconds: Option<u64>,
    },
}

/// What a fault spoils. One request can meet one fault of each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The request or its answer.
    Answer,
    /// The statuses afterwards.
    Statuses,
    /// What is said of a media file.
    Description,
    /// The bytes of a media file.
    Download,
}

impl FaultKind {
    pub(crate) fn stage(&self) -> Stage {
        match self {
            Self::FailedStatus { .. }
            | Self::StatusBeforeAnswer {}
            | Self::StatusesTwice {}
            | Self::StatusesReversed {}
            | Self::FailedThenDelivered { .. }
            | Self::DeliveredThenFailed { .. }
            | Self::NoStatuses {}
            | Self::WithoutOpaqueData {} => Stage::Statuses,
            Self::WrongMediaHash {}
            | Self::WrongMediaType { .. }
            | Self::WrongMediaSize { .. }
            | Self::ExpiredMediaAddress {} => Stage::Description,
            Self::MediaCutOff { .. }
            | Self::MediaLonger { .. }
            | Self::OtherMediaBytes {}
            | Self::MediaRedirect { .. }
            | Self::SlowMedia { .. } => Stage::Download,
            _ => Stage::Answer,
        }
    }

    /// Whether the request has its effect in spite of the fault.
    pub(crate) fn accepts(&self) -> bool {
        !matches!(
            self,
            Self::HangBeforeAccept { .. }
                | Self::ResetBeforeAccept {}
                | Self::BadGateway {}
                | Self::ServerError { .. }
                | Self::Throttle { .. }
                | Self::Error { .. }
        )
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::HangAfterAccept { .. } => "hang_after_accept",
            Self::ResetAfterAccept {} => "reset_after_accept",
            Self::BadGatewayAfterAccept {} => "bad_gateway_after_accept",
            Self::ServerErrorAfterAccept { .. } => "server_error_after_accept",
            Self::Garbage {} => "garbage",
            Self::SlowBody { .. } => "slow_body",
            Self::SlowAnswer { .. } => "slow_answer",
            Self::Created {} => "created",
            Self::ExtraFields {} => "extra_fields",
            Self::HeldForQuality {} => "held_for_quality",
            Self::HangBeforeAccept { .. } => "hang_before_accept",
            Self::ResetBeforeAccept {} => "reset_before_accept",
            Self::BadGateway {} => "bad_gateway",
            Self::ServerError { .. } => "server_error",
            Self::Throttle { .. } => "throttle",
            Self::Error { .. } => "error",
            Self::FailedStatus { .. } => "failed_status",
            Self::StatusBeforeAnswer {} => "status_before_answer",
            Self::StatusesTwice {} => "statuses_twice",
            Self::StatusesReversed {} => "statuses_reversed",
            Self::FailedThenDelivered { .. } => "failed_then_delivered",
            Self::DeliveredThenFailed { .. } => "delivered_then_failed",
            Self::NoStatuses {} => "no_statuses",
            Self::WithoutOpaqueData {} => "without_opaque_data",
            Self::WrongMediaHash {} => "wrong_media_hash",
            Self::WrongMediaType { .. } => "wrong_media_type",
            Self::WrongMediaSize { .. } => "wrong_media_size",
            Self::ExpiredMediaAddress {} => "expired_media_address",
            Self::MediaCutOff { .. } => "media_cut_off",
            Self::MediaLonger { .. } => "media_longer",
            Self::OtherMediaBytes {} => "other_media_bytes",
            Self::MediaRedirect { .. } => "media_redirect",
            Self::SlowMedia { .. } => "slow_media",
        }
    }
}

/// Which requests meet a fault. A member that is absent matches all.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Filter {
    pub(crate) phone_number_id: Option<String>,
    pub(crate) waba_id: Option<String>,
    /// The recipient's phone number or user id, as the request has it.
    pub(crate) to: Option<String>,
    /// The `type` of the message, `read` or `typing`; or another call, such as `message_templates`, which no fault without
    /// a kind meets.
    pub(crate) kind: Option<String>,
    pub(crate) template: Option<String>,
}

/// The facts about a request that filters look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) phone_number_id: &'a str,
    pub(crate) waba_id: &'a str,
    pub(crate) to: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) template: &'a str,
    /// A fault without a kind meets it: so it is with messages and receipts, and with what only faults of media spoil.
    pub(crate) meets_unnamed: bool,
}

impl Filter {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let matches = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        (subject.meets_unnamed || self.kind.is_some())
            && matches(&self.phone_number_id, subject.phone_number_id)
            && matches(&self.waba_id, subject.waba_id)
            && matches(&self.to, subject.to)
            && matches(&self.kind, subject.kind)
            && matches(&self.template, subject.template)
    }
}

/// A fault that was set.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fault {
    #[serde(default)]
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) kind: FaultKind,
    #[serde(flatten)]
    pub(crate) filter: Filter,
    /// How many requests that match are spared first.
    #[serde(default)]
    pub(crate) skip: u64,
    /// How many requests still meet it; null is all.
    #[serde(default)]
    pub(crate) count: Option<u64>,
    /// The probability with which a request that matches meets it.
    #[serde(default = "certain")]
    pub(crate) probability: f64,
    /// How many requests met it.
    #[serde(default)]
    pub(crate) met: u64,
}

fn certain() -> f64 {
    1.0
}

#[derive(Debug)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    added: u64,
    random: Random,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { list: Vec::new(), added: 0, random: Random::new(seed) }
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    pub(crate) fn add(&mut self, mut fault: Fault) -> Fault {
        self.added += 1;
        fault.id = self.added;
        fault.met = 0;
        self.list.push(fault.clone());
        fault
    }

    pub(crate) fn all(&self) -> &[Fault] {
        &self.list
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.list.len();
        self.list.retain(|fault| fault.id != id);
        self.list.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// The first fault of the stage that matches, is not used up, and is drawn.
    pub(crate) fn draw(&mut self, stage: Stage, subject: &Subject<'_>) -> Option<FaultKind> {
        let random = &mut self.random;
        let fault = self.list.iter_mut().find_map(|fault| {
            let is_drawn = fault.kind.stage() == stage
                && fault.count != Some(0)
                && fault.filter.matches(subject)
                && random.chance(fault.probability);
            if is_drawn && fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            is_drawn.then_some(fault)
        })?;
        fault.met += 1;
        fault.count = fault.count.map(|left| left - 1);
        Some(fault.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SUBJECT: Subject<'static> = Subject {
        phone_number_id: "1",
        waba_id: "2",
        to: "+15550100002",
        kind: "text",
        template: "",
        meets_unnamed: true,
    };

    fn with(faults: &[serde_json::Value]) -> Faults {
        let mut all = Faults::new(1);
        for fault in faults {
            all.add(serde_json::from_value(fault.clone()).unwrap());
        }
        all
    }

    #[test]
    fn count_limits_how_many_requests_meet_a_fault() {
        let mut faults = with(&[json!({"fault": "garbage", "count": 2})]);
        let met = (0..5).filter(|_| faults.draw(Stage::Answer, &SUBJECT).is_some()).count();
        assert_eq!((met, faults.all()[0].met), (2, 2));
    }

    #[test]
    fn skipped_requests_come_first() {
        let mut faults = with(&[json!({"fault": "garbage", "skip": 2, "count": 1})]);
        let met: Vec<bool> = (0..4).map(|_| faults.draw(Stage::Answer, &SUBJECT).is_some()).collect();
        assert_eq!(met, [false, false, true, false]);
    }

    #[test]
    fn other_call_meets_faults_that_name_it_only() {
        let mut faults = with(&[json!({"fault": "garbage"}), json!({"fault": "bad_gateway", "kind": "debug_token"})]);
        let subject = Subject { kind: "debug_token", meets_unnamed: false, ..SUBJECT };
        assert_eq!(faults.draw(Stage::Answer, &subject), Some(FaultKind::BadGateway {}));
    }

    #[test]
    fn filter_keeps_other_requests_free() {
        let mut faults =
            with(&[json!({"fault": "garbage", "phone_number_id": "9"}), json!({"fault": "error", "code": 190})]);
        assert!(matches!(faults.draw(Stage::Answer, &SUBJECT), Some(FaultKind::Error { code: 190, .. })));
    }

    #[test]
    fn stages_are_drawn_apart() {
        let mut faults = with(&[json!({"fault": "no_statuses"}), json!({"fault": "hang_after_accept"})]);
        assert_eq!(faults.draw(Stage::Statuses, &SUBJECT), Some(FaultKind::NoStatuses {}));
        assert_eq!(faults.draw(Stage::Answer, &SUBJECT), Some(FaultKind::HangAfterAccept { seconds: None }));
    }

    #[test]
    fn same_seed_draws_the_same_requests() {
        let draws = || {
            let mut faults = with(&[json!({"fault": "garbage", "probability": 0.3})]);
            (0..50).map(|_| faults.draw(Stage::Answer, &SUBJECT).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draws(), draws());
        assert!(draws().contains(&true) && draws().contains(&false));
    }

    #[test]
    fn media_faults_leave_messages_alone() {
        let mut faults = with(&[json!({"fault": "media_cut_off"}), json!({"fault": "wrong_media_hash"})]);
        assert_eq!(faults.draw(Stage::Answer, &SUBJECT), None);
        assert_eq!(faults.draw(Stage::Description, &SUBJECT), Some(FaultKind::WrongMediaHash {}));
        assert_eq!(faults.draw(Stage::Download, &SUBJECT), Some(FaultKind::MediaCutOff { after: None }));
    }

    #[test]
    fn name_is_what_the_json_says() {
        for kind in [FaultKind::Garbage {}, FaultKind::StatusesTwice {}, FaultKind::SlowAnswer { milliseconds: 1 }] {
            assert_eq!(serde_json::to_value(&kind).unwrap()["fault"], kind.name());
        }
    }
}
