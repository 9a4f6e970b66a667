//! Sending: what people want to be sent, and the work of senders.

mod bell;
mod change_send;
mod ports;
mod read_sends;
mod send_about_message;
mod send_message;
mod send_to;
mod work_number;

pub use bell::SendBell;
pub use change_send::{
    ChangeSendError, cancel_message, change_message, dismiss_message, resend_message, send_to_change,
};
pub use ports::{SendMessageTx, SendToTx, SenderTx};
pub use read_sends::{OutboundMessage, attempts, outbound_message, send_error, with_sends};
pub use send_about_message::{AboutMessageError, mark_read, react, show_typing};
pub use send_message::{MessageRequest, Quoted, SendMessageError, SendTimes, send_message};
pub use send_to::{Recipient, send_to};
pub use work_number::{LeasedNumber, NumberTurn, Settlement, StartedSend, recover_number, settle_number, take_turn};
