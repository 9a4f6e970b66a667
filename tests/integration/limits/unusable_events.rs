//! Quotas of what a tenant's own Meta app delivers and Parley cannot use.

use chrono::TimeDelta;
use config::LimitsConfig;
use flows::Database;
use inbound::{EventHousekeeping, PurgePosition, RetentionPolicy, UnusableQuota};
use kernel::{Clock, StoreError};
use serde_json::{Value, json};

use crate::kit::app::{NO_LIMITS, Settings, TestApp, TestTenant, metrics};
use crate::kit::meta::{MetaApp, Number, text};

struct Quota {
    app: TestApp,
    tenant: TestTenant,
    meta_app: MetaApp,
    connected: Number,
}

impl Quota {
    async fn with(quota: UnusableQuota) -> Self {
        let limits = LimitsConfig { unusable_events: quota, ..NO_LIMITS };
        let app = TestApp::start_with(Settings { own_database: true, limits, ..Settings::default() }).await;
        let tenant = app.tenant().await;
        let (meta_app, connected) = (tenant.meta_app().await, Number::fresh());
        tenant.connect_to(&meta_app, &connected).await;
        Self { app, tenant, meta_app, connected }
    }

    async fn deliver(&self, delivery: &Value) {
        self.app.deliver_for_app(&self.meta_app, delivery).await.expect(200);
    }

    /// Stored unusable events, and what is counted: stored and dropped ones of all days.
    async fn counts(&self) -> [i64; 3] {
        let counted = |column: &str| format!("SELECT coalesce(sum({column}), 0)::bigint AS count FROM unusable_events");
        [
            self.app.events("status IN ('unroutable', 'dead_letter')").await,
            self.app.database.count(&counted("events")).await,
            self.app.database.count(&counted("dropped")).await,
        ]
    }
}

fn unknown_number(messages: usize) -> Value {
    let messages: Vec<Value> = (0..messages).map(|n| text("15550100", &format!("{n}"))).collect();
    Number::fresh().delivery(&messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_events_beyond_the_quota_are_dropped() {
    let it = Quota::with(UnusableQuota { events: Some(5), bytes: None }).await;
    it.deliver(&unknown_number(3)).await;
    it.deliver(&json!(["not a delivery"])).await;
    assert_eq!(it.counts().await, [4, 4, 0]);
    let repeated = unknown_number(2);
    it.deliver(&repeated).await;
    assert_eq!(it.counts().await, [6, 6, 0], "a batch is stored whole");
    it.deliver(&repeated).await;
    it.deliver(&unknown_number(2)).await;
    it.deliver(&json!(["still not a delivery"])).await;
    assert_eq!(it.counts().await, [6, 6, 5]);
    assert!(metrics().lines().any(|line| line.starts_with("parley_webhook_events_dropped_total ")));

    // What can be used is stored: in the same delivery, of another app, and of the deployment's.
    let mut mixed = it.connected.delivery(&[text("15550100", "usable")]);
    mixed["entry"].as_array_mut().unwrap().push(unknown_number(1)["entry"][0].clone());
    it.deliver(&mixed).await;
    assert_eq!((it.app.events("status = 'received'").await, it.counts().await), (1, [6, 6, 6]));
    let other = it.tenant.meta_app().await;
    it.app.deliver_for_app(&other, &unknown_number(1)).await.expect(200);
    it.app.deliver(&unknown_number(1)).await.expect(200);
    assert_eq!(it.counts().await, [8, 7, 6]);

    it.app.clock.advance(TimeDelta::days(1));
    it.deliver(&unknown_number(1)).await;
    assert_eq!(it.counts().await, [9, 8, 6], "the quota is of a day");
    it.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_of_bytes_counts_payloads() {
    let it = Quota::with(UnusableQuota { events: None, bytes: Some(10_000) }).await;
    let large = Number::fresh().delivery(&[text("15550100", &"x".repeat(4_000))]);
    it.deliver(&large).await;
    it.deliver(&unknown_number(1)).await;
    it.deliver(&Number::fresh().delivery(&[text("15550100", &"y".repeat(8_000))])).await;
    assert_eq!(it.counts().await, [3, 3, 0]);
    it.deliver(&unknown_number(1)).await;
    assert_eq!(it.counts().await, [3, 3, 1]);
    it.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_unusable_events_expire_with_the_events() {
    let it = Quota::with(UnusableQuota::default()).await;
    it.deliver(&unknown_number(1)).await;
    let rows = async || it.app.database.count("SELECT count(*) FROM unusable_events").await;
    let purge = async || {
        let database: &dyn Database = &it.app.postgres;
        let purge = database.in_intake(async |tx| {
            EventHousekeeping::purge(tx, RetentionPolicy::default(), it.app.clock.now(), PurgePosition::START, 10)
                .await?;
            Ok::<_, StoreError>(())
        });
        purge.await.unwrap();
    };
    it.app.clock.advance(TimeDelta::days(89));
    purge().await;
    assert_eq!(rows().await, 1);
    it.app.clock.advance(TimeDelta::days(2));
    purge().await;
    assert_eq!((rows().await, it.counts().await), (0, [0, 0, 0]));
    it.app.stop().await;
}
