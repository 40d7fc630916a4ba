//! What a person sees while the run goes on: a bar on a terminal, a line every few seconds without
//! one. Both on standard error: standard output is the report's.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between lines. Raising: a log looks dead. Lowering: it fills.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How far the run is.
pub(crate) struct Progress {
    /// On a terminal.
    bar: Option<ProgressBar>,
    stage: &'static str,
    latest_line: Instant,
}

impl Progress {
    /// Asks whether there is a terminal.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix:<20} [{bar:30}] {pos}/{len} {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        Self {
            bar,
            stage: "",
            latest_line: Instant::now(),
        }
    }

    /// Another part of the run begins.
    pub(crate) fn stage(&mut self, stage: &'static str, length: u64) {
        self.stage = stage;
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(stage);
                bar.set_length(length);
                bar.set_position(0);
                bar.set_message("");
            }
            None => eprintln!("{stage}: {length}"),
        }
    }

    /// The part of the run is so far.
    pub(crate) fn show(&mut self, position: u64, facts: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(facts());
        } else if self.latest_line.elapsed() >= LINE_INTERVAL {
            self.latest_line = Instant::now();
            eprintln!("{}: {position} {}", self.stage, facts());
        }
    }

    /// Clears the bar.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
