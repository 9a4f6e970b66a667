use kernel::StoreError;
use outbound::template::check;
use outbound::{
    ContentError, FilledTemplate, Language, StoredTemplate, TemplateCall, TemplateName, TemplateRepo, TemplateStatus,
};
use thiserror::Error;

/// Why a template cannot be sent, by its copy. Meta may know better: see [`refresh_template`](crate::refresh_template).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateRefusal {
    #[error("the business account has no such template in this language")]
    Missing,
    #[error("the template is {}", .0.into_str())]
    NotUsable(TemplateStatus),
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// The name by which a call's template is found; `None` if Meta has no such language.
pub(crate) fn template_name(waba_id: &str, call: &TemplateCall) -> Option<TemplateName> {
    let language = Language::parse(&call.language)?;
    Some(TemplateName { waba_id: waba_id.to_owned(), name: call.name.clone(), language })
}

/// Checks a call against the copy of its template, and fills its gaps.
pub(crate) fn fill(stored: Option<&StoredTemplate>, call: &TemplateCall) -> Result<FilledTemplate, TemplateRefusal> {
    let stored = stored.ok_or(TemplateRefusal::Missing)?;
    if !stored.template.status.is_usable() {
        return Err(TemplateRefusal::NotUsable(stored.template.status));
    }
    Ok(check(&stored.template, call)?)
}

/// Finds the template of a call and fills it.
///
/// # Errors
/// [`StoreError`]. A refusal is an answer.
pub async fn fill_template(
    tx: &mut dyn TemplateRepo,
    waba_id: &str,
    call: &TemplateCall,
) -> Result<Result<(StoredTemplate, FilledTemplate), TemplateRefusal>, StoreError> {
    let Some(name) = template_name(waba_id, call) else { return Ok(Err(TemplateRefusal::Missing)) };
    let Some(stored) = tx.templates_by_name(std::slice::from_ref(&name)).await?.remove(&name) else {
        return Ok(Err(TemplateRefusal::Missing));
    };
    Ok(fill(Some(&stored), call).map(|filled| (stored, filled)))
}

#[cfg(test)]
mod tests {
    use outbound::Content;
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{FakeStore, run};

    fn call(template: &Value) -> TemplateCall {
        match Content::parse(&json!({"type": "template", "template": template})).unwrap() {
            Content::Template(call) => *call,
            other => panic!("{other:?}"),
        }
    }

    fn fill(store: &mut FakeStore, template: &Value) -> Result<String, TemplateRefusal> {
        run(fill_template(store, "900", &call(template))).unwrap().map(|(_, filled)| filled.text())
    }

    #[test]
    fn template_is_found_checked_and_filled() {
        let mut store = FakeStore::new();
        store.add_template("1", "hello", "APPROVED");
        store.add_template("2", "old", "PAUSED");
        let hello =
            |language: &str, body: Value| json!({"name": "hello", "language": language, "parameters": {"body": body}});
        assert_eq!(fill(&mut store, &hello("DE", json!({"1": "Ada"}))).as_deref(), Ok("Hello Ada"));
        for language in ["en", "?"] {
            assert_eq!(fill(&mut store, &hello(language, json!({"1": "Ada"}))), Err(TemplateRefusal::Missing));
        }
        let missing = fill(&mut store, &hello("de", json!({}))).unwrap_err();
        assert!(matches!(missing, TemplateRefusal::Content(error) if error.pointer == "/template/parameters/body/1"));
        let old = json!({"name": "old", "language": "de"});
        assert_eq!(fill(&mut store, &old), Err(TemplateRefusal::NotUsable(TemplateStatus::Paused)));
    }
}
