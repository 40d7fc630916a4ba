//! Data messages: the protocol's `DataPacket`, over the channels `_reliable` and `_lossy`.
//!
//! A packet is read for what the rooms must know and forwarded as it stands, field by field: only
//! what it says of its sender is replaced. So kinds and fields that are newer than this server
//! arrive whole. It is decoded in full all the same: what the others could not read they do not get.

use livekit_protocol as proto;
use livekit_protocol::data_packet::{Kind, Value};
use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};
use sfu_core::id::DataLabel;

use crate::rooms::{DataCodec, DataDrop, DataHeader, DataSender, Delivery, ServerData};

/// Fields of `DataPacket`.
mod packet {
    pub(super) const KIND: u32 = 1;
    pub(super) const USER: u32 = 2;
    pub(super) const SENDER_IDENTITY: u32 = 4;
    pub(super) const DESTINATIONS: u32 = 5;
    pub(super) const SEQUENCE: u32 = 16;
    pub(super) const SENDER_SID: u32 = 17;
}

/// Fields of `UserPacket`. Clients look at its sender where the packet has none.
mod user {
    pub(super) const SENDER_SID: u32 = 1;
    pub(super) const SENDER_IDENTITY: u32 = 5;
}

/// The protocol's way of writing data messages.
#[derive(Debug)]
pub(super) struct DataPackets;

impl DataCodec for DataPackets {
    fn label(&self, delivery: Delivery) -> DataLabel {
        let label = match delivery {
            Delivery::Reliable => "_reliable",
            Delivery::Lossy => "_lossy",
        };
        DataLabel::from(label).unwrap_or_default()
    }

    fn read(&self, message: &[u8]) -> Result<DataHeader, DataDrop> {
        let read = proto::DataPacket::decode(message).map_err(|_| DataDrop::Undecodable)?;
        let mut header = DataHeader {
            sequence: read.sequence,
            identities: read.destination_identities,
            ..DataHeader::default()
        };
        match read.value {
            Some(Value::User(user)) => {
                #[expect(deprecated, reason = "older clients name the receivers here")]
                let (identities, sids) = (user.destination_identities, user.destination_sids);
                if header.identities.is_empty() {
                    header.identities = identities;
                }
                header.sids = sids;
            }
            // Clients believe the first to be the server's; the second is for the server.
            #[expect(deprecated, reason = "clients of today still read it")]
            Some(Value::Speaker(_) | Value::Metrics(_)) => return Err(DataDrop::NotForwarded),
            Some(Value::Transcription(transcription)) => {
                header.speaks_for = Some(transcription.transcribed_participant_identity);
            }
            Some(_) => {}
            // A kind that is newer than this server, or nothing at all.
            None if Fields(message).any(|field| !field.is_header()) => {}
            None => return Err(DataDrop::Undecodable),
        }
        Ok(header)
    }

    fn forward(&self, message: &[u8], delivery: Delivery, sender: DataSender<'_>) -> Vec<u8> {
        let names = 2 * (sender.sid.len() + sender.identity.len());
        let mut out = Vec::with_capacity(message.len() + names + 32);
        // The channel says how it came, whatever the packet says.
        if delivery == Delivery::Lossy {
            encoding::int32::encode(packet::KIND, &Kind::Lossy.into(), &mut out);
        }
        for field in Fields(message) {
            match field.number {
                packet::KIND | packet::SENDER_IDENTITY | packet::SENDER_SID => {}
                packet::USER => forward_user(field.content, sender, &mut out),
                _ => out.extend_from_slice(field.whole),
            }
        }
        put_name(packet::SENDER_IDENTITY, sender.identity, &mut out);
        put_name(packet::SENDER_SID, sender.sid, &mut out);
        out
    }

    fn compose(&self, data: ServerData) -> Vec<u8> {
        let kind = if data.reliable {
            Kind::Reliable
        } else {
            Kind::Lossy
        };
        #[expect(deprecated, reason = "older clients read the kind here")]
        let composed = proto::DataPacket {
            kind: kind.into(),
            value: Some(Value::User(proto::UserPacket {
                payload: data.payload,
                topic: data.topic,
                ..Default::default()
            })),
            ..Default::default()
        };
        composed.encode_to_vec()
    }
}

/// The user's packet with its sender replaced.
fn forward_user(content: &[u8], sender: DataSender<'_>, out: &mut Vec<u8>) {
    let mut kept = Vec::with_capacity(content.len() + sender.sid.len() + sender.identity.len() + 8);
    for field in Fields(content) {
        if ![user::SENDER_SID, user::SENDER_IDENTITY].contains(&field.number) {
            kept.extend_from_slice(field.whole);
        }
    }
    put_name(user::SENDER_SID, sender.sid, &mut kept);
    put_name(user::SENDER_IDENTITY, sender.identity, &mut kept);
    put(packet::USER, &kept, out);
}

/// A field of text; an empty one is not written.
fn put_name(number: u32, name: &str, out: &mut Vec<u8>) {
    if !name.is_empty() {
        put(number, name.as_bytes(), out);
    }
}

/// A field of bytes or text.
fn put(number: u32, content: &[u8], out: &mut Vec<u8>) {
    encoding::encode_key(number, WireType::LengthDelimited, out);
    encoding::encode_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

/// One field as it stands in a message.
struct Field<'a> {
    number: u32,
    /// With its key.
    whole: &'a [u8],
    /// Without its key and length; empty if it has no length.
    content: &'a [u8],
}

impl Field<'_> {
    /// Whether it says how to deliver a packet, and not what is in it.
    fn is_header(&self) -> bool {
        [
            packet::KIND,
            packet::SENDER_IDENTITY,
            packet::DESTINATIONS,
            packet::SEQUENCE,
            packet::SENDER_SID,
        ]
        .contains(&self.number)
    }
}

/// The fields of a message in their order; ends early where it is broken.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.0;
        let mut rest = start;
        if !rest.has_remaining() {
            return None;
        }
        let (number, wire) = encoding::decode_key(&mut rest).ok()?;
        let mut content: &[u8] = &[];
        if wire == WireType::LengthDelimited {
            let length = encoding::decode_varint(&mut rest).ok()?;
            (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        } else {
            encoding::skip_field(wire, number, &mut rest, DecodeContext::default()).ok()?;
        }
        self.0 = rest;
        let whole = start.get(..start.len() - rest.len())?;
        Some(Field {
            number,
            whole,
            content,
        })
    }
}

#[cfg(test)]
mod tests;
