//! The seam to the door that knows what data messages look like.

use sfu_core::id::DataLabel;

use super::DataDrop;
use crate::error::ApiError;
use crate::rooms::limits;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// In order, and repeated until it arrives.
    Reliable,
    /// Once, and out of order if it happens so.
    Lossy,
}

/// A message from the server, without a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerData {
    /// The application's bytes.
    pub payload: Vec<u8>,
    /// Sent in order and repeated until it arrives; otherwise sent once.
    pub reliable: bool,
    /// What it is about: applications tell messages apart by it.
    pub topic: Option<String>,
    /// To whom; empty: to everybody in the room. Identities that nobody has are ignored.
    pub destination_identities: Vec<String>,
}

/// What the rooms need to know of a participant's message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataHeader {
    /// The sender's own count of its reliable messages, from 1; 0: not counted.
    pub sequence: u32,
    /// To whom, by identity. If [`DataHeader::sids`] is empty too: to everybody.
    pub identities: Vec<String>,
    /// To whom, by sid.
    pub sids: Vec<String>,
    /// The identity whose words it claims to hold: only the sender's own may be claimed.
    pub speaks_for: Option<String>,
}

/// As whom the others know the sender of a message; empty names if they do not know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSender<'a> {
    /// Its session.
    pub sid: &'a str,
    /// The application's own name of it.
    pub identity: &'a str,
}

/// How a door's clients write data messages. Pure work, on bytes that a stranger chose.
pub trait DataCodec: Send + Sync + 'static {
    /// The label of the channel for messages that travel so.
    fn label(&self, delivery: Delivery) -> DataLabel;

    /// Reads what the rooms need to know.
    ///
    /// # Errors
    /// Why the message goes no further.
    fn read(&self, message: &[u8]) -> Result<DataHeader, DataDrop>;

    /// The message as its receivers get it: what it said of its sender is replaced. Only for a
    /// message that was [read](DataCodec::read).
    fn forward(&self, message: &[u8], delivery: Delivery, sender: DataSender<'_>) -> Vec<u8>;

    /// A message of the server's own. To whom it goes is no part of it.
    fn compose(&self, data: ServerData) -> Vec<u8>;
}

impl ServerData {
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let topic = self.topic.as_ref().map_or(0, String::len);
        for (field, got, most) in [
            ("payload", self.payload.len(), limits::MAX_SERVER_DATA),
            ("topic", topic, limits::MAX_TOPIC),
        ] {
            if got > most {
                let text = format!("{got} bytes, at most {most}");
                return Err(ApiError::invalid(field, text));
            }
        }
        let most = limits::MAX_DATA_DESTINATIONS;
        if self.destination_identities.len() > most {
            let text = format!("at most {most}");
            return Err(ApiError::invalid("destination_identities", text));
        }
        Ok(())
    }
}
