//! `cargo xtask test`: what CI runs, in the order in which failures are cheapest.

use std::time::Instant;

use crate::step::Step;
use crate::{manifests, needs, python, workspace};

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Whole,
    /// Without what needs a browser, an advisory database or Python packages.
    Fast,
}

/// Runs the steps one after another.
///
/// # Errors
///
/// The first failure, with the command that repeats it alone, or what is missing.
pub(crate) fn test(extent: Extent) -> Result<(), String> {
    let begun = Instant::now();
    let (root, web) = (workspace::root(), workspace::web());

    Step::new("format", "cargo", &["fmt", "--all", "--check"], &root).run()?;

    // The server embeds the page, so the page is built before any Rust is.
    needs::web_packages()?;
    Step::new("page types", "npm", &["run", "check"], &web).run()?;
    Step::new("page", "npm", &["run", "build"], &web).run()?;

    let lint = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    Step::new("lints", "cargo", &lint, &root).run()?;
    Step::new("tests", "cargo", &["test", "--workspace"], &root).run()?;
    load()?;

    if extent == Extent::Whole {
        advisories()?;
        manifests::test()?;
        calls_in_a_browser()?;
    }
    eprintln!("\n==> all steps ok, {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A short load test against the server's binary, which the tests before have built for their own
/// runs of it. For the whole workspace again, though it is one test: with fewer packages cargo would
/// choose other features and build the dependencies anew.
fn load() -> Result<(), String> {
    let only = ["--test", "against_the_server"];
    let how = ["--", "--ignored", "--test-threads", "1"];
    let test = [&["test", "--workspace"][..], &only, &how].concat();
    Step::new("load", "cargo", &test, &workspace::root())
        .env("SFU_SERVER_BIN", workspace::server_binary("debug"))
        .run()
}

/// Known vulnerabilities among the dependencies. Their database comes from the network, which not
/// every machine has: the step is left out where no tool for it is installed.
fn advisories() -> Result<(), String> {
    let root = workspace::root();
    if needs::cargo_has("deny") {
        Step::new(
            "advisories",
            "cargo",
            &["deny", "check", "advisories"],
            &root,
        )
        .run()
    } else if needs::cargo_has("audit") {
        Step::new("advisories", "cargo", &["audit"], &root).run()
    } else {
        eprintln!("\n==> advisories: left out; to include them: cargo install --locked cargo-deny");
        Ok(())
    }
}

/// Calls between Chromium pages, and between Chromium and Firefox and the Python and Node SDKs,
/// through the server that the tests before have built: one built alone would have its dependencies
/// built anew. It is of the dev profile, where they, the cryptography among them, are optimised too.
fn calls_in_a_browser() -> Result<(), String> {
    let python = python::venv()?.join("bin").join("python");
    let (chromium, firefox) = (needs::chromium()?, needs::firefox()?);
    Step::new(
        "calls in a browser",
        "npm",
        &["run", "test:browser"],
        &workspace::web(),
    )
    .env("CHROMIUM", chromium)
    .env("FIREFOX", firefox)
    .env("PYTHON", python)
    .env("SFU_SERVER_BIN", workspace::server_binary("debug"))
    .env("IMPAIRMENT_LINK_BIN", workspace::impairment_link("debug"))
    .run()
}
