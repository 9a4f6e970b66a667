use async_trait::async_trait;
use bytes::Bytes;
use kernel::MediaKind;
use secrecy::SecretString;
use whatsapp::GraphError;

/// Bytes that arrive piece by piece.
#[async_trait]
pub trait ByteSource: Send {
    /// How many there are, if that was said.
    fn size(&self) -> Option<u64>;
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError>;
}

/// The bytes broke off. The text has no secret and no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes broke off: {0}")]
pub struct SourceError(pub String);

/// Meta's Graph API, as far as it takes and gives files. Each call is made once. Ids of files belong to a number: `number` is Meta's id of it.
#[async_trait]
pub trait MediaApi: Send + Sync {
    /// What Meta says of a file, with an address that is valid for five minutes.
    async fn describe(
        &self,
        token: &SecretString,
        number: &str,
        media: &str,
    ) -> Result<MediaDescription, MediaApiError>;
    /// The bytes at an address from [`MediaApi::describe`]. The token leaves only to Meta's hosts, and no redirect is followed.
    async fn fetch(&self, token: &SecretString, url: &str) -> Result<Box<dyn ByteSource>, MediaApiError>;
    /// Gives Meta a file to be sent. Returns Meta's id of it.
    async fn upload(
        &self,
        token: &SecretString,
        number: &str,
        file: &NewUpload,
        bytes: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError>;
    /// Deletes a file at Meta; that there is none is no error.
    async fn delete(&self, token: &SecretString, number: &str, media: &str) -> Result<(), MediaApiError>;
    /// Gives Meta the example of a template's header, by a resumable upload of the Meta app. Returns its handle.
    async fn upload_example(
        &self,
        token: &SecretString,
        app: &str,
        file: &NewUpload,
        bytes: Box<dyn ByteSource>,
    ) -> Result<String, MediaApiError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    pub url: String,
    pub mime_type: Option<String>,
    /// As Meta wrote it: hexadecimal or base64.
    pub sha256: Option<String>,
    pub size: Option<u64>,
}

/// A file for Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    pub kind: MediaKind,
    pub mime_type: String,
    pub filename: String,
    pub size: u64,
}

/// Why a call brought nothing. Texts have no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaApiError {
    /// An error of the Graph API.
    #[error("Meta refused: {}", .0.title)]
    Refused(Box<GraphError>),
    /// The answer at a file's address was no file.
    #[error("HTTP {0} at the address of the file")]
    Status(u16),
    /// The address is not at one of Meta's hosts, or it leads elsewhere. Nothing was sent there.
    #[error("the address is not at one of Meta's hosts")]
    ForeignAddress,
    /// No answer, or one that cannot be read.
    #[error("Meta did not answer: {0}")]
    Silent(String),
    /// The bytes to upload broke off.
    #[error(transparent)]
    Source(#[from] SourceError),
}
