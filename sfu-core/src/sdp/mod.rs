//! Offer and answer (RFC 3264, RFC 9429) for an SFU that always answers.
//!
//! [`read_offer`] reduces a session description to what the engine can do; [`write_answer`] says
//! what it does. What an [`OfferedSection`](crate::media::session::OfferedSection) holds of codecs,
//! feedback, header extensions and rids is exactly what an answer to it agrees on, so the rooms
//! need no third value for "negotiated".
//!
//! Deliberately absent: offers of our own, trickled candidates, session descriptions without
//! BUNDLE or rtcp-mux, SDES keys, FEC.

mod answer;
mod data;
mod encoding;
mod extmap;
mod fmtp;
mod offer;
mod payload;
mod section;
#[cfg(test)]
mod tests;

pub use answer::write_answer;
pub use offer::read_offer;

use rtc_sdp::description::common::Attribute;

/// The values of every `a=<key>:<value>` line, in order; an attribute without one gives "".
fn values<'a>(attributes: &'a [Attribute], key: &str) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |attribute| attribute.key == key)
        .map(|attribute| attribute.value.as_deref().unwrap_or_default())
}

/// The first `a=<key>` line's value.
fn value<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    values(attributes, key).next()
}

/// RFC 8866 section 9: `token-char`. Nothing that passes can end a line or a word of an answer.
fn is_token(text: &str) -> bool {
    let is_token_char = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&c);
    !text.is_empty() && text.bytes().all(is_token_char)
}

/// At most 40 characters of a hostile text, for an error that reaches the client.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
