//! A peer of another make in virtual time: hand-written STUN, and dimpl driven directly.

mod handshake;
mod hostile;
mod paths;
pub(super) mod stun;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use arrayvec::ArrayString;
use dimpl::{Config, DtlsCertificate, Output};
use rand_core::SeedableRng;

use self::stun::Answer;
use super::ice::read_check;
use super::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material};
use super::*;
use crate::id::Ssrc;
use crate::media::path::Protocol;
use crate::media::send_batch::MAX_DATAGRAM;
use crate::media::session::IceCredentials;
use crate::wire::demux::{DatagramKind, classify};

const WORKER: WorkerId = WorkerId(3);

/// The instant that virtual time starts from.
#[allow(
    clippy::disallowed_methods,
    reason = "virtual time needs one real instant to start from"
)]
static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

static IDENTITY: LazyLock<DtlsIdentity> = LazyLock::new(|| DtlsIdentity::generate().unwrap());

static PEER_CERTIFICATE: LazyLock<DtlsCertificate> =
    LazyLock::new(|| dimpl::certificate::generate_self_signed_certificate().unwrap());

fn peer_fingerprint() -> Fingerprint {
    Fingerprint(PEER_CERTIFICATE.fingerprint().try_into().unwrap())
}

/// A path of the peer's: all share our address.
fn path(port: u16) -> Path {
    Path {
        protocol: Protocol::Udp,
        local: ([192, 0, 2, 1], 7882).into(),
        remote: ([198, 51, 100, 7], port).into(),
    }
}

fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials {
        ufrag: ArrayString::from(ufrag).unwrap(),
        pwd: ArrayString::from("peerpasswordpeerpassword").unwrap(),
    }
}

fn remote(ufrag: &str, dtls_role: DtlsRole) -> TransportParameters {
    TransportParameters {
        ice: credentials(ufrag),
        fingerprint: peer_fingerprint(),
        dtls_role,
    }
}

/// The peer's DTLS.
struct Peer {
    dtls: dimpl::Dtls,
    is_client: bool,
    outbox: Vec<Vec<u8>>,
    timeout: Instant,
    certificate: Option<Vec<u8>>,
    keys: Option<(Vec<u8>, dimpl::SrtpProfile)>,
    closed: bool,
}

impl Peer {
    fn new(version: DtlsVersion, is_client: bool, mtu: usize) -> Self {
        let config = Config::builder()
            .mtu(mtu)
            .max_queue_tx(40)
            .flight_start_rto(Duration::from_millis(250))
            .flight_retries(8)
            .dangerously_set_rng_seed(7)
            .build()
            .unwrap();
        let (config, certificate) = (Arc::new(config), PEER_CERTIFICATE.clone());
        let mut dtls = match version {
            DtlsVersion::V12 => dimpl::Dtls::new_12(config, certificate, *BASE),
            DtlsVersion::V13 => dimpl::Dtls::new_13(config, certificate, *BASE),
            DtlsVersion::Auto => dimpl::Dtls::new_auto(config, certificate, *BASE),
        };
        dtls.set_active(is_client);
        Self {
            dtls,
            is_client,
            outbox: Vec::new(),
            timeout: *BASE,
            certificate: None,
            keys: None,
            closed: false,
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.dtls.handle_timeout(now).unwrap();
        self.drain();
    }

    fn receive(&mut self, now: Instant, datagram: &[u8]) {
        self.dtls.handle_timeout(now).unwrap();
        self.dtls.handle_packet(datagram).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        let mut scratch = [0; 4096];
        loop {
            match self.dtls.poll_output(&mut scratch) {
                Output::Packet(packet) => self.outbox.push(packet.to_vec()),
                Output::PeerCert(certificate) => self.certificate = Some(certificate.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    self.keys = Some((material.to_vec(), profile));
                }
                Output::CloseNotify => self.closed = true,
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
                _ => {}
            }
        }
    }

    /// The peer's own SRTP contexts and the profile.
    fn srtp(&self) -> (SrtpSender, SrtpReceiver, SrtpProfile) {
        let (material, profile) = self.keys.as_ref().expect("the peer is connected");
        let profile = match profile {
            dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
            dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
            _ => SrtpProfile::AesCm128HmacSha1_80,
        };
        let (client, server) = split_keying_material(profile, material).unwrap();
        let (ours, theirs) = if self.is_client {
            (client, server)
        } else {
            (server, client)
        };
        (
            SrtpSender::new(profile, &ours).unwrap(),
            SrtpReceiver::new(profile, &theirs).unwrap(),
            profile,
        )
    }
}

/// A transport, its peer, and the network between them.
struct Call {
    now: Instant,
    rng: ChaCha12Rng,
    transport: Transport,
    peer: Peer,
    /// Answers to checks, unread, and where they went.
    answers: Vec<(Path, Vec<u8>)>,
    /// DTLS datagrams to lose from now on, in either direction.
    lose: usize,
    transaction: u8,
}

impl Call {
    /// `role` is the transport's; the peer has the other one.
    fn new(version: DtlsVersion, role: DtlsRole) -> Self {
        Self::with_mtu(version, role, 1200)
    }

    fn with_mtu(version: DtlsVersion, role: DtlsRole, mtu: usize) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(11);
        let settings = TransportSettings::deterministic(version);
        let mut transport = Transport::new(*BASE, WORKER, &IDENTITY, &settings, &mut rng);
        transport
            .set_remote(*BASE, &remote("peer", role), &mut rng)
            .unwrap();
        Self {
            now: *BASE,
            rng,
            transport,
            peer: Peer::new(version, role == DtlsRole::Passive, mtu),
            answers: Vec::new(),
            lose: 0,
            transaction: 0,
        }
    }

    /// Our credentials as the latest answer gave them to the peer.
    fn local(&self) -> IceCredentials {
        self.transport.local_parameters().0.clone()
    }

    /// The peer checks `path`, and reads the answer if it gets one.
    fn check_with(
        &mut self,
        path: Path,
        local: &IceCredentials,
        nominates: bool,
    ) -> Result<CheckOutcome, DropReason> {
        self.transaction += 1;
        let datagram = stun::check(local, nominates, self.transaction);
        let check = read_check(&datagram).expect("well-formed");
        let outcome = self.transport.handle_check(self.now, path, &check);
        self.collect();
        match self.answers.pop() {
            Some((to, answer)) => {
                assert!(outcome.is_ok(), "an answer to a check that was dropped");
                assert_eq!(to, path, "the answer goes back the way the check came");
                assert_eq!(
                    stun::read_answer(&answer, &local.pwd, self.transaction),
                    Answer::Success(path.remote)
                );
            }
            None => assert!(outcome.is_err(), "no answer to a valid check"),
        }
        assert!(self.answers.is_empty());
        outcome
    }

    fn check(&mut self, port: u16, nominates: bool) -> Result<CheckOutcome, DropReason> {
        let local = self.local();
        self.check_with(path(port), &local, nominates)
    }

    /// Takes what the transport wants to send. DTLS goes to the peer.
    fn collect(&mut self) -> usize {
        let mut out = [0; MAX_DATAGRAM];
        let mut delivered = 0;
        while let Some((path, len)) = self.transport.poll_datagram(&mut out) {
            match classify(&out[..len]) {
                Some(DatagramKind::Stun) => self.answers.push((path, out[..len].to_vec())),
                Some(DatagramKind::Dtls) if self.lose > 0 => self.lose -= 1,
                Some(DatagramKind::Dtls) => {
                    self.peer.receive(self.now, &out[..len]);
                    delivered += 1;
                }
                other => panic!("sent {other:?}"),
            }
        }
        delivered
    }

    /// Delivers DTLS both ways until nobody has anything more to say at this instant.
    fn exchange(&mut self, from: Path) {
        loop {
            let outbox = std::mem::take(&mut self.peer.outbox);
            let mut delivered = 0;
            for datagram in outbox {
                if self.lose > 0 {
                    self.lose -= 1;
                } else {
                    let _ = self.transport.handle_dtls(self.now, from, &datagram);
                    delivered += 1;
                }
            }
            if delivered + self.collect() == 0 && self.peer.outbox.is_empty() {
                return;
            }
        }
    }

    /// Moves time to the next thing that is due for anybody.
    fn advance(&mut self) {
        let due = self.transport.poll_timeout().into_iter();
        let next = due.chain([self.peer.timeout]).min().unwrap();
        self.now = self.now.max(next);
        self.transport.handle_timeout(self.now);
        if self.peer.timeout <= self.now {
            self.peer.handle_timeout(self.now);
        }
    }

    /// Moves time on by `step`, with the transport's timeouts on the way and the peer silent.
    fn wait(&mut self, step: Duration) {
        let end = self.now + step;
        let mut timeouts = 0;
        while let Some(due) = self.transport.poll_timeout().filter(|&due| due <= end) {
            timeouts += 1;
            assert!(timeouts < 100, "a deadline that stays due");
            self.now = self.now.max(due);
            self.transport.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// A nominated path, then the whole handshake.
    fn connect(&mut self) -> &'static str {
        self.check(1000, true).unwrap();
        self.peer.handle_timeout(self.now);
        self.exchange(path(1000));
        match self.transport.poll_event() {
            Some(TransportEvent::Connected {
                srtp_profile,
                path: at,
            }) => {
                assert_eq!(at, path(1000));
                srtp_profile
            }
            other => panic!("not connected: {other:?}"),
        }
    }
}

/// An RTP packet with a 12-byte header.
fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 42]);
    packet.extend(b"payload");
    packet
}

/// Seals [`rtp`].
fn sealed(sender: &SrtpSender, sequence: u16) -> Vec<u8> {
    let mut packet = rtp(sequence);
    let payload = packet.len() - 12;
    packet.resize(packet.len() + 32, 0);
    let len = sender
        .seal_rtp_in_place(u64::from(sequence), Ssrc(42), &mut packet, 12, payload)
        .unwrap();
    packet.truncate(len);
    packet
}

/// An address as a dual-stack socket shows it.
fn mapped(address: SocketAddr) -> SocketAddr {
    let SocketAddr::V4(v4) = address else {
        return address;
    };
    (v4.ip().to_ipv6_mapped(), v4.port()).into()
}
