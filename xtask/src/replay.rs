//! `cargo xtask replay`: a recording of one subscriber's adaptation, run again.

use crate::step::Step;
use crate::workspace;

/// Hands everything to the engine's example of the same name.
///
/// # Errors
///
/// The file is no recording, or what is said now is not what was said then.
pub(crate) fn replay(words: &[String]) -> Result<(), String> {
    let mut args = vec![
        "run",
        "--quiet",
        "-p",
        "sfu-core",
        "--example",
        "replay",
        "--",
    ];
    args.extend(words.iter().map(String::as_str));
    Step::new("replay", "cargo", &args, &workspace::root()).run()
}
