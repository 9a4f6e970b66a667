use flows::{SyncTemplatesError, UploadExamplesError};
use outbound::template::NotEditable;
use outbound::{Action, ContentError, ErrorClass, TemplateApiError, Verdict, When, classify};
use whatsapp::GraphError;

use crate::media::store_error::store_away;
use crate::problem::{Code, FieldError, Hints, Problem};

/// Of a call that changes a template and gets no answer.
const MAY_HAVE_CHANGED: &str =
    "Meta did not answer. The change may have been made: call POST /templates/sync before you repeat it.";

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        let field = FieldError::in_body(error.pointer, error.kind.into_str(), error.message);
        Self::new(Code::ValidationFailed).with_errors(vec![field])
    }
}

impl From<NotEditable> for Problem {
    fn from(reason: NotEditable) -> Self {
        Self::new(Code::TemplateNotEditable).with_detail(sentence(&reason.to_string()))
    }
}

impl From<TemplateApiError> for Problem {
    fn from(error: TemplateApiError) -> Self {
        match error {
            TemplateApiError::Silent(reason) => Self::unavailable(Code::MetaUnavailable)
                .with_detail(MAY_HAVE_CHANGED)
                .caused_by(TemplateApiError::Silent(reason)),
            TemplateApiError::Refused(error) => refused(&error),
        }
    }
}

impl From<UploadExamplesError> for Problem {
    fn from(error: UploadExamplesError) -> Self {
        match error {
            UploadExamplesError::NoFile(id) => {
                let what = format!("names the file {id} as an example, whose bytes are not here");
                let error = FieldError::in_body("/components", "invalid", what);
                Self::new(Code::ValidationFailed).with_errors(vec![error])
            }
            // Nothing was created.
            UploadExamplesError::Api(TemplateApiError::Silent(reason)) => {
                Self::unavailable(Code::MetaUnavailable).caused_by(TemplateApiError::Silent(reason))
            }
            UploadExamplesError::Api(error) => error.into(),
            UploadExamplesError::Objects(error) => store_away(error),
            UploadExamplesError::Store(error) => error.into(),
        }
    }
}

impl From<SyncTemplatesError> for Problem {
    fn from(error: SyncTemplatesError) -> Self {
        match error {
            SyncTemplatesError::Api(TemplateApiError::Silent(reason)) => {
                Self::unavailable(Code::MetaUnavailable).caused_by(TemplateApiError::Silent(reason))
            }
            SyncTemplatesError::Api(error) => error.into(),
            SyncTemplatesError::Store(error) => error.into(),
        }
    }
}

/// What Meta says against the template is the client's to mend; what it says against the number or the token is not.
fn refused(error: &GraphError) -> Problem {
    let verdict = classify(error, When::Answer);
    match (verdict.action, verdict.class) {
        (Action::Requeue | Action::Unknown, _) => Problem::unavailable(Code::MetaUnavailable),
        (Action::Hold, _) => not_ready(&verdict),
        (_, ErrorClass::Content | ErrorClass::TemplateRequest | ErrorClass::Template | ErrorClass::Unrecognised) => {
            Problem::new(Code::TemplateRefused).with_detail(words(error))
        }
        _ => Problem::new(Code::TemplateRefused).with_detail(format!("{} {}", words(error), verdict.advice)),
    }
}

fn not_ready(verdict: &Verdict) -> Problem {
    let hints = Hints { advice: Some(verdict.advice.to_owned()), ..Hints::default() };
    Problem::new(Code::ChannelNotReady).with_detail(verdict.title).with_hints(hints)
}

/// Meta's own words, as people should read them.
fn words(error: &GraphError) -> String {
    let words = error.user_message.as_ref().or(error.details.as_ref()).unwrap_or(&error.title);
    format!("Meta refused: {}", sentence(words))
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(error: GraphError) -> Problem {
        TemplateApiError::Refused(error).into()
    }

    #[test]
    fn words_of_meta_are_passed_on() {
        let refusal = GraphError {
            http_status: Some(400),
            code: Some(100),
            subcode: Some(2_388_024),
            title: "Invalid parameter".to_owned(),
            user_message: Some("There is already content in this language".to_owned()),
            ..GraphError::default()
        };
        let refused = problem(refusal);
        assert_eq!(refused.code(), Code::TemplateRefused);
        let detail = refused.to_json(None)["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail, "Meta refused: There is already content in this language.");
    }

    #[test]
    fn class_of_the_error_decides_the_code() {
        for (code, status, expected) in [
            (190, 401, Code::ChannelNotReady),
            (10, 403, Code::ChannelNotReady),
            (80_007, 429, Code::MetaUnavailable),
            (2, 500, Code::MetaUnavailable),
            (2_388_040, 400, Code::TemplateRefused),
            (424_242, 400, Code::TemplateRefused),
        ] {
            let error = GraphError { code: Some(code), http_status: Some(status), ..GraphError::default() };
            assert_eq!(problem(error).code(), expected, "{code}");
        }
        let silent = Problem::from(TemplateApiError::Silent("timeout".to_owned()));
        assert_eq!(silent.code(), Code::MetaUnavailable);
    }
}
