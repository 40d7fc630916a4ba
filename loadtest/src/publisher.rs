//! A participant that sends a picture and a sound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use livekit_protocol::signal_response::Message as Told;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8};
use rtc::rtp;
use rtc::rtp::extension::HeaderExtension;
use rtc::rtp::extension::audio_level_extension::AudioLevelExtension;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::PeerConnection;

use crate::connection::{OPUS, VP8};
use crate::participant::{Draft, Failure, JOIN_PATIENCE, Setting};
use crate::phase::Phase;
use crate::record::Record;
use crate::synthetic::{self, Picture};

/// Length of a sound packet.
const SOUND_INTERVAL: Duration = Duration::from_millis(20);

/// Ticks of Opus' clock in a sound packet (RFC 7587 section 4.1).
const SOUND_TICKS: u32 = 960;

/// Ticks of a video clock in a second (RFC 7741 section 4.1).
const VIDEO_CLOCK: u32 = 90_000;

/// Shortest time between keyframes: encoders join requests too.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(300);

/// Loudness that every sound packet claims, in -dBov.
const LEVEL: u8 = 30;

/// The tracks of a publisher.
const TRACKS: usize = 2;

/// Joins, sends until the run is quiet, and leaves when it is over.
pub(crate) async fn attend(
    setting: &Setting,
    record: &Arc<Record>,
    settled: oneshot::Sender<()>,
    mut phase: watch::Receiver<Phase>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let deadline = tokio::time::sleep(JOIN_PATIENCE);
    tokio::pin!(deadline);
    let mut settled = Some(settled);
    let join = async {
        let draft = Draft::open(setting, record).await?;
        let (sound, sound_track) = Source::add(draft.peer(), Media::Sound).await?;
        let (picture, picture_track) = Source::add(draft.peer(), Media::Picture).await?;
        let announced = vec![sound_track, picture_track];
        let participant = draft.join(setting, record, announced).await?;
        Ok::<_, Failure>((participant, sound, picture))
    };
    let (mut participant, sound, picture) = tokio::select! {
        joined = join => joined?,
        () = &mut deadline => return Err(Failure::Late("the server did not let in")),
    };
    let mut sources = Some((sound, picture));
    // Dropped with this function, and the sources with it.
    let mut sending = JoinSet::new();
    let mut published = 0;
    loop {
        tokio::select! {
            happened = participant.next() => {
                let told = participant.obey(happened?).await?;
                published += usize::from(matches!(told, Some(Told::TrackPublished(_))));
            }
            () = &mut deadline, if settled.is_some() => {
                return Err(Failure::Late(if participant.is_connected() {
                    "the tracks were not published"
                } else {
                    "the media did not connect"
                }));
            }
            () = Phase::Leave.begins(&mut phase) => {
                participant.leave().await;
                return Ok(());
            }
        }
        if published >= TRACKS
            && participant.is_connected()
            && let Some((sound, picture)) = sources.take()
        {
            record.joined(begun.elapsed());
            settled.take().map(|settled| settled.send(()));
            let calling = phase.clone();
            sending.spawn(sound.speak(setting.clone(), Arc::clone(record), calling.clone()));
            sending.spawn(picture.show(setting.clone(), Arc::clone(record), calling));
        }
    }
}

/// What a source makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Sound,
    Picture,
}

/// A track and its running numbers.
struct Source {
    track: TrackLocalStaticRTP,
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
}

impl Source {
    /// Adds a track to what is offered; returns it, and its announcement.
    async fn add(
        peer: &dyn PeerConnection,
        media: Media,
    ) -> webrtc::error::Result<(Self, proto::AddTrackRequest)> {
        let (kind, mime_type, clock_rate, channels, payload_type, fmtp) = match media {
            Media::Sound => {
                let fmtp = "minptime=10;useinbandfec=1";
                (RtpCodecKind::Audio, MIME_TYPE_OPUS, 48_000, 2, OPUS, fmtp)
            }
            Media::Picture => (RtpCodecKind::Video, MIME_TYPE_VP8, VIDEO_CLOCK, 0, VP8, ""),
        };
        let ssrc = fastrand::u32(1..=0x7fff_ffff);
        let encoding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                // Never the SSRC of media: those have the top bit clear.
                rtx: (media == Media::Picture).then_some(RTCRtpRtxParameters {
                    ssrc: ssrc | 0x8000_0000,
                }),
                ..Default::default()
            },
            active: true,
            codec: RTCRtpCodec {
                mime_type: mime_type.to_owned(),
                clock_rate,
                channels,
                sdp_fmtp_line: fmtp.to_owned(),
                rtcp_feedback: Vec::new(),
            },
            ..Default::default()
        };
        let cid = format!("{kind}-{ssrc:08x}");
        let track = MediaStreamTrack::new(
            "loadtest".to_owned(),
            cid.clone(),
            cid.clone(),
            kind,
            vec![encoding.clone()],
        );
        let track = TrackLocalStaticRTP::new(track);
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec!["loadtest".to_owned()],
            send_encodings: vec![encoding],
        };
        peer.add_transceiver_from_track(Arc::new(track.clone()), Some(init))
            .await?;
        let source = Self {
            track,
            ssrc,
            payload_type,
            sequence: fastrand::u16(..),
            timestamp: fastrand::u32(..),
        };
        Ok((source, announcement(media, cid)))
    }

    /// Sends a sound every 20 ms.
    async fn speak(
        mut self,
        setting: Setting,
        record: Arc<Record>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let level = [HeaderExtension::AudioLevel(AudioLevelExtension {
            level: LEVEL,
            voice: true,
        })];
        let mut due = schedule(SOUND_INTERVAL);
        while next_due(&mut due, &mut phase).await {
            let payload = synthetic::sound(setting.clock.now());
            self.timestamp = self.timestamp.wrapping_add(SOUND_TICKS);
            let len = payload.len();
            let packet = self.packet(payload, false);
            let sent = self.track.write_rtp_with_extensions(packet, &level).await;
            if sent.is_ok() {
                record.sent.count(len);
            }
        }
    }

    /// Sends a frame as often as the plan says, and a keyframe when one is asked for.
    async fn show(
        mut self,
        setting: Setting,
        record: Arc<Record>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let plan = &setting.plan;
        let mut picture = Picture::new(plan.video_bps, plan.frame_rate, fastrand::u16(..));
        let mut latest_keyframe: Option<Instant> = None;
        let mut due = schedule(Duration::from_secs(1) / plan.frame_rate);
        while next_due(&mut due, &mut phase).await {
            let spaced = latest_keyframe.is_none_or(|at| at.elapsed() >= KEYFRAME_INTERVAL);
            let keyframe =
                spaced && (record.intake.take_keyframe_wanted() || latest_keyframe.is_none());
            if keyframe {
                latest_keyframe = Some(Instant::now());
            }
            self.timestamp = self.timestamp.wrapping_add(VIDEO_CLOCK / plan.frame_rate);
            let payloads = picture.frame(keyframe, setting.clock.now());
            let last = payloads.len() - 1;
            for (at, payload) in payloads.into_iter().enumerate() {
                let len = payload.len();
                let packet = self.packet(payload, at == last);
                if self.track.write_rtp(packet).await.is_ok() {
                    record.sent.count(len);
                }
            }
        }
    }

    fn packet(&mut self, payload: Vec<u8>, marker: bool) -> rtp::Packet {
        self.sequence = self.sequence.wrapping_add(1);
        rtp::Packet {
            header: rtp::Header {
                version: 2,
                marker,
                payload_type: self.payload_type,
                sequence_number: self.sequence,
                timestamp: self.timestamp,
                ssrc: self.ssrc,
                ..Default::default()
            },
            payload: payload.into(),
        }
    }
}

/// Every `interval` from a random time on: publishers of a real call do not send in step.
fn schedule(interval: Duration) -> tokio::time::Interval {
    let offset = interval.mul_f64(fastrand::f64());
    tokio::time::interval_at(tokio::time::Instant::now() + offset, interval)
}

/// Waits for the next time to send; false when nothing is to be sent any more.
async fn next_due(due: &mut tokio::time::Interval, phase: &mut watch::Receiver<Phase>) -> bool {
    tokio::select! {
        _ = due.tick() => true,
        () = Phase::Quiet.begins(phase) => false,
    }
}

fn announcement(media: Media, cid: String) -> proto::AddTrackRequest {
    let (width, height) = (synthetic::SIZE.0.into(), synthetic::SIZE.1.into());
    match media {
        Media::Sound => proto::AddTrackRequest {
            cid,
            name: "sound".to_owned(),
            r#type: proto::TrackType::Audio.into(),
            source: proto::TrackSource::Microphone.into(),
            disable_red: true,
            ..Default::default()
        },
        Media::Picture => proto::AddTrackRequest {
            cid,
            name: "picture".to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::Camera.into(),
            width,
            height,
            layers: vec![proto::VideoLayer {
                quality: proto::VideoQuality::High.into(),
                width,
                height,
                ..Default::default()
            }],
            ..Default::default()
        },
    }
}
