use chrono::TimeDelta;
use clap::Args;
use tokens::TokenPolicy;

use super::key::Key;
use super::mistakes::Mistakes;

/// Who issues access tokens and how long they live, as text.
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
    /// How many minutes an access token lives, 1 to 60
    #[arg(long, value_name = "MINUTES", default_value = "15")]
    tokens_access_minutes: String,
}

impl TokensSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<TokenPolicy> {
        let issuer = name(mistakes, Key("tokens_issuer"), &self.tokens_issuer);
        let audience = name(mistakes, Key("tokens_audience"), &self.tokens_audience);
        let lifetime = self.check_lifetime(mistakes);
        Some(TokenPolicy { issuer: issuer?, audience: audience?, lifetime: lifetime? })
    }

    fn check_lifetime(&self, mistakes: &mut Mistakes) -> Option<TimeDelta> {
        let text = &self.tokens_access_minutes;
        if let Ok(minutes @ 1..=60) = text.parse() {
            return Some(TimeDelta::minutes(minutes));
        }
        mistakes.wrong(Key("tokens_access_minutes"), text, "a number of minutes from 1 to 60");
        None
    }
}

fn name(mistakes: &mut Mistakes, key: Key<'_>, text: &str) -> Option<String> {
    let sane = (1..=200).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if sane {
        return Some(text.to_owned());
    }
    mistakes.wrong(key, text, "1 to 200 bytes without white space");
    None
}
