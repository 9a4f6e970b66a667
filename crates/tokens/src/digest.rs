use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// SHA-256 of a uniformly random secret, for which a slow hash has no benefit.
pub(crate) fn sha256(secret: &str) -> [u8; SHA256_OUTPUT_LEN] {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}
