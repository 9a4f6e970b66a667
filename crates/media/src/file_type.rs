use kernel::MediaKind;

/// So many bytes at the beginning of a file tell its type.
pub const HEAD_BYTES: usize = 4_096;

/// What a file is, by its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileType {
    /// As `image/png`.
    mime: &'static str,
}

/// The bytes of a file are not what a message of that kind may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are of another type than was said")]
pub struct Mismatch;

/// Types that browsers show or play without running anything in them, and that Parley recognises by the bytes.
const INLINE: [&str; 15] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "audio/aac",
    "audio/amr",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "video/3gpp",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "audio/webm",
];

/// Containers of many types: the name that was given is more exact than what the first bytes tell.
const CONTAINERS: [&str; 3] = ["application/zip", "application/x-ole-storage", "text/xml"];

impl FileType {
    /// `None` if the bytes are of no known type, as plain text is.
    #[must_use]
    pub fn recognise(head: &[u8]) -> Option<Self> {
        let mime = iso_media(head).or_else(|| mpeg_audio(head)).or_else(|| {
            let mime = infer::get(head)?.mime_type();
            Some(match mime {
                "audio/opus" => "audio/ogg",
                "audio/m4a" => "audio/mp4",
                "audio/x-wav" => "audio/wav",
                "video/x-m4v" => "video/mp4",
                other => other,
            })
        })?;
        Some(Self { mime })
    }

    #[must_use]
    pub const fn mime(&self) -> &'static str {
        self.mime
    }

    /// The type to store and show for a file of a message of that kind, given the type that was said. Pictures, recordings, videos and
    /// stickers have to be what they are called, since they may be shown inline. A document may be anything: it is never shown inline.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn of_file(kind: MediaKind, declared: Option<&str>, head: &[u8]) -> Result<String, Mismatch> {
        let declared = declared.and_then(plain_mime);
        let recognised = Self::recognise(head).map(|found| found.mime);
        if kind == MediaKind::Document {
            return Ok(match (recognised, declared) {
                (Some(found), Some(declared)) if CONTAINERS.contains(&found) && !is_inline(&declared) => declared,
                (Some(found), _) => found.to_owned(),
                // What browsers would show is shown as such only if the bytes say so.
                (None, Some(declared)) if !is_inline(&declared) => declared,
                (None, _) => "application/octet-stream".to_owned(),
            });
        }
        let found = recognised.ok_or(Mismatch)?;
        let shown = match kind {
            MediaKind::Image => Some(found).filter(|found| found.starts_with("image/")),
            MediaKind::Sticker => Some(found).filter(|found| *found == "image/webp"),
            MediaKind::Video => Some(found).filter(|found| found.starts_with("video/")),
            MediaKind::Audio => match found {
                // The container says that it has a track, not which.
                "video/mp4" | "video/3gpp" | "video/quicktime" => Some("audio/mp4"),
                "video/webm" => Some("audio/webm"),
                found => Some(found).filter(|found| found.starts_with("audio/")),
            },
            MediaKind::Document => None,
        };
        let shown = shown.ok_or(Mismatch)?;
        let family = |mime: &str| mime.split('/').next().map(str::to_owned);
        match declared {
            // A name of another family, as `video/mp4` for a picture; names of one family differ in spelling (`audio/x-m4a`).
            Some(declared) if family(&declared) != family(shown) && declared != "application/octet-stream" => {
                Err(Mismatch)
            }
            _ => Ok(shown.to_owned()),
        }
    }

    /// Whether a stored file of that type may be shown by a browser as it is, without running anything in it.
    #[must_use]
    pub fn is_inline(stored: &str) -> bool {
        is_inline(stored)
    }
}

fn is_inline(mime: &str) -> bool {
    INLINE.contains(&mime)
}

/// `type/subtype` in small letters, without parameters; `None` if it is none.
fn plain_mime(text: &str) -> Option<String> {
    let mime = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        (1..=100).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let (kind, subtype) = mime.split_once('/')?;
    (is_token(kind) && is_token(subtype)).then(|| mime.clone())
}

/// ISO base media files (ISO/IEC 14496-12): `ftyp` and a brand. The many brands of MP4 are not told apart.
fn iso_media(head: &[u8]) -> Option<&'static str> {
    let brand = head.get(4..)?.strip_prefix(b"ftyp")?.get(..4)?;
    match brand {
        b"qt  " => Some("video/quicktime"),
        b"M4A " | b"M4B " => Some("audio/mp4"),
        // Pictures.
        b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" | b"avif" | b"avis" => None,
        brand if brand.starts_with(b"3g") => Some("video/3gpp"),
        _ => Some("video/mp4"),
    }
}

/// A frame of MPEG audio (ISO/IEC 11172-3): eleven bits of synchronisation, then version and layer. Layer 0 is AAC in ADTS.
fn mpeg_audio(head: &[u8]) -> Option<&'static str> {
    let [0xff, second, third, ..] = head else { return None };
    if second & 0xe0 != 0xe0 {
        return None;
    }
    let (version, layer) = (second >> 3 & 0b11, second >> 1 & 0b11);
    match layer {
        0 if second & 0xf0 == 0xf0 => Some("audio/aac"),
        1..=3 if version != 1 && third >> 4 != 0xf => Some("audio/mpeg"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
    const OGG: &[u8] = b"OggS\0\x02\0\0";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0";
    const PDF: &[u8] = b"%PDF-1.7\n";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";
    const HTML: &[u8] = b"<html><script>alert(1)</script>";
    const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";

    fn stored(kind: MediaKind, declared: &str, head: &[u8]) -> Result<String, Mismatch> {
        FileType::of_file(kind, Some(declared), head)
    }

    #[test]
    fn file_is_what_its_bytes_say() {
        use MediaKind::{Audio, Document, Image, Sticker, Video};
        for (kind, declared, head, shown) in [
            (Image, "image/jpeg", PNG, "image/png"),
            (Image, "image/jpeg", JPEG, "image/jpeg"),
            (Sticker, "image/webp", WEBP, "image/webp"),
            (Audio, "audio/ogg; codecs=opus", OGG, "audio/ogg"),
            (Audio, "audio/mp4", MP4, "audio/mp4"),
            (Audio, "audio/mpeg", b"\xff\xfb\x90\x00", "audio/mpeg"),
            (Audio, "audio/mpeg", b"\xff\xfa\x90\x00", "audio/mpeg"),
            (Audio, "audio/aac", b"\xff\xf1\x50\x80", "audio/aac"),
            (Video, "video/mp4", MP4, "video/mp4"),
            (Video, "video/3gpp", b"\0\0\0\x18ftyp3gp5\0\0\x02\0", "video/3gpp"),
            (Document, "application/pdf", PDF, "application/pdf"),
            (
                Document,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                ZIP,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (Document, "application/pdf", HTML, "text/html"),
            (Document, "text/plain; charset=utf-8", b"Hello", "text/plain"),
            (Document, "image/png", b"Hello", "application/octet-stream"),
            (Document, "../../x", b"Hello", "application/octet-stream"),
            (Document, "image/svg+xml", SVG, "image/svg+xml"),
            (Document, "image/png", PNG, "image/png"),
            (Document, "image/png", ZIP, "application/zip"),
        ] {
            assert_eq!(stored(kind, declared, head).as_deref(), Ok(shown), "{declared}");
        }
    }

    #[test]
    fn file_that_is_not_what_it_is_called_is_refused() {
        use MediaKind::{Audio, Image, Sticker, Video};
        for (kind, declared, head) in [
            (Image, "image/jpeg", HTML),
            (Image, "image/svg+xml", SVG),
            (Image, "image/jpeg", PDF),
            (Image, "image/jpeg", MP4),
            (Image, "image/jpeg", b"".as_slice()),
            (Image, "video/mp4", PNG),
            (Sticker, "image/webp", PNG),
            (Audio, "audio/ogg", JPEG),
            (Video, "video/mp4", OGG),
            (Video, "video/mp4", b"{\"url\":\"https://lookaside.fbsbx.com\"}"),
        ] {
            assert_eq!(stored(kind, declared, head), Err(Mismatch), "{kind:?} {declared}");
        }
    }

    #[test]
    fn active_content_is_never_inline() {
        for mime in ["image/svg+xml", "text/html", "application/pdf", "text/xml", "application/octet-stream"] {
            assert!(!FileType::is_inline(mime), "{mime}");
        }
        for head in [HTML, SVG, PDF, ZIP] {
            assert!(FileType::recognise(head).is_none_or(|found| !is_inline(found.mime())));
        }
    }
}
