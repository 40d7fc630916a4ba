//! The run: publishers join, then subscribers, then time passes, then all leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::args::Plan;
use crate::participant::Setting;
use crate::phase::Phase;
use crate::progress::Progress;
use crate::record::{Record, Role};
use crate::report::{Report, Seen};
use crate::stamp::Clock;
use crate::{publisher, subscriber};

/// How long packets and repairs may be under way when the publishers have stopped.
const DRAIN: Duration = Duration::from_millis(500);

/// How long leaving may take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

/// How often progress is shown.
const SHOW_INTERVAL: Duration = Duration::from_millis(250);

/// Exit code after a second Ctrl-C: 128 and SIGINT's number, as shells expect it.
const INTERRUPTED: i32 = 130;

/// Sums over all participants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Payload bytes that publishers have written.
    pub(crate) sent_bytes: u64,
    /// Payload bytes that subscribers have received, each packet once.
    pub(crate) received_bytes: u64,
    expected: u64,
    received: u64,
}

impl Totals {
    fn of(records: &[Arc<Record>]) -> Self {
        let mut totals = Self::default();
        for record in records {
            totals.sent_bytes += record.sent.bytes();
            for stream in record.intake.received().tracks() {
                totals.received_bytes += stream.bytes;
                totals.expected += stream.sequence.expected();
                totals.received += stream.sequence.received();
            }
        }
        totals
    }
}

/// The measured time.
#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Instant,
    before: Totals,
}

struct Run {
    setting: Setting,
    records: Vec<Arc<Record>>,
    phase: watch::Sender<Phase>,
    tasks: JoinSet<()>,
    window: Option<Window>,
    progress: Progress,
}

/// Does all that the plan says, and reports.
pub(crate) async fn run(plan: Plan) -> Report {
    let plan = Arc::new(plan);
    let mut run = Run {
        records: records(&plan),
        setting: Setting {
            plan: Arc::clone(&plan),
            clock: Clock::begin(),
        },
        phase: watch::channel(Phase::Call).0,
        tasks: JoinSet::new(),
        window: None,
        progress: Progress::new(),
    };
    let ended_early = tokio::select! {
        () = run.call() => false,
        interrupted = tokio::signal::ctrl_c() => {
            tokio::spawn(async {
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(INTERRUPTED);
                }
            });
            interrupted.is_ok()
        }
    };
    run.end(ended_early).await
}

fn records(plan: &Plan) -> Vec<Arc<Record>> {
    let of_role = |role, in_room: u32| {
        let rooms = 0..plan.rooms;
        rooms.flat_map(move |room| (0..in_room).map(move |number| (role, room, number)))
    };
    of_role(Role::Publisher, plan.publishers)
        .chain(of_role(Role::Subscriber, plan.subscribers))
        .map(|(role, room, number)| Arc::new(Record::new(role, room, number)))
        .collect()
}

impl Run {
    async fn call(&mut self) {
        for (role, stage) in [
            (Role::Publisher, "publishers join"),
            (Role::Subscriber, "subscribers join"),
        ] {
            self.join(role, stage).await;
            let mut of_role = self.records.iter().filter(|record| record.role == role);
            if !of_role.any(|record| record.standing().joined.is_some()) {
                // Without anybody to send or to receive there is nothing to measure.
                return;
            }
        }
        self.measure().await;
    }

    /// Lets all of a role join, so many a second, and waits until each has joined or failed.
    async fn join(&mut self, role: Role, stage: &'static str) {
        let records = self.records.iter().filter(|record| record.role == role);
        let records: Vec<_> = records.cloned().collect();
        self.progress.stage(stage, records.len() as u64);
        let interval = Duration::from_secs(1) / self.setting.plan.join_rate;
        let mut due = tokio::time::interval(interval);
        let mut settled = Vec::new();
        for record in &records {
            due.tick().await;
            let (sender, receiver) = oneshot::channel();
            settled.push(receiver);
            let phase = self.phase.subscribe();
            let setting = self.setting.clone();
            let record = Arc::clone(record);
            self.tasks.spawn(attend(setting, record, sender, phase));
            show_joins(&mut self.progress, &records);
        }
        // Who fails drops its sender, which settles it too.
        let mut all = join_all(settled);
        let mut show = tokio::time::interval(SHOW_INTERVAL);
        loop {
            tokio::select! {
                _ = &mut all => return,
                _ = show.tick() => show_joins(&mut self.progress, &records),
            }
        }
    }

    async fn measure(&mut self) {
        let duration = self.setting.plan.duration;
        let begun = Instant::now();
        self.window = Some(Window {
            begun,
            before: Totals::of(&self.records),
        });
        self.progress.stage("seconds measured", duration.as_secs());
        let end = tokio::time::sleep(duration);
        tokio::pin!(end);
        let mut show = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = &mut end => return,
                _ = show.tick() => {
                    let records = &self.records;
                    self.progress.show(begun.elapsed().as_secs(), || facts(records));
                }
            }
        }
    }

    async fn end(mut self, ended_early: bool) -> Report {
        let quiet_at = self.setting.clock.now();
        self.phase.send_replace(Phase::Quiet);
        let measured = self.window.map(|window| {
            let now = Totals::of(&self.records);
            let sent = now.sent_bytes.saturating_sub(window.before.sent_bytes);
            let received = now
                .received_bytes
                .saturating_sub(window.before.received_bytes);
            (window.begun.elapsed(), sent, received)
        });
        tokio::time::sleep(DRAIN).await;
        let (measured, sent_bytes, received_bytes) = measured.unwrap_or_default();
        let report = Report::of(
            &self.setting.plan,
            &self.records,
            Seen {
                measured,
                sent_bytes,
                received_bytes,
                quiet_at,
                ended_early,
            },
        );
        self.progress.end();
        self.phase.send_replace(Phase::Leave);
        let leaving = async { while self.tasks.join_next().await.is_some() {} };
        // Who does not leave is dropped with the runtime; the server finds it gone.
        let _ = tokio::time::timeout(LEAVE_PATIENCE, leaving).await;
        report
    }
}

async fn attend(
    setting: Setting,
    record: Arc<Record>,
    settled: oneshot::Sender<()>,
    phase: watch::Receiver<Phase>,
) {
    let attended = match record.role {
        Role::Publisher => publisher::attend(&setting, &record, settled, phase).await,
        Role::Subscriber => subscriber::attend(&setting, &record, settled, phase).await,
    };
    if let Err(failure) = attended {
        record.failed(failure.to_string());
    }
}

fn show_joins(progress: &mut Progress, records: &[Arc<Record>]) {
    let standings: Vec<_> = records.iter().map(|record| record.standing()).collect();
    let joined = standings.iter().filter(|one| one.joined.is_some()).count();
    let failed = standings.iter().filter(|one| one.failed.is_some()).count();
    progress.show(joined as u64, || format!("joined, {failed} failed"));
}

fn facts(records: &[Arc<Record>]) -> String {
    let totals = Totals::of(records);
    let failed = records
        .iter()
        .filter(|record| record.standing().failed.is_some());
    format!(
        "packets received {}, missing {}, participants failed {}",
        totals.received,
        totals.expected.saturating_sub(totals.received),
        failed.count()
    )
}
