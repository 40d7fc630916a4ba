//! The lines of one answered section.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::super::extmap;
use super::super::fmtp::Fmtp;
use super::word::{Hex, Token, Words};
use super::{Answer, Use};
use crate::config::MAX_DATA_MESSAGE_LEN;
use crate::media::format::{CodecWishes, PayloadMapping};
use crate::media::session::{
    DtlsRole, LOCAL_SCTP_PORT, LocalTransport, OfferedSection, SendingSection,
};

impl Answer {
    /// RFC 3264 section 6: port 0, the formats repeated. Not in the BUNDLE group.
    pub(super) fn rejected(&mut self, offered: &OfferedSection) {
        let (media, protocol) = (&offered.media, &offered.protocol);
        self.line(format_args!(
            "m={media} 0 {protocol}{}",
            Words(&offered.formats)
        ));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        if !offered.mid.is_empty() {
            self.line(format_args!("a=mid:{}", offered.mid));
        }
        self.line(format_args!("a=inactive"));
    }

    /// The `m=` line and what every bundled section repeats.
    pub(super) fn transport(
        &mut self,
        offered: &OfferedSection,
        local: &LocalTransport,
        candidates: &[SocketAddr],
        is_tagged: bool,
        use_of: Use<'_>,
    ) {
        let mut formats = String::new();
        if let Use::Data = use_of {
            let _ = write!(formats, "{}", Words(&offered.formats));
        }
        for payload in use_of.payloads(offered) {
            let _ = write!(formats, " {}", payload.payload_type);
            if let Some(rtx) = payload.rtx {
                let _ = write!(formats, " {rtx}");
            }
        }
        let (media, protocol) = (&offered.media, &offered.protocol);
        self.line(format_args!("m={media} 9 {protocol}{formats}"));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        self.line(format_args!("a=mid:{}", offered.mid));
        self.line(format_args!("a=ice-ufrag:{}", local.ice.ufrag));
        self.line(format_args!("a=ice-pwd:{}", local.ice.pwd));
        self.line(format_args!(
            "a=fingerprint:sha-256 {}",
            Hex(&local.fingerprint.0)
        ));
        // RFC 8842 section 5.3: the role taken, which a later answer repeats.
        let setup = match local.dtls_role {
            DtlsRole::Passive => "passive",
            DtlsRole::Active => "active",
        };
        self.line(format_args!("a=setup:{setup}"));
        for (index, candidate) in candidates.iter().enumerate() {
            self.candidate(candidates, index, candidate);
        }
        if is_tagged {
            // RFC 8838 section 8.2: nothing is trickled.
            self.line(format_args!("a=end-of-candidates"));
        }
    }

    /// The lines of data channels alone: RFC 8841 sections 5 and 6. The port is ours, and the same
    /// whatever the peer's is.
    pub(super) fn data(&mut self) {
        self.line(format_args!("a=sctp-port:{LOCAL_SCTP_PORT}"));
        self.line(format_args!("a=max-message-size:{MAX_DATA_MESSAGE_LEN}"));
    }

    fn candidate(&mut self, all: &[SocketAddr], index: usize, candidate: &SocketAddr) {
        let ip = candidate.ip();
        // RFC 8445 section 5.1.1.3: host candidates of one address and protocol share a foundation.
        let foundation = 1 + all
            .iter()
            .position(|other| other.ip() == ip)
            .unwrap_or(index);
        let priority = priority(index);
        let port = candidate.port();
        self.line(format_args!(
            "a=candidate:{foundation} 1 udp {priority} {ip} {port} typ host"
        ));
    }

    pub(super) fn media(&mut self, offered: &OfferedSection, use_of: Use<'_>) {
        self.line(format_args!("a=rtcp-mux"));
        if offered.rtcp_rsize {
            self.line(format_args!("a=rtcp-rsize"));
        }
        if offered.extmap_allow_mixed {
            self.line(format_args!("a=extmap-allow-mixed"));
        }
        let extensions = match use_of {
            Use::Send(_) => offered.extensions.of_a_receiver(),
            Use::Inactive | Use::Receive(_) | Use::Data => offered.extensions,
        };
        for (id, direction, uri) in extmap::answered(&extensions) {
            self.line(format_args!("a=extmap:{id}{direction} {uri}"));
        }
        let direction = match use_of {
            Use::Inactive | Use::Data => "inactive",
            Use::Receive(_) => "recvonly",
            Use::Send(_) => "sendonly",
        };
        self.line(format_args!("a={direction}"));
        if let (Use::Send(_), true) = (&use_of, offered.congestion_feedback) {
            // RFC 8888 section 6. What is received is told of by transport-wide feedback only.
            self.line(format_args!("a=rtcp-fb:* ack ccfb"));
        }
        for payload in use_of.payloads(offered) {
            self.payload(payload, use_of.wishes());
        }
        match use_of {
            Use::Send(sending) => self.sending(sending),
            Use::Inactive | Use::Receive(_) | Use::Data => self.simulcast(offered),
        }
    }

    fn payload(&mut self, payload: &PayloadMapping, wishes: Option<&CodecWishes>) {
        let number = payload.payload_type;
        let (name, clock_rate) = (payload.codec.name(), payload.codec.clock_rate());
        match payload.codec.channels() {
            Some(channels) => {
                self.line(format_args!(
                    "a=rtpmap:{number} {name}/{clock_rate}/{channels}"
                ));
            }
            None => self.line(format_args!("a=rtpmap:{number} {name}/{clock_rate}")),
        }
        let feedback = [
            (payload.transport_cc, "transport-cc"),
            (payload.fir, "ccm fir"),
            (payload.nack, "nack"),
            (payload.pli, "nack pli"),
        ];
        for (_, name) in feedback.into_iter().filter(|&(agreed, _)| agreed) {
            self.line(format_args!("a=rtcp-fb:{number} {name}"));
        }
        if let Some(value) = Fmtp(payload.parameters, wishes).value(payload.codec) {
            self.line(format_args!("a=fmtp:{number} {value}"));
        }
        if let Some(rtx) = payload.rtx {
            // RFC 4588 section 8.1.
            self.line(format_args!("a=rtpmap:{rtx} rtx/{clock_rate}"));
            self.line(format_args!("a=fmtp:{rtx} apt={number}"));
        }
    }

    /// Accepts the offered encodings, in the offered order (RFC 8853 section 5.3.2).
    ///
    /// An idle section does so too: a browser drops for good the encodings that an answer leaves
    /// out, and the section may carry them later.
    fn simulcast(&mut self, offered: &OfferedSection) {
        if offered.rids.is_empty() {
            return;
        }
        for rid in &offered.rids {
            self.line(format_args!("a=rid:{rid} recv"));
        }
        let list = offered.rids.as_slice().join(";");
        self.line(format_args!("a=simulcast:recv {list}"));
    }

    fn sending(&mut self, sending: &SendingSection) {
        let stream = Token(&sending.stream_label);
        let track = Token(&sending.track_label);
        // RFC 8830 section 2.
        self.line(format_args!("a=msid:{stream} {track}"));
        let (ssrc, cname) = (sending.ssrc, Token(&sending.cname));
        let repaired = sending.payloads.iter().any(|payload| payload.rtx.is_some());
        let rtx_ssrc = sending.rtx_ssrc.filter(|_| repaired);
        if let Some(rtx) = rtx_ssrc {
            // RFC 5576 section 4.2, with the semantics of RFC 4588.
            self.line(format_args!("a=ssrc-group:FID {ssrc} {rtx}"));
        }
        self.line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
        if let Some(rtx) = rtx_ssrc {
            self.line(format_args!("a=ssrc:{rtx} cname:{cname}"));
        }
    }
}

/// RFC 8445 section 5.1.2.1 for a host candidate of component 1: type preference 126, and local
/// preferences that fall along the list.
fn priority(index: usize) -> u32 {
    let local = u16::MAX - u16::try_from(index).unwrap_or(u16::MAX);
    (126 << 24) + (u32::from(local) << 8) + 255
}
