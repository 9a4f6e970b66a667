//! Media files: those of customers, and those that businesses uploaded.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::clock;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long an address of a file may be used.
const ADDRESS_LIFE_MS: i64 = 5 * 60 * 1000;

/// A file that Meta has.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MediaFile {
    pub(crate) id: String,
    #[serde(serialize_with = "text")]
    pub(crate) phone_number_id: Arc<str>,
    pub(crate) mime_type: String,
    pub(crate) filename: Option<String>,
    /// Hexadecimal.
    pub(crate) sha256: String,
    pub(crate) file_size: u64,
    pub(crate) from_business: bool,
    pub(crate) stored_at: String,
    pub(crate) expires_at_ms: i64,
    /// How many messages of the business named it.
    pub(crate) sent: u64,
    #[serde(skip)]
    pub(crate) bytes: Bytes,
}

fn text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl MediaFile {
    /// As webhooks have it: base64.
    pub(crate) fn sha256_base64(&self) -> String {
        STANDARD.encode(digest(&SHA256, &self.bytes))
    }
}

/// A file to keep.
#[derive(Debug)]
pub(crate) struct NewMedia {
    pub(crate) id: String,
    pub(crate) phone_number_id: Arc<str>,
    pub(crate) mime_type: String,
    pub(crate) filename: Option<String>,
    pub(crate) from_business: bool,
    pub(crate) bytes: Bytes,
}

/// An upload in parts, for the example of a template.
#[derive(Clone, Debug)]
pub(crate) struct UploadSession {
    pub(crate) token: String,
    pub(crate) mime_type: String,
    pub(crate) length: usize,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct MediaFiles {
    files: HashMap<String, MediaFile>,
    /// Which file a secret of an address names, and until when.
    addresses: HashMap<String, (String, i64)>,
    pub(crate) sessions: HashMap<String, UploadSession>,
    /// Handles of uploads that are complete, with the type of the file.
    pub(crate) handles: HashMap<String, String>,
}

impl MediaFiles {
    /// A customer's file lives 7 days, one of a business 30.
    pub(crate) fn add(&mut self, new: NewMedia, now_ms: i64) -> MediaFile {
        let file = MediaFile {
            sha256: hex::encode(digest(&SHA256, &new.bytes)),
            file_size: new.bytes.len() as u64,
            stored_at: clock::text(now_ms),
            expires_at_ms: now_ms + if new.from_business { 30 * DAY_MS } else { 7 * DAY_MS },
            sent: 0,
            id: new.id,
            phone_number_id: new.phone_number_id,
            mime_type: new.mime_type,
            filename: new.filename,
            from_business: new.from_business,
            bytes: new.bytes,
        };
        self.files.insert(file.id.clone(), file.clone());
        file
    }

    /// A file that is still there.
    pub(crate) fn get(&self, id: &str, now_ms: i64) -> Option<&MediaFile> {
        self.files.get(id).filter(|file| file.expires_at_ms > now_ms)
    }

    /// A message names the file.
    pub(crate) fn count_sent(&mut self, id: &str) {
        if let Some(file) = self.files.get_mut(id) {
            file.sent += 1;
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<MediaFile> {
        self.files.remove(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &MediaFile> {
        self.files.values()
    }

    /// Keeps the secret of an address.
    pub(crate) fn open_address(&mut self, secret: String, id: &str, now_ms: i64) {
        self.addresses.retain(|_, (_, until)| *until > now_ms);
        self.addresses.insert(secret, (id.to_owned(), now_ms + ADDRESS_LIFE_MS));
    }

    /// The file of an address that is not expired.
    pub(crate) fn at_address(&self, secret: &str, now_ms: i64) -> Option<&MediaFile> {
        let (id, until) = self.addresses.get(secret)?;
        if *until > now_ms { self.get(id, now_ms) } else { None }
    }
}

/// A file of the kind, for customers who send one without bytes.
pub(crate) fn sample(kind: &str) -> (&'static str, Bytes) {
    let (mime_type, encoded): (_, &[u8]) = match kind {
        "image" => (
            "image/jpeg",
            b"/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=",
        ),
        "sticker" => ("image/webp", b"UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="),
        "video" => return ("video/mp4", Bytes::from_static(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat")),
        "audio" => {
            let page = b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
            return ("audio/ogg; codecs=opus", Bytes::from_static(page));
        }
        _ => return ("application/pdf", Bytes::from_static(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\ntrailer<</Root 1 0 R>>\n%%EOF\n")),
    };
    (mime_type, Bytes::from(STANDARD.decode(encoded).unwrap_or_default()))
}

/// The largest file of a type that a business may upload, in bytes; `None` for types that Meta does not take.
pub(crate) fn upload_limit(mime_type: &str) -> Option<u64> {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "image/jpeg" | "image/png" => Some(5 << 20),
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "video/mp4" | "video/3gpp" => {
            Some(16 << 20)
        }
        "image/webp" => Some(500 << 10),
        "text/plain"
        | "application/pdf"
        | "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        | "application/vnd.openxmlformats-officedocument.presentationml.presentation" => Some(100 << 20),
        _ => None,
    }
}

/// Whether a file of the type can be sent as this kind of message.
pub(crate) fn fits(kind: &str, mime_type: &str) -> bool {
    match kind {
        "image" => matches!(mime_type, "image/jpeg" | "image/png"),
        "sticker" => mime_type == "image/webp",
        "audio" => mime_type.starts_with("audio/"),
        "video" => mime_type.starts_with("video/"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(files: &mut MediaFiles, from_business: bool) -> MediaFile {
        let new = NewMedia {
            id: "7".to_owned(),
            phone_number_id: "1".into(),
            mime_type: "text/plain".to_owned(),
            filename: None,
            from_business,
            bytes: Bytes::from_static(b"abc"),
        };
        files.add(new, 0)
    }

    #[test]
    fn file_of_a_customer_lives_seven_days() {
        let mut files = MediaFiles::default();
        file(&mut files, false);
        assert!(files.get("7", 7 * DAY_MS - 1).is_some());
        assert!(files.get("7", 7 * DAY_MS).is_none());
        file(&mut files, true);
        assert!(files.get("7", 30 * DAY_MS - 1).is_some());
    }

    #[test]
    fn address_ends_after_five_minutes() {
        let mut files = MediaFiles::default();
        file(&mut files, false);
        files.open_address("secret".to_owned(), "7", 0);
        assert!(files.at_address("secret", ADDRESS_LIFE_MS - 1).is_some());
        assert!(files.at_address("secret", ADDRESS_LIFE_MS).is_none());
        assert!(files.at_address("other", 0).is_none());
    }

    #[test]
    fn samples_are_not_empty() {
        for kind in ["image", "sticker", "video", "audio", "document"] {
            let (mime_type, bytes) = sample(kind);
            assert!(bytes.len() > 20 && fits(kind, mime_type), "{kind}");
        }
    }
}
