use std::num::{NonZeroU32, NonZeroUsize};

use clap::Args;
use iam::NewAccountLimits;
use inbound::UnusableQuota;

use super::errors::ConfigErrors;
use super::key::Key;

/// How much each caller may ask for, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct LimitsSettings {
    /// Tenants that sign up from one address in an hour; an IPv6 address counts as its /64. 0: any number, as for all limits
    /// of this section
    #[arg(long, value_name = "N", default_value = "10")]
    limits_signups_per_address: String,
    /// Tenants that sign up in an hour
    #[arg(long, value_name = "N", default_value = "1000")]
    limits_signups: String,
    /// Users who register from one address in an hour
    #[arg(long, value_name = "N", default_value = "10")]
    limits_registrations_per_address: String,
    /// Users who register in an hour
    #[arg(long, value_name = "N", default_value = "1000")]
    limits_registrations: String,
    /// Requests from one address in a minute, to one process, that name an unknown refresh token or an unknown Meta app, or ask
    /// an operators' path without a valid key
    #[arg(long, value_name = "N", default_value = "60")]
    limits_unknown_callers_per_address: String,
    /// The same from all addresses
    #[arg(long, value_name = "N", default_value = "6000")]
    limits_unknown_callers: String,
    /// Requests of one user, or of one API key, in a minute, to one process
    #[arg(long, value_name = "N", default_value = "6000")]
    limits_requests_per_user: String,
    /// Requests from one address in a minute, to one process; webhooks, health and readiness do not count
    #[arg(long, value_name = "N", default_value = "30000")]
    limits_requests_per_address: String,
    /// Requests of one tenant that a process works on at once; others of the tenant wait [default: half of the
    /// connections for tenants]
    #[arg(long, value_name = "N")]
    limits_concurrent_per_tenant: Option<String>,
    /// Expensive reads (search, export, verification of the audit log, filtered lists) of one tenant that a process works on at
    /// once
    #[arg(long, value_name = "N", default_value = "1")]
    limits_expensive_reads_per_tenant: String,
    /// The same of all tenants
    #[arg(long, value_name = "N", default_value = "4")]
    limits_expensive_reads: String,
    /// Unusable events of a tenant's own Meta app that are stored on a day: those that cannot be parsed, or whose number is not
    /// connected. Further ones are dropped
    #[arg(long, value_name = "N", default_value = "20000")]
    limits_unusable_events: String,
    /// The same, in MiB of payloads
    #[arg(long, value_name = "MIB", default_value = "64")]
    limits_unusable_mib: String,
}

/// How much each caller may ask for. `None`: no limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitsConfig {
    pub new_accounts: NewAccountLimits,
    /// In a minute.
    pub unknown_callers_per_address: Option<NonZeroU32>,
    pub unknown_callers: Option<NonZeroU32>,
    pub requests_per_user: Option<NonZeroU32>,
    pub requests_per_address: Option<NonZeroU32>,
    /// `None`: half of the connections; `Some(0)`: no limit.
    pub concurrent_per_tenant: Option<usize>,
    pub expensive_reads_per_tenant: Option<NonZeroUsize>,
    pub expensive_reads: Option<NonZeroUsize>,
    /// Of each Meta app of a tenant, on a day.
    pub unusable_events: UnusableQuota,
}

impl LimitsSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<LimitsConfig> {
        let signups_per_address = number(errors, "limits_signups_per_address", &self.limits_signups_per_address);
        let signups = number(errors, "limits_signups", &self.limits_signups);
        let registrations_per_address =
            number(errors, "limits_registrations_per_address", &self.limits_registrations_per_address);
        let registrations = number(errors, "limits_registrations", &self.limits_registrations);
        let unknown_callers_per_address =
            number(errors, "limits_unknown_callers_per_address", &self.limits_unknown_callers_per_address);
        let unknown_callers = number(errors, "limits_unknown_callers", &self.limits_unknown_callers);
        let requests_per_user = number(errors, "limits_requests_per_user", &self.limits_requests_per_user);
        let requests_per_address = number(errors, "limits_requests_per_address", &self.limits_requests_per_address);
        let concurrent_per_tenant = match self.limits_concurrent_per_tenant.as_deref().filter(|text| !text.is_empty()) {
            None => Some(None),
            Some(text) => number(errors, "limits_concurrent_per_tenant", text).map(|slots| Some(slots as usize)),
        };
        let expensive_reads_per_tenant =
            number(errors, "limits_expensive_reads_per_tenant", &self.limits_expensive_reads_per_tenant);
        let expensive_reads = number(errors, "limits_expensive_reads", &self.limits_expensive_reads);
        let unusable_events = number(errors, "limits_unusable_events", &self.limits_unusable_events);
        let unusable_mib = number(errors, "limits_unusable_mib", &self.limits_unusable_mib);
        Some(LimitsConfig {
            new_accounts: NewAccountLimits {
                signups_per_address: signups_per_address? as usize,
                signups: signups? as usize,
                registrations_per_address: registrations_per_address? as usize,
                registrations: registrations? as usize,
            },
            unknown_callers_per_address: NonZeroU32::new(unknown_callers_per_address?),
            unknown_callers: NonZeroU32::new(unknown_callers?),
            requests_per_user: NonZeroU32::new(requests_per_user?),
            requests_per_address: NonZeroU32::new(requests_per_address?),
            concurrent_per_tenant: concurrent_per_tenant?,
            expensive_reads_per_tenant: NonZeroUsize::new(expensive_reads_per_tenant? as usize),
            expensive_reads: NonZeroUsize::new(expensive_reads? as usize),
            unusable_events: UnusableQuota {
                events: Some(unusable_events?).filter(|events| *events > 0),
                bytes: Some(unusable_mib?).filter(|mib| *mib > 0).map(|mib| u64::from(mib) << 20),
            },
        })
    }
}

/// The times of sign-ups and registrations are stored, so their number is bounded; for the others the bound does not matter.
fn number(errors: &mut ConfigErrors, key: &str, text: &str) -> Option<u32> {
    const MOST: u32 = 1_000_000;
    let most = if key.contains("signups") || key.contains("registrations") { 10_000 } else { MOST };
    match text.parse() {
        Ok(number) if number <= most => Some(number),
        _ => {
            errors.invalid(Key(key), text, &format!("a number from 0 to {most}"));
            None
        }
    }
}
