use flows::{TemplateSource, refresh_refusing_template};
use kernel::TenantScope;
use outbound::Content;

use crate::problem::Problem;
use crate::state::State;

/// Reads a template from Meta again if its copy would refuse the message: an old copy alone must not.
pub(super) async fn refresh_if_refusing(
    state: &State,
    scope: &TenantScope,
    source: TemplateSource,
    content: &Content,
) -> Result<(), Problem> {
    let Content::Template(call) = content else { return Ok(()) };
    let (database, api, ring, clock) = (&*state.database, &*state.template_api, &*state.key_ring, &*state.clock);
    Ok(refresh_refusing_template(database, scope, api, ring, source, call, clock).await?)
}
