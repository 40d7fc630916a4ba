//! `cargo xtask scoreboard`: every scenario of the laboratory in virtual time over twenty seeds, and
//! the tables and pictures that are committed.

use crate::step::Step;
use crate::workspace;

/// Writes `docs/adaptation/scoreboard.md` and the plots beside it.
///
/// # Errors
///
/// Says that the simulation could not be built, or failed.
pub(crate) fn write() -> Result<(), String> {
    let simulation = [
        "run",
        "--profile",
        "sim",
        "-p",
        "sfu-core",
        "--example",
        "sim",
    ];
    let args = [&simulation[..], &["--", "--scoreboard"]].concat();
    Step::new("scoreboard", "cargo", &args, &workspace::root()).run()
}
