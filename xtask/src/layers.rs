//! `cargo xtask layers`: what a person sees of a video whose layers are switched, and of one that
//! loses packets on its way, in figures, beside those of two browsers without a server.

use crate::step::Step;
use crate::{needs, workspace};

/// Measures every codec for a minute over each link and prints the table: 20 minutes, on a machine
/// that does nothing else.
///
/// # Errors
///
/// Names what is missing, the step that failed, or that a figure is beyond its limit.
pub(crate) fn measure() -> Result<(), String> {
    needs::web_packages()?;
    Step::new("page", "npm", &["run", "build"], &workspace::web()).run()?;
    let build = ["build", "--release", "-p", "sfu-server", "-p", "loadtest"];
    Step::new("server and link", "cargo", &build, &workspace::root()).run()?;

    let test = ["--test", "--test-reporter=spec", "e2e/layers.test.mjs"];
    Step::new("layers", "node", &test, &workspace::web())
        .env("CHROMIUM", needs::chromium()?)
        .env("SFU_SERVER_BIN", workspace::server_binary("release"))
        .env("IMPAIRMENT_LINK_BIN", workspace::impairment_link("release"))
        .env("LAYERS", "full")
        .run()
}
