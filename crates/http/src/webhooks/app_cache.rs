use std::fmt;
use std::sync::Arc;

use channels::{AppCredentials, AppCredentialsError, app_credentials};
use chrono::{DateTime, TimeDelta, Utc};
use flows::{Database, settle};
use kernel::seal::KeyRing;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use whatsapp::MetaAppKey;

/// The credentials of tenants' Meta apps, and the absence of apps, for some seconds: strangers who make up keys must not occupy
/// the connections that store deliveries.
///
/// A change on this process is seen at once ([`Self::forget`]), one on another process after [`FRESH`].
#[derive(Clone)]
pub struct AppCache {
    apps: Cache<MetaAppKey, Entry>,
    /// Look-ups that run at once.
    look_ups: Arc<Semaphore>,
}

#[derive(Clone)]
struct Entry {
    credentials: Option<Arc<AppCredentials>>,
    read_at: DateTime<Utc>,
}

/// What the cache knows about an app.
#[derive(Debug)]
pub(super) enum Cached {
    Fresh(Option<Arc<AppCredentials>>),
    /// The app existed a while ago.
    Outdated,
    Unknown,
}

/// How long credentials are used without a look-up.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How long an app counts as absent without a look-up. Keys are random, so no caller asks for one before it exists.
const FRESH_ABSENCE: TimeDelta = TimeDelta::seconds(10);
/// Entries; the least used are removed.
const CAPACITY: u64 = 10_000;
/// Fewer than the connections that store deliveries.
const LOOK_UPS: usize = 2;

impl Default for AppCache {
    fn default() -> Self {
        Self { apps: Cache::new(CAPACITY), look_ups: Arc::new(Semaphore::new(LOOK_UPS)) }
    }
}

impl AppCache {
    pub(super) fn get(&self, app: &MetaAppKey, now: DateTime<Utc>) -> Cached {
        let Some(Entry { credentials, read_at }) = self.apps.get(app) else { return Cached::Unknown };
        let fresh = if credentials.is_some() { FRESH } else { FRESH_ABSENCE };
        if read_at <= now && now - read_at < fresh {
            return Cached::Fresh(credentials);
        }
        if credentials.is_some() { Cached::Outdated } else { Cached::Unknown }
    }

    /// Reads an app and keeps what was found.
    ///
    /// # Errors
    /// [`AppCredentialsError`]; nothing is kept.
    pub(super) async fn look_up(
        &self,
        app: MetaAppKey,
        database: &dyn Database,
        ring: &KeyRing,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<AppCredentials>>, AppCredentialsError> {
        // It is never closed.
        let _look_up = self.look_ups.acquire().await;
        // Another request may have looked it up meanwhile.
        if let Cached::Fresh(credentials) = self.get(&app, now) {
            return Ok(credentials);
        }
        let mut tx = database.intake().await?;
        let outcome = app_credentials(&mut *tx, &app, ring, now).await;
        let credentials = settle(tx, outcome).await?.map(Arc::new);
        self.apps.insert(app, Entry { credentials: credentials.clone(), read_at: now });
        Ok(credentials)
    }

    /// Call it after an app was created, changed or deleted.
    pub(crate) fn forget(&self, app: &MetaAppKey) {
        self.apps.invalidate(app);
    }
}

impl fmt::Debug for AppCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::state;

    #[tokio::test]
    async fn absence_is_remembered_for_seconds_and_an_app_is_outdated() {
        let (state, cache) = (state(), AppCache::default());
        let (app, now) = (MetaAppKey::generate(&*state.auth.entropy).unwrap(), state.clock.now());
        assert!(matches!(cache.get(&app, now), Cached::Unknown));
        cache.apps.insert(app.clone(), Entry { credentials: None, read_at: now });
        assert!(matches!(cache.get(&app, now + TimeDelta::seconds(9)), Cached::Fresh(None)));
        assert!(matches!(cache.get(&app, now + TimeDelta::seconds(10)), Cached::Unknown));
        let credentials = Some(Arc::new(state.deployment_app.clone()));
        cache.apps.insert(app.clone(), Entry { credentials, read_at: now });
        assert!(matches!(cache.get(&app, now + TimeDelta::seconds(4)), Cached::Fresh(Some(_))));
        assert!(matches!(cache.get(&app, now + TimeDelta::seconds(5)), Cached::Outdated));
        cache.forget(&app);
        assert!(matches!(cache.get(&app, now), Cached::Unknown));
    }

    #[tokio::test]
    async fn failed_look_up_is_not_kept() {
        let (state, cache) = (state(), AppCache::default());
        let (app, now) = (MetaAppKey::generate(&*state.auth.entropy).unwrap(), state.clock.now());
        cache.look_up(app.clone(), &*state.database, &state.key_ring, now).await.unwrap_err();
        assert!(matches!(cache.get(&app, now), Cached::Unknown));
    }
}
