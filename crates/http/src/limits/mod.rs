//! What one caller may use of a process: requests, memory, work at once. All of it is counted in the memory of the process, in
//! a bounded part of it.

mod admission;
mod byte_budget;
mod keyed_slots;
mod rate_counter;
mod rate_fields;
mod refusal_summary;
mod response_body;
mod unknown_callers;

use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use iam::{NewAccountLimits, network};
use kernel::ids::TenantId;
use kernel::{Actor, Clock, TenantScope};
use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::metrics::RATE_LIMITED;
use crate::problem::{Code, Problem};
use byte_budget::ByteBudget;
use keyed_slots::KeyedSlots;
use rate_counter::{Exceeded, RateCounter};
use unknown_callers::UnknownCallers;

pub(crate) use admission::{admit, free_place};
pub(crate) use byte_budget::ReservedBytes;
pub(crate) use keyed_slots::Slot;
pub(crate) use rate_counter::Remaining;
pub(crate) use rate_fields::add_rate_fields;
pub use refusal_summary::AnonymousRefusals;

/// How much callers may use. `None`: no limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitPolicy {
    pub new_accounts: NewAccountLimits,
    /// In a minute, as all rates.
    pub unknown_callers_per_address: Option<NonZeroU32>,
    pub unknown_callers: Option<NonZeroU32>,
    pub requests_per_user: Option<NonZeroU32>,
    pub requests_per_address: Option<NonZeroU32>,
    pub concurrent_per_tenant: Option<NonZeroUsize>,
    pub expensive_reads_per_tenant: Option<NonZeroUsize>,
    pub expensive_reads: Option<NonZeroUsize>,
    /// Requests that are worked on at once.
    pub max_requests: NonZeroUsize,
    /// Of one address.
    pub max_requests_per_address: NonZeroUsize,
    /// Bytes of all request bodies together; as many of all response bodies.
    pub max_body_bytes: usize,
    /// From the head of a request to the head of its response.
    pub max_request_time: Duration,
}

/// Counts what callers use.
pub struct Limits {
    signups: Option<RateCounter>,
    registrations: Option<RateCounter>,
    unknown_callers: UnknownCallers,
    /// Users and API keys.
    callers: Option<RateCounter>,
    addresses: Option<RateCounter>,
    tenants: Option<KeyedSlots<TenantId>>,
    expensive_reads_of_tenants: Option<KeyedSlots<TenantId>>,
    expensive_reads: Option<Arc<Semaphore>>,
    requests: Arc<Semaphore>,
    /// By the network of the address.
    requests_of_addresses: KeyedSlots<String>,
    pub(crate) bodies: ByteBudget,
    responses: ByteBudget,
    max_request_time: Duration,
    /// Anonymous refusals of operators' paths.
    pub anonymous_refusals: AnonymousRefusals,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// How long a request waits for others of its tenant.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// What a client should wait that was refused because its tenant's requests took too long.
const RETRY_SECONDS: u64 = 5;

impl Limits {
    #[must_use]
    pub fn new(policy: &LimitPolicy, clock: &Arc<dyn Clock>) -> Self {
        let rate =
            |quota: Option<NonZeroU32>, window| quota.map(|quota| RateCounter::new(quota, window, Arc::clone(clock)));
        let per_hour = |number: usize| rate(u32::try_from(number).ok().and_then(NonZeroU32::new), HOUR);
        // A tenant's waiting requests must leave most of the places to others.
        let max_waiting = policy.max_requests.get() / 4;
        let of_tenants =
            |slots: Option<NonZeroUsize>| slots.map(|slots| KeyedSlots::new(slots.get(), max_waiting, MAX_WAIT));
        Self {
            signups: per_hour(policy.new_accounts.signups_per_address),
            registrations: per_hour(policy.new_accounts.registrations_per_address),
            unknown_callers: UnknownCallers::new(policy.unknown_callers_per_address, policy.unknown_callers, clock),
            callers: rate(policy.requests_per_user, MINUTE),
            addresses: rate(policy.requests_per_address, MINUTE),
            tenants: of_tenants(policy.concurrent_per_tenant),
            expensive_reads_of_tenants: of_tenants(policy.expensive_reads_per_tenant),
            expensive_reads: policy.expensive_reads.map(|reads| Arc::new(Semaphore::new(reads.get()))),
            requests: Arc::new(Semaphore::new(policy.max_requests.get())),
            requests_of_addresses: KeyedSlots::new(policy.max_requests_per_address.get(), 0, Duration::ZERO),
            bodies: ByteBudget::new(policy.max_body_bytes),
            responses: ByteBudget::new(policy.max_body_bytes),
            max_request_time: policy.max_request_time,
            anonymous_refusals: AnonymousRefusals::default(),
        }
    }

    /// Counts a sign-up from this address. The database counts those of all processes; this count spares it the many from one
    /// address.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count_signup(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        count_address(self.signups.as_ref(), address, "signup").map(drop)
    }

    /// As [`count_signup`](Self::count_signup), for registrations.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count_registration(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        count_address(self.registrations.as_ref(), address, "registration").map(drop)
    }

    /// Whether too many callers from this address were unknown.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn check_unknown_callers(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        self.unknown_callers.check(address).map_err(|exceeded| rate_limited(exceeded, "unknown_caller"))
    }

    /// Counts a request whose caller was unknown.
    pub(crate) fn count_unknown_caller(&self, address: Option<IpAddr>) {
        self.unknown_callers.count(address);
    }

    /// Counts a request of a user or of an API key; each has the same quota of its own.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count_caller(&self, caller: Actor) -> Result<Option<Remaining>, Problem> {
        let Some(counter) = &self.callers else { return Ok(None) };
        let limit = match caller {
            Actor::User(_) => "user",
            Actor::ApiKey(_) => "api_key",
        };
        counter.count(&caller).map(Some).map_err(|exceeded| rate_limited(exceeded, limit))
    }

    /// Counts a request from an address.
    ///
    /// # Errors
    /// `rate_limited`.
    fn count_request(&self, address: Option<IpAddr>) -> Result<Option<Remaining>, Problem> {
        count_address(self.addresses.as_ref(), address, "address")
    }

    /// Waits until the tenant has fewer requests at work than it may have.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) async fn tenant_slot(&self, tenant: TenantId) -> Result<Option<Slot<TenantId>>, Problem> {
        let Some(tenants) = &self.tenants else { return Ok(None) };
        tenants.acquire(tenant).await.map(Some).map_err(|_| {
            let detail = "Too many requests of the tenant are worked on at once; wait as long as Retry-After says.";
            counted(RETRY_SECONDS, "tenant").with_detail(detail)
        })
    }

    /// Waits until an expensive read may begin: few of one tenant, and few of all, run at a time.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) async fn expensive_read(&self, scope: &TenantScope) -> Result<ExpensiveRead, Problem> {
        let taken = || {
            let detail = "Too many expensive reads, such as searches and exports, are worked on at once; wait as long \
                          as Retry-After says.";
            counted(RETRY_SECONDS, "expensive_read").with_detail(detail)
        };
        let of_tenant = match &self.expensive_reads_of_tenants {
            Some(slots) => Some(slots.acquire(scope.tenant()).await.map_err(|_| taken())?),
            None => None,
        };
        let of_all = match &self.expensive_reads {
            Some(reads) => {
                let acquired = timeout(MAX_WAIT, Arc::clone(reads).acquire_owned()).await;
                Some(acquired.map_err(|_| taken())?.map_err(Problem::internal)?)
            }
            None => None,
        };
        Ok(ExpensiveRead { _of_tenant: of_tenant, _of_all: of_all })
    }

    /// Memory for a response that is sent while it is read.
    ///
    /// # Errors
    /// `temporarily_unavailable`.
    pub(crate) fn reserve_response(&self, bytes: usize) -> Result<ReservedBytes, Problem> {
        let mut reserved = self.responses.reservation();
        reserved.grow_to(bytes).map_err(|error| {
            let detail = "Too many responses are being sent; retry later.";
            Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail).caused_by(error)
        })?;
        Ok(reserved)
    }

    /// As [`expensive_read`](Self::expensive_read), for a list whose filter may pass over many rows.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) async fn filtered_read(
        &self,
        scope: &TenantScope,
        is_filtered: bool,
    ) -> Result<Option<ExpensiveRead>, Problem> {
        if is_filtered { self.expensive_read(scope).await.map(Some) } else { Ok(None) }
    }
}

/// An expensive read at work, until it is dropped.
#[derive(Debug)]
pub(crate) struct ExpensiveRead {
    _of_tenant: Option<Slot<TenantId>>,
    _of_all: Option<OwnedSemaphorePermit>,
}

fn count_address(
    counter: Option<&RateCounter>,
    address: Option<IpAddr>,
    limit: &'static str,
) -> Result<Option<Remaining>, Problem> {
    let Some(counter) = counter else { return Ok(None) };
    counter.count(&network(address)).map(Some).map_err(|exceeded| rate_limited(exceeded, limit))
}

fn rate_limited(exceeded: Exceeded, limit: &'static str) -> Problem {
    counted(exceeded.seconds(), limit)
}

/// A refusal by one of the limits, a label of the metric.
fn counted(retry_after: u64, limit: &'static str) -> Problem {
    counter!(RATE_LIMITED, "limit" => limit).increment(1);
    Problem::new(Code::RateLimited).with_header(RETRY_AFTER, HeaderValue::from(retry_after))
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}
