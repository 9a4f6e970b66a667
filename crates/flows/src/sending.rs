//! Sending: what people want to be sent, and the work of senders.

mod bell;
mod change_send;
mod destinations;
mod ports;
mod prepare_send;
mod read_sends;
mod send_about_message;
mod send_request;
mod store_sends;
mod work_number;

pub use bell::SendBell;
pub use change_send::{
    ChangeSendError, cancel_message, change_message, dismiss_message, resend_message, send_to_change,
};
pub use ports::{SendFactsTx, SendMessageTx, SenderTx, StoreSendsTx};
pub use prepare_send::{MessageRequest, Quoted, SendMessageError, SendTimes};
pub use read_sends::{OutboundMessage, attempts, outbound_message, send_error, with_sends};
pub use send_about_message::{AboutMessageError, mark_read, react, show_typing};
pub use send_request::{Destination, Recipient, RenderMessage, SendAnswer, SendRequest, SendStore, StoreSendError};
pub use store_sends::store_sends;
pub use work_number::{LeasedNumber, NumberTurn, Settlement, StartedSend, recover_number, settle_number, take_turn};
