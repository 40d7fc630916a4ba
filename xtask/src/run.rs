//! `cargo xtask run`: from a fresh clone to a running server.

use std::process::Command;

use crate::step::Step;
use crate::{needs, workspace};

/// Builds the page and the server, and turns into the server, with `--dev` and `args`.
///
/// # Errors
///
/// Names what is missing, or the step that failed.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    needs::web_packages()?;
    Step::new("page", "npm", &["run", "build"], &workspace::web()).run()?;
    let build = ["build", "--release", "-p", "sfu-server"];
    Step::new("server", "cargo", &build, &workspace::root()).run()?;

    let binary = workspace::server_binary("release");
    let mut server = Command::new(&binary);
    server.arg("--dev").args(args);
    eprintln!("\n==> {} --dev {}", binary.display(), args.join(" "));
    become_it(server).map_err(|error| format!("{} did not start: {error}", binary.display()))
}

/// Replaces this process, so that signals reach the server itself.
#[cfg(unix)]
fn become_it(mut server: Command) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    Err(server.exec())
}

#[cfg(not(unix))]
fn become_it(mut server: Command) -> std::io::Result<()> {
    let status = server.status()?;
    std::process::exit(status.code().unwrap_or(1))
}
