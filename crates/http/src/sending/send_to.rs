use actix_web::{HttpRequest, HttpResponse, web};
use crm::identity::{GivenIdentity, IdentityKind};
use flows::{Destination, MessageRequest, Recipient, TemplateSource};
use kernel::ids::{AccountId, ContactId};
use kernel::{Grant as _, MessagesSend};
use outbound::Address;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, schema::Schema};
use uuid::Uuid;

use super::content_schema::with_members;
use super::message_request::{MessageRequestBody, trace_of};
use super::send_message::store;
use super::template_copy::refresh_if_refusing;
use crate::auth::Allow;
use crate::crm::messages::MessageBody;
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;

/// To whom a message goes: exactly one of the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecipientBody {
    /// In any notation.
    phone: Option<String>,
    /// Meta's id of a person for the business.
    bsuid: Option<String>,
    contact_id: Option<Uuid>,
}

/// A request to send with its recipient.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct SendToBody(MessageRequestBody);

impl RecipientBody {
    fn check(self) -> Result<Recipient, FieldError> {
        let invalid = |pointer: &str, detail: String| FieldError::in_body(pointer, "invalid", detail);
        match (self.phone, self.bsuid, self.contact_id) {
            (Some(phone), None, None) => GivenIdentity::parse(IdentityKind::Phone, &phone)
                .map(Recipient::Phone)
                .map_err(|error| invalid("/to/phone", error.to_string())),
            (None, Some(bsuid), None) => match Address::bsuid(&bsuid) {
                Ok(_) => Ok(Recipient::Bsuid(bsuid)),
                Err(error) => Err(invalid("/to/bsuid", error.to_string())),
            },
            (None, None, Some(contact)) => Ok(Recipient::Contact(ContactId::from_uuid(contact))),
            _ => Err(invalid("/to", "must have one of phone, bsuid and contact_id".to_owned())),
        }
    }
}

/// Send a message to a person
///
/// In the open conversation with them and this number, or in a new one; a person who is not known becomes a contact. Outside the 24
/// hours after their last message a template only. A program must send `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/crm/messages",
    operation_id = "sendMessageTo",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(IdempotencyHeader),
    request_body(
        content = SendToBody,
        example = json!({
            "to": { "phone": "+1 555 0100 002" }, "account_id": "0190b5a2-7e2f-7000-8000-000000000000",
            "type": "text", "text": { "body": "Your order is on its way." }
        }),
    ),
    responses((status = 202, description = "Will be sent", body = MessageBody)),
    extensions(("x-problems" = json!([
        Code::WindowClosed, Code::OptedOut, Code::ChannelNotReady, Code::TemplateNotUsable,
        Code::ConversationReadOnly, Code::IdempotencyKeyRequired, Code::NewerConversation, Code::NotFound
    ]))),
)]
pub(crate) async fn send(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    http: HttpRequest,
    body: IdempotentJson<SendToBody>,
) -> Result<HttpResponse, Problem> {
    let (SendToBody(mut body), guard) = body.into_parts();
    guard.require_for_programs(&allow)?;
    let account = body.take::<Uuid>("account_id", "must be the id of a WhatsApp account");
    let to = body.take::<RecipientBody>("to", "must have one of phone, bsuid and contact_id");
    let request = body.check();
    let (account, to) = match (account, to.and_then(RecipientBody::check)) {
        (Ok(account), Ok(to)) => (AccountId::from_uuid(account), to),
        (account, to) => {
            let errors = [account.err(), to.err()].into_iter().flatten().collect();
            return Err(Problem::new(Code::ValidationFailed).with_errors(errors));
        }
    };
    let message = MessageRequest { trace: trace_of(&http), ..request? };
    refresh_if_refusing(&state, allow.scope(), TemplateSource::Account(account), &message.content).await?;
    store(&state, &http, allow, (Destination::Person(account, to), message), guard).await
}

impl utoipa::PartialSchema for RecipientBody {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let uuid = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let phone = text()
            .description(Some("A phone number in any notation, with its country's code."))
            .examples([json!("+1 555 0100 002")])
            .format(Some(SchemaFormat::Custom("phone-number".to_owned())));
        let bsuid = text()
            .description(Some("Meta's id of a person for the business."))
            .pattern(Some("^[A-Z]{2}\\.[A-Za-z0-9]{1,128}$"));
        let members = [("phone", phone), ("bsuid", bsuid), ("contact_id", uuid)];
        let one_of = members.into_iter().fold(OneOfBuilder::new(), |one_of, (name, schema)| {
            one_of.item(
                ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .property(name, schema)
                    .required(name)
                    .additional_properties(Some(AdditionalProperties::FreeForm(false))),
            )
        });
        one_of.description(Some("To whom a message goes.")).into()
    }
}

impl ToSchema for RecipientBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "Recipient".into()
    }
}

impl utoipa::PartialSchema for SendToBody {
    fn schema() -> RefOr<Schema> {
        let uuid = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some("The WhatsApp account that sends."));
        let to = Ref::from_schema_name(RecipientBody::name()).into();
        let example = json!({
            "account_id": "0190b5a2-7e2f-7000-8000-000000000000",
            "to": {"phone": "+4915112345678"},
            "type": "template",
            "template": {"name": "hello_world", "language": "en_US"},
        });
        with_members(&[("to", to), ("account_id", uuid.into())], example)
    }
}

impl ToSchema for SendToBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "SendMessageTo".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((RecipientBody::name().into_owned(), <RecipientBody as utoipa::PartialSchema>::schema()));
        MessageRequestBody::schemas(schemas);
    }
}
