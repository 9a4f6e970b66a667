use std::fmt::Debug;

use ring::rand::{SecureRandom, SystemRandom};

/// The source of random bytes for secrets. Passed to use cases like the clock.
pub trait Entropy: Send + Sync + Debug {
    /// Fills the buffer with unpredictable bytes.
    ///
    /// # Errors
    /// [`EntropyUnavailable`]; no secret may be made then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable>;
}

/// The operating system returned no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system returned no random bytes")]
pub struct EntropyUnavailable;

/// The operating system's random number generator.
#[derive(Debug)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
        self.0.fill(buffer).map_err(|_| EntropyUnavailable)
    }
}
