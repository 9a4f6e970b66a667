use kernel::StoreError;
use outbound::template::check;
use outbound::{ContentError, FilledTemplate, Language, StoredTemplate, TemplateCall, TemplateRepo, TemplateStatus};
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

/// Finds the template of a call and fills it.
///
/// # Errors
/// [`StoreError`]. A refusal is an answer.
pub async fn fill_template(
    tx: &mut dyn TemplateRepo,
    waba_id: &str,
    call: &TemplateCall,
) -> Result<Result<(StoredTemplate, FilledTemplate), TemplateRefusal>, StoreError> {
    let Some(language) = Language::parse(&call.language) else { return Ok(Err(TemplateRefusal::Missing)) };
    let Some(stored) = tx.template_by_name(waba_id, &call.name, &language).await? else {
        return Ok(Err(TemplateRefusal::Missing));
    };
    if !stored.template.status.is_usable() {
        return Ok(Err(TemplateRefusal::NotUsable(stored.template.status)));
    }
    Ok(match check(&stored.template, call) {
        Ok(filled) => Ok((stored, filled)),
        Err(error) => Err(error.into()),
    })
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
