//! Sending: what people want to be sent, and the work of senders.

mod bell;
mod change_send;
mod ports;
mod read_sends;
mod send_about_message;
mod send_message;
mod work_number;

pub use bell::SendBell;
pub use change_send::{ChangeSendError, cancel_message, change_message, dismiss_message, resend_message};
pub use ports::{SendMessageTx, SenderTx};
pub use read_sends::{OutboundMessage, attempts, outbound_message, with_sends};
pub use send_about_message::{AboutMessageError, mark_read, react, show_typing};
pub use send_message::{MessageRequest, SendMessageError, SendTimes, send_message};
pub use work_number::{LeasedNumber, NumberTurn, Settlement, StartedSend, recover_number, settle_number, take_turn};
