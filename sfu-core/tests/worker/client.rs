//! A participant's client of another make: hand-written STUN, dimpl, and packets written byte by byte.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use dimpl::{DtlsCertificate, Output};
use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::{FormatParameters, PayloadMapping};
use sfu_core::media::path::{Path, Protocol};
use sfu_core::media::session::{
    Direction, DtlsRole, ExtensionMap, Fingerprint, IceCredentials, OfferedSection, OfferedSession,
    SctpParameters, SectionKind, TransportParameters,
};
use sfu_core::transport::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material};
use sfu_core::wire::extensions::iter;

static CERTIFICATE: LazyLock<DtlsCertificate> =
    LazyLock::new(|| dimpl::certificate::generate_self_signed_certificate().unwrap());

pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;
pub(crate) const RTX: u8 = 97;
pub(crate) const MID: u8 = 4;
pub(crate) const RID: u8 = 10;
pub(crate) const LEVEL: u8 = 1;
pub(crate) const TRANSPORT_CC: u8 = 3;

/// One RTP packet that a client sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u64,
    pub(crate) payload_type: u8,
    pub(crate) timestamp: u32,
    pub(crate) mid: &'a str,
    pub(crate) rid: Option<&'a str>,
    /// -dBov (RFC 6464), where told.
    pub(crate) level: Option<u8>,
    pub(crate) payload: &'a [u8],
}

/// One RTP packet that a client was sent.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) at: Instant,
    /// Bytes of the datagram.
    pub(crate) len: usize,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) extensions: Vec<(u8, Vec<u8>)>,
    pub(crate) payload: Vec<u8>,
}

impl Got {
    /// The header extensions that came from the publisher: not the engine's own word.
    pub(crate) fn carried(&self) -> Vec<(u8, Vec<u8>)> {
        let mut carried = self.extensions.clone();
        carried.retain(|(id, _)| ![MID, TRANSPORT_CC].contains(id));
        carried
    }

    /// The value of an extension.
    pub(crate) fn extension(&self, id: u8) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|(one, _)| *one == id);
        found.map(|(_, value)| value.as_slice())
    }
}

/// A format without parameters and repairs.
pub(crate) fn format(codec: Codec, payload_type: u8) -> PayloadMapping {
    PayloadMapping {
        codec,
        parameters: FormatParameters::None,
        payload_type: PayloadType(payload_type),
        rtx: None,
        nack: true,
        pli: true,
        fir: false,
        transport_cc: true,
    }
}

pub(crate) struct Client {
    pub(crate) path: Path,
    pub(crate) sections: Vec<OfferedSection>,
    /// The engine's credentials, from its last answer.
    pub(crate) engine: Option<(String, String)>,
    dtls: dimpl::Dtls,
    keys: Option<(Vec<u8>, dimpl::SrtpProfile)>,
    srtp: Option<(SrtpSender, SrtpReceiver)>,
    transaction: u8,
    /// A further header extension of every packet that it sends.
    pub(crate) extension: Option<(u8, Vec<u8>)>,
    /// More of them.
    pub(crate) more_extensions: Vec<(u8, Vec<u8>)>,
    pub(crate) outbox: Vec<Vec<u8>>,
    pub(crate) rtp: Vec<Got>,
    pub(crate) rtcp: Vec<(Instant, Vec<u8>)>,
    /// SCTP packets that came inside DTLS.
    pub(crate) sctp: Vec<Vec<u8>>,
    /// Bytes of the longest datagram of DTLS.
    pub(crate) longest_dtls: usize,
}

impl Client {
    pub(crate) fn new(now: Instant, number: u16) -> Self {
        let config = dimpl::Config::builder()
            .dangerously_set_rng_seed(number.into())
            .build()
            .unwrap();
        let mut dtls = dimpl::Dtls::new_12(Arc::new(config), CERTIFICATE.clone(), now);
        dtls.set_active(true);
        Self {
            path: Path {
                protocol: Protocol::Udp,
                local: ([192, 0, 2, 1], 7882).into(),
                remote: ([198, 51, 100, 7], 1000 + number).into(),
            },
            sections: Vec::new(),
            engine: None,
            dtls,
            keys: None,
            srtp: None,
            transaction: 0,
            extension: None,
            more_extensions: Vec::new(),
            outbox: Vec::new(),
            rtp: Vec::new(),
            rtcp: Vec::new(),
            sctp: Vec::new(),
            longest_dtls: 0,
        }
    }

    /// Adds a section; its mid is its place.
    pub(crate) fn section(&mut self, kind: MediaKind, cid: Option<&str>, rids: &[&str]) -> usize {
        let at = self.sections.len();
        let (codec, payload_type, rtx) = match kind {
            MediaKind::Audio => (Codec::Opus, OPUS, None),
            MediaKind::Video => (Codec::Vp8, VP8, Some(PayloadType(RTX))),
        };
        let payload = PayloadMapping {
            rtx,
            ..format(codec, payload_type)
        };
        self.sections.push(OfferedSection {
            mid: at.to_string().as_str().try_into().unwrap(),
            kind: SectionKind::Media(kind),
            media: if kind == MediaKind::Audio {
                "audio"
            } else {
                "video"
            }
            .to_owned(),
            protocol: "UDP/TLS/RTP/SAVPF".to_owned(),
            formats: vec![payload_type.to_string()],
            direction: if cid.is_some() {
                Direction::SendOnly
            } else {
                Direction::RecvOnly
            },
            stopped: false,
            payloads: [payload].into_iter().collect(),
            extensions: ExtensionMap {
                mid: Some(MID),
                rid: Some(RID),
                repaired_rid: Some(11),
                audio_level: Some(LEVEL),
                transport_cc: Some(TRANSPORT_CC),
                ..ExtensionMap::default()
            },
            extmap_allow_mixed: true,
            rtcp_rsize: true,
            congestion_feedback: false,
            rids: rids.iter().map(|rid| (*rid).try_into().unwrap()).collect(),
            track_cid: cid.map(str::to_owned),
            ssrcs: Default::default(),
        });
        at
    }

    /// Adds a section of data channels; its mid is its place.
    pub(crate) fn data_section(&mut self, max_message_size: u32) -> usize {
        let at = self.section(MediaKind::Audio, None, &[]);
        let section = &mut self.sections[at];
        section.kind = SectionKind::Data(SctpParameters {
            port: 5000,
            max_message_size,
        });
        section.media = "application".to_owned();
        section.protocol = "UDP/DTLS/SCTP".to_owned();
        section.formats = vec!["webrtc-datachannel".to_owned()];
        section.payloads.clear();
        at
    }

    /// Queues an SCTP packet, inside DTLS.
    pub(crate) fn send_sctp(&mut self, packet: &[u8]) {
        self.dtls.send_application_data(packet).unwrap();
        self.drain_dtls();
    }

    pub(crate) fn offer(&self) -> OfferedSession {
        OfferedSession {
            transport: TransportParameters {
                ice: IceCredentials {
                    ufrag: "peer".try_into().unwrap(),
                    pwd: "peerpasswordpeerpassword".try_into().unwrap(),
                },
                fingerprint: Fingerprint(CERTIFICATE.fingerprint().try_into().unwrap()),
                dtls_role: DtlsRole::Passive,
            },
            sections: self.sections.clone(),
        }
    }

    /// Takes the engine's credentials out of its answer.
    pub(crate) fn answered(&mut self, sdp: &str) {
        let word = |name: &str| {
            let line = sdp.lines().find_map(|line| line.strip_prefix(name));
            line.expect("in every answer").to_owned()
        };
        self.engine = Some((word("a=ice-ufrag:"), word("a=ice-pwd:")));
    }

    /// A check that nominates the client's path.
    pub(crate) fn check(&mut self) {
        let Some((ufrag, pwd)) = &self.engine else {
            return;
        };
        self.transaction = self.transaction.wrapping_add(1);
        self.outbox.push(stun_check(ufrag, pwd, self.transaction));
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    pub(crate) fn start_dtls(&mut self, now: Instant) {
        self.dtls.handle_timeout(now).unwrap();
        self.drain_dtls();
    }

    /// Takes one datagram of the engine's.
    pub(crate) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        match datagram[0] {
            0..=3 => {}
            20..=63 => {
                self.longest_dtls = self.longest_dtls.max(datagram.len());
                self.dtls.handle_timeout(now).unwrap();
                // After a goodbye nothing more is understood.
                let _ = self.dtls.handle_packet(datagram);
                self.drain_dtls();
            }
            _ => self.receive_srtp(now, datagram.to_vec()),
        }
    }

    fn receive_srtp(&mut self, now: Instant, mut packet: Vec<u8>) {
        let (_, receiver) = self.srtp.as_mut().expect("media after the handshake");
        if (192..=223).contains(&packet[1]) {
            let len = receiver.open_rtcp(&mut packet).expect("authentic");
            packet.truncate(len);
            return self.rtcp.push((now, packet));
        }
        let len = packet.len();
        let header = sfu_core::wire::rtp::RtpHeader::parse(&packet).unwrap();
        let start = usize::from(header.header_len);
        let opened = receiver.open_rtp(&mut packet, start, header.ssrc, header.sequence);
        packet.truncate(opened.expect("authentic, and once").0);
        let header = sfu_core::wire::rtp::RtpHeader::parse_decrypted(&packet).unwrap();
        self.rtp.push(Got {
            at: now,
            len,
            ssrc: header.ssrc.0,
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            payload_type: header.payload_type.0,
            extensions: iter(header.extension_profile, header.extension(&packet))
                .map(|(id, value)| (id, value.to_vec()))
                .collect(),
            payload: packet[header.payload_range(packet.len())].to_vec(),
        });
    }

    fn drain_dtls(&mut self) {
        let mut scratch = [0; 4096];
        loop {
            match self.dtls.poll_output(&mut scratch) {
                Output::Packet(packet) => self.outbox.push(packet.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    self.keys = Some((material.to_vec(), profile));
                }
                Output::ApplicationData(packet) => self.sctp.push(packet.to_vec()),
                Output::Timeout(_) => break,
                _ => {}
            }
        }
        if let Some((material, profile)) = self.keys.take() {
            let profile = match profile {
                dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                _ => SrtpProfile::AesCm128HmacSha1_80,
            };
            let (client, server) = split_keying_material(profile, &material).unwrap();
            let sender = SrtpSender::new(profile, &client).unwrap();
            self.srtp = Some((sender, SrtpReceiver::new(profile, &server).unwrap()));
        }
    }

    /// Seals one RTP packet.
    pub(crate) fn seal(&self, packet: &Packet<'_>) -> Vec<u8> {
        let mut elements = vec![(MID, packet.mid.as_bytes().to_vec())];
        elements.extend(packet.rid.map(|rid| (RID, rid.as_bytes().to_vec())));
        elements.extend(packet.level.map(|level| (LEVEL, vec![level])));
        elements.extend(self.extension.iter().chain(&self.more_extensions).cloned());
        let is_long = elements.iter().any(|(_, value)| value.len() > 16);
        let mut extensions = Vec::new();
        for (id, value) in elements {
            match is_long {
                true => extensions.extend([id, value.len() as u8]),
                false => extensions.push(id << 4 | (value.len() as u8 - 1)),
            }
            extensions.extend(value);
        }
        extensions.resize(extensions.len().next_multiple_of(4), 0);
        let mut bytes = vec![0x90, packet.payload_type];
        bytes.extend((packet.sequence as u16).to_be_bytes());
        bytes.extend(packet.timestamp.to_be_bytes());
        bytes.extend(packet.ssrc.to_be_bytes());
        bytes.extend(if is_long { [0x10, 0] } else { [0xbe, 0xde] });
        bytes.extend([0, (extensions.len() / 4) as u8]);
        bytes.extend(extensions);
        let header = bytes.len();
        bytes.extend(packet.payload);
        self.seal_written(packet.sequence, bytes, header)
    }

    /// Seals one RTP packet that is written: `header` bytes and its payload.
    pub(crate) fn seal_written(&self, index: u64, mut bytes: Vec<u8>, header: usize) -> Vec<u8> {
        let ssrc = Ssrc(u32::from_be_bytes(bytes[8..12].try_into().unwrap()));
        let len = bytes.len() - header;
        bytes.resize(bytes.len() + 32, 0);
        let (sender, _) = self.srtp.as_ref().expect("connected");
        let len = sender.seal_rtp_in_place(index, ssrc, &mut bytes, header, len);
        bytes.truncate(len.unwrap());
        bytes
    }

    /// Seals and queues RTCP that `write` writes.
    pub(crate) fn send_rtcp(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let mut bytes = vec![0; 1500];
        let len = write(&mut bytes).unwrap();
        let (sender, _) = self.srtp.as_mut().expect("connected");
        let len = sender.seal_rtcp(&mut bytes, len).unwrap();
        bytes.truncate(len);
        self.outbox.push(bytes);
    }
}

/// A binding request of a controlling agent (RFC 8445 section 7.2).
fn stun_check(ufrag: &str, pwd: &str, transaction: u8) -> Vec<u8> {
    use aws_lc_rs::hmac;
    fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
        bytes.extend(kind.to_be_bytes());
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    fn set_len(bytes: &mut [u8], more: usize) {
        let len = (bytes.len() + more - 20) as u16;
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
    }
    let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    bytes.extend([transaction; 12]);
    attribute(&mut bytes, 0x0006, format!("{ufrag}:peer").as_bytes());
    attribute(&mut bytes, 0x802a, &[7; 8]);
    attribute(&mut bytes, 0x0024, &[0x6e, 0x7f, 0x1e, 0xff]);
    attribute(&mut bytes, 0x0025, &[]);
    set_len(&mut bytes, 24);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
    let mac = hmac::sign(&key, &bytes);
    attribute(&mut bytes, 0x0008, mac.as_ref());
    set_len(&mut bytes, 8);
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes) ^ 0x5354_554e;
    attribute(&mut bytes, 0x8028, &crc.to_be_bytes());
    bytes
}

/// Virtual time's unit.
pub(crate) const MS: Duration = Duration::from_millis(1);
