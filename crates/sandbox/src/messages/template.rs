//! Whether the parameters of a message fit its template, and the text that the customer sees.

use serde_json::Value;

use crate::graph::error::GraphError;
use crate::world::template::{Template, placeholders};

/// Checks the call of a template, and answers its text with the parameters in it.
pub(crate) fn check(template: &Template, call: &Value) -> Result<String, GraphError> {
    match template.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => {
            return Err(GraphError::with_details(
                132_015,
                format!("Template {} is paused due to low quality", template.name),
            ));
        }
        "DISABLED" => {
            return Err(GraphError::with_details(132_016, format!("Template {} is disabled", template.name)));
        }
        _ => return Err(missing(&template.name, &template.language)),
    }
    let components = call["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    for component in components {
        check_texts(component)?;
    }
    let header = check_header(template, components)?;
    let body_text = template.component("BODY").and_then(|body| body["text"].as_str()).unwrap_or_default();
    let body = fill(template, "body", body_text, &parameters(components, "body"))?;
    if body.chars().count() > 1024 {
        return Err(GraphError::with_details(132_005, "body: the text with its parameters is too long"));
    }
    check_buttons(template, components)?;
    let footer = template.component("FOOTER").and_then(|footer| footer["text"].as_str());
    let lines = [header.as_deref(), Some(&body), footer];
    Ok(lines.into_iter().flatten().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
}

pub(crate) fn missing(name: &str, language: &str) -> GraphError {
    GraphError::with_details(132_001, format!("template name ({name}) does not exist in {language}"))
}

/// Whether it is for a one-time code, with a button that copies or fills it: these cannot go to user ids.
pub(crate) fn has_code_button(template: &Template) -> bool {
    let buttons = template.component("BUTTONS").and_then(|component| component["buttons"].as_array());
    template.category == "AUTHENTICATION" && buttons.is_some_and(|buttons| !buttons.is_empty())
}

fn component<'a>(components: &'a [Value], kind: &str) -> Option<&'a Value> {
    components.iter().find(|component| component["type"].as_str().is_some_and(|given| given.eq_ignore_ascii_case(kind)))
}

fn parameters(components: &[Value], kind: &str) -> Vec<Value> {
    component(components, kind).and_then(|component| component["parameters"].as_array()).cloned().unwrap_or_default()
}

/// Meta refuses empty texts, line breaks, tabs and more than four spaces in a row.
fn check_texts(component: &Value) -> Result<(), GraphError> {
    for parameter in component["parameters"].as_array().into_iter().flatten() {
        if parameter["type"] != "text" {
            continue;
        }
        let text = parameter["text"].as_str().unwrap_or_default();
        if text.is_empty() {
            return Err(GraphError::missing("Parameter of type text is missing text value"));
        }
        if text.contains(['\n', '\t', '\r']) || text.contains("     ") {
            let rule = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
            return Err(GraphError::with_details(132_018, rule));
        }
    }
    Ok(())
}

fn check_header(template: &Template, components: &[Value]) -> Result<Option<String>, GraphError> {
    let given = parameters(components, "header");
    let Some(header) = template.component("HEADER") else {
        return if given.is_empty() { Ok(None) } else { Err(count("header", given.len(), 0)) };
    };
    let format = header["format"].as_str().unwrap_or("TEXT").to_ascii_uppercase();
    if format == "TEXT" {
        return fill(template, "header", header["text"].as_str().unwrap_or_default(), &given).map(Some);
    }
    let kind = given.first().and_then(|parameter| parameter["type"].as_str()).unwrap_or("unknown");
    if kind.eq_ignore_ascii_case(&format) && given.len() == 1 {
        Ok(None)
    } else {
        let details = format!("header: Format mismatch, expected {format}, received {}", kind.to_ascii_uppercase());
        Err(GraphError::with_details(132_012, details))
    }
}

/// The text with its placeholders replaced.
fn fill(template: &Template, place: &str, text: &str, given: &[Value]) -> Result<String, GraphError> {
    let wanted = placeholders(text);
    if given.len() != wanted.len() {
        return Err(count(place, given.len(), wanted.len()));
    }
    let is_named = template.parameter_format.eq_ignore_ascii_case("NAMED");
    let mut filled = text.to_owned();
    for (index, name) in wanted.iter().enumerate() {
        let parameter = if is_named {
            given.iter().find(|parameter| parameter["parameter_name"] == **name)
        } else {
            // The placeholders are numbers from 1; parameters come in their order.
            name.parse::<usize>().ok().and_then(|number| given.get(number.checked_sub(1)?)).or_else(|| given.get(index))
        };
        let Some(parameter) = parameter else {
            return Err(GraphError::with_details(
                132_012,
                format!("{place}: Parameter name {name} is missing or empty"),
            ));
        };
        let shown = shown(parameter).ok_or_else(|| {
            let kind = parameter["type"].as_str().unwrap_or("UNKNOWN").to_ascii_uppercase();
            GraphError::with_details(132_012, format!("{place}: Format mismatch, expected TEXT, received {kind}"))
        })?;
        for spelling in [format!("{{{{{name}}}}}"), format!("{{{{ {name} }}}}")] {
            filled = filled.replace(&spelling, &shown);
        }
    }
    Ok(filled)
}

/// The text of a parameter of a text, a currency or a date; `None` for media.
fn shown(parameter: &Value) -> Option<String> {
    let text = match parameter["type"].as_str()? {
        "text" => &parameter["text"],
        "currency" => &parameter["currency"]["fallback_value"],
        "date_time" => &parameter["date_time"]["fallback_value"],
        _ => return None,
    };
    text.as_str().map(str::to_owned)
}

fn count(place: &str, given: usize, wanted: usize) -> GraphError {
    let details = format!(
        "{place}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
    );
    GraphError::with_details(132_000, details)
}

fn check_buttons(template: &Template, components: &[Value]) -> Result<(), GraphError> {
    let buttons = template.component("BUTTONS").and_then(|component| component["buttons"].as_array());
    let buttons = buttons.map(Vec::as_slice).unwrap_or_default();
    let calls = || {
        components
            .iter()
            .filter(|component| component["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("button")))
    };
    let index_of = |call: &Value| match &call["index"] {
        Value::String(text) => text.parse::<usize>().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    for call in calls() {
        let button = index_of(call).and_then(|index| buttons.get(index));
        let sub_type = call["sub_type"].as_str().unwrap_or_default();
        let fits = button.is_some_and(|button| fits(button["type"].as_str().unwrap_or_default(), sub_type));
        if !fits {
            let details =
                format!("buttons: Button at index {} of type {sub_type} is not in the template", call["index"]);
            return Err(GraphError::with_details(132_012, details));
        }
    }
    for (index, button) in buttons.iter().enumerate() {
        let kind = button["type"].as_str().unwrap_or_default();
        let is_dynamic = matches!(kind, "COPY_CODE" | "OTP")
            || (kind == "URL" && !placeholders(button["url"].as_str().unwrap_or_default()).is_empty());
        let call = calls().find(|call| index_of(call) == Some(index));
        let given = call.and_then(|call| call["parameters"].as_array()).map_or(0, Vec::len);
        if is_dynamic && given != 1 {
            let details = format!("buttons: Button at index {index} of type {kind} requires a parameter");
            return Err(GraphError::missing(details));
        }
        if !is_dynamic && kind == "URL" && given > 0 {
            return Err(count("buttons", given, 0));
        }
    }
    Ok(())
}

fn fits(button: &str, sub_type: &str) -> bool {
    match button {
        "OTP" => ["url", "copy_code"].iter().any(|kind| sub_type.eq_ignore_ascii_case(kind)),
        _ => button.eq_ignore_ascii_case(sub_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::template::samples;
    use serde_json::json;

    fn order() -> Template {
        samples()[1].clone()
    }

    fn body(texts: &[&str]) -> Value {
        let parameters: Vec<Value> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
        json!({"components": [{"type": "body", "parameters": parameters}]})
    }

    fn of(components: &Value) -> Template {
        Template { components: components.as_array().unwrap().clone(), ..order() }
    }

    #[test]
    fn parameters_fill_the_text() {
        assert_eq!(check(&order(), &body(&["Ada", "A-1"])).unwrap(), "Hello Ada, your order A-1 is on its way.");
    }

    #[test]
    fn wrong_count_is_told_with_both_numbers() {
        let error = check(&order(), &body(&["Ada"])).unwrap_err();
        assert_eq!(error.code, 132_000);
        assert!(error.details.unwrap().contains("(1) does not match the expected number of params (2)"));
    }

    #[test]
    fn empty_or_broken_text_is_refused() {
        assert_eq!(check(&order(), &body(&["Ada", ""])).unwrap_err().code, 131_008);
        assert_eq!(check(&order(), &body(&["Ada", "a\nb"])).unwrap_err().code, 132_018);
        assert_eq!(check(&order(), &body(&["Ada", &"x".repeat(1025)])).unwrap_err().code, 132_005);
    }

    #[test]
    fn status_decides_first() {
        let with = |status: &str| Template { status: status.to_owned(), ..order() };
        for (status, code) in [("PAUSED", 132_015), ("DISABLED", 132_016), ("PENDING", 132_001)] {
            assert_eq!(check(&with(status), &body(&[])).unwrap_err().code, code);
        }
    }

    #[test]
    fn named_parameters_are_found_by_name() {
        let template = Template {
            parameter_format: "NAMED".to_owned(),
            ..of(&json!([{"type": "BODY", "text": "Hi {{name}}, {{day}}"}]))
        };
        let call = |first: &str| {
            let parameter = |name: &str, text: &str| json!({"type": "text", "parameter_name": name, "text": text});
            json!({"components": [{"type": "body", "parameters": [parameter(first, "Monday"), parameter("name", "Ada")]}]})
        };
        assert_eq!(check(&template, &call("day")).unwrap(), "Hi Ada, Monday");
        assert_eq!(check(&template, &call("date")).unwrap_err().code, 132_012);
    }

    #[test]
    fn header_has_the_type_of_the_template() {
        let template = of(&json!([{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi"}]));
        let call =
            |kind: &str| json!({"components": [{"type": "header", "parameters": [{"type": kind, kind: {"id": "1"}}]}]});
        assert!(check(&template, &call("image")).is_ok());
        assert_eq!(check(&template, &call("video")).unwrap_err().code, 132_012);
        assert_eq!(check(&template, &json!({})).unwrap_err().code, 132_012);
    }

    #[test]
    fn dynamic_button_wants_its_parameter() {
        let buttons = json!([{"type": "QUICK_REPLY", "text": "Ok"}, {"type": "URL", "text": "Track", "url": "https://a.example/{{1}}"}]);
        let template = of(&json!([{"type": "BODY", "text": "Hi"}, {"type": "BUTTONS", "buttons": buttons}]));
        let call = |index: &str, kind: &str| {
            let button = json!({"type": "button", "sub_type": kind, "index": index, "parameters": [{"type": "text", "text": "7"}]});
            json!({"components": [button]})
        };
        assert!(check(&template, &call("1", "url")).is_ok());
        assert_eq!(check(&template, &json!({})).unwrap_err().code, 131_008);
        assert_eq!(check(&template, &call("4", "url")).unwrap_err().code, 132_012);
        assert_eq!(check(&template, &call("0", "url")).unwrap_err().code, 132_012);
    }
}
