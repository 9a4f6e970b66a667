//! What Meta's errors mean: whether a message may have been sent, what has to stop, and what people can do.
//!
//! The rows are in `error_table/rows.rs`. To add a code, add it to the row whose consequences it shares, or add a row; the tests
//! name all codes.

mod action;
mod back_off;
mod class;
mod pause;
mod rows;
#[cfg(test)]
mod tests;

use whatsapp::GraphError;

pub use action::Action;
pub use back_off::BackOff;
pub use class::ErrorClass;
pub use pause::{Pause, PauseEnd, PauseScope, PausedSends};
pub use rows::{Row, rows};

/// Where an error was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In the answer of the call.
    Answer,
    /// In a `failed` status: proof that this attempt was not delivered.
    Status,
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub class: ErrorClass,
    pub action: Action,
    /// What stops beside the message.
    pub pause: Option<Pause>,
    /// What happened, for people.
    pub title: &'static str,
    /// What people can do.
    pub advice: &'static str,
}

impl Verdict {
    /// What stops; `None` if the error concerns this message only.
    #[must_use]
    pub fn scope(&self) -> Option<PauseScope> {
        self.pause.map(|pause| pause.scope)
    }

    fn of(row: &Row) -> Self {
        let Row { class, action, pause, title, advice, .. } = *row;
        Self { class, action, pause, title, advice }
    }
}

/// What follows from an error of Meta's. The code decides, with its subcode and details; the HTTP status only where the code is
/// unknown.
#[must_use]
pub fn classify(error: &GraphError, when: When) -> Verdict {
    let row = error.code.and_then(|code| row_of(code, error.subcode));
    let verdict = Verdict::of(row.unwrap_or_else(|| by_http_status(error.http_status, when)));
    let verdict = if verdict.class == ErrorClass::Media && is_fetch_failure(error) {
        Verdict { action: Action::UploadAgain, ..verdict }
    } else {
        verdict
    };
    match when {
        When::Answer => verdict,
        When::Status => after_acceptance(verdict),
    }
}

/// A row for the subcode wins over a row for all subcodes.
fn row_of(code: i64, subcode: Option<i64>) -> Option<&'static Row> {
    let of_code = || rows().iter().filter(move |row| row.has(code));
    let of_subcode = of_code().find(|row| row.subcodes.iter().any(|known| Some(*known) == subcode));
    of_subcode.or_else(|| of_code().find(|row| row.subcodes.is_empty()))
}

fn by_http_status(status: Option<u16>, when: When) -> &'static Row {
    match status {
        _ if when == When::Status => &rows::UNRECOGNISED,
        Some(429) => rows::throttle(),
        Some(400..=499) => &rows::UNRECOGNISED,
        // Also an answer that is no error of the Graph API.
        _ => &rows::UNREADABLE,
    }
}

/// Meta had accepted the message. Only what says "later" may go again; a pause was met too late for this message.
fn after_acceptance(verdict: Verdict) -> Verdict {
    match (verdict.class, verdict.action) {
        (ErrorClass::Ambiguous, _) => Verdict::of(&rows::META_FAILURE),
        (_, Action::Hold | Action::Unknown) => Verdict { action: Action::Fail, ..verdict },
        _ => verdict,
    }
}

/// Whether Meta could not fetch a file, which says nothing against the file.
fn is_fetch_failure(error: &GraphError) -> bool {
    const SIGNS: [&str; 3] = ["fwdproxy", "download", "fetch"];
    let Some(details) = &error.details else { return false };
    let details = details.to_ascii_lowercase();
    let statuses = details.split(|c: char| !c.is_ascii_digit());
    let http_error = |word: &str| matches!(word.parse(), Ok(403_u16 | 429 | 500..=599)) && word.len() == 3;
    SIGNS.iter().any(|sign| details.contains(sign)) || statuses.into_iter().any(http_error)
}
