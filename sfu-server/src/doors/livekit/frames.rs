//! Messages in frames, and why a socket closes in close codes.

use axum::extract::ws::Message;
use livekit_protocol::signal_request::Message as Asked;
use livekit_protocol::signal_response::Message as Told;
use livekit_protocol::{SignalRequest, SignalResponse};
use prost::Message as _;
use tokio_tungstenite::tungstenite;

use super::counters::Closing;
use crate::error::ErrorKind;

/// Normal closure (RFC 6455 section 7.4.1).
const CLOSE_NORMAL: u16 = 1000;

/// A message too big to process (RFC 6455 section 7.4.1).
const CLOSE_TOO_BIG: u16 = 1009;

/// Broken framing (RFC 6455 section 7.4.1).
const CLOSE_PROTOCOL: u16 = 1002;

impl Closing {
    pub(super) fn close_code(self) -> u16 {
        match self {
            Self::Unauthorised => ErrorKind::Unauthenticated.close_code(),
            Self::BadRequest | Self::Undecodable => ErrorKind::InvalidArgument.close_code(),
            Self::JoinRefused | Self::TooManySockets => ErrorKind::ResourceExhausted.close_code(),
            Self::TooManyMessages | Self::NotReading => ErrorKind::RateLimited.close_code(),
            Self::MessageTooLong => CLOSE_TOO_BIG,
            Self::Silent => CLOSE_PROTOCOL,
            Self::SessionEnded | Self::ClosedByClient => CLOSE_NORMAL,
        }
    }
}

/// A message as the client writes its own.
pub(super) fn encode(told: Told, json: bool) -> Message {
    let response = SignalResponse {
        message: Some(told),
    };
    if json && let Ok(text) = serde_json::to_string(&response) {
        return Message::Text(text.into());
    }
    Message::Binary(response.encode_to_vec().into())
}

/// A request in JSON. One whose kind or fields are not known is ignored, as in protobuf.
pub(super) fn read_json(text: &str) -> Result<Option<Asked>, Closing> {
    if let Ok(request) = serde_json::from_str::<SignalRequest>(text) {
        return Ok(request.message);
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(unknown) => {
            let kinds: Vec<_> = unknown.keys().take(1).collect();
            tracing::debug!(?kinds, "unknown request ignored");
            Ok(None)
        }
        Err(_) => Err(Closing::Undecodable),
    }
}

/// What a read that failed says of the client.
pub(super) fn read_fault(error: axum::Error) -> Closing {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Closing::MessageTooLong,
        Some(tungstenite::Error::Utf8(_)) => Closing::Undecodable,
        Some(tungstenite::Error::Protocol(fault)) => match fault {
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake => {
                Closing::ClosedByClient
            }
            _ => Closing::Undecodable,
        },
        _ => Closing::ClosedByClient,
    }
}
