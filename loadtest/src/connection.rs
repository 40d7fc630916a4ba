//! The peer connection of a participant: `webrtc` with the codecs, extensions and interceptors of a
//! call, and the tap.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8,
};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tokio::sync::watch;
use webrtc::error::Result;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCPeerConnectionState, Registry, SettingEngineBuilder, configure_nack, configure_rtcp_reports,
    configure_simulcast_extension_headers, configure_twcc,
};

use crate::tap::{self, Tap};

/// Payload types, as offered. The server answers with the offer's own (RFC 3264 section 6.1).
pub(crate) const VP8: u8 = 96;
const VP8_RTX: u8 = 97;
pub(crate) const OPUS: u8 = 111;

/// Loudness for each packet (RFC 6464).
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// A peer connection and how it stands.
pub(crate) struct Connection {
    pub(crate) peer: Arc<dyn PeerConnection>,
    pub(crate) state: watch::Receiver<RTCPeerConnectionState>,
}

/// Passes the state on.
struct Watcher(watch::Sender<RTCPeerConnectionState>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Watcher {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.0.send_replace(state);
    }
}

impl Connection {
    /// A peer connection whose media leaves from `local`, on a port of its own.
    pub(crate) async fn open(local: IpAddr, tap: Tap) -> Result<Self> {
        let mut engine = MediaEngine::default();
        register_codecs(&mut engine)?;
        let registry = configure_nack(Registry::new(), &mut engine);
        configure_simulcast_extension_headers(&mut engine)?;
        let level = RTCRtpHeaderExtensionCapability {
            uri: AUDIO_LEVEL.to_owned(),
        };
        engine.register_header_extension(level, RtpCodecKind::Audio, None)?;
        let registry = configure_twcc(registry, &mut engine)?;
        let registry = configure_rtcp_reports(registry).with(tap::SLOT, tap);

        // By default each peer connection joins the multicast group of mDNS: a thousand would hear
        // every word of the local network, and ask it for names that a server makes up.
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .build();

        let (sender, state) = watch::channel(RTCPeerConnectionState::New);
        let peer = PeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Watcher(sender)))
            .with_udp_addrs(vec![SocketAddr::new(local, 0)])
            .build()
            .await?;
        Ok(Self {
            peer: Arc::new(peer),
            state,
        })
    }
}

/// VP8 with repairs, and Opus; never RED, which would be stripped for some and not for others.
fn register_codecs(engine: &mut MediaEngine) -> Result<()> {
    let codec =
        |mime: &str, clock_rate, channels, fmtp: &str, payload_type| RTCRtpCodecParameters {
            rtp_codec: RTCRtpCodec {
                mime_type: mime.to_owned(),
                clock_rate,
                channels,
                sdp_fmtp_line: fmtp.to_owned(),
                rtcp_feedback: Vec::new(),
            },
            payload_type,
        };
    let opus = codec(
        MIME_TYPE_OPUS,
        48_000,
        2,
        "minptime=10;useinbandfec=1",
        OPUS,
    );
    engine.register_codec(opus, RtpCodecKind::Audio)?;
    let vp8 = codec(MIME_TYPE_VP8, 90_000, 0, "", VP8);
    engine.register_codec(vp8, RtpCodecKind::Video)?;
    let rtx = codec(MIME_TYPE_RTX, 90_000, 0, &format!("apt={VP8}"), VP8_RTX);
    engine.register_codec(rtx, RtpCodecKind::Video)
}
