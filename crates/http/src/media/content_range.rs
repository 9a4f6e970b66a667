//! Ranges of bytes (RFC 9110, section 14): one at a time; a request for several gets the whole.

/// What part of a file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WantedRange {
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// It lies outside of the file.
    Unsatisfiable,
}

/// Reads the header `Range` for a file of that size. What is malformed counts as absent.
pub(super) fn wanted(header: Option<&str>, size: u64) -> WantedRange {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return WantedRange::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return WantedRange::Whole };
    let number = |text: &str| {
        let text = text.trim();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => WantedRange::Whole,
        (Some(first), _) if first >= size && (number(last).is_some() || last.trim().is_empty()) => {
            WantedRange::Unsatisfiable
        }
        (Some(first), Some(last)) => WantedRange::Part(first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.trim().is_empty() => WantedRange::Part(first, size),
        (None, Some(count)) if first.trim().is_empty() => {
            if count == 0 || size == 0 {
                WantedRange::Unsatisfiable
            } else {
                WantedRange::Part(size.saturating_sub(count), size)
            }
        }
        _ => WantedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::WantedRange::{Part, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn each_form_of_a_range_is_read() {
        for (header, range) in [
            (None, Whole),
            (Some("bytes=0-0"), Part(0, 1)),
            (Some("bytes=5-"), Part(5, 10)),
            (Some("bytes=5-100"), Part(5, 10)),
            (Some("bytes=-3"), Part(7, 10)),
            (Some("bytes=-30"), Part(0, 10)),
            (Some("bytes= 2 - 3 "), Part(2, 4)),
            (Some("bytes=10-"), Unsatisfiable),
            (Some("bytes=10-12"), Unsatisfiable),
            (Some("bytes=-0"), Unsatisfiable),
            (Some("bytes=99999999999999999999999-"), Unsatisfiable),
            (Some("bytes=3-2"), Whole),
            (Some("bytes=0-1,3-4"), Whole),
            (Some("bytes=a-b"), Whole),
            (Some("bytes=-"), Whole),
            (Some("bytes=+1-2"), Whole),
            (Some("items=0-1"), Whole),
        ] {
            assert_eq!(wanted(header, 10), range, "{header:?}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Unsatisfiable);
    }
}
