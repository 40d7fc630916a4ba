//! One command that is run, named and timed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A command, what it is called, and how a person repeats it alone from the workspace's root.
pub(crate) struct Step {
    name: &'static str,
    rerun: String,
    command: Command,
}

impl Step {
    /// A step that runs `program` with `args` in `dir`.
    pub(crate) fn new(name: &'static str, program: &str, args: &[&str], dir: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(args).current_dir(dir).stdin(Stdio::null());
        let line = [&[program], args].concat().join(" ");
        let rerun = match from_root(dir) {
            None => line,
            Some(dir) => format!("(cd {} && {line})", dir.display()),
        };
        Self {
            name,
            rerun,
            command,
        }
    }

    /// Sets a variable of the step's environment.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        self.rerun = format!("{key}={} {}", value.to_string_lossy(), self.rerun);
        self.command.env(key, value);
        self
    }

    /// Runs the step to its end, with its name before and its time after.
    ///
    /// # Errors
    ///
    /// Says which step failed and how to repeat it alone.
    pub(crate) fn run(mut self) -> Result<(), String> {
        eprintln!("\n==> {}: {}", self.name, self.rerun);
        let begun = Instant::now();
        let outcome = self.command.status();
        let seconds = begun.elapsed().as_secs_f64();
        let failure = match outcome {
            Ok(status) if status.success() => {
                eprintln!("==> {}: ok, {seconds:.1} s", self.name);
                return Ok(());
            }
            Ok(status) => format!("failed ({status}) after {seconds:.1} s"),
            Err(error) => format!("could not be started ({error})"),
        };
        Err(format!(
            "{}: {failure}; to run it alone: {}",
            self.name, self.rerun
        ))
    }
}

/// `dir` relative to the workspace's root; `None` where it is the root.
fn from_root(dir: &Path) -> Option<PathBuf> {
    let root = super::workspace::root();
    match dir.strip_prefix(&root) {
        Ok(inside) if inside.as_os_str().is_empty() => None,
        Ok(inside) => Some(inside.to_path_buf()),
        Err(_) => Some(dir.to_path_buf()),
    }
}
