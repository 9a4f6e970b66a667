//! The people who write to business numbers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::ids;

/// Someone with WhatsApp.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Customer {
    /// The phone number's digits, with the country's code.
    pub(crate) phone: String,
    /// The business-scoped user id.
    #[serde(default)]
    pub(crate) bsuid: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// The phone number as WhatsApp knows it, where it differs from what was dialled.
    #[serde(default)]
    pub(crate) wa_id: String,
    /// Webhooks do not tell the phone number, as for people with a user name.
    #[serde(default)]
    pub(crate) phone_hidden: bool,
    /// Messages to people without WhatsApp fail with 131026.
    #[serde(default = "yes")]
    pub(crate) on_whatsapp: bool,
}

impl Customer {
    /// A customer of whom only the phone number is known.
    pub(crate) fn of_phone(phone: &str) -> Self {
        Self {
            phone: digits(phone),
            bsuid: String::new(),
            name: String::new(),
            username: None,
            wa_id: String::new(),
            phone_hidden: false,
            on_whatsapp: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// A place in the list of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(crate) struct CustomerKey(usize);

#[derive(Debug, Default)]
pub(crate) struct Customers {
    list: Vec<Customer>,
    by_phone: HashMap<String, CustomerKey>,
    by_bsuid: HashMap<String, CustomerKey>,
}

impl Customers {
    /// Adds a customer, or replaces the one with this phone number.
    pub(crate) fn put(&mut self, mut customer: Customer) -> CustomerKey {
        customer.phone = digits(&customer.phone);
        if customer.bsuid.is_empty() {
            customer.bsuid = ids::bsuid(&customer.phone);
        }
        if customer.wa_id.is_empty() {
            customer.wa_id.clone_from(&customer.phone);
        }
        if customer.name.is_empty() {
            customer.name = format!("Customer {}", customer.phone);
        }
        let key = if let Some(known) = self.by_phone.get(&customer.phone) {
            self.by_bsuid.remove(&self.list[known.0].bsuid);
            *known
        } else {
            CustomerKey(self.list.len())
        };
        self.by_phone.insert(customer.phone.clone(), key);
        self.by_bsuid.insert(customer.bsuid.clone(), key);
        if key.0 == self.list.len() {
            self.list.push(customer);
        } else {
            self.list[key.0] = customer;
        }
        key
    }

    pub(crate) fn get(&self, key: CustomerKey) -> &Customer {
        &self.list[key.0]
    }

    /// The customer with this phone number, who is added if the sandbox does not know them.
    pub(crate) fn with_phone(&mut self, phone: &str) -> CustomerKey {
        let phone = digits(phone);
        if let Some(key) = self.by_phone.get(&phone) {
            return *key;
        }
        self.put(Customer::of_phone(&phone))
    }

    pub(crate) fn with_bsuid(&self, bsuid: &str) -> Option<CustomerKey> {
        self.by_bsuid.get(bsuid).copied()
    }

    pub(crate) fn all(&self) -> &[Customer] {
        &self.list
    }
}

pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_phone_becomes_a_customer_once() {
        let mut customers = Customers::default();
        let key = customers.with_phone("+1 555 010 0002");
        assert_eq!(customers.with_phone("15550100002"), key);
        let bsuid = customers.get(key).bsuid.clone();
        assert_eq!(customers.with_bsuid(&bsuid), Some(key));
        assert_eq!(customers.with_bsuid("US.1"), None);
    }

    #[test]
    fn put_replaces_the_customer_of_the_phone() {
        let mut customers = Customers::default();
        let key = customers.with_phone("15550100002");
        let old = customers.get(key).bsuid.clone();
        let changed = Customer { bsuid: "US.7".to_owned(), name: "Ada".to_owned(), ..customers.get(key).clone() };
        assert_eq!(customers.put(changed), key);
        assert_eq!((customers.with_bsuid(&old), customers.with_bsuid("US.7")), (None, Some(key)));
        assert_eq!(customers.all().len(), 1);
    }
}
