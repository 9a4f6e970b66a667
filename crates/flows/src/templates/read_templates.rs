use kernel::ids::TemplateId;
use kernel::{Page, PageRequest, Permit, StoreError, TemplatesRead};
use outbound::{StoredTemplate, TemplateFilter, TemplateRepo};

/// Lists the copies of templates, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn templates(
    _permit: Permit<TemplatesRead>,
    tx: &mut dyn TemplateRepo,
    filter: &TemplateFilter,
    page: &PageRequest,
) -> Result<Page<StoredTemplate>, StoreError> {
    tx.templates(filter, page).await
}

/// Reads the copy of a template; `None` if the tenant has no such template.
///
/// # Errors
/// [`StoreError`].
pub async fn template(
    _permit: Permit<TemplatesRead>,
    tx: &mut dyn TemplateRepo,
    id: TemplateId,
) -> Result<Option<StoredTemplate>, StoreError> {
    tx.template(id).await
}
