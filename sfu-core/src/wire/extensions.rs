//! RTP header extensions (RFC 8285): the elements in both forms, and the values of those that a
//! forwarder reads.

use arrayvec::ArrayVec;

use super::be16;
use crate::id::{Mid, Rid};

mod timing;
pub mod uri;

pub use timing::{
    AbsCaptureTime, abs_send_time, abs_send_time_at, abs_send_time_bytes, is_playout_delay,
    playout_delay,
};

/// The profile word of the one-byte form (RFC 8285 section 4.2).
const ONE_BYTE_PROFILE: u16 = 0xbede;

/// The profile word of the two-byte form; its low four bits are the application's (RFC 8285
/// section 4.3).
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Most elements that one written header carries. Raising it costs 24 bytes of stack a packet each;
/// lower, a stream could not carry everything that browsers negotiate today (about ten for video).
pub const MAX_ELEMENTS: usize = 16;

/// Longest value of the one-byte form, in bytes (RFC 8285 section 4.2).
const MAX_ONE_BYTE_VALUE: usize = 16;

/// The elements of a header extension, in order. Made by [`iter`].
#[derive(Clone, Debug)]
pub struct ExtensionIter<'p> {
    two_byte: bool,
    rest: &'p [u8],
}

/// Walks the elements of an extension whose `profile` word and `data` an RTP header gave.
///
/// A profile that is neither form has no elements; an element cut short ends the walk.
#[must_use]
pub const fn iter(profile: u16, data: &[u8]) -> ExtensionIter<'_> {
    let two_byte = profile & 0xfff0 == TWO_BYTE_PROFILE;
    let known = two_byte || profile == ONE_BYTE_PROFILE;
    ExtensionIter {
        two_byte,
        rest: if known { data } else { &[] },
    }
}

/// The first element with `id`, if there is one.
#[must_use]
pub fn find(profile: u16, data: &[u8], id: u8) -> Option<&[u8]> {
    iter(profile, data)
        .find(|&(element, _)| element == id)
        .map(|(_, value)| value)
}

impl<'p> ExtensionIter<'p> {
    /// Bytes of the data behind the element that came last.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// An element's id and data length, and what follows its header, by the form in use. `None`
    /// where the walk ends.
    fn element_header(&self) -> Option<(u8, usize, &'p [u8])> {
        let (&first, rest) = self.rest.split_first()?;
        if self.two_byte {
            let (&len, rest) = rest.split_first()?;
            return Some((first, usize::from(len), rest));
        }
        match first >> 4 {
            // RFC 8285 section 4.2: id 15, and id 0 that is no padding (its length is not 0), end
            // the processing of the whole extension.
            0 | 15 => None,
            id => Some((id, usize::from(first & 0x0f) + 1, rest)),
        }
    }
}

impl<'p> Iterator for ExtensionIter<'p> {
    /// The element's id and its data.
    type Item = (u8, &'p [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // RFC 8285 section 4.1: a zero byte between elements is padding, in both forms.
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let element = self
            .element_header()
            .and_then(|(id, len, rest)| Some((id, rest.split_at_checked(len)?)));
        let Some((id, (value, rest))) = element else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some((id, value))
    }
}

/// The elements of a header to write, borrowed until then.
#[derive(Clone, Debug)]
pub struct ExtensionWriter<'v> {
    elements: ArrayVec<(u8, &'v [u8]), MAX_ELEMENTS>,
    two_byte: bool,
    bytes: usize,
}

impl Default for ExtensionWriter<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'v> ExtensionWriter<'v> {
    /// No elements.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            elements: ArrayVec::new_const(),
            two_byte: false,
            bytes: 0,
        }
    }

    /// Adds an element: `id` as negotiated, 1..=255; `value` of 0..=255 bytes.
    ///
    /// An id over 14, and a value that is empty or over 16 bytes, turn the whole extension to the
    /// two-byte form (RFC 8285 section 4.1.2). A stream may change between the forms only when
    /// `extmap-allow-mixed` was negotiated.
    ///
    /// Returns false, and adds nothing, for id 0, a value that is too long, or an element more than
    /// [`MAX_ELEMENTS`].
    #[must_use = "an element that does not fit is left out"]
    pub fn push(&mut self, id: u8, value: &'v [u8]) -> bool {
        if id == 0 || value.len() > 255 || self.elements.is_full() {
            return false;
        }
        self.elements.push((id, value));
        self.bytes += value.len();
        // RFC 8285 section 4.2: four bits of id, of which 0 and 15 are taken; a length of 1 to 16.
        self.two_byte |= id > 14 || value.is_empty() || value.len() > MAX_ONE_BYTE_VALUE;
        true
    }

    /// True when there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Bytes of the extension in a header: the profile and length words, the elements, and padding
    /// to 32 bits. 0 when empty.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let element_header = if self.two_byte { 2 } else { 1 };
        4 + (self.bytes + self.elements.len() * element_header).next_multiple_of(4)
    }

    /// Writes the extension over all of `out`, which has [`Self::encoded_len`] bytes.
    pub(super) fn write(&self, out: &mut [u8]) {
        debug_assert_eq!(out.len(), self.encoded_len());
        let Some((head, mut rest)) = out.split_first_chunk_mut::<4>() else {
            return;
        };
        let profile = if self.two_byte {
            TWO_BYTE_PROFILE
        } else {
            ONE_BYTE_PROFILE
        };
        // At most 16 elements of 257 bytes: the count of words fits 16 bits by far.
        let words = (rest.len() / 4) as u16;
        head[..2].copy_from_slice(&profile.to_be_bytes());
        head[2..].copy_from_slice(&words.to_be_bytes());
        // What is left over at the end is less than a word, and most values are few bytes: calls that
        // fill and copy any number would cost more than the rest of the header.
        if let Some(last) = rest.last_chunk_mut::<4>() {
            *last = [0; 4];
        }
        for &(id, value) in &self.elements {
            let element_header = if self.two_byte { 2 } else { 1 };
            let (element, after) = rest.split_at_mut(element_header + value.len());
            if self.two_byte {
                element[0] = id;
                element[1] = value.len() as u8;
            } else {
                element[0] = id << 4 | (value.len() - 1) as u8;
            }
            put(&mut element[element_header..], value);
            rest = after;
        }
    }
}

/// Copies an element's value, which is a few bytes as a rule.
fn put(to: &mut [u8], value: &[u8]) {
    match (to, value) {
        ([a], [x]) => *a = *x,
        ([a, b], [x, y]) => (*a, *b) = (*x, *y),
        ([a, b, c], [x, y, z]) => (*a, *b, *c) = (*x, *y, *z),
        (to, value) => to.copy_from_slice(value),
    }
}

/// A client's own measure of a packet's loudness (RFC 6464).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Whether the encoder thinks it is voice; always false from one that does not tell.
    pub voice: bool,
    /// Loudness as -dBov, 0..=127: 0 is the loudest, 127 is silence.
    pub level_dbov: u8,
}

impl AudioLevel {
    /// What the element's one byte says (RFC 6464 section 3).
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self {
            // The V bit is the most significant, then 7 bits of -dBov.
            voice: byte & 0x80 != 0,
            level_dbov: byte & 0x7f,
        }
    }

    /// The element's one byte (RFC 6464 section 3).
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        (self.voice as u8) << 7 | self.level_dbov & 0x7f
    }
}

/// Reads an audio level. `None` unless the element has one byte.
#[must_use]
pub const fn audio_level(value: &[u8]) -> Option<AudioLevel> {
    let &[byte] = value else { return None };
    Some(AudioLevel::from_byte(byte))
}

/// Reads a transport-wide sequence number
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2). `None` unless there are 2 bytes.
#[must_use]
pub fn transport_sequence(value: &[u8]) -> Option<u16> {
    (value.len() == 2).then(|| be16(value, 0)).flatten()
}

/// Reads a media section's name (RFC 9143 section 15). `None` when it is empty, longer than a
/// [`Mid`], or no SDP token.
#[must_use]
pub fn mid(value: &[u8]) -> Option<Mid> {
    // RFC 9143 section 4: identification-tag = token; RFC 8866 section 9: token-char.
    token(value, |byte| {
        byte.is_ascii_graphic() && !br#""(),/:;<=>?@[\]"#.contains(&byte)
    })
}

/// Reads an encoding's name, of `rtp-stream-id` and `repaired-rtp-stream-id` alike (RFC 8852
/// section 3). `None` when it is empty, longer than a [`Rid`], or has other characters than letters,
/// digits, `-` and `_`.
#[must_use]
pub fn rid(value: &[u8]) -> Option<Rid> {
    // RFC 8851 section 10: rid-id = 1*(alpha-numeric / "-" / "_").
    token(value, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    })
}

fn token(value: &[u8], allowed: impl Fn(u8) -> bool) -> Option<Mid> {
    if value.is_empty() || !value.iter().all(|&byte| allowed(byte)) {
        return None;
    }
    Mid::from(std::str::from_utf8(value).ok()?).ok()
}

#[cfg(test)]
mod tests;
