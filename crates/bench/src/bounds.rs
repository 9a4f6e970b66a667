//! The bounds of `--assert`: ratios between figures of one run. Each leaves room for a machine that others use as well, so
//! what breaks one is a change of the program.

use serde_json::Value;

/// What a ratio may be.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A ratio: the figure that has it, its place in the JSON of the report, its limit.
type Bound = (&'static str, &'static str, Limit);

const BOUNDS: [Bound; 5] = [
    // Deliveries accepted, to single inserts of the same events. Usually 1.1 to 1.4.
    ("accept", "/accept/ratio", Limit::AtLeast(0.8)),
    // Events processed, to a transaction for each. Usually 4 to 11.
    ("process", "/process/ratio", Limit::AtLeast(3.0)),
    // Logins, to hashes alone on the same cores. Usually 0.9 to 0.96.
    ("login", "/login/ratio", Limit::AtLeast(0.7)),
    // The slowest refusal of a login, to the fastest: a difference would tell which accounts exist. Usually 1.0 to 1.05.
    ("refusal", "/refusal/login_ratio", Limit::AtMost(1.15)),
    // The same for the key of an operator.
    ("refusal", "/refusal/key_ratio", Limit::AtMost(1.5)),
];

/// One line for each bound whose figure was measured, and whether all of them hold; not if there is none.
pub(crate) fn check(report: &Value) -> (Vec<String>, bool) {
    let measured = BOUNDS.iter().filter(|(figure, ..)| report.get(figure).is_some());
    let (mut lines, mut hold) = (Vec::new(), true);
    for (_, place, limit) in measured {
        let ratio = report.pointer(place).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (holds, text) = match limit {
            Limit::AtLeast(least) => (ratio >= *least, format!("at least {least}")),
            Limit::AtMost(most) => (ratio <= *most, format!("at most {most}")),
        };
        hold &= holds;
        lines.push(format!("{} {place} is {ratio}, {text} wanted", if holds { "ok    " } else { "FAILED" }));
    }
    hold &= !lines.is_empty();
    (lines, hold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ratio_beyond_its_bound_fails() {
        assert!(check(&json!({ "accept": { "ratio": 0.8 }, "refusal": { "login_ratio": 1.0, "key_ratio": 1.1 } })).1);
        assert!(!check(&json!({ "accept": { "ratio": 0.79 } })).1);
        assert!(!check(&json!({ "refusal": { "login_ratio": 1.2, "key_ratio": 1.0 } })).1);
    }

    #[test]
    fn measured_figure_without_its_ratio_fails() {
        assert!(!check(&json!({ "process": {} })).1);
    }

    #[test]
    fn report_without_any_bound_fails() {
        assert!(!check(&json!({ "start": {} })).1);
    }

    #[test]
    fn figure_that_was_not_measured_is_left_out() {
        let (lines, hold) = check(&json!({ "login": { "ratio": 0.9 } }));
        assert!(hold && lines.len() == 1, "{lines:?}");
    }
}
