use chrono::{DateTime, TimeDelta, Utc};

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn days_ago(days: &[i64]) -> Vec<DateTime<Utc>> {
    days.iter().map(|days| now() - TimeDelta::days(*days) - TimeDelta::hours(1)).collect()
}

fn with_status(status: TemplateStatus) -> Template {
    Template { status, ..order_shipped() }
}

#[test]
fn status_decides_whether_a_template_can_be_edited() {
    for (status, editable) in [
        (TemplateStatus::Approved, true),
        (TemplateStatus::Rejected, true),
        (TemplateStatus::Paused, true),
        (TemplateStatus::Pending, false),
        (TemplateStatus::Disabled, false),
        (TemplateStatus::Other, false),
    ] {
        let checked = with_status(status).check_edit(None, &[], now());
        assert_eq!(checked, if editable { Ok(()) } else { Err(NotEditable::Status) }, "{status:?}");
    }
}

#[test]
fn approved_template_keeps_its_category() {
    let other = Some(TemplateCategory::Marketing);
    assert_eq!(with_status(TemplateStatus::Approved).check_edit(other, &[], now()), Err(NotEditable::Category));
    assert_eq!(with_status(TemplateStatus::Approved).check_edit(Some(TemplateCategory::Utility), &[], now()), Ok(()));
    assert_eq!(with_status(TemplateStatus::Rejected).check_edit(other, &[], now()), Ok(()));
}

#[test]
fn approved_template_is_edited_once_a_day_and_ten_times_a_month() {
    let approved = with_status(TemplateStatus::Approved);
    let check = |days: &[i64]| approved.check_edit(None, &days_ago(days), now());
    assert_eq!(check(&[0]), Err(NotEditable::EditedToday));
    assert_eq!(check(&[1]), Ok(()));
    let ten: Vec<i64> = (2..12).collect();
    assert_eq!(check(&ten), Err(NotEditable::EditedTooOften));
    assert_eq!(check(&ten[..9]), Ok(()));
    assert_eq!(check(&(30..60).collect::<Vec<_>>()), Ok(()), "older edits do not count");
    assert_eq!(with_status(TemplateStatus::Paused).check_edit(None, &days_ago(&[0]), now()), Ok(()));
}
