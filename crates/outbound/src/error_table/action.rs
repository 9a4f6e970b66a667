use strum::{EnumString, IntoStaticStr, VariantArray};

/// What happens to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Action {
    /// It was surely not sent: it goes again after the wait of the pause. This is no failed attempt.
    Requeue,
    /// It was surely not sent: it stays queued until the pause is lifted.
    Hold,
    /// It may have been sent: it must not go again by itself.
    Unknown,
    Fail,
    /// It was surely not sent: Meta could not fetch the file. It goes again once the file was uploaded anew.
    UploadAgain,
}
