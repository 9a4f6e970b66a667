//! Hashes in the form that the `argon2` crate makes and reads, with reused working memory.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use iam::{HashError, HashParameters, PasswordHash};

/// Parses a stored hash.
pub(crate) fn parse(hash: &PasswordHash) -> Result<phc::PasswordHash, HashError> {
    phc::PasswordHash::new(hash.as_phc()).map_err(|_| HashError::Failed)
}

/// Whether a hash was made with these parameters.
pub(crate) fn is_made_with(hash: &phc::PasswordHash, parameters: HashParameters) -> bool {
    let same = |params: Params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (parameters.memory_kib, parameters.passes, parameters.lanes)
    };
    hash.algorithm == Algorithm::Argon2id.ident() && Params::try_from(hash).is_ok_and(same)
}

/// The working memory of hashes, reused from one hash to the next: allocating and clearing 19 MiB each time costs a tenth of
/// the hash, and allocators do not return it at once. It holds as many buffers as hashes ever ran at once.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    pub(crate) fn hash(
        &self,
        parameters: HashParameters,
        password: &[u8],
        salt: &[u8],
    ) -> Result<PasswordHash, HashError> {
        let HashParameters { memory_kib, passes, lanes } = parameters;
        let params = Params::new(memory_kib, passes, lanes, None).map_err(|_| HashError::Failed)?;
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let failed = |_| HashError::Failed;
        let hash = phc::PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: phc::ParamsString::try_from(&params).map_err(|_| HashError::Failed)?,
            salt: Some(phc::Salt::new(salt).map_err(failed)?),
            hash: Some(self.compute(&Argon2::new(algorithm, version, params), password, salt)?),
        };
        Ok(PasswordHash::from_stored(hash.to_string()))
    }

    /// Whether the password matches the stored hash, with the parameters of that hash.
    pub(crate) fn verify(&self, password: &[u8], stored: &phc::PasswordHash) -> Result<bool, HashError> {
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(HashError::Failed) };
        let failed = |_| HashError::Failed;
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| HashError::Failed)?;
        let version =
            stored.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| HashError::Failed)?;
        let params = Params::try_from(stored).map_err(failed)?;
        // Outputs are compared in constant time.
        Ok(self.compute(&Argon2::new(algorithm, version, params), password, salt)? == *expected)
    }

    fn compute(&self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<phc::Output, HashError> {
        let params = argon2.params();
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let mut memory = self.buffers().pop().unwrap_or_default();
        memory.resize(params.block_count().max(memory.len()), Block::new());
        let done = argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory);
        self.buffers().push(memory);
        done.map_err(|_| HashError::Failed)?;
        phc::Output::new(&output).map_err(|_| HashError::Failed)
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    const SALT: &[u8; 16] = b"sixteen bytes...";

    #[test]
    fn hashes_agree_with_argon2_crate() {
        let memory = Memory::default();
        // Of decreasing size: a buffer that is larger than needed is reused, too.
        for (memory_kib, lanes) in [(16_384, 1), (8_192, 2), (8_192, 1)] {
            let parameters = HashParameters { memory_kib, lanes, ..HashParameters::default() };
            let hash = memory.hash(parameters, b"correct horse", SALT).unwrap();
            let parsed = parse(&hash).unwrap();
            assert!(is_made_with(&parsed, parameters));
            assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
            assert!(memory.verify(b"correct horse", &parsed).unwrap());
            assert!(!memory.verify(b"battery staple", &parsed).unwrap());
        }
        assert_eq!(memory.buffers().len(), 1, "sequential hashes share one buffer");
    }

    #[test]
    fn foreign_hash_is_an_error_not_a_mismatch() {
        let memory = Memory::default();
        for text in
            ["", "plain", "$argon2id$v=19$m=8192,t=2,p=1", "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"]
        {
            let parsed = parse(&PasswordHash::from_stored(text.to_owned()));
            assert!(parsed.and_then(|parsed| memory.verify(b"x", &parsed)).is_err(), "{text}");
        }
    }
}
