use std::fmt;

/// The language of a template as Meta writes it in lists: `en_US`. Some of its webhooks write `en-US`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(String);

impl Language {
    /// `None` if it is no language, a country at most behind it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['-', '_']);
        let language = parts.next().filter(|word| (2..=3).contains(&word.len()) && is_alphabetic(word))?;
        let mut normal = language.to_ascii_lowercase();
        if let Some(country) = parts.next() {
            if !(2..=4).contains(&country.len()) || !country.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return None;
            }
            normal.push('_');
            normal.push_str(&country.to_ascii_uppercase());
        }
        parts.next().is_none().then_some(Self(normal))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_alphabetic(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_language() {
        for (text, language) in [
            ("en_US", "en_US"),
            ("en-US", "en_US"),
            ("EN-us", "en_US"),
            ("de", "de"),
            ("fil", "fil"),
            ("zh_HK", "zh_HK"),
        ] {
            assert_eq!(Language::parse(text).unwrap().as_str(), language);
        }
        for text in ["", "e", "english", "en_", "en_U", "en_US_x", "en US", "1n"] {
            assert_eq!(Language::parse(text), None, "{text}");
        }
    }
}
