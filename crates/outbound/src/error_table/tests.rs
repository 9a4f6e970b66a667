use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use strum::VariantArray;

use super::*;

/// Each code that Meta is known to answer when messages are sent, templates are managed or numbers are connected.
const KNOWN: &[i64] = &[
    0, 1, 2, 3, 4, 10, 33, 100, 190, 200, 299, 368, 613, 80_007, 130_403, 130_429, 130_472, 130_497, 131_000, 131_005,
    131_008, 131_009, 131_016, 131_020, 131_021, 131_026, 131_030, 131_031, 131_037, 131_041, 131_042, 131_044,
    131_045, 131_047, 131_048, 131_049, 131_050, 131_051, 131_052, 131_053, 131_055, 131_056, 131_057, 131_059,
    131_062, 131_063, 131_064, 131_200, 131_299, 132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016,
    132_018, 132_021, 132_068, 132_069, 133_000, 133_004, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015,
    133_016, 134_011, 134_100, 134_101, 134_102, 135_000, 136_024, 137_000, 138_000, 138_018, 139_200, 1_752_041,
    2_388_019, 2_388_039, 2_388_040, 2_388_047, 2_388_072, 2_388_073, 2_388_293, 2_388_299, 2_388_318, 2_388_330,
    2_494_100, 2_593_107, 2_593_108,
];

fn answer(code: i64) -> GraphError {
    GraphError { code: Some(code), http_status: Some(400), ..GraphError::default() }
}

fn actions(code: i64) -> (Action, Action) {
    (classify(&answer(code), When::Answer).action, classify(&answer(code), When::Status).action)
}

#[test]
fn each_known_code_has_exactly_one_row() {
    for code in KNOWN {
        let rows = rows().iter().filter(|row| row.has(*code) && row.subcodes.is_empty()).count();
        assert_eq!(rows, 1, "{code}");
    }
}

#[test]
fn each_row_has_known_codes_only() {
    for row in rows() {
        for codes in row.codes {
            assert!(codes.start() <= codes.end(), "{codes:?}");
            assert!(KNOWN.contains(codes.start()) && KNOWN.contains(codes.end()), "{codes:?}");
        }
    }
}

#[test]
fn no_code_stands_in_two_rows() {
    let all: Vec<_> = rows().iter().filter(|row| row.subcodes.is_empty()).flat_map(|row| row.codes).collect();
    for (index, codes) in all.iter().enumerate() {
        let overlaps =
            |other: &&&std::ops::RangeInclusive<i64>| other.start() <= codes.end() && codes.start() <= other.end();
        assert_eq!(all[index + 1..].iter().find(overlaps), None, "{codes:?}");
    }
}

#[test]
fn each_class_has_a_row_with_advice() {
    let special = [&rows::UNRECOGNISED, &rows::UNREADABLE, &rows::META_FAILURE];
    for class in ErrorClass::VARIANTS {
        let mut of_class = rows().iter().chain(special).filter(|row| row.class == *class).peekable();
        assert!(of_class.peek().is_some(), "{class:?}");
        for row in of_class {
            for text in [row.title, row.advice] {
                assert!(text.len() > 10 && text.ends_with('.'), "{class:?}: {text}");
            }
        }
    }
}

#[test]
fn what_waits_says_for_what() {
    for row in rows() {
        match row.action {
            Action::Requeue => assert!(matches!(row.pause, Some(Pause { end: PauseEnd::After(_), .. })), "{row:?}"),
            Action::Hold => assert!(matches!(row.pause, Some(Pause { end: PauseEnd::Lifted, .. })), "{row:?}"),
            Action::Unknown | Action::Fail | Action::UploadAgain => {}
        }
    }
}

#[test]
fn ambiguous_answers_are_never_resent_or_failed() {
    let unknown: BTreeSet<i64> = KNOWN.iter().copied().filter(|code| actions(*code).0 == Action::Unknown).collect();
    assert_eq!(unknown, BTreeSet::from([1, 2, 131_000, 131_016, 133_004, 2_494_100]));
    for code in unknown {
        assert_eq!(actions(code).1, Action::Fail, "{code}: a status is proof");
    }
    assert_eq!(classify(&answer(131_000), When::Status).class, ErrorClass::MetaFailure);
}

#[test]
fn only_throttles_and_maintenance_go_again() {
    let again: BTreeSet<i64> = KNOWN.iter().copied().filter(|code| actions(*code).0 == Action::Requeue).collect();
    assert_eq!(again, BTreeSet::from([4, 613, 80_007, 130_429, 131_056, 131_057, 132_069]));
    for code in again {
        assert_eq!(actions(code).1, Action::Requeue, "{code}");
    }
}

#[test]
fn what_people_must_mend_is_held_but_fails_after_acceptance() {
    for code in [0, 190, 10, 131_005, 133_010, 368, 131_031, 131_042] {
        assert_eq!(actions(code), (Action::Hold, Action::Fail), "{code}");
    }
}

#[test]
fn subcode_decides_where_the_code_is_ambiguous() {
    assert_eq!(classify(&answer(100), When::Answer).class, ErrorClass::Content);
    let asset_gone = GraphError { subcode: Some(33), ..answer(100) };
    assert_eq!(classify(&asset_gone, When::Answer).class, ErrorClass::Permission);
    let expired = GraphError { subcode: Some(463), ..answer(190) };
    assert_eq!(classify(&expired, When::Answer).scope(), Some(PauseScope::Token));
}

#[test]
fn scope_is_as_narrow_as_the_error() {
    let scope = |code| classify(&answer(code), When::Answer).scope();
    for (code, expected) in [
        (131_056, Some(PauseScope::Pair)),
        (131_050, Some(PauseScope::Recipient)),
        (131_047, Some(PauseScope::Conversation)),
        (132_015, Some(PauseScope::Template)),
        (130_429, Some(PauseScope::Number)),
        (131_042, Some(PauseScope::BusinessAccount)),
        (190, Some(PauseScope::Token)),
        (131_026, None),
        (131_009, None),
    ] {
        assert_eq!(scope(code), expected, "{code}");
    }
}

#[test]
fn http_status_decides_only_unknown_codes() {
    let error = |code, status| GraphError { code, http_status: Some(status), ..GraphError::default() };
    for (error, class, action) in [
        (error(Some(190), 429), ErrorClass::Token, Action::Hold),
        (error(Some(131_026), 500), ErrorClass::Recipient, Action::Fail),
        (error(Some(424_242), 429), ErrorClass::Throttle, Action::Requeue),
        (error(None, 429), ErrorClass::Throttle, Action::Requeue),
        (error(Some(424_242), 400), ErrorClass::Unrecognised, Action::Fail),
        (error(Some(424_242), 503), ErrorClass::Ambiguous, Action::Unknown),
        (error(None, 502), ErrorClass::Ambiguous, Action::Unknown),
        (error(None, 200), ErrorClass::Ambiguous, Action::Unknown),
        (GraphError::default(), ErrorClass::Ambiguous, Action::Unknown),
    ] {
        let verdict = classify(&error, When::Answer);
        assert_eq!((verdict.class, verdict.action), (class, action), "{error:?}");
    }
    assert_eq!(classify(&GraphError::default(), When::Status).action, Action::Fail);
}

#[test]
fn file_that_meta_could_not_fetch_goes_again_after_an_upload() {
    let media = |details: &str| GraphError { details: Some(details.to_owned()), ..answer(131_053) };
    for details in ["Download failed with 403", "Unable to fetch", "fwdproxy timeout", "HTTP code 503", "status: 429"] {
        assert_eq!(classify(&media(details), When::Status).action, Action::UploadAgain, "{details}");
    }
    for details in ["Unsupported mime type audio/opus", "size 5000000 exceeds", "codec h264 level 51", ""] {
        assert_eq!(classify(&media(details), When::Status).action, Action::Fail, "{details}");
    }
}

#[test]
fn wait_of_a_throttle_is_what_meta_says() {
    let verdict = classify(&answer(4), When::Answer);
    let Some(Pause { end: PauseEnd::After(back_off), .. }) = verdict.pause else { panic!("{verdict:?}") };
    assert_eq!(back_off.wait(0, Some(Duration::from_secs(30))), Duration::from_secs(30));
    assert_eq!(back_off.wait(2, None), Duration::from_secs(16));
}

proptest! {
    #[test]
    fn status_never_leaves_a_message_unknown(code in any::<Option<i64>>(), status in any::<Option<u16>>()) {
        let error = GraphError { code, http_status: status, ..GraphError::default() };
        let action = classify(&error, When::Status).action;
        prop_assert!(!matches!(action, Action::Unknown | Action::Hold));
    }

    #[test]
    fn unknown_code_never_goes_again_but_for_429(code in 3_000_000..i64::MAX, status in 100..600_u16) {
        let error = GraphError { code: Some(code), http_status: Some(status), ..GraphError::default() };
        let action = classify(&error, When::Answer).action;
        prop_assert_eq!(action == Action::Requeue, status == 429);
    }
}
