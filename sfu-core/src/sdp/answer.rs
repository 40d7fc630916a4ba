//! An answer (RFC 9429 section 5.3), section by section in the offer's order.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use super::extmap;
use crate::media::codec::Codec;
use crate::media::session::{
    AnsweredSection, DtlsRole, LocalTransport, OfferedSection, OfferedSession, PayloadMapping,
    SectionKind, SendingSection,
};

/// Writes the answer to `offer`.
///
/// `sections` are in the offer's order; a missing one is rejected. So is one that cannot be
/// otherwise: stopped, not media, without a codec that both know, or without the codec to send. A
/// section whose direction the offer does not allow (RFC 3264 section 6.1) is written inactive.
///
/// `session_version` must grow by one with each differing answer of the same peer connection.
#[must_use]
pub fn write_answer(
    offer: &OfferedSession,
    local: &LocalTransport,
    sections: &[AnsweredSection],
    session_version: u64,
) -> String {
    let answered = sections
        .iter()
        .chain(std::iter::repeat(&AnsweredSection::Rejected));
    let mut answer = Answer {
        text: String::with_capacity(1024 * (1 + offer.sections.len())),
    };
    let plans: Vec<(&OfferedSection, Plan<'_>)> = offer
        .sections
        .iter()
        .zip(answered)
        .map(|(offered, answered)| (offered, plan(offered, answered)))
        .collect();
    answer.session(offer, local, &plans, session_version);
    let mut is_tagged = true;
    for (offered, plan) in plans {
        match plan {
            Plan::Rejected => answer.rejected(offered),
            Plan::Accepted(use_of) => {
                // RFC 9143 section 7.1.3: candidates stand in the tagged section alone.
                let candidates = if is_tagged {
                    local.candidates.as_slice()
                } else {
                    &[]
                };
                answer.transport(offered, local, candidates, is_tagged, use_of);
                answer.media(offered, use_of);
                is_tagged = false;
            }
        }
    }
    answer.text
}

/// What is written for a section.
#[derive(Clone, Copy)]
enum Plan<'a> {
    Rejected,
    Accepted(Use<'a>),
}

#[derive(Clone, Copy)]
enum Use<'a> {
    Inactive,
    Receive,
    Send(&'a SendingSection, &'a PayloadMapping),
}

fn plan<'a>(offered: &'a OfferedSection, answered: &'a AnsweredSection) -> Plan<'a> {
    let usable = matches!(offered.kind, SectionKind::Media(_)) && !offered.payloads.is_empty();
    if offered.stopped || !usable {
        return Plan::Rejected;
    }
    match answered {
        AnsweredSection::Rejected => Plan::Rejected,
        AnsweredSection::Receive if offered.direction.sends() => Plan::Accepted(Use::Receive),
        AnsweredSection::Send(sending) if offered.direction.receives() => {
            let mut payloads = offered.payloads.iter();
            match payloads.find(|payload| payload.codec == sending.codec) {
                Some(payload) => Plan::Accepted(Use::Send(sending, payload)),
                None => Plan::Rejected,
            }
        }
        AnsweredSection::Inactive | AnsweredSection::Receive | AnsweredSection::Send(_) => {
            Plan::Accepted(Use::Inactive)
        }
    }
}

struct Answer {
    text: String,
}

impl Answer {
    /// One line, ended by CRLF (RFC 8866 section 5).
    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.text
            .write_fmt(line)
            .expect("writing to a String never fails");
        self.text.push_str("\r\n");
    }

    fn session(
        &mut self,
        offer: &OfferedSession,
        local: &LocalTransport,
        plans: &[(&OfferedSection, Plan<'_>)],
        version: u64,
    ) {
        // RFC 8866 section 5.2 wants a number that stays while the session does: a certificate
        // does. 63 bits, for some peers read it as signed.
        let digest = local.fingerprint.0;
        let id = u64::from_be_bytes(std::array::from_fn(|at| digest[at])) >> 1;
        self.line(format_args!("v=0"));
        self.line(format_args!("o=- {id} {version} IN IP4 0.0.0.0"));
        self.line(format_args!("s=-"));
        self.line(format_args!("t=0 0"));
        // RFC 9429 section 5.3.1, RFC 8839 section 5.3.
        self.line(format_args!("a=ice-lite"));
        let mut group = String::new();
        for (offered, plan) in plans {
            if matches!(plan, Plan::Accepted(_)) {
                group.push(' ');
                group.push_str(&offered.mid);
            }
        }
        self.line(format_args!("a=group:BUNDLE{group}"));
        if offer.extmap_allow_mixed {
            self.line(format_args!("a=extmap-allow-mixed"));
        }
        self.line(format_args!("a=msid-semantic: WMS *"));
    }

    /// RFC 3264 section 6: port 0, the formats repeated. Not in the BUNDLE group.
    fn rejected(&mut self, offered: &OfferedSection) {
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
    fn transport(
        &mut self,
        offered: &OfferedSection,
        local: &LocalTransport,
        candidates: &[SocketAddr],
        is_tagged: bool,
        use_of: Use<'_>,
    ) {
        let mut formats = String::new();
        for payload in payloads(offered, use_of) {
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
        self.line(format_args!("a=rtcp-mux"));
        if offered.rtcp_rsize {
            self.line(format_args!("a=rtcp-rsize"));
        }
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

    fn media(&mut self, offered: &OfferedSection, use_of: Use<'_>) {
        let mut extensions = offered.extensions;
        for (uri, id) in extmap::slots(&mut extensions) {
            if let Some(id) = id {
                self.line(format_args!("a=extmap:{id} {uri}"));
            }
        }
        let direction = match use_of {
            Use::Inactive => "inactive",
            Use::Receive => "recvonly",
            Use::Send(..) => "sendonly",
        };
        self.line(format_args!("a={direction}"));
        for payload in payloads(offered, use_of) {
            self.payload(payload);
        }
        match use_of {
            Use::Send(sending, payload) => self.sending(sending, payload),
            Use::Inactive | Use::Receive => self.simulcast(offered),
        }
    }

    fn payload(&mut self, payload: &PayloadMapping) {
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
        if payload.codec == Codec::Opus {
            // RFC 7587 section 6.1: what we take; forwarded packets keep their in-band FEC.
            self.line(format_args!("a=fmtp:{number} minptime=10;useinbandfec=1"));
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

    fn sending(&mut self, sending: &SendingSection, payload: &PayloadMapping) {
        let stream = Token(&sending.stream_label);
        let track = Token(&sending.track_label);
        // RFC 8830 section 2.
        self.line(format_args!("a=msid:{stream} {track}"));
        let (ssrc, cname) = (sending.ssrc, Token(&sending.cname));
        let rtx_ssrc = sending.rtx_ssrc.filter(|_| payload.rtx.is_some());
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

/// All of a section's payloads, or the only one that is sent.
fn payloads<'a>(offered: &'a OfferedSection, use_of: Use<'a>) -> &'a [PayloadMapping] {
    match use_of {
        Use::Send(_, payload) => std::slice::from_ref(payload),
        Use::Inactive | Use::Receive => &offered.payloads,
    }
}

/// RFC 8445 section 5.1.2.1 for a host candidate of component 1: type preference 126, and local
/// preferences that fall along the list.
fn priority(index: usize) -> u32 {
    let local = u16::MAX - u16::try_from(index).unwrap_or(u16::MAX);
    (126 << 24) + (u32::from(local) << 8) + 255
}

/// A text of our own that must stay one word of one line, whatever it was made from.
struct Token<'a>(&'a str);

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_char('-');
        }
        for c in self.0.chars() {
            f.write_char(if c.is_ascii_graphic() { c } else { '_' })?;
        }
        Ok(())
    }
}

struct Hex<'a>(&'a [u8; 32]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

struct Words<'a>(&'a [String]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, " {word}"))
    }
}
