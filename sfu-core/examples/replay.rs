//! Runs a recording of one subscriber's adaptation again: see [`HELP`].

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sfu_core::bandwidth::allocator::Allotment;
use sfu_core::bandwidth::departure::{Class, Demand, SentPacket};
use sfu_core::bandwidth::estimator::EstimatorReport;
use sfu_core::bandwidth::recording::{Replay, Step, replay};
use sfu_core::config::MAX_RECORDING;
use sfu_core::media::layer::Layers;
use sfu_core::unit::Bitrate;
use sfu_lab::log::{
    BIN_MS, LinkBin, LinkLog, Log, SubscriberBin, SubscriberLog, TrackBin, TrackLog,
};

const HELP: &str = "\
cargo xtask replay FILE [--plot FILE] [--steps]

Runs a recording of one subscriber's adaptation (the gRPC call RecordAdaptation) through this
program's estimator and allocator, and says whether what they say is what they said when it was
made. Exits with 1 where it is not.

  --plot FILE   where the picture goes: rates, queue and layers over time, as SVG; FILE.svg without
  --steps       prints every estimate, probe and allotment too
";

/// A recording, and what frames it.
const MOST_BYTES: u64 = MAX_RECORDING as u64 + (1 << 20);

/// What the picture calls what is known of the network.
const LINK: &str = "the link (as acknowledged)";

/// Longest span that is drawn: an hour and something.
const MOST_BINS: usize = 40_000;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("replay: {wrong}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything was the same.
fn run() -> Result<bool, String> {
    let (path, picture, steps) = arguments(std::env::args().skip(1))?;
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(&path).map_err(named)?;
    let mut bytes = Vec::new();
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(named)? as u64 > MOST_BYTES {
        return Err(format!("{}: larger than any recording", path.display()));
    }
    let mut drawn = Drawn::default();
    #[allow(
        clippy::disallowed_methods,
        reason = "outputs depend on distances only"
    )]
    let base = Instant::now() + Duration::from_secs(86_400);
    let replayed = replay(&bytes, base, |at, step| {
        if steps {
            print(at, &step);
        }
        drawn.step(at, &step);
    });
    let replayed = replayed.map_err(|error| format!("{}: {error}", path.display()))?;
    tell(&replayed);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let log = drawn.log(&name);
    let svg = sfu_lab::plot::plot(&name, &log).map_err(|error| error.to_string())?;
    std::fs::write(&picture, svg).map_err(|error| format!("{}: {error}", picture.display()))?;
    println!("the picture is in {}", picture.display());
    Ok(replayed.difference.is_none())
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<(PathBuf, PathBuf, bool), String> {
    let (mut file, mut picture, mut steps) = (None, None, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--plot" => picture = Some(words.next().ok_or("--plot needs a file")?.into()),
            "--steps" => steps = true,
            _ if word.starts_with('-') || file.is_some() => return Err(HELP.to_owned()),
            _ => file = Some(PathBuf::from(word)),
        }
    }
    let file = file.ok_or_else(|| HELP.to_owned())?;
    let picture = picture.unwrap_or_else(|| file.with_extension("svg"));
    Ok((file, picture, steps))
}

fn tell(replay: &Replay) {
    println!(
        "recorded by version {}: {:.1} s, {} inputs",
        replay.version,
        replay.span.as_secs_f64(),
        replay.inputs
    );
    if replay.breaks_off {
        println!("it breaks off");
    }
    match &replay.difference {
        None => println!(
            "all {} outputs are what they were, to the bit",
            replay.compared
        ),
        Some(other) => {
            let was = other
                .recorded
                .map_or_else(String::new, |was| format!(", recorded {was}"));
            println!(
                "the first other output of {}: {} at {:.3} s, now {}{was}",
                replay.compared,
                other.output,
                other.at.as_secs_f64(),
                other.replayed
            );
        }
    }
}

fn print(at: Duration, step: &Step<'_>) {
    let at = at.as_secs_f64();
    match step {
        Step::Sent(_) => {}
        Step::Estimated(report) => println!(
            "{at:9.3} estimate {} ({:?}, {:?}), acknowledged {}, queue {:.0} ms, lost {} per mille",
            report.estimate,
            report.limit,
            report.usage,
            report.acknowledged.unwrap_or_default(),
            report.queueing_delay.as_secs_f64() * 1000.0,
            report.lost_per_mille
        ),
        Step::Probe(probe) => println!("{at:9.3} probe {} of {}", probe.id.0, probe.rate),
        Step::Allotted {
            budget,
            allotments,
            demand,
        } => {
            println!(
                "{at:9.3} allotted {} of {}, next {}",
                demand.allotted,
                budget.estimate,
                demand.next.unwrap_or_default()
            );
            for one in *allotments {
                println!(
                    "{:10}{:?} {:?} {} {:?}",
                    "", one.track, one.layers, one.bitrate, one.limit
                );
            }
        }
    }
}

/// What the picture is drawn from.
#[derive(Default)]
struct Drawn {
    bins: Vec<SubscriberBin>,
    link: Vec<LinkBin>,
    tracks: Vec<TrackLog>,
    report: EstimatorReport,
    allotted: Bitrate,
}

fn kbps(rate: Bitrate) -> f64 {
    rate.bps() as f64 / 1000.0
}

impl Drawn {
    /// The bin of a time; what was last known stands until then.
    fn reach(&mut self, at: Duration) -> Option<usize> {
        let bin = usize::try_from(at.as_millis() / u128::from(BIN_MS)).ok()?;
        if bin >= MOST_BINS {
            return None;
        }
        while self.bins.len() <= bin {
            self.bins.push(SubscriberBin {
                estimate_kbps: kbps(self.report.estimate),
                allotted_kbps: kbps(self.allotted),
                ..SubscriberBin::default()
            });
            self.link.push(LinkBin {
                capacity_kbps: kbps(self.report.acknowledged.unwrap_or_default()),
                ..LinkBin::default()
            });
            for track in &mut self.tracks {
                track
                    .bins
                    .push(track.bins.last().copied().unwrap_or_default());
            }
        }
        Some(bin)
    }

    fn step(&mut self, at: Duration, step: &Step<'_>) {
        let Some(bin) = self.reach(at) else {
            return;
        };
        match step {
            Step::Sent(sent) => self.sent(bin, sent),
            Step::Estimated(report) => {
                self.report = *report;
                self.bins[bin].estimate_kbps = kbps(report.estimate);
                let queue = report.queueing_delay.as_secs_f64() * 1000.0;
                let link = &mut self.link[bin];
                link.queue_ms_max = link.queue_ms_max.max(queue);
                link.queue_ms_mean = queue;
            }
            Step::Probe(_) => {}
            Step::Allotted {
                allotments, demand, ..
            } => self.allotted(bin, allotments, *demand),
        }
    }

    fn sent(&mut self, bin: usize, sent: &SentPacket) {
        let rate = f64::from(sent.size) * 8.0 / f64::from(BIN_MS);
        let bin = &mut self.bins[bin];
        bin.sent_kbps += rate;
        match sent.class {
            Class::Repair => bin.repair_kbps += rate,
            Class::Padding => bin.padding_kbps += rate,
            Class::Audio | Class::Video => {}
        }
    }

    fn allotted(&mut self, bin: usize, allotments: &[Allotment], demand: Demand) {
        self.allotted = demand.allotted;
        self.bins[bin].allotted_kbps = kbps(demand.allotted);
        for one in allotments {
            let name = format!("track {}", one.track.0);
            let at = self.tracks.iter().position(|track| track.name == name);
            let at = at.unwrap_or_else(|| {
                self.tracks.push(TrackLog {
                    name,
                    bins: vec![TrackBin::default(); bin + 1],
                    ..TrackLog::default()
                });
                self.tracks.len() - 1
            });
            let Some(last) = self.tracks[at].bins.last_mut() else {
                continue;
            };
            let layers = one.layers.unwrap_or(Layers::all_of(0));
            let spatial = match layers.top.spatial {
                u8::MAX => layers.encoding,
                spatial => layers.encoding.max(spatial),
            };
            *last = TrackBin {
                spatial,
                temporal: layers.top.temporal.min(7),
                paused: one.is_paused(),
                ..TrackBin::default()
            };
        }
    }

    fn log(self, name: &str) -> Log {
        Log {
            scenario: name.to_owned(),
            column: "replayed".to_owned(),
            links: vec![LinkLog {
                name: LINK.to_owned(),
                bins: self.link,
                waits: Vec::new(),
            }],
            subscribers: vec![SubscriberLog {
                name: "subscriber".to_owned(),
                link: LINK.to_owned(),
                bins: self.bins,
                tracks: self.tracks,
            }],
            ..Log::default()
        }
    }
}
