//! A data section's own lines (RFC 8841).

use rtc_sdp::description::common::Attribute;

use super::value;
use crate::media::session::SctpParameters;

/// What a section without `a=max-message-size` takes (RFC 8841 section 6.1).
const DEFAULT_MAX_MESSAGE_SIZE: u32 = 64 * 1024;

/// The `m=` line's format (RFC 8841 section 4.4).
const FORMAT: &str = "webrtc-datachannel";

/// The peer's SCTP. `None` without the format of RFC 8841 or a port: the syntax of earlier drafts,
/// which names the port in the `m=` line, is spoken by no browser any more.
pub(super) fn read(formats: &[String], attributes: &[Attribute]) -> Option<SctpParameters> {
    if !formats.iter().any(|format| format == FORMAT) {
        return None;
    }
    let port = value(attributes, "sctp-port")?.trim().parse().ok();
    let max_message_size = match value(attributes, "max-message-size") {
        None => DEFAULT_MAX_MESSAGE_SIZE,
        // RFC 8841 section 6.1: zero is without a limit, and so is what no number holds.
        Some(text) => match text.trim().parse() {
            Ok(0) | Err(_) => u32::MAX,
            Ok(size) => size,
        },
    };
    Some(SctpParameters {
        port: port.filter(|port| *port != 0)?,
        max_message_size,
    })
}
