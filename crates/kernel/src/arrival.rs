/// When a webhook event arrived, compared with others: later ones have greater numbers. It orders what WhatsApp's times, in whole
/// seconds, do not.
///
/// The number is taken when the delivery is stored, from one sequence for all servers, and counts the events of the delivery
/// in their order. So a delivery that is sent after another was answered is later, whichever servers received them. Two that are
/// stored at once have an order, too, and keep it. An item that is delivered again keeps its first number.
///
/// Zero, before all others: rows of earlier versions, and what users do, whose times are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(i64);

impl Arrival {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}
