use kernel::MediaKind;

use crate::{FileType, HEAD_BYTES, MediaFailure, Sha256, Sha256Hasher};

/// Checks a file while it streams: counts and hashes its bytes, and keeps the first ones to tell its type.
#[derive(Debug)]
pub struct FileCheck {
    max_bytes: u64,
    expected_size: Option<u64>,
    expected_hash: Option<Sha256>,
    hasher: Sha256Hasher,
    size: u64,
    head: Vec<u8>,
}

/// What a whole file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub sha256: Sha256,
    pub size: u64,
    pub mime_type: String,
}

impl FileCheck {
    /// `expected_size` and `expected_hash` are what was said of the file.
    ///
    /// # Errors
    /// [`MediaFailure::TooLarge`] if it is said to have more than `max_bytes`.
    pub fn begin(
        max_bytes: u64,
        expected_size: Option<u64>,
        expected_hash: Option<Sha256>,
    ) -> Result<Self, MediaFailure> {
        if expected_size.is_some_and(|size| size > max_bytes) {
            return Err(MediaFailure::TooLarge);
        }
        let hasher = Sha256Hasher::default();
        Ok(Self { max_bytes, expected_size, expected_hash, hasher, size: 0, head: Vec::new() })
    }

    /// The next bytes of the file. After an error it is to be discarded.
    ///
    /// # Errors
    /// [`MediaFailure::TooLarge`], and [`MediaFailure::WrongSize`] if there are more than was said.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), MediaFailure> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.max_bytes {
            return Err(MediaFailure::TooLarge);
        }
        if self.expected_size.is_some_and(|size| self.size > size) {
            return Err(MediaFailure::WrongSize);
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        self.hasher.update(bytes);
        Ok(())
    }

    /// The first bytes of the file, up to [`HEAD_BYTES`].
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The end of the file: a file of a message of that kind, with the type that was said.
    ///
    /// # Errors
    /// [`MediaFailure::WrongSize`], [`MediaFailure::WrongHash`], [`MediaFailure::WrongType`].
    pub fn finish(self, kind: MediaKind, declared: Option<&str>) -> Result<Checked, MediaFailure> {
        if self.expected_size.is_some_and(|size| self.size != size) {
            return Err(MediaFailure::WrongSize);
        }
        let sha256 = self.hasher.finish();
        if self.expected_hash.is_some_and(|expected| expected != sha256) {
            return Err(MediaFailure::WrongHash);
        }
        let mime_type = FileType::of_file(kind, declared, &self.head).map_err(|_| MediaFailure::WrongType)?;
        Ok(Checked { sha256, size: self.size, mime_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and pixels";

    fn check(size: Option<u64>, hash: Option<Sha256>, pieces: &[&[u8]]) -> Result<Checked, MediaFailure> {
        let mut check = FileCheck::begin(100, size, hash)?;
        for piece in pieces {
            check.update(piece)?;
        }
        check.finish(MediaKind::Image, Some("image/png"))
    }

    #[test]
    fn file_that_is_what_was_said_passes() {
        let (first, second) = PNG.split_at(3);
        let size = u64::try_from(PNG.len()).unwrap();
        let expected = Checked { sha256: Sha256::of(PNG), size, mime_type: "image/png".to_owned() };
        assert_eq!(check(Some(size), Some(Sha256::of(PNG)), &[first, second]), Ok(expected.clone()));
        assert_eq!(check(None, None, &[PNG]), Ok(expected));
    }

    #[test]
    fn file_that_is_not_what_was_said_fails() {
        let size = u64::try_from(PNG.len()).unwrap();
        assert_eq!(check(Some(size - 1), None, &[PNG]), Err(MediaFailure::WrongSize));
        assert_eq!(check(Some(size + 1), None, &[PNG]), Err(MediaFailure::WrongSize));
        assert_eq!(check(None, Some(Sha256::of(b"")), &[PNG]), Err(MediaFailure::WrongHash));
        assert_eq!(check(None, None, &[b"no picture"]), Err(MediaFailure::WrongType));
        assert_eq!(check(None, None, &[PNG, &[0; 100]]), Err(MediaFailure::TooLarge));
        assert_eq!(check(Some(101), None, &[]), Err(MediaFailure::TooLarge));
    }

    #[test]
    fn only_the_head_of_a_file_is_kept() {
        let mut check = FileCheck::begin(u64::MAX, None, None).unwrap();
        for _ in 0..10 {
            check.update(&[7; 1_000]).unwrap();
        }
        assert_eq!((check.head().len(), check.size()), (HEAD_BYTES, 10_000));
    }
}
