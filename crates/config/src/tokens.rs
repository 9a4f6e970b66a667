use chrono::TimeDelta;
use clap::Args;
use tokens::TokenPolicy;

use super::errors::ConfigErrors;
use super::key::Key;

/// Issuer, audience and lifetime of access tokens, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access tokens")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct TokensSettings {
    /// The `iss` of access tokens: the deployment's public URL, or a name
    #[arg(long, value_name = "NAME", default_value = "parley")]
    tokens_issuer: String,
    /// The `aud` of access tokens
    #[arg(long, value_name = "NAME", default_value = "parley")]
    tokens_audience: String,
    /// Lifetime of an access token in minutes, 1 to 60
    #[arg(long, value_name = "MINUTES", default_value = "15")]
    tokens_access_minutes: String,
}

impl TokensSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<TokenPolicy> {
        let issuer = name(errors, Key("tokens_issuer"), &self.tokens_issuer);
        let audience = name(errors, Key("tokens_audience"), &self.tokens_audience);
        let lifetime = self.check_lifetime(errors);
        Some(TokenPolicy { issuer: issuer?, audience: audience?, lifetime: lifetime? })
    }

    fn check_lifetime(&self, errors: &mut ConfigErrors) -> Option<TimeDelta> {
        let text = &self.tokens_access_minutes;
        if let Ok(minutes @ 1..=60) = text.parse() {
            return Some(TimeDelta::minutes(minutes));
        }
        errors.invalid(Key("tokens_access_minutes"), text, "a number of minutes from 1 to 60");
        None
    }
}

fn name(errors: &mut ConfigErrors, key: Key<'_>, text: &str) -> Option<String> {
    let valid = (1..=200).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if valid {
        return Some(text.to_owned());
    }
    errors.invalid(key, text, "1 to 200 bytes without white space");
    None
}
