//! What passes between SRTP and the application, looked at where `webrtc` lets one in.
//!
//! Packets are counted here and end here: they have passed ICE, DTLS, SRTP and the crate's NACK,
//! TWCC and report generators, and its queues towards an application, which drop on overflow, would
//! only be mistaken for the server's loss.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::record::Record;
use crate::stamp::Clock;
use crate::statistics::{Arrival, Kind};

/// Behind every interceptor of the crate, so that each of them sees all packets.
pub(crate) const SLOT: Slot = Slot::Custom(20_000);

/// Counts what comes, and notes when a keyframe is asked for.
pub(crate) struct Tap {
    clock: Clock,
    record: Arc<Record>,
    media_came: bool,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl Tap {
    /// Writes into `record`.
    pub(crate) fn new(clock: Clock, record: Arc<Record>) -> Self {
        Self {
            clock,
            record,
            media_came: false,
            inbound: VecDeque::new(),
            outbound: VecDeque::new(),
        }
    }

    fn media(&mut self, at: Instant, packet: &rtc::rtp::Packet) {
        let header = &packet.header;
        self.record.intake.received().take(Arrival {
            at: self.clock.at(at),
            ssrc: header.ssrc,
            sequence: header.sequence_number,
            marker: header.marker,
            payload: &packet.payload,
        });
        if !self.media_came && !packet.payload.is_empty() {
            self.media_came = true;
            self.record.intake.media_came();
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match &message.message.packet {
            Packet::Rtp(packet) => self.media(message.now, packet),
            Packet::Rtcp(packets) => {
                let wanted = packets.iter().any(|packet| {
                    let packet = packet.as_any();
                    packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
                });
                if wanted {
                    self.record.intake.want_keyframe();
                }
                self.inbound.push_back(message);
            }
            _ => self.inbound.push_back(message),
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        let kind = if stream.mime_type.starts_with("audio/") {
            Kind::Audio
        } else {
            Kind::Video
        };
        let mut received = self.record.intake.received();
        received.announce(kind, stream.ssrc, stream.ssrc_rtx);
    }

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
