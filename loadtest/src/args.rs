//! The command line, and the checked plan that it becomes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::token::ApiKey;

/// Most participants of all rooms. Raising: each costs two sockets, a handshake and about 300 kB
/// here, and one machine becomes the bottleneck that is measured. Lowering: less load can be made.
const MAX_PARTICIPANTS: u32 = 2_000;

/// Most publishers of a room: each has two tracks, and a server bounds the subscriptions of one
/// participant. Raising: subscribers negotiate for minutes. Lowering: large meetings cannot be
/// tried.
const MAX_PUBLISHERS: u32 = 100;

/// Longest run. Raising: nothing, but a forgotten run loads a server for as long.
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);

/// Bitrates of video, in kbit/s: less fills no frame, more is no call.
const VIDEO_KBPS: std::ops::RangeInclusive<u32> = 50..=20_000;

/// Joins per second. Raising: servers refuse more from one address.
const JOIN_RATE: std::ops::RangeInclusive<u32> = 1..=1_000;

const AFTER_HELP: &str = "\
Publishers join first, then subscribers; --duration begins when all have joined or failed.
Each publisher sends a picture (VP8-shaped, answering keyframe requests and NACKs) and a sound
(Opus-shaped) and receives nothing; each subscriber receives all tracks of its room.

What is measured (--json FILE writes the same; every number's name ends in its unit):
  join       publishers: until the media is connected and both tracks are published; subscribers:
             until the first media packet
  loss       by gaps in the sequence numbers of each received track, after repair by RTX; `before
             repair` counts repaired packets as lost
  stalled    tracks that had gone silent for 2 s when the publishers stopped
  delay      from a packet's writing by its publisher to its arrival at a subscriber, both in this
             process: the server's time, the network's twice, and this program's own
Loss, delay and joins are of the whole run; bitrates of --duration only.

This program runs complete peer connections (ICE, DTLS, SRTP of webrtc-rs) and costs more than the
server does for the same packets. When its machine is busy, loss and delay are its own: look at the
server's /metrics, or run it on another machine, before the server is blamed. Of every join about
0.4 s are its own too: webrtc-rs looks after its ICE checks every 200 ms. A server limits joins and
sockets per address (sfu-server: --joins-per-second, --sockets-per-address).

Exit code: 0 all well; 1 somebody did not join or received no media, a track stalled, or loss was
above --max-loss; 2 wrong command line. Ctrl-C ends early, with the report of what was.";

/// Loads an SFU with synthetic calls over its public signalling, and says how they went.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The server's signalling address: ws://HOST:PORT or wss://HOST
    #[arg(long, value_name = "URL")]
    url: String,

    /// API key that tokens are minted with
    #[arg(long, value_name = "KEY", env = "SFU_API_KEY")]
    api_key: String,

    /// The API key's secret; better given by the environment, where others do not see it
    #[arg(
        long,
        value_name = "SECRET",
        env = "SFU_API_SECRET",
        hide_env_values = true
    )]
    api_secret: String,

    /// Rooms
    #[arg(long, value_name = "N", default_value_t = 1)]
    rooms: u32,

    /// Publishers in each room
    #[arg(long, value_name = "N", default_value_t = 1)]
    publishers: u32,

    /// Subscribers in each room
    #[arg(long, value_name = "N", default_value_t = 1)]
    subscribers: u32,

    /// How long to measure: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    duration: Duration,

    /// Joins per second
    #[arg(long, value_name = "N", default_value_t = 10)]
    join_rate: u32,

    /// Bitrate of each picture, in kbit/s
    #[arg(long, value_name = "KBPS", default_value_t = 600)]
    video_bitrate: u32,

    /// Frames per second of each picture
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=60))]
    frame_rate: u32,

    /// First part of the rooms' names; runs at the same time need different ones
    #[arg(long, value_name = "NAME", default_value = "loadtest")]
    room_prefix: String,

    /// Local address for media [default: the one that the server is reached from]
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,

    /// Fails the run when more packets than this are lost after repair, in percent
    #[arg(long, value_name = "PERCENT")]
    max_loss: Option<f64>,

    /// Writes the report to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is to be done, checked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// With a scheme and a host.
    pub(crate) url: Uri,
    pub(crate) api_key: ApiKey,
    pub(crate) rooms: u32,
    /// In each room.
    pub(crate) publishers: u32,
    /// In each room.
    pub(crate) subscribers: u32,
    pub(crate) duration: Duration,
    /// Per second.
    pub(crate) join_rate: u32,
    /// Bits per second of each picture.
    pub(crate) video_bps: u32,
    pub(crate) frame_rate: u32,
    pub(crate) room_prefix: String,
    pub(crate) bind: Option<IpAddr>,
    /// Percent.
    pub(crate) max_loss: Option<f64>,
    pub(crate) json: Option<PathBuf>,
}

/// What is wrong with a command line, naming the flag.
#[derive(Debug, thiserror::Error)]
#[error("--{flag}: {what}")]
pub(crate) struct Misuse {
    flag: &'static str,
    what: String,
}

fn misuse(flag: &'static str, what: impl Into<String>) -> Misuse {
    Misuse {
        flag,
        what: what.into(),
    }
}

impl Args {
    /// Checks the numbers, alone and together.
    ///
    /// # Errors
    /// What cannot or should not be run, naming the flag.
    pub(crate) fn check(self) -> Result<Plan, Misuse> {
        for (flag, value) in [
            ("rooms", self.rooms),
            ("publishers", self.publishers),
            ("subscribers", self.subscribers),
        ] {
            if value == 0 {
                return Err(misuse(flag, "at least 1"));
            }
        }
        if self.publishers > MAX_PUBLISHERS {
            return Err(misuse(
                "publishers",
                format!("at most {MAX_PUBLISHERS} in a room"),
            ));
        }
        let in_room = u64::from(self.publishers) + u64::from(self.subscribers);
        let all = in_room * u64::from(self.rooms);
        if all > u64::from(MAX_PARTICIPANTS) {
            return Err(misuse(
                "rooms",
                format!("{all} participants in all; at most {MAX_PARTICIPANTS} from one process"),
            ));
        }
        if self.duration.is_zero() || self.duration > MAX_DURATION {
            return Err(misuse("duration", "from 1s to 24h"));
        }
        within("join-rate", self.join_rate, JOIN_RATE)?;
        within("video-bitrate", self.video_bitrate, VIDEO_KBPS)?;
        if self
            .max_loss
            .is_some_and(|percent| !(0.0..=100.0).contains(&percent))
        {
            return Err(misuse("max-loss", "from 0 to 100 percent"));
        }
        if self.room_prefix.is_empty() || self.room_prefix.len() > 100 {
            return Err(misuse("room-prefix", "from 1 to 100 bytes"));
        }
        Ok(Plan {
            url: url(&self.url)?,
            api_key: ApiKey {
                key: self.api_key,
                secret: self.api_secret,
            },
            rooms: self.rooms,
            publishers: self.publishers,
            subscribers: self.subscribers,
            duration: self.duration,
            join_rate: self.join_rate,
            video_bps: self.video_bitrate * 1_000,
            frame_rate: self.frame_rate,
            room_prefix: self.room_prefix,
            bind: self.bind,
            max_loss: self.max_loss,
            json: self.json,
        })
    }
}

impl Plan {
    /// Participants of all rooms.
    pub(crate) fn participants(&self) -> u32 {
        self.rooms * (self.publishers + self.subscribers)
    }
}

fn within(
    flag: &'static str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<(), Misuse> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(misuse(flag, format!("from {least} to {most}")))
}

/// A signalling address; `http` and `https` are taken for `ws` and `wss`, as the SDKs do.
fn url(text: &str) -> Result<Uri, Misuse> {
    let text = match text.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("ws" | "wss", _)) => text.to_owned(),
        _ => return Err(misuse("url", "ws://HOST:PORT or wss://HOST:PORT")),
    };
    let url: Uri = text
        .parse()
        .map_err(|error| misuse("url", format!("{error}")))?;
    if url.query().is_some() {
        return Err(misuse("url", "without a query"));
    }
    Ok(url)
}

/// `250ms`, `30s`, `5m`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: u64 = number
        .parse()
        .map_err(|_| "a number and a unit, as 30s".to_owned())?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("the unit is ms, s, m or h".to_owned()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(more: &[&str]) -> Result<Plan, String> {
        let least = [
            "loadtest",
            "--url",
            "ws://host:1",
            "--api-key",
            "k",
            "--api-secret",
            "s",
        ];
        let args = Args::try_parse_from(least.iter().chain(more)).map_err(|e| e.to_string())?;
        args.check().map_err(|error| error.to_string())
    }

    fn refusal(more: &[&str]) -> String {
        plan(more).expect_err("refused")
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn little_needs_to_be_said() {
        let plan = plan(&[]).unwrap();
        assert_eq!(plan.participants(), 2);
        assert_eq!(plan.duration, Duration::from_secs(30));
        assert_eq!(plan.video_bps, 600_000);
        assert!(plan.max_loss.is_none());
    }

    #[test]
    fn absurd_numbers_are_refused_by_the_flags_name() {
        for (flags, start) in [
            (&["--rooms", "0"][..], "--rooms: at least 1"),
            (&["--publishers", "0"], "--publishers: at least 1"),
            (&["--publishers", "101"], "--publishers: at most 100"),
            (
                &["--rooms", "1000", "--subscribers", "1000"],
                "--rooms: 1001000 participants",
            ),
            (
                &["--rooms", "4294967295"],
                "--rooms: 8589934590 participants",
            ),
            (&["--duration", "0s"], "--duration: from 1s"),
            (&["--duration", "25h"], "--duration: from 1s"),
            (&["--join-rate", "0"], "--join-rate: from 1 to 1000"),
            (
                &["--video-bitrate", "49"],
                "--video-bitrate: from 50 to 20000",
            ),
            (&["--max-loss", "101"], "--max-loss: from 0"),
            (&["--max-loss", "NaN"], "--max-loss: from 0"),
            (&["--room-prefix", ""], "--room-prefix: from 1"),
        ] {
            let refused = refusal(flags);
            assert!(refused.starts_with(start), "{flags:?}: {refused}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1h", 3_600), ("7", 7)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for text in [
            "",
            "s",
            "1.5s",
            "3d",
            "-1s",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_those_of_websockets() {
        assert_eq!(url("http://host:1").unwrap(), "ws://host:1");
        assert_eq!(url("https://host").unwrap(), "wss://host");
        for text in ["host:1", "ftp://host", "ws://", "ws://host?a=b"] {
            let refused = url(text).unwrap_err().to_string();
            assert!(refused.starts_with("--url: "), "{text}: {refused}");
        }
    }
}
