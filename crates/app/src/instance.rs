use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use channels::AppCredentials;
use chrono::TimeDelta;
use config::{HttpConfig, LimitsConfig, ProcessRoles, ServeConfig};
use flows::{
    AccountCheckJob, AuthService, Database, DownloadMedia, JobHandler, MediaUploadJob, SendBell, TemplateSyncJob,
};
use graph::GraphClient;
use http_api::{AppCache, Background, CursorKey, LimitPolicy, Limits, ServerOptions, State};
use inbound::{RetentionPolicy, RetryPolicy};
use kernel::{Clock, Entropy, Retention};
use outbound::AttemptRefs;
use pipeline::{
    AuditSealer, Biller, ContactJobs, ContentRenewer, DeadLetterRecorder, Flusher, Intake, JobRunner, KeyRotator,
    MediaMetrics, MediaSweeper, NumberBells, Relay, Scheduler, SendFlusher, SendIntake, Sender, Worker,
};
use postgres::Postgres;
use rabbitmq::{BellPublisher, Broker};
use telemetry::Traces;
use thumbnails::Thumbnails;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};

use super::connect::{self, OpenError};
use super::job_bells::{JOBS, JobBells};
use super::readiness::Dependencies;
use super::send_bells::{SENDS, SendBells};

/// A wired process that is not running yet.
#[derive(Debug)]
pub struct Instance {
    pub(super) state: web::Data<State>,
    pub(super) roles: ProcessRoles,
    pub(super) server_options: ServerOptions,
    pub(super) postgres: Postgres,
    pub(super) broker: Broker,
    wake_relay: Arc<Notify>,
    pub(super) bells: Arc<NumberBells>,
    /// Of sends and of jobs.
    pub(super) bell_publishers: [Arc<Mutex<BellPublisher>>; 2],
    /// Wakes the job runner of this process.
    pub(super) job_bell: Arc<Notify>,
    graph: GraphClient,
    media_max_bytes: u64,
    attempt_refs: Arc<AttemptRefs>,
    pub(super) flusher: Flusher,
    pub(super) send_flusher: SendFlusher,
    /// The interval at which the signing keys are checked for changes.
    poll: Duration,
    retry: RetryPolicy,
    event_retention: RetentionPolicy,
    retention: Retention,
    pub(super) traces: Traces,
}

impl Instance {
    /// Checks the database roles and opens the signing keys. Call it on the runtime on which the instance will run.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        config: ServeConfig,
        roles: ProcessRoles,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let database = connect::postgres(&config.database, &config.auth.keys)?;
        Self::open_on(database, config, roles, clock, entropy).await
    }

    /// The same on connection pools that the caller shares.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_on(
        database: Postgres,
        config: ServeConfig,
        roles: ProcessRoles,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        database.check_roles().await?;
        let broker = connect::broker(&config.amqp)?;
        let graph = connect::graph(&config.whatsapp.graph)?;
        let object_store = Arc::new(connect::objects(&config.media)?);
        let wake_relay = Arc::new(Notify::new());
        let bells = Arc::new(NumberBells::default());
        let (elsewhere, bell_publisher) = broker.bells(SENDS);
        let (job_ringer, job_publisher) = broker.bells(JOBS);
        let job_bell = Arc::new(Notify::new());
        let bell_publishers = [bell_publisher, job_publisher].map(|publisher| Arc::new(Mutex::new(publisher)));
        let (intake, flusher) = Intake::new(
            Arc::new(database.clone()),
            Arc::clone(&clock),
            Arc::clone(&wake_relay),
            config.limits.unusable_events,
        );
        let signing = config.auth.signing;
        let poll = TimeDelta::from_std(signing.poll).unwrap_or(TimeDelta::MAX);
        let cursor_key = CursorKey::derive(&config.auth.keys.first);
        let traces = Traces::start(&config.traces, &*clock)?;
        let (auth, key_ring) =
            connect::auth_service(Arc::new(database.clone()), config.auth, Arc::clone(&clock), entropy).await?;
        let auth =
            AuthService { rate_limiter: auth.rate_limiter.with_new_account_limits(config.limits.new_accounts), ..auth };
        let limits =
            Limits::new(&limit_policy(&config.limits, &config.http, config.database.tenant_connections), &clock);
        let server_options = ServerOptions {
            workers: config.http.workers,
            max_connections: config.http.max_connections,
            cors_origins: config.http.cors_origins,
        };
        let send_bell: Arc<dyn SendBell> = Arc::new(SendBells { here: Arc::clone(&bells), elsewhere });
        let (send_intake, send_flusher) = SendIntake::new(
            Arc::new(database.clone()),
            Arc::clone(&key_ring),
            Arc::clone(&clock),
            Arc::clone(&send_bell),
        );
        let state = State {
            database: Arc::new(database.clone()),
            clock,
            auth,
            deployment_app: AppCredentials {
                secrets: config.whatsapp.secrets,
                verify_token: config.whatsapp.verify_token,
            },
            account_api: Arc::new(graph.clone()),
            template_api: Arc::new(graph.clone()),
            media_api: Arc::new(graph.clone()),
            object_store,
            thumbnailer: Arc::new(Thumbnails::default()),
            max_upload_bytes: config.media.max_bytes,
            key_ring,
            self_service: config.tenants.self_service,
            signup_open: config.tenants.signup_open,
            registration_open: config.tenants.registration_open,
            bootstrap_key: config.tenants.bootstrap_key,
            payment_terms: config.payment,
            tenants_mark_paid: config.tenants_mark_paid,
            jwks_max_age: signing.rotation.jwks_max_age(poll),
            cursor_key,
            trusted_proxies: config.http.trusted_proxies.into(),
            limits,
            app_cache: AppCache::default(),
            wake_relay: Arc::clone(&wake_relay),
            send_bell,
            job_bell: Arc::new(JobBells { here: Arc::clone(&job_bell), elsewhere: job_ringer }),
            send_store: Arc::new(send_intake),
            delivery_store: Arc::new(intake),
            readiness: Arc::new(Dependencies::new(database.clone(), Some(broker.publisher()), roles.need_broker())),
            tracing: traces.tracing.clone(),
            background: Background::new(Handle::current()),
        };
        let (retry, event_retention, retention) = (config.retry, config.event_retention, config.retention);
        let attempt_refs = Arc::new(AttemptRefs::new(&state.key_ring));
        let state = web::Data::new(state);
        Ok(Self {
            state,
            roles,
            server_options,
            postgres: database,
            broker,
            wake_relay,
            bells,
            bell_publishers,
            job_bell,
            graph,
            media_max_bytes: config.media.max_bytes,
            attempt_refs,
            flusher,
            send_flusher,
            poll: signing.poll,
            retry,
            event_retention,
            retention,
            traces,
        })
    }

    fn database(&self) -> Arc<dyn Database> {
        Arc::clone(&self.state.database)
    }

    pub(super) fn relay(&self) -> Relay {
        Relay {
            database: self.database(),
            publisher: Arc::new(self.broker.publisher()),
            clock: Arc::clone(&self.state.clock),
            wake_relay: Arc::clone(&self.wake_relay),
            tracing: self.traces.tracing.clone(),
        }
    }

    pub(super) fn worker(&self) -> Worker {
        Worker {
            database: self.database(),
            clock: Arc::clone(&self.state.clock),
            entropy: Arc::clone(&self.state.auth.entropy),
            retry: self.retry,
            attempt_refs: Arc::clone(&self.attempt_refs),
            tracing: self.traces.tracing.clone(),
        }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender {
            database: self.database(),
            api: Arc::new(self.graph.clone()),
            ring: Arc::clone(&self.state.key_ring),
            attempt_refs: Arc::clone(&self.attempt_refs),
            clock: Arc::clone(&self.state.clock),
            entropy: Arc::clone(&self.state.auth.entropy),
            bells: Arc::clone(&self.bells),
            tracing: self.traces.tracing.clone(),
        }
    }

    pub(super) fn scheduler(&self) -> Scheduler {
        Scheduler {
            database: self.database(),
            queues: Arc::new(self.broker.publisher()),
            clock: Arc::clone(&self.state.clock),
            events: self.event_retention,
            retention: self.retention,
            ring: Arc::clone(&self.state.key_ring),
        }
    }

    pub(super) fn job_runner(&self) -> JobRunner {
        JobRunner {
            database: self.database(),
            handlers: self.job_handlers(),
            clock: Arc::clone(&self.state.clock),
            entropy: Arc::clone(&self.state.auth.entropy),
            bell: Arc::clone(&self.job_bell),
        }
    }

    /// What runs each kind of job.
    fn job_handlers(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![
            Arc::new(AccountCheckJob {
                database: self.database(),
                api: Arc::clone(&self.state.account_api),
                ring: Arc::clone(&self.state.key_ring),
                clock: Arc::clone(&self.state.clock),
            }),
            Arc::new(TemplateSyncJob {
                database: self.database(),
                api: Arc::clone(&self.state.template_api),
                ring: Arc::clone(&self.state.key_ring),
                clock: Arc::clone(&self.state.clock),
            }),
            Arc::new(MediaUploadJob {
                database: self.database(),
                api: Arc::clone(&self.state.media_api),
                store: Arc::clone(&self.state.object_store),
                ring: Arc::clone(&self.state.key_ring),
                bell: Arc::clone(&self.state.send_bell),
                clock: Arc::clone(&self.state.clock),
            }),
            Arc::new(DownloadMedia {
                database: self.database(),
                api: Arc::clone(&self.state.media_api),
                store: Arc::clone(&self.state.object_store),
                ring: Arc::clone(&self.state.key_ring),
                observer: Arc::new(MediaMetrics),
                clock: Arc::clone(&self.state.clock),
                max_bytes: self.media_max_bytes,
            }),
        ]
    }

    pub(super) fn media_sweeper(&self) -> MediaSweeper {
        MediaSweeper {
            database: self.database(),
            store: Arc::clone(&self.state.object_store),
            clock: Arc::clone(&self.state.clock),
        }
    }

    pub(super) fn contact_jobs(&self) -> ContactJobs {
        ContactJobs { database: self.database() }
    }

    pub(super) fn content_renewer(&self) -> ContentRenewer {
        ContentRenewer { database: self.database(), clock: Arc::clone(&self.state.clock) }
    }

    pub(super) fn biller(&self) -> Biller {
        Biller { database: self.database(), payment: self.state.payment_terms, clock: Arc::clone(&self.state.clock) }
    }

    pub(super) fn audit_sealer(&self) -> AuditSealer {
        AuditSealer {
            database: self.database(),
            ring: Arc::clone(&self.state.key_ring),
            clock: Arc::clone(&self.state.clock),
        }
    }

    pub(super) fn key_rotator(&self) -> KeyRotator {
        let auth = &self.state.auth;
        KeyRotator {
            database: self.database(),
            keys: Arc::clone(&auth.keys),
            entropy: Arc::clone(&auth.entropy),
            clock: Arc::clone(&auth.clock),
            poll: self.poll,
        }
    }

    pub(super) fn dead_letter_recorder(&self) -> DeadLetterRecorder {
        DeadLetterRecorder { database: self.database(), clock: Arc::clone(&self.state.clock) }
    }
}

fn limit_policy(limits: &LimitsConfig, http: &HttpConfig, tenant_connections: usize) -> LimitPolicy {
    let half = (tenant_connections / 2).max(1);
    LimitPolicy {
        new_accounts: limits.new_accounts,
        unknown_callers_per_address: limits.unknown_callers_per_address,
        unknown_callers: limits.unknown_callers,
        requests_per_user: limits.requests_per_user,
        requests_per_address: limits.requests_per_address,
        concurrent_per_tenant: NonZeroUsize::new(limits.concurrent_per_tenant.unwrap_or(half)),
        expensive_reads_per_tenant: limits.expensive_reads_per_tenant,
        expensive_reads: limits.expensive_reads,
        max_requests: http.max_requests,
        max_requests_per_address: http.max_requests_per_address,
        max_body_bytes: http.max_body_bytes,
        max_request_time: http.max_request_time,
    }
}
