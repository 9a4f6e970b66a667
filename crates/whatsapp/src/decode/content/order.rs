//! Orders: items with their prices, and the total.

use std::collections::BTreeMap;

use kernel::ContentPartKind as Kind;

use super::builder::ContentBuilder;
use crate::json::Object;

pub(super) fn order(content: &mut ContentBuilder, body: &Object<'_>) {
    content.say(Kind::Text, "Note", body.text("text"));
    let mut totals = Totals::default();
    for item in body.objects("product_items") {
        let Some(product) = item.text("product_retailer_id") else { continue };
        let (quantity, price) = (item.text("quantity"), price(&item));
        totals.add(quantity.as_deref().unwrap_or("1"), &item);
        let line = quantity.as_ref().map_or_else(|| product.clone(), |quantity| format!("{quantity} x {product}"));
        let line = price.as_ref().map_or_else(|| line.clone(), |price| format!("{line}, {price}"));
        let value = match (quantity, price) {
            (Some(quantity), Some(price)) => format!("{quantity} x {price}"),
            (quantity, price) => quantity.or(price).unwrap_or_else(|| "1".to_owned()),
        };
        content.say_as(line, Kind::Item, &product, value);
    }
    for total in totals.into_texts() {
        content.say(Kind::Total, "Total", Some(total));
    }
}

/// `3.50 EUR`.
fn price(item: &Object<'_>) -> Option<String> {
    let price = item.text("item_price")?;
    Some(item.text("currency").map_or_else(|| price.clone(), |currency| format!("{price} {currency}")))
}

/// The exact sum of each currency. There is none if an item has no price, or one that is no plain decimal number.
#[derive(Debug)]
struct Totals(Option<BTreeMap<String, Decimal>>);

impl Default for Totals {
    fn default() -> Self {
        Self(Some(BTreeMap::new()))
    }
}

impl Totals {
    fn add(&mut self, quantity: &str, item: &Object<'_>) {
        let amount = || {
            let (price, quantity) = (Decimal::parse(&item.text("item_price")?)?, Decimal::parse(quantity)?);
            Some((item.text("currency").unwrap_or_default(), price.times(quantity)?))
        };
        let Some((mut sums, (currency, amount))) = self.0.take().zip(amount()) else { return };
        let sum = sums.get(&currency).map_or(Some(amount), |sum| sum.plus(amount));
        self.0 = sum.map(|sum| {
            sums.insert(currency, sum);
            sums
        });
    }

    fn into_texts(self) -> Vec<String> {
        let text = |(currency, sum): (String, Decimal)| format!("{} {currency}", sum.text()).trim_end().to_owned();
        self.0.unwrap_or_default().into_iter().map(text).collect()
    }
}

/// `units` divided by ten to the power of `scale`.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    /// More digits after the point than any currency has.
    const MAX_SCALE: u32 = 9;

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|scale| *scale <= Self::MAX_SCALE)?;
        let is_number = whole.len() <= 15
            && !whole.is_empty()
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        Some(Self { units: format!("{whole}{fraction}").parse().ok().filter(|_| is_number)?, scale })
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self { units: self.units.checked_mul(other.units)?, scale: self.scale + other.scale })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let scaled = |it: Self| it.units.checked_mul(10_i128.checked_pow(scale - it.scale)?);
        Some(Self { units: scaled(self)?.checked_add(scaled(other)?)?, scale })
    }

    /// With two digits after the point, or with more if they are not zeros; without a point if it was multiplied without one.
    fn text(self) -> String {
        let Self { mut units, mut scale } = self;
        while scale > 2 && units % 10 == 0 {
            (units, scale) = (units / 10, scale - 1);
        }
        if scale == 0 {
            return units.to_string();
        }
        let places = usize::try_from(scale).unwrap_or_default();
        let digits = format!("{units:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{whole}.{fraction:0<2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(items: &str) -> Vec<String> {
        let order = format!(r#"{{"product_items":[{items}]}}"#);
        let mut content = ContentBuilder::default();
        super::order(&mut content, &Object::parse(&order).unwrap());
        let totals = content.build().parts.into_iter().filter(|part| part.kind == Kind::Total);
        totals.map(|part| part.value).collect()
    }

    fn item(quantity: &str, price: &str, currency: &str) -> String {
        format!(r#"{{"product_retailer_id":"x","quantity":{quantity},"item_price":{price},"currency":"{currency}"}}"#)
    }

    #[test]
    fn total_is_exact_in_each_currency() {
        let many = [item("2", r#""3.50""#, "EUR"), item("\"1\"", "3.5", "EUR"), item("0.5", "3.5", "EUR")].join(",");
        assert_eq!(sum(&many), ["12.25 EUR"]);
        assert_eq!(sum(&[item("3", "0.1", "EUR"), item("1", "500", "JPY")].join(",")), ["0.30 EUR", "500 JPY"]);
        assert_eq!(sum(&item("1", "0.001", "KWD")), ["0.001 KWD"]);
        assert_eq!(sum(&item("1000000", "999999999999.99", "IDR")), ["999999999999990000.00 IDR"]);
    }

    #[test]
    fn order_with_an_unreadable_price_has_no_total() {
        for wrong in [r#""free""#, "-1", "1e3", r#""1,50""#, "{}", r#""""#, r#"".5""#, &"9".repeat(40)] {
            assert_eq!(sum(&[item("1", "2.50", "EUR"), item("1", wrong, "EUR")].join(",")), [""; 0], "{wrong}");
        }
        assert_eq!(sum(""), [""; 0]);
    }
}
