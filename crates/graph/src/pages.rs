use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::GraphClient;
use crate::answer::CallFailure;

/// More pages are not read: Meta allows a business account 6,000 templates, 100 a page.
const MAX_PAGES: usize = 200;

#[derive(Deserialize)]
struct PageBody<T> {
    data: Vec<T>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<String>,
}

impl GraphClient {
    /// Reads a list to its end.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        first: Url,
        token: &SecretString,
        timeout: Duration,
    ) -> Result<Vec<T>, CallFailure> {
        let (mut url, mut items) = (first, Vec::new());
        for _ in 0..MAX_PAGES {
            let page: PageBody<T> = self.get_json(url, token, timeout).await?;
            items.extend(page.data);
            let Some(next) = page.paging.and_then(|paging| paging.next) else { return Ok(items) };
            url = self.next_page(&next)?;
        }
        Err(unclear("the list has more pages than Meta allows"))
    }

    /// Only of the host that the first page came from: the token goes with the request.
    fn next_page(&self, next: &str) -> Result<Url, CallFailure> {
        let url = Url::parse(next).ok().filter(|url| url.origin() == self.url(&[]).origin());
        url.ok_or_else(|| unclear("the next page is on another host"))
    }
}

fn unclear(reason: &str) -> CallFailure {
    CallFailure::Unclear { reason: reason.to_owned(), http_status: None }
}
