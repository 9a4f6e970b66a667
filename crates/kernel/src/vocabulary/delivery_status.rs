use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The delivery status of an outbound message. [`Self::latest`] decides which of two statuses counts; the order of the cases,
/// which is that of the API's documentation, has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum DeliveryStatus {
    Pending,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

impl DeliveryStatus {
    /// The position in the course of a delivery. A message never returns to a lower rank, whatever the order in which its
    /// statuses arrive. A failed message may still be delivered, to another device of the recipient, but not the other way
    /// round.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
            Self::Played => 5,
        }
    }

    /// The status with the higher rank.
    #[must_use]
    pub fn latest(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// All statuses by ascending rank.
    #[must_use]
    pub fn by_rank() -> Vec<Self> {
        let mut statuses = Self::VARIANTS.to_vec();
        statuses.sort_by_key(|status| status.rank());
        statuses
    }
}

#[cfg(test)]
mod tests {
    use super::DeliveryStatus::{Delivered, Failed, Pending, Played, Read, Sent};
    use super::*;

    #[test]
    fn failed_ranks_between_sent_and_delivered() {
        assert_eq!(DeliveryStatus::by_rank(), [Pending, Sent, Failed, Delivered, Read, Played]);
        assert_eq!(Failed.latest(Delivered), Delivered);
        assert_eq!(Failed.latest(Sent), Failed);
        assert_eq!(Read.latest(Failed), Read);
    }

    #[test]
    fn text_of_each_status_parses_to_it() {
        for status in DeliveryStatus::VARIANTS {
            assert_eq!(<&str>::from(status).parse(), Ok(*status));
        }
    }
}
