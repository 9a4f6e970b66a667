use std::collections::BTreeMap;

/// A text of a template, with gaps such as `{{1}}` or `{{first_name}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateText {
    text: String,
    /// Each once: numbers in their order, then names in theirs.
    gaps: Vec<String>,
}

/// A piece of a text.
enum Piece<'a> {
    Words(&'a str),
    Gap(&'a str),
}

impl TemplateText {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut gaps: Vec<String> = Vec::new();
        for piece in pieces(text) {
            if let Piece::Gap(name) = piece
                && !gaps.iter().any(|gap| gap == name)
            {
                gaps.push(name.to_owned());
            }
        }
        // A stable sort: names keep their order.
        gaps.sort_by_key(|gap| gap.parse().unwrap_or(u32::MAX));
        Self { text: text.to_owned(), gaps }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// The text with its gaps filled; a gap without a value stays.
    #[must_use]
    pub fn render(&self, values: &BTreeMap<String, String>) -> String {
        let mut rendered = String::with_capacity(self.text.len());
        for piece in pieces(&self.text) {
            match piece {
                Piece::Words(words) => rendered.push_str(words),
                Piece::Gap(name) => {
                    let gap = || format!("{{{{{name}}}}}");
                    rendered.push_str(&values.get(name).cloned().unwrap_or_else(gap));
                }
            }
        }
        rendered
    }
}

/// The words and gaps of a text. Braces around something else are words.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut found: Option<(&str, &str)> = None;
    std::iter::from_fn(move || {
        if let Some((name, after)) = found.take() {
            rest = after;
            return Some(Piece::Gap(name));
        }
        if rest.is_empty() {
            return None;
        }
        let (words, gap) = split_at_gap(rest);
        match gap {
            Some((name, after)) if words.is_empty() => {
                rest = after;
                Some(Piece::Gap(name))
            }
            gap => {
                found = gap;
                rest = "";
                Some(Piece::Words(words))
            }
        }
    })
}

/// The words before the first gap; its name and what follows, if there is one.
fn split_at_gap(text: &str) -> (&str, Option<(&str, &str)>) {
    for (end, braces) in text.match_indices("}}") {
        let Some(start) = text[..end].rfind("{{") else { continue };
        let name = text[start + 2..end].trim();
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return (&text[..start], Some((name, &text[end + braces.len()..])));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn gaps_are_found_once_and_in_order() {
        let text = TemplateText::new("{{2}} and {{1}} and {{ 2 }}, {{10}}");
        assert_eq!(text.gaps(), ["1", "2", "10"]);
        assert_eq!(text.render(&values(&[("1", "a"), ("2", "{{1}}")])), "{{1}} and a and {{1}}, {{10}}");
        assert_eq!(TemplateText::new("{{first_name}} {{order}}").gaps(), ["first_name", "order"]);
    }

    #[test]
    fn other_braces_are_words() {
        for text in ["", "{{}}", "{{ }}", "{{a b}}", "{1}", "{{1", "1}}", "{{ä}}", "{{{1"] {
            assert!(TemplateText::new(text).gaps().is_empty(), "{text}");
            assert_eq!(TemplateText::new(text).render(&values(&[("1", "x")])), text);
        }
        assert_eq!(TemplateText::new("{{{1}}}").render(&values(&[("1", "x")])), "{x}");
    }

    proptest! {
        #[test]
        fn text_without_values_stays(text in "[a{}1 ]{0,20}") {
            let rendered = TemplateText::new(&text).render(&BTreeMap::new());
            let plain = |text: &str| text.replace(' ', "");
            prop_assert_eq!(plain(&rendered), plain(&text));
        }
    }
}
