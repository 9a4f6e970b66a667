use kernel::MediaKind;

const KIB: u64 = 1_024;
const MIB: u64 = 1_024 * KIB;

/// Why Meta would not take a file for a message of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendLimitError {
    #[error("the file has {size} bytes; a message of this kind may have {max}")]
    TooLarge { size: u64, max: u64 },
    #[error("files of the type {mime_type} cannot be sent as this kind; possible are: {}", .possible.join(", "))]
    WrongType { mime_type: String, possible: &'static [&'static str] },
    /// What browsers record.
    #[error("a voice message recorded as WebM cannot be sent; record it as audio/ogg with Opus, or as audio/mp4")]
    WebmAudio,
    #[error("a voice message has to be audio/ogg with Opus")]
    VoiceIsNotOgg,
    #[error("the file is empty")]
    Empty,
}

/// Meta's types and sizes (Cloud API reference, "Media", 2025).
const IMAGE: &[&str] = &["image/jpeg", "image/png"];
const AUDIO: &[&str] = &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"];
const VIDEO: &[&str] = &["video/mp4", "video/3gpp"];
const STICKER: &[&str] = &["image/webp"];

/// The largest file that can be sent as any kind. A larger one is not stored at all.
#[must_use]
pub const fn max_upload_bytes() -> u64 {
    max_bytes(MediaKind::Document)
}

const fn max_bytes(kind: MediaKind) -> u64 {
    match kind {
        MediaKind::Image => 5 * MIB,
        MediaKind::Audio | MediaKind::Video => 16 * MIB,
        MediaKind::Document => 100 * MIB,
        // A moving one. Whether it moves is Meta's to say.
        MediaKind::Sticker => 500 * KIB,
    }
}

/// Whether Meta takes a stored file, of that type and size, as a message of that kind. `voice` is whether it is to look recorded.
///
/// # Errors
/// [`SendLimitError`].
pub fn check_sendable(kind: MediaKind, voice: bool, mime_type: &str, size: u64) -> Result<(), SendLimitError> {
    let possible = match kind {
        MediaKind::Image => IMAGE,
        MediaKind::Audio => AUDIO,
        MediaKind::Video => VIDEO,
        MediaKind::Sticker => STICKER,
        MediaKind::Document => &[],
    };
    if size == 0 {
        return Err(SendLimitError::Empty);
    }
    // The container does not say whether it has pictures.
    let mime_type = match (kind, mime_type) {
        (MediaKind::Audio, "video/mp4") => "audio/mp4",
        (_, other) => other,
    };
    if kind == MediaKind::Audio && matches!(mime_type, "audio/webm" | "video/webm") {
        return Err(SendLimitError::WebmAudio);
    }
    if kind != MediaKind::Document && !possible.contains(&mime_type) {
        return Err(SendLimitError::WrongType { mime_type: mime_type.to_owned(), possible });
    }
    if voice && mime_type != "audio/ogg" {
        return Err(SendLimitError::VoiceIsNotOgg);
    }
    let max = max_bytes(kind);
    if size > max { Err(SendLimitError::TooLarge { size, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_within_limits_can_be_sent() {
        for (kind, voice, mime, size) in [
            (MediaKind::Image, false, "image/png", 5 * MIB),
            (MediaKind::Audio, true, "audio/ogg", 16 * MIB),
            (MediaKind::Audio, false, "video/mp4", 1),
            (MediaKind::Video, false, "video/3gpp", 16 * MIB),
            (MediaKind::Document, false, "text/html", 100 * MIB),
            (MediaKind::Sticker, false, "image/webp", 500 * KIB),
        ] {
            assert_eq!(check_sendable(kind, voice, mime, size), Ok(()), "{mime}");
        }
    }

    #[test]
    fn file_beyond_limits_is_refused_with_advice() {
        let too_large = SendLimitError::TooLarge { size: 5 * MIB + 1, max: 5 * MIB };
        assert_eq!(check_sendable(MediaKind::Image, false, "image/png", 5 * MIB + 1), Err(too_large));
        let error = check_sendable(MediaKind::Image, false, "image/gif", 1).unwrap_err();
        assert!(error.to_string().ends_with("possible are: image/jpeg, image/png"), "{error}");
        assert_eq!(check_sendable(MediaKind::Audio, true, "audio/webm", 1), Err(SendLimitError::WebmAudio));
        assert_eq!(check_sendable(MediaKind::Audio, true, "audio/mp4", 1), Err(SendLimitError::VoiceIsNotOgg));
        assert_eq!(check_sendable(MediaKind::Document, false, "text/plain", 0), Err(SendLimitError::Empty));
    }
}
