//! What a person sees while the run goes on: a bar on a terminal, a line every few seconds without
//! one. Both on standard error: standard output is the report's.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between lines. Raising: a log looks dead. Lowering: it fills.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How far the run is.
pub(crate) struct Progress {
    /// The bar of this part of the run; hidden without a terminal.
    bar: ProgressBar,
    on_terminal: bool,
    stage: &'static str,
    latest_line: Instant,
}

impl Progress {
    /// Asks whether there is a terminal.
    pub(crate) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            on_terminal: std::io::stderr().is_terminal(),
            stage: "",
            latest_line: Instant::now(),
        }
    }

    /// Another part of the run begins.
    pub(crate) fn stage(&mut self, stage: &'static str, length: u64) {
        self.stage = stage;
        if !self.on_terminal {
            eprintln!("{stage}: {length}");
            return;
        }
        self.bar.finish_and_clear();
        let style = ProgressStyle::with_template("{prefix:<18} [{bar:24}] {pos}/{len} {wide_msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = ProgressBar::new(length)
            .with_style(style)
            .with_prefix(stage);
    }

    /// The part of the run is so far.
    pub(crate) fn show(&mut self, position: u64, facts: impl FnOnce() -> String) {
        if self.on_terminal {
            self.bar.set_message(facts());
            self.bar.set_position(position);
        } else if self.latest_line.elapsed() >= LINE_INTERVAL {
            self.latest_line = Instant::now();
            eprintln!("{}: {position} {}", self.stage, facts());
        }
    }

    /// Clears the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
