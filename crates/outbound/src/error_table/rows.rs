//! The rows, sorted by what they concern. Sources: Meta's "Error codes" of the Cloud API, of 2026-06-18, and what operators of other
//! clients have seen.

use std::ops::RangeInclusive;

use super::action::Action;
use super::back_off::BackOff;
use super::class::ErrorClass;
use super::pause::{Pause, PauseScope, PausedSends};

/// What follows from some codes.
#[derive(Clone, Debug)]
pub struct Row {
    pub codes: &'static [RangeInclusive<i64>],
    /// Only these subcodes; empty: all others.
    pub subcodes: &'static [i64],
    pub class: ErrorClass,
    /// What to do when the answer of a call has the code.
    pub action: Action,
    pub pause: Option<Pause>,
    pub title: &'static str,
    pub advice: &'static str,
}

impl Row {
    pub(super) fn has(&self, code: i64) -> bool {
        self.codes.iter().any(|codes| codes.contains(&code))
    }

    /// A row that ends a message and stops nothing else.
    const fn fails(
        codes: &'static [RangeInclusive<i64>],
        class: ErrorClass,
        title: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { codes, subcodes: &[], class, action: Action::Fail, pause: None, title, advice }
    }

    const fn with(self, action: Action, pause: Pause) -> Self {
        Self { action, pause: Some(pause), ..self }
    }

    const fn with_subcodes(self, subcodes: &'static [i64]) -> Self {
        Self { subcodes, ..self }
    }
}

const fn one(code: i64) -> RangeInclusive<i64> {
    RangeInclusive::new(code, code)
}

const fn range(first: i64, last: i64) -> RangeInclusive<i64> {
    RangeInclusive::new(first, last)
}

/// All rows.
#[must_use]
pub const fn rows() -> &'static [Row] {
    ROWS
}

/// The row of a limit of calls.
pub(super) const fn throttle() -> &'static Row {
    &ROWS[0]
}

/// A code that is not in the table, with an HTTP status of 4xx or in a status.
pub(super) static UNRECOGNISED: Row = Row::fails(
    &[],
    ErrorClass::Unrecognised,
    "Meta refused the message for a reason that is not known here.",
    "Look up the code in Meta's list of errors. If it persists, give the trace id of the attempt to Meta's support.",
);

/// An answer that is no error of the Graph API, or an unknown code with an HTTP status of 5xx.
pub(super) static UNREADABLE: Row = Row {
    action: Action::Unknown,
    ..Row::fails(
        &[],
        ErrorClass::Ambiguous,
        "Meta's answer does not say whether the message was accepted.",
        "Wait for a status. If none comes, ask the customer, then resend or dismiss the message.",
    )
};

/// An ambiguous code in a status.
pub(super) static META_FAILURE: Row = Row::fails(
    &[],
    ErrorClass::MetaFailure,
    "Meta accepted the message but could not deliver it.",
    "Send it again. If it persists, give the trace id of the attempt to Meta's support.",
);

static ROWS: &[Row] = &[
    // Limits. The first row is the one of `throttle()`.
    Row::fails(
        &[one(4), one(613), one(80_007)],
        ErrorClass::Throttle,
        "Meta limits the calls of this app or business account.",
        "Nothing to do: the message goes out as soon as Meta allows it.",
    )
    .with(
        Action::Requeue,
        Pause::for_a_while(PauseScope::BusinessAccount, PausedSends::All, BackOff::APP),
    ),
    Row::fails(
        &[one(130_429)],
        ErrorClass::Throttle,
        "The number sends more messages a second than Meta allows.",
        "Nothing to do: the message goes out a little later. If it happens often, lower the throughput of the number.",
    )
    .with(Action::Requeue, Pause::for_a_while(PauseScope::Number, PausedSends::All, BackOff::NUMBER)),
    Row::fails(
        &[one(131_056)],
        ErrorClass::Throttle,
        "Too many messages to this customer in a short time.",
        "Nothing to do: the message goes out a little later.",
    )
    .with(Action::Requeue, Pause::for_a_while(PauseScope::Pair, PausedSends::All, BackOff::PAIR)),
    // Maintenance.
    Row::fails(
        &[one(131_057)],
        ErrorClass::Maintenance,
        "Meta is working on the number.",
        "Nothing to do: the message goes out in about a minute.",
    )
    .with(Action::Requeue, Pause::for_a_while(PauseScope::Number, PausedSends::All, BackOff::MAINTENANCE)),
    Row::fails(
        &[one(2_494_100)],
        ErrorClass::Maintenance,
        "Meta was working on the number and does not say whether the message was accepted.",
        "Wait for a status. If none comes, ask the customer, then resend or dismiss the message.",
    )
    .with(Action::Unknown, Pause::for_a_while(PauseScope::Number, PausedSends::All, BackOff::MAINTENANCE)),
    // It may have been sent.
    Row {
        action: Action::Unknown,
        ..Row::fails(
            &[one(1), one(2), one(131_000), one(131_016), one(133_004)],
            ErrorClass::Ambiguous,
            "Meta had a fault and does not say whether the message was accepted.",
            "Wait for a status. If none comes, ask the customer, then resend or dismiss the message.",
        )
    },
    // The business.
    Row::fails(
        &[one(0), one(190)],
        ErrorClass::Token,
        "Meta no longer accepts the access token.",
        "Create a new access token in the Meta business settings and store it at the number. Queued messages then go out.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::Token, PausedSends::All)),
    Row::fails(
        &[one(3), one(10), one(33), range(200, 299), one(131_005)],
        ErrorClass::Permission,
        "The access token may not send with this number.",
        "Give the token's user the number, the business account and the permission whatsapp_business_messaging, then check the number.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::Number, PausedSends::All)),
    Row::fails(
        &[one(100)],
        ErrorClass::Permission,
        "Meta does not know the number, or the access token does not reach it.",
        "Check the number's id, and that the token's user has the number and its business account.",
    )
    .with_subcodes(&[33])
    .with(Action::Hold, Pause::until_lifted(PauseScope::Number, PausedSends::All)),
    Row::fails(
        &[one(131_037), one(131_045), one(133_010), one(136_024)],
        ErrorClass::NotRegistered,
        "The number is not ready: it is not registered, or its display name is not approved.",
        "Register the number, or have its display name approved, in the WhatsApp Manager. Then check the number here.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::Number, PausedSends::All)),
    Row::fails(
        &[one(368), one(131_031)],
        ErrorClass::Policy,
        "Meta has locked the business account for a breach of its rules.",
        "Read what Meta says in the Business Support Home, and request a review. Then check the number here.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::BusinessAccount, PausedSends::All)),
    Row::fails(
        &[one(131_042), one(131_044), one(134_011)],
        ErrorClass::Payment,
        "Meta cannot charge the business account, or its terms of payment are not accepted.",
        "Check the payment method and the terms in the Meta business settings. Then resume sending at the number.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::BusinessAccount, PausedSends::Paid)),
    Row::fails(
        &[one(131_048)],
        ErrorClass::Spam,
        "Too many customers have blocked or reported the number.",
        "Answer customers only. Look at the number's quality in the WhatsApp Manager before new messages are started.",
    )
    .with(Action::Fail, Pause::for_a_while(PauseScope::Number, PausedSends::Initiated, BackOff::SIX_HOURS)),
    Row::fails(
        &[one(131_064)],
        ErrorClass::Misclassified,
        "Meta limits the business account, because templates had the wrong category.",
        "Give templates the category that Meta has named. The limit ends after 24 hours.",
    )
    .with(Action::Fail, Pause::for_a_while(PauseScope::BusinessAccount, PausedSends::Utility, BackOff::DAY)),
    Row::fails(
        &[
            one(133_000), one(133_005), one(133_006), one(133_008), one(133_009), one(133_015), one(133_016),
        ],
        ErrorClass::Registration,
        "The registration of the number failed.",
        "Check the two-step PIN. Wait five minutes after a deletion; after ten tries Meta locks the number for 72 hours.",
    )
    .with(Action::Hold, Pause::until_lifted(PauseScope::Number, PausedSends::All)),
    Row::fails(
        &[one(1_752_041), one(2_593_107), one(2_593_108)],
        ErrorClass::Onboarding,
        "Meta refused a step of connecting the number.",
        "Connect the number again. Histories can be requested once, within 24 hours.",
    ),
    // The recipient.
    Row::fails(
        &[one(130_497)],
        ErrorClass::Country,
        "The business may not send to this country.",
        "Reach the customer in another way, or ask Meta's support why.",
    ),
    Row::fails(
        &[one(130_403), one(131_021), one(131_026), one(131_030), one(131_062), one(137_000)],
        ErrorClass::Recipient,
        "The customer cannot be reached at this address.",
        "Check the address. The person may not use WhatsApp, use an old version, or not accept its terms; the sender is no recipient.",
    ),
    Row::fails(
        &[one(131_047)],
        ErrorClass::Window,
        "The customer's last message is more than 24 hours old.",
        "Send a template. Once the customer answers, anything can be sent for 24 hours.",
    )
    .with(Action::Fail, Pause::until_lifted(PauseScope::Conversation, PausedSends::FreeForm)),
    Row::fails(
        &[one(131_049)],
        ErrorClass::MarketingCap,
        "Meta did not deliver it, because this person gets much marketing.",
        "Do not repeat it for at least 24 hours. Messages that are no marketing are not concerned.",
    )
    .with(Action::Fail, Pause::for_a_while(PauseScope::Recipient, PausedSends::Marketing, BackOff::DAY)),
    Row::fails(
        &[one(131_050)],
        ErrorClass::OptedOut,
        "The customer wants no marketing from this business.",
        "Send no marketing until the customer asks for it.",
    )
    .with(Action::Fail, Pause::until_lifted(PauseScope::Recipient, PausedSends::Marketing)),
    Row::fails(
        &[one(130_472)],
        ErrorClass::Experiment,
        "Meta did not deliver it: the person is part of an experiment of Meta's.",
        "Do not repeat it. Reach the customer in another way, or wait until the customer writes.",
    ),
    // The message.
    Row::fails(
        &[one(100), one(131_008), one(131_009), one(131_051), one(131_059), one(135_000)],
        ErrorClass::Content,
        "Meta does not accept a value of the message.",
        "Read the details for the value. If it is right, report the fault to who operates this system.",
    ),
    Row::fails(
        &[one(131_052), one(131_053)],
        ErrorClass::Media,
        "Meta does not accept or cannot read the file.",
        "Check its type and size, and send it again in another format.",
    ),
    Row::fails(
        &[one(132_000), one(132_001), one(132_005), one(132_007), one(132_012), one(132_018)],
        ErrorClass::Template,
        "The message does not fit the template as Meta has it.",
        "Synchronise the templates, then compare the template's language and parameters with the message.",
    ),
    Row::fails(
        &[one(132_015)],
        ErrorClass::TemplateStopped,
        "Meta has paused the template.",
        "Use another template, or wait until Meta lifts the pause. Improve the template if customers block it.",
    )
    .with(Action::Fail, Pause::until_lifted(PauseScope::Template, PausedSends::All)),
    Row::fails(
        &[one(132_016), one(132_068)],
        ErrorClass::TemplateStopped,
        "Meta has disabled the template or blocked its form.",
        "Use another template, or repair the form in the WhatsApp Manager.",
    )
    .with(Action::Fail, Pause::until_lifted(PauseScope::Template, PausedSends::All)),
    Row::fails(
        &[one(132_069)],
        ErrorClass::TemplateStopped,
        "Meta limits the form to 10 messages an hour.",
        "Nothing to do: the message goes out later. Repair the form in the WhatsApp Manager.",
    )
    .with(Action::Requeue, Pause::for_a_while(PauseScope::Template, PausedSends::All, BackOff::FLOW)),
    // Other parts of WhatsApp.
    Row::fails(
        &[one(138_000), one(138_018)],
        ErrorClass::Calls,
        "Calls are switched off for this number.",
        "Switch calls on in the WhatsApp Manager before customers are asked for them.",
    ),
    Row::fails(
        &[one(131_020), one(131_041), range(131_200, 131_299)],
        ErrorClass::Groups,
        "The message cannot be sent to this group.",
        "Check that the group exists and that the number, an official business account, is in it.",
    ),
    Row::fails(
        &[one(132_021), one(139_200)],
        ErrorClass::DirectSend,
        "This business may not send it without a template.",
        "Send a template.",
    ),
    Row::fails(
        &[one(131_055), one(131_063), range(134_100, 134_102)],
        ErrorClass::MarketingApi,
        "Meta wants this marketing template to be sent in another way, or has not yet synchronised it.",
        "Wait ten minutes after the template was created. If it persists, check the account's marketing settings.",
    ),
    Row::fails(
        &[
            one(2_388_019), one(2_388_039), one(2_388_040), one(2_388_047), one(2_388_072), one(2_388_073),
            one(2_388_293), one(2_388_299), one(2_388_318), one(2_388_330),
        ],
        ErrorClass::TemplateRequest,
        "Meta does not accept the template.",
        "Change the template as Meta's own words say.",
    ),
];
