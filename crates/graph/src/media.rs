use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use media::{ByteSource, MediaApi, MediaApiError, MediaDescription, NewUpload, SourceError};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::GraphClient;
use crate::answer::{Answer, CallFailure, describe};

/// Where Meta keeps files, beside the host of the Graph API itself. Exact names: a suffix could be of another company.
const HOSTS: &[&str] = &["graph.facebook.com", "lookaside.fbsbx.com"];
/// Of an upload, from its start to the end of the answer: 100 MiB at 3 Mbit/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
struct DescriptionBody {
    url: String,
    mime_type: Option<String>,
    sha256: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    file_size: Option<u64>,
}

#[derive(Deserialize)]
struct IdBody {
    id: String,
}

#[derive(Deserialize)]
struct HandleBody {
    h: String,
}

/// Meta writes the size in either form.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Number(u64),
        Text(String),
        Other(IgnoredAny),
    }
    Ok(match Size::deserialize(deserializer)? {
        Size::Number(size) => Some(size),
        Size::Text(text) => text.trim().parse().ok(),
        Size::Other(_) => None,
    })
}

#[async_trait]
impl MediaApi for GraphClient {
    async fn describe(
        &self,
        token: &SecretString,
        number: &str,
        media: &str,
    ) -> Result<MediaDescription, MediaApiError> {
        let mut url = self.url(&[media]);
        url.query_pairs_mut().append_pair("phone_number_id", number);
        let answer = self.call(self.get_request(url, token), token).await.map_err(failure)?;
        let body: DescriptionBody = answer.json().map_err(failure)?;
        Ok(MediaDescription { url: body.url, mime_type: body.mime_type, sha256: body.sha256, size: body.file_size })
    }

    async fn fetch(&self, token: &SecretString, url: &str) -> Result<Box<dyn ByteSource>, MediaApiError> {
        let url = self.meta_address(url).ok_or(MediaApiError::ForeignAddress)?;
        let request = self.files.get(url).bearer_auth(token.expose_secret());
        let response = request.send().await.map_err(|error| failure(CallFailure::of_request(error)))?;
        match response.status() {
            StatusCode::OK => Ok(Box::new(ResponseBytes { size: response.content_length(), response })),
            status if status.is_redirection() => Err(MediaApiError::ForeignAddress),
            status => match Answer::read(response, token).await.and_then(|answer| answer.json::<IgnoredAny>()) {
                Err(CallFailure::Refused(error)) => Err(MediaApiError::Refused(error)),
                _ => Err(MediaApiError::Status(status.as_u16())),
            },
        }
    }

    async fn upload(
        &self,
        token: &SecretString,
        number: &str,
        file: &NewUpload,
        bytes: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError> {
        let (body, broken) = stream(bytes);
        let part = Part::stream_with_length(body, file.size).file_name(file.filename.clone());
        let part = part.mime_str(&file.mime_type).map_err(|error| failure(CallFailure::of_request(error)))?;
        let form =
            Form::new().text("messaging_product", "whatsapp").text("type", file.mime_type.clone()).part("file", part);
        let request = self.post_request(self.url(&[number, "media"]), token).timeout(UPLOAD_TIMEOUT).multipart(form);
        let answer = self.call(request, token).await.map_err(|error| broken.or(error))?;
        Ok(answer.json::<IdBody>().map_err(failure)?.id)
    }

    async fn delete(&self, token: &SecretString, number: &str, media: &str) -> Result<(), MediaApiError> {
        let mut url = self.url(&[media]);
        url.query_pairs_mut().append_pair("phone_number_id", number);
        let answer = self.call(self.delete_request(url, token), token).await.map_err(failure)?;
        match answer.json::<IgnoredAny>() {
            // Meta says with this that there is none, or that it is not the caller's.
            Err(CallFailure::Refused(error)) if error.code == Some(100) && error.subcode == Some(33) => Ok(()),
            Err(error) => Err(failure(error)),
            Ok(_) => Ok(()),
        }
    }

    async fn upload_example(
        &self,
        token: &SecretString,
        app: &str,
        file: &NewUpload,
        bytes: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError> {
        let mut url = self.url(&[app, "uploads"]);
        url.query_pairs_mut()
            .append_pair("file_name", &file.filename)
            .append_pair("file_length", &file.size.to_string())
            .append_pair("file_type", &file.mime_type);
        let begun = self.call(self.post_request(url, token), token).await.map_err(failure)?;
        let session = begun.json::<IdBody>().map_err(failure)?.id;
        // The id may have a query: `upload:MTph?sig=AR`.
        let (path, query) =
            session.split_once('?').map_or((session.as_str(), None), |(path, query)| (path, Some(query)));
        let mut url = self.url(&[path]);
        url.set_query(query);
        let (body, broken) = stream(bytes);
        let mut authorization = HeaderValue::try_from(format!("OAuth {}", token.expose_secret()))
            .map_err(|_| MediaApiError::Silent("the token cannot be a header".to_owned()))?;
        authorization.set_sensitive(true);
        let request = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header("file_offset", "0")
            .header(CONTENT_LENGTH, file.size)
            .timeout(UPLOAD_TIMEOUT)
            .body(body);
        let answer = self.call(request, token).await.map_err(|error| broken.or(error))?;
        Ok(answer.json::<HandleBody>().map_err(failure)?.h)
    }
}

impl GraphClient {
    /// The token goes to Meta's own hosts only, and only encrypted, unless the Graph API itself is configured without.
    fn meta_address(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let is_meta = url.scheme() == "https" && url.port().is_none() && HOSTS.contains(&url.host_str()?);
        let own = &self.endpoint.url;
        let is_own = url.host_str() == own.host_str() && (url.scheme() == own.scheme() || url.scheme() == "https");
        (is_meta || is_own).then_some(url)
    }
}

fn failure(failure: CallFailure) -> MediaApiError {
    match failure {
        CallFailure::Refused(error) => MediaApiError::Refused(error),
        CallFailure::NotSent(reason) | CallFailure::Unclear { reason, .. } => MediaApiError::Silent(reason),
    }
}

/// The body of an answer, as it comes.
struct ResponseBytes {
    size: Option<u64>,
    response: Response,
}

#[async_trait]
impl ByteSource for ResponseBytes {
    fn size(&self) -> Option<u64> {
        self.size
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.response.chunk().await.map_err(|error| SourceError(describe(error)))
    }
}

/// Why the bytes of a body broke off, if they did: a call then fails for that reason.
#[derive(Clone, Default)]
struct Broken(Arc<Mutex<Option<SourceError>>>);

impl Broken {
    fn or(&self, other: CallFailure) -> MediaApiError {
        let broken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        broken.map_or_else(|| failure(other), MediaApiError::Source)
    }
}

/// A body that is sent piece by piece.
fn stream(bytes: Box<dyn ByteSource>) -> (Body, Broken) {
    let broken = Broken::default();
    let noted = broken.clone();
    let pieces = futures_util::stream::unfold(Some(bytes), move |bytes| {
        let noted = noted.clone();
        async move {
            let mut bytes = bytes?;
            match bytes.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(bytes))),
                Ok(None) => None,
                Err(error) => {
                    *noted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                    Some((Err(error), None))
                }
            }
        }
    });
    (Body::wrap_stream(pieces), broken)
}

#[cfg(test)]
mod tests;
