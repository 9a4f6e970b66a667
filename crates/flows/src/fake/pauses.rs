use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::AccountId;
use outbound::{PauseRepo, PausesToEnd, SendingPause};

use super::FakeStore;

#[async_trait]
impl PauseRepo for FakeStore {
    async fn store_pause(&mut self, pause: &SendingPause) -> Result<(), StoreError> {
        self.channels.pauses.push(pause.clone());
        Ok(())
    }

    async fn end_pauses(
        &mut self,
        account: AccountId,
        which: &PausesToEnd,
        _: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let before = self.channels.pauses.len();
        self.channels.pauses.retain(|pause| {
            let is_named = pause.account == account && which.scopes.contains(&pause.scope);
            let ends = which.timed || pause.until.is_none();
            !(is_named && ends && pause.started_at <= which.started_until)
        });
        Ok(before - self.channels.pauses.len())
    }
}
