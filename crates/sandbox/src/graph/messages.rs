//! `POST /{phone_number_id}/messages`.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::answer::Reply;
use super::{auth, send};
use crate::shared::Shared;

/// A receiver of webhooks that is away does not hold an answer for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(super) async fn post(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> HttpResponse {
    let token = match auth::token(&request) {
        Ok(token) => token,
        Err(error) => return Reply::refused(&shared, &error).response(),
    };
    let outcome = send::receive(&shared, &token, &path.1, &body);
    if let Some(delivered) = outcome.first_status {
        // Without the acknowledgement the answer comes all the same.
        let _delivered = tokio::time::timeout(LONGEST_WAIT, delivered).await;
    }
    outcome.reply.spoiled(outcome.fault, &request).await
}
