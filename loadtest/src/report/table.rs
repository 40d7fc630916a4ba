//! The report as people read it.

use std::fmt;

use super::Report;
use super::facts::{MediaFacts, Spread};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url,
            rooms,
            publishers_per_room,
            subscribers_per_room,
            measured_s,
            ..
        } = self;
        let early = if self.ended_early {
            ", ended early"
        } else {
            ""
        };
        writeln!(
            f,
            "{url}: {rooms} x ({publishers_per_room} publishers + {subscribers_per_room} \
             subscribers), measured {measured_s:.1} s{early}\n"
        )?;
        writeln!(
            f,
            "participants   {} of {} joined, {} failed",
            self.participants_joined, self.participants_planned, self.participants_failed
        )?;
        for failure in &self.failures {
            writeln!(
                f,
                "               {} x {}",
                failure.participants, failure.reason
            )?;
        }
        writeln!(f, "join           publishers {}", self.publisher_join_ms)?;
        writeln!(f, "               subscribers {}", self.subscriber_join_ms)?;
        writeln!(
            f,
            "tracks         {} of {} received, {} stalled",
            self.tracks_expected - self.tracks_missing,
            self.tracks_expected,
            self.tracks_stalled
        )?;
        writeln!(
            f,
            "bitrate        sent {}, received {}",
            megabits(self.sent_bps),
            megabits(self.received_bps)
        )?;
        writeln!(f, "delay          {}\n", self.delay_ms)?;
        writeln!(
            f,
            "{:<8}{:>12}{:>12}{:>10}{:>10}{:>10}{:>16}{:>10}",
            "packets",
            "expected",
            "received",
            "repaired",
            "lost",
            "loss %",
            "before repair %",
            "frames"
        )?;
        for (name, facts) in [
            ("audio", self.audio),
            ("video", self.video),
            ("all", self.all),
        ] {
            line(f, name, &facts)?;
        }
        if self.ok {
            return writeln!(f, "\nresult: ok");
        }
        writeln!(f, "\nresult: FAILED: {}", self.problems.join("; "))
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, facts: &MediaFacts) -> fmt::Result {
    writeln!(
        f,
        "{name:<8}{:>12}{:>12}{:>10}{:>10}{:>10.3}{:>16.3}{:>10}",
        facts.packets_expected,
        facts.packets_received,
        facts.packets_repaired,
        facts.packets_lost,
        facts.loss_percent,
        facts.loss_before_repair_percent,
        facts.frames_received
    )
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.p50, self.p99, self.max) {
            (Some(p50), Some(p99), Some(max)) => {
                write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")
            }
            _ => f.write_str("none"),
        }
    }
}

fn megabits(bps: u64) -> String {
    format!("{:.2} Mbit/s", bps as f64 / 1e6)
}
