use strum::{EnumString, IntoStaticStr, VariantArray};

/// What an error is about. The texts are in the API, the database and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ErrorClass {
    /// Too many calls. It was not sent.
    Throttle,
    /// Meta is changing something at the number.
    Maintenance,
    /// It may have been sent.
    Ambiguous,
    /// Meta accepted it, then failed for reasons of its own.
    MetaFailure,
    Token,
    Permission,
    /// The number is not registered, or its name is not approved.
    NotRegistered,
    /// A registration of the number failed.
    Registration,
    /// Meta has locked the business for a breach of its rules.
    Policy,
    Payment,
    /// Too many customers have blocked or reported the number.
    Spam,
    /// Templates had the wrong category.
    Misclassified,
    /// The number may not send to this country.
    Country,
    Recipient,
    /// The customer's last message is more than 24 hours old.
    Window,
    /// Meta limits the marketing that a person gets.
    MarketingCap,
    OptedOut,
    /// Meta's experiment: some people get no marketing.
    Experiment,
    /// A fault in the request.
    Content,
    Media,
    /// The call does not fit the template.
    Template,
    /// The template, or its form, was stopped by Meta.
    TemplateStopped,
    Calls,
    Groups,
    /// Messages without a template outside the window.
    DirectSend,
    /// Meta's interface for marketing messages.
    MarketingApi,
    /// Creating or editing a template.
    TemplateRequest,
    Onboarding,
    /// A code that this table does not have, or no code.
    Unrecognised,
}

impl ErrorClass {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}
