use flows::{AboutMessageError, ChangeSendError, SendMessageError, StoreSendError};
use kernel::StoreError;
use outbound::{ContentError, Language, ToMetaError};

use crate::problem::{Code, FieldError, Hints, Problem, TemplateHint};

impl From<SendMessageError> for Problem {
    fn from(error: SendMessageError) -> Self {
        match error {
            SendMessageError::NotFound => Self::not_found(),
            SendMessageError::ChannelNotReady(advice) => {
                let advice = Some(advice.to_owned());
                Self::new(Code::ChannelNotReady).with_hints(Hints { advice, ..Hints::default() })
            }
            SendMessageError::ReadOnly => Self::new(Code::ConversationReadOnly),
            SendMessageError::NewerConversation(id) => {
                let id = Some(id.as_uuid());
                Self::new(Code::NewerConversation).with_hints(Hints { id, ..Hints::default() })
            }
            SendMessageError::WindowClosed(usable) => {
                let hint = |(name, language): (String, Language)| TemplateHint { name, language: language.to_string() };
                let templates = Some(usable.into_iter().map(hint).collect());
                Self::new(Code::WindowClosed).with_hints(Hints { templates, ..Hints::default() })
            }
            SendMessageError::TemplateNotUsable(refusal) => {
                Self::new(Code::TemplateNotUsable).with_detail(format!("Not usable: {refusal}."))
            }
            SendMessageError::OptedOut => Self::new(Code::OptedOut),
            SendMessageError::Field { pointer, problem } => invalid(FieldError::in_body(pointer, "invalid", problem)),
            SendMessageError::File { pointer, problem } => invalid(FieldError::in_body(pointer, "invalid", problem)),
            SendMessageError::Content(error) => invalid(content_error(error)),
            SendMessageError::NotSendable(error) => {
                let pointer = match error {
                    ToMetaError::MediaNotUploaded(_) => "",
                    ToMetaError::TemplateNotFilled => "/template",
                };
                invalid(FieldError::in_body(pointer, "invalid", error.to_string()))
            }
            SendMessageError::Store(error) => error.into(),
        }
    }
}

impl From<StoreSendError> for Problem {
    fn from(error: StoreSendError) -> Self {
        match error {
            StoreSendError::Refused(error) => error.into(),
            StoreSendError::Idempotency(error) => error.into(),
            StoreSendError::Busy => Self::unavailable(Code::TemporarilyUnavailable)
                .with_detail("Too many requests to send wait to be stored; retry later.")
                .caused_by(error),
            StoreSendError::CutOff => Self::unavailable(Code::TemporarilyUnavailable).caused_by(error),
            StoreSendError::NotStored(ref reason) => match **reason {
                StoreError::Unavailable(_) | StoreError::LimitExceeded(_) | StoreError::Retryable(_) => {
                    Self::unavailable(Code::TemporarilyUnavailable).caused_by(error)
                }
                _ => Self::internal(error),
            },
        }
    }
}

impl From<ChangeSendError> for Problem {
    fn from(error: ChangeSendError) -> Self {
        match error {
            ChangeSendError::NotFound => Self::not_found(),
            ChangeSendError::NotResendable => Self::new(Code::NotResendable),
            ChangeSendError::NotDismissable => Self::new(Code::NotDismissable),
            ChangeSendError::NotCancelable => Self::new(Code::NotCancelable),
            ChangeSendError::NotChangeable => Self::new(Code::NotChangeable),
            ChangeSendError::Send(error) => error.into(),
            ChangeSendError::Store(error) => error.into(),
        }
    }
}

impl From<AboutMessageError> for Problem {
    fn from(error: AboutMessageError) -> Self {
        match error {
            AboutMessageError::NotFound => Self::not_found(),
            AboutMessageError::Unsuitable => {
                let detail = "WhatsApp takes reactions only to messages of the last 30 days that it knows.";
                Self::new(Code::ValidationFailed).with_detail(detail)
            }
            AboutMessageError::Send(error) => error.into(),
            AboutMessageError::Store(error) => error.into(),
        }
    }
}

pub(super) fn content_error(error: ContentError) -> FieldError {
    let ContentError { pointer, kind, message } = error;
    FieldError::in_body(pointer, kind.into_str(), message)
}

pub(super) fn invalid(error: FieldError) -> Problem {
    Problem::new(Code::ValidationFailed).with_errors(vec![error])
}
