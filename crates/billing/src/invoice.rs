use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use kernel::ids::InvoiceId;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{Money, MoneyError, Period, Plan, PlanCode};

/// The invoice of a period. Once closed, only its payment status changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    pub id: InvoiceId,
    /// Counts from 1 for each tenant, without gaps.
    pub number: u64,
    pub plan: PlanCode,
    pub period: Period,
    pub lines: Vec<InvoiceLine>,
    /// The sum of the lines.
    pub total: Money,
    pub status: InvoiceStatus,
    pub closed_at: DateTime<Utc>,
    /// The invoice is overdue from then on.
    pub due_at: DateTime<Utc>,
    pub paid_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    pub description: String,
    pub quantity: u64,
    pub unit_price: Money,
    /// `quantity` times the unit price.
    pub amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum InvoiceStatus {
    Open,
    Paid,
}

/// The time that a tenant has to pay an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTerms(TimeDelta);

impl PaymentTerms {
    pub const MAX_DAYS: u16 = 365;

    /// Days after the invoice was closed; `None` beyond [`Self::MAX_DAYS`].
    #[must_use]
    pub fn days(days: u16) -> Option<Self> {
        (days <= Self::MAX_DAYS).then(|| Self(TimeDelta::days(days.into())))
    }
}

impl Default for PaymentTerms {
    fn default() -> Self {
        Self(TimeDelta::days(14))
    }
}

impl Invoice {
    /// The invoice of a period in which a tenant on this plan received this many inbound messages. An invoice over zero is paid at
    /// once.
    ///
    /// # Errors
    /// [`MoneyError`] if an amount does not fit.
    pub fn close(
        number: u64,
        plan: &Plan,
        period: Period,
        inbound_messages: u64,
        payment: PaymentTerms,
        clock: &dyn Clock,
    ) -> Result<Self, MoneyError> {
        let (lines, total) = lines(plan, period, inbound_messages)?;
        let (now, paid) = (clock.now(), total.is_zero());
        Ok(Self {
            id: InvoiceId::new(clock),
            number,
            plan: plan.code.clone(),
            period,
            lines,
            total,
            status: if paid { InvoiceStatus::Paid } else { InvoiceStatus::Open },
            closed_at: now,
            due_at: now + payment.0,
            paid_at: paid.then_some(now),
        })
    }
}

/// The price of the plan, the included messages, and the messages beyond them.
fn lines(plan: &Plan, period: Period, inbound_messages: u64) -> Result<(Vec<InvoiceLine>, Money), MoneyError> {
    let terms = &plan.terms;
    let free = Money::zero(terms.monthly_price().currency());
    let included = inbound_messages.min(terms.included_messages());
    let further = inbound_messages - included;
    let of_plan = format!("{}, {} to {}", plan.name.as_str(), period.start(), period.last_day());
    let mut lines =
        vec![line(of_plan, 1, terms.monthly_price())?, line("Inbound messages, included".to_owned(), included, free)?];
    if further > 0 {
        lines.push(line("Inbound messages, further".to_owned(), further, terms.message_price())?);
    }
    let total = lines.iter().try_fold(free, |sum, line| sum.plus(line.amount))?;
    Ok((lines, total))
}

fn line(description: String, quantity: u64, unit_price: Money) -> Result<InvoiceLine, MoneyError> {
    Ok(InvoiceLine { description, quantity, unit_price, amount: unit_price.times(quantity)? })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use kernel::SystemClock;
    use proptest::prelude::*;

    use super::*;
    use crate::Terms;

    fn close(monthly: i64, included: u64, message: i64, used: u64) -> Result<Invoice, MoneyError> {
        let euros = |minor| Money::new(minor, "EUR".parse().unwrap());
        let terms = Terms::new(euros(monthly), included, euros(message)).unwrap();
        let plan = Plan::new("starter".parse().unwrap(), "Starter".parse().unwrap(), terms).unwrap();
        let period = Period::first(NaiveDate::from_ymd_opt(2026, 11, 26).unwrap());
        Invoice::close(7, &plan, period, used, PaymentTerms::default(), &SystemClock::new())
    }

    #[test]
    fn only_messages_beyond_included_are_charged() {
        let invoice = close(1_900, 1_000, 2, 1_234).unwrap();
        let lines: Vec<(&str, u64, i64)> =
            invoice.lines.iter().map(|it| (it.description.as_str(), it.quantity, it.amount.minor())).collect();
        let expected = [
            ("Starter, 2026-11-26 to 2026-12-25", 1, 1_900),
            ("Inbound messages, included", 1_000, 0),
            ("Inbound messages, further", 234, 468),
        ];
        assert_eq!(lines, expected);
        assert_eq!((invoice.total.minor(), invoice.status), (2_368, InvoiceStatus::Open));
        assert_eq!(invoice.due_at - invoice.closed_at, TimeDelta::days(14));
        assert_eq!(close(1_900, 1_000, 2, 1_000).unwrap().lines.len(), 2);
    }

    #[test]
    fn invoice_over_zero_is_paid_at_once() {
        let invoice = close(0, 10, 0, 11).unwrap();
        assert_eq!((invoice.status, invoice.paid_at), (InvoiceStatus::Paid, Some(invoice.closed_at)));
    }

    #[test]
    fn amount_overflow_is_an_error() {
        assert_eq!(close(0, 0, Terms::MAX_PRICE_MINOR, u64::MAX), Err(MoneyError::Overflow));
        assert_eq!(PaymentTerms::days(366), None);
    }

    proptest! {
        #[test]
        fn lines_add_up_to_total(
            monthly in 0..=Terms::MAX_PRICE_MINOR,
            included in 0..=Terms::MAX_INCLUDED,
            message in 0..=Terms::MAX_PRICE_MINOR,
            used in prop_oneof![0..10_000_u64, 0..=Terms::MAX_INCLUDED * 3, any::<u64>()],
        ) {
            let further = used.saturating_sub(included);
            let expected = i128::from(monthly) + i128::from(message) * i128::from(further);
            match close(monthly, included, message, used) {
                Ok(invoice) => {
                    let sum: i128 = invoice.lines.iter().map(|line| i128::from(line.amount.minor())).sum();
                    prop_assert_eq!(sum, expected);
                    prop_assert_eq!(i128::from(invoice.total.minor()), expected);
                    let counted: u64 = invoice.lines[1..].iter().map(|line| line.quantity).sum();
                    prop_assert_eq!(counted, used, "each message is on one line");
                    for line in &invoice.lines {
                        prop_assert_eq!(line.unit_price.times(line.quantity), Ok(line.amount));
                    }
                }
                Err(error) => {
                    prop_assert_eq!(error, MoneyError::Overflow);
                    prop_assert!(expected > i128::from(i64::MAX), "{} fits", expected);
                }
            }
        }
    }
}
