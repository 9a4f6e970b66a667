/// A tenant's share of the processing of events while other tenants have events waiting, too: a tenant of weight 3 gets three
/// for each one of a tenant of weight 1. From 1, which is usual, to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantWeight(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to {}", TenantWeight::MAX)]
pub struct InvalidTenantWeight;

impl TenantWeight {
    pub const MAX: u8 = 10;

    /// # Errors
    /// [`InvalidTenantWeight`].
    pub fn new(weight: i64) -> Result<Self, InvalidTenantWeight> {
        let weight = u8::try_from(weight).map_err(|_| InvalidTenantWeight)?;
        if (1..=Self::MAX).contains(&weight) { Ok(Self(weight)) } else { Err(InvalidTenantWeight) }
    }

    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for TenantWeight {
    fn default() -> Self {
        Self(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_is_from_one_to_ten() {
        for weight in [1, 10] {
            assert_eq!(TenantWeight::new(weight).map(|it| i64::from(it.get())), Ok(weight));
        }
        for weight in [i64::MIN, -1, 0, 11, 257, i64::MAX] {
            assert_eq!(TenantWeight::new(weight), Err(InvalidTenantWeight), "{weight}");
        }
    }
}
