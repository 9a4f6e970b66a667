//! The bounds of `--assert`: ratios between figures of one run, and memory. Each leaves room for a machine that others use as
//! well, so what breaks one is a change of the program.

use serde_json::Value;

use Limit::{AtLeast, AtMost};

/// What a ratio may be.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure of the report, and what it may be.
#[derive(Clone, Copy, Debug)]
struct Bound {
    figure: &'static str,
    /// In the JSON of the report.
    place: &'static str,
    limit: Limit,
    /// Of a program that is not optimized.
    unoptimized: Limit,
}

const fn bound(figure: &'static str, place: &'static str, limit: Limit, unoptimized: Limit) -> Bound {
    Bound { figure, place, limit, unoptimized }
}

const BOUNDS: [Bound; 16] = [
    // Deliveries accepted, to single inserts of the same events. Usually 1.1 to 1.4; 0.35 if not optimized.
    bound("accept", "/accept/ratio", AtLeast(0.8), AtLeast(0.15)),
    // Events processed, to a transaction for each. Usually 4 to 11.
    bound("process", "/process/ratio", AtLeast(3.0), AtLeast(2.0)),
    // Logins, to hashes alone on the same cores. Usually 0.9 to 0.96; 0.6 if not optimized.
    bound("login", "/login/ratio", AtLeast(0.7), AtLeast(0.35)),
    // The api during logins of 64 people.
    bound("login", "/login/memory_mib", AtMost(150.0), AtMost(150.0)),
    // The slowest refusal of a login, to the fastest: a difference would tell which accounts exist. Usually 1.0 to 1.05.
    bound("refusal", "/refusal/login_ratio", AtMost(1.15), AtMost(1.5)),
    // The same for the key of an operator.
    bound("refusal", "/refusal/key_ratio", AtMost(1.5), AtMost(2.5)),
    // A request that only checks its token, to a statement that reads nothing.
    bound("request", "/request/token_check/ratio", AtMost(10.0), AtMost(40.0)),
    // A scrape of the metrics, to a statement that reads nothing.
    bound("request", "/request/scrape/ratio", AtMost(20.0), AtMost(100.0)),
    // A page of a tenant with 200,000 messages, to one of a tenant with 1,000.
    bound("read", "/read/ratio", AtMost(2.0), AtMost(2.0)),
    // Requests to send, to single inserts of the same rows. Usually 0.8; 0.6 beside compilers, which take the time of few processes
    // rather than that of many.
    bound("send", "/send/wishes/ratio", AtLeast(0.5), AtLeast(0.1)),
    // The sends of 100 numbers in a second, with a Meta that answers at once. Usually 1,500 to 2,200.
    bound("send", "/send/driven/per_second", AtLeast(500.0), AtLeast(100.0)),
    // Of what Meta allows a number: its whole time, and its busiest second.
    bound("send", "/send/pace/of_throughput", AtLeast(0.9), AtLeast(0.8)),
    bound("send", "/send/pace/busiest_of_throughput", AtMost(1.0), AtMost(1.0)),
    // Milliseconds from a request until Meta has the message, at 100 a second.
    bound("send", "/send/to_meta/p99_ms", AtMost(250.0), AtMost(1_000.0)),
    bound("memory", "/memory/api/load_mib", AtMost(150.0), AtMost(180.0)),
    bound("memory", "/memory/worker/load_mib", AtMost(150.0), AtMost(180.0)),
];

/// One line for each bound whose figure was measured, and whether all of them hold; not if there is none.
pub(crate) fn check(report: &Value, unoptimized: bool) -> (Vec<String>, bool) {
    let measured = BOUNDS.iter().filter(|bound| report.get(bound.figure).is_some());
    let (mut lines, mut hold) = (Vec::new(), true);
    for Bound { place, limit, unoptimized: lower, .. } in measured {
        let limit = if unoptimized { lower } else { limit };
        let ratio = report.pointer(place).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (holds, text) = match limit {
            AtLeast(least) => (ratio >= *least, format!("at least {least}")),
            AtMost(most) => (ratio <= *most, format!("at most {most}")),
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
        assert!(
            check(&json!({ "accept": { "ratio": 0.8 }, "refusal": { "login_ratio": 1.0, "key_ratio": 1.1 } }), false).1
        );
        assert!(!check(&json!({ "accept": { "ratio": 0.79 } }), false).1);
        assert!(!check(&json!({ "refusal": { "login_ratio": 1.2, "key_ratio": 1.0 } }), false).1);
    }

    #[test]
    fn unoptimized_program_has_other_bounds() {
        let report = json!({ "accept": { "ratio": 0.3 } });
        assert!(check(&report, true).1 && !check(&report, false).1);
    }

    #[test]
    fn measured_figure_without_its_ratio_fails() {
        assert!(!check(&json!({ "process": {} }), false).1);
    }

    #[test]
    fn report_without_any_bound_fails() {
        assert!(!check(&json!({ "start": {} }), false).1);
    }

    #[test]
    fn figure_that_was_not_measured_is_left_out() {
        let (lines, hold) = check(&json!({ "process": { "ratio": 9.0 } }), false);
        assert!(hold && lines.len() == 1, "{lines:?}");
    }
}
