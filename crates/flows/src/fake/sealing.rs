use kernel::seal::KeyRing;
use kernel::{Entropy, EntropyUnavailable};

/// A key ring of keys with these ids; the first one seals. A key has the same value in each ring.
pub(crate) fn key_ring(ids: &[&str]) -> KeyRing {
    let key = |id: &&str| ((*id).to_owned(), id.bytes().cycle().take(32).collect::<Vec<u8>>().into());
    KeyRing::new(ids.iter().map(key)).unwrap()
}

/// An operating system that returns no random bytes.
#[derive(Debug)]
pub(crate) struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}
