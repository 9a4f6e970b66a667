use strum::VariantArray;

use super::*;

fn listed(template: &Template) -> Vec<(String, String, Option<String>)> {
    template.parameters().into_iter().map(|it| (it.place, it.name, it.example)).collect()
}

fn parameter(place: &str, name: &str, example: Option<&str>) -> (String, String, Option<String>) {
    (place.to_owned(), name.to_owned(), example.map(str::to_owned))
}

#[test]
fn entry_of_the_list_is_read() {
    let template = order_shipped();
    assert_eq!((template.meta_id.as_str(), template.language.as_str()), ("4711", "en_US"));
    assert_eq!(template.status, TemplateStatus::Approved);
    assert_eq!(template.quality, TemplateQuality::Green);
    assert_eq!(template.format, ParameterFormat::Positional);
    assert_eq!(template.rejection_reason, None);
}

#[test]
fn entry_without_a_needed_member_is_unreadable() {
    let entry = json!({"id": 4711, "name": "a", "language": "de", "components": []});
    assert_eq!(Template::from_meta(&entry).unwrap().meta_id, "4711", "a number in webhooks");
    for member in ["id", "name", "language", "components"] {
        let mut entry = entry.clone();
        entry.as_object_mut().unwrap().remove(member);
        assert_eq!(Template::from_meta(&entry).unwrap_err().to_string(), format!("the template has no {member}"));
    }
}

#[test]
fn unreadable_entry_stops_no_other() {
    let entry = |id: u8| json!({"id": id, "name": "a", "language": "de", "components": []});
    let listed = ListedTemplates::of_meta(&[entry(1), json!({"id": "2"}), entry(3)]);
    let ids: Vec<&str> = listed.templates.iter().map(|template| template.meta_id.as_str()).collect();
    assert_eq!((ids, listed.unreadable), (vec!["1", "3"], 1));
}

#[test]
fn parameters_are_listed_with_their_examples() {
    assert_eq!(
        listed(&order_shipped()),
        [
            parameter("header", "1", Some("4711")),
            parameter("body", "1", Some("Ada")),
            parameter("body", "2", Some("4711")),
            parameter("buttons", "1", Some("https://example.com/t/9")),
        ]
    );
    assert_eq!(listed(&greeting()), [parameter("body", "first_name", None), parameter("body", "day", None)]);
    assert_eq!(listed(&picture()), [parameter("header", "image", None)], "the example cannot be sent");
    assert_eq!(listed(&carousel())[3], parameter("cards/1/header", "image", None));
}

#[test]
fn examples_of_named_parameters_are_found() {
    let template = template(
        "NAMED",
        &json!([{"type": "BODY", "text": "Hi {{name}}", "example": {"body_text_named_params": [
            {"param_name": "name", "example": "Ada"},
        ]}}]),
    );
    assert_eq!(listed(&template), [parameter("body", "name", Some("Ada"))]);
}

#[test]
fn unknown_components_and_buttons_are_left_out() {
    let template = template(
        "POSITIONAL",
        &json!([
            {"type": "BODY", "text": "Hi"},
            {"type": "HOLOGRAM", "depth": 3},
            {"type": "BUTTONS", "buttons": [{"type": "TELEPORT", "text": "Go"}]},
        ]),
    );
    assert_eq!(listed(&template), []);
    assert_eq!(filled(&template, json!({})).text(), "Hi");
}

#[test]
fn texts_of_closed_sets_parse_to_them() {
    for status in TemplateStatus::VARIANTS {
        assert_eq!(TemplateStatus::of_meta(&status.into_str().to_ascii_uppercase()), *status);
    }
    for category in TemplateCategory::VARIANTS {
        assert_eq!(category.into_str().parse(), Ok(*category));
    }
}
