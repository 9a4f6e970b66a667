//! The schema of a request to send: one alternative for each type of content, with the members that all have.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, Array, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::content_types::{
    AudioContent, DocumentContent, LocationContent, PictureContent, StickerContent, TemplateContent, TextContent,
};
use super::message_request::{MessageRequestBody, OnUnknownBody};

/// A member with its schema.
type Member = (&'static str, RefOr<Schema>);

/// The schema with more members, required ones first.
pub(super) fn with_members(required: &[Member], example: Value) -> RefOr<Schema> {
    let object = || ObjectBuilder::new().schema_type(Type::Object).into();
    let alternatives: Vec<Member> = vec![
        ("text", reference::<TextContent>()),
        ("image", reference::<PictureContent>()),
        ("video", reference::<PictureContent>()),
        ("audio", reference::<AudioContent>()),
        ("document", reference::<DocumentContent>()),
        ("sticker", reference::<StickerContent>()),
        ("location", reference::<LocationContent>()),
        ("contacts", Array::new(ObjectBuilder::new().schema_type(Type::Object)).into()),
        ("interactive", object()),
        ("template", reference::<TemplateContent>()),
    ];
    let mut one_of = OneOfBuilder::new().description(Some(
        "The `type`, a member of that name with the content, and how to send it. `contacts` and `interactive` are as Meta takes \
         them; files are named by `media_id`.",
    ));
    for (name, schema) in alternatives {
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
        let mut alternative = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("type", kind)
            .required("type")
            .property(name, schema)
            .required(name)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        for (name, schema) in required.iter().cloned() {
            alternative = alternative.property(name, schema).required(name);
        }
        for (name, schema) in options() {
            alternative = alternative.property(name, schema);
        }
        one_of = one_of.item(alternative);
    }
    one_of.examples([example]).into()
}

fn options() -> Vec<Member> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let time = |description: &str| -> RefOr<Schema> {
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).description(Some(description)).into()
    };
    let uuid = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let flag = ObjectBuilder::new().schema_type(Type::Boolean);
    vec![
        ("reply_to", uuid.description(Some("A message of the same conversation, which is quoted.")).into()),
        ("send_at", time("Not before; with an offset, within 90 days.")),
        ("send_before", time("Not later; a day after `send_at` if absent. Free answers end with the service window.")),
        ("on_unknown", reference::<OnUnknownBody>()),
        ("cancel_if_customer_writes", flag.into()),
        (
            "client_ref",
            text().min_length(Some(1)).max_length(Some(200)).description(Some("Your own reference.")).into(),
        ),
    ]
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

impl PartialSchema for MessageRequestBody {
    fn schema() -> RefOr<Schema> {
        with_members(&[], json!({"type": "text", "text": {"body": "Your order is on its way."}}))
    }
}

impl ToSchema for MessageRequestBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "SendMessage".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        }
        add::<TextContent>(schemas);
        add::<PictureContent>(schemas);
        add::<AudioContent>(schemas);
        add::<DocumentContent>(schemas);
        add::<StickerContent>(schemas);
        add::<LocationContent>(schemas);
        add::<TemplateContent>(schemas);
        add::<OnUnknownBody>(schemas);
    }
}
