//! `cargo xtask reality`: scenarios of the laboratory in the simulation and with the real server and
//! real browsers, and the table that holds the one against the other.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::step::Step;
use crate::{needs, workspace};

/// What two cores can play: one who sends and one or two who watch, for some 20 minutes in all.
const USUAL: [&str; 14] = [
    "rfc8867-5.1",
    "rfc8867-5.2",
    "rfc8867-5.3",
    "rfc8867-5.6",
    "burst-loss",
    "codel",
    "doubling",
    "halving",
    "high-rtt",
    "hotel",
    "jitter",
    "loss",
    "mobile",
    "step",
];

/// Those of one who sends and one who watches: Chromium's own estimator can play them without a server.
const PAIRS: [&str; 13] = [
    "rfc8867-5.1",
    "rfc8867-5.6",
    "burst-loss",
    "codel",
    "doubling",
    "halving",
    "high-rtt",
    "hotel",
    "jitter",
    "loss",
    "mobile",
    "rough",
    "step",
];

/// How many seeds are simulated: their median stands against the one real run.
const SEEDS: u32 = 5;

/// Where the table is, and the figures of each scenario, from the workspace's root.
const FOLDER: &str = "docs/adaptation/reality";
const TABLE: &str = "docs/adaptation/reality.md";

const HEAD: &str = "\
# The simulation against reality

Written by `cargo xtask reality [SCENARIO..]`, which runs scenarios of `loadtest/lab/scenarios` twice:
five seeds in the simulation, and once with the real server and the unmodified `livekit-client` in
Chromium, in network namespaces joined by the impairment link, whose elements are those of the
simulation. Both write the same log, and the same code judges both. A cell is the simulation's median,
then the real run, and third, where one sends and one watches, what Chromium's own estimator makes of the
same link from page to page without a server (it has an encoder that follows the estimate instead of
layers). ✓ and ✗ say whether that is as asked, where something is asked.

Real pages send a camera of 640x360 at the rates of 1280x720 and tell its heights as if it were that:
two cores encode and decode all of it. What the server sends is seen at the link there, and a time
without pictures at the page. Real frames differ in size, machines are busy, and a real run is one seed.

";

/// The profile of the binaries: `REALITY_PROFILE=debug` is for trying things out.
fn profile() -> String {
    std::env::var("REALITY_PROFILE").unwrap_or_else(|_| "release".to_owned())
}

/// Runs these scenarios, or the usual ones, and writes the table of all that have ever been run.
///
/// # Errors
///
/// Names what is missing or the step that failed; a figure that is not as asked is no failure.
pub(crate) fn measure(names: &[String]) -> Result<(), String> {
    needs::web_packages()?;
    let root = workspace::root();
    Step::new("page", "npm", &["run", "build"], &workspace::web()).run()?;
    let crates = ["-p", "sfu-server", "-p", "loadtest", "-p", "sfu-lab"];
    let named = if profile() == "debug" {
        "dev"
    } else {
        "release"
    };
    let build = [&["build", "--profile", named], &crates[..]].concat();
    Step::new("server, link and judge", "cargo", &build, &root).run()?;
    let lab = workspace::target(&profile()).join("lab");
    let logs = workspace::target_dir().join("reality");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let usual = || USUAL.iter().map(|name| (*name).to_owned()).collect();
    let names = if names.is_empty() {
        usual()
    } else {
        names.to_vec()
    };
    for name in &names {
        let real = logs.join(format!("{name}.json"));
        let direct = logs.join(format!("{name}.direct.json"));
        play(name, &lab, &real, "server")?;
        // Nothing of ours is in the reference: once is enough for as long as its log lies there.
        if PAIRS.contains(&name.as_str()) && !direct.exists() {
            play(name, &lab, &direct, "direct")?;
        }
        let mut words = vec!["compare".to_owned(), name.clone()];
        words.extend([text(&real), text(&direct)]);
        for seed in 1..=SEEDS {
            let log = logs.join(format!("{name}.{seed}.json"));
            simulate(name, seed, &log)?;
            words.push(text(&log));
        }
        words.push(text(&root.join(FOLDER)));
        answer(&lab, &words)?;
    }
    let table = answer(&lab, &["table".to_owned(), text(&root.join(FOLDER))])?;
    let path = root.join(TABLE);
    fs::write(&path, format!("{HEAD}{table}")).map_err(|error| format!("{TABLE}: {error}"))?;
    print!("{table}");
    Ok(())
}

/// Runs a scenario in browsers, through the server or `direct` from page to page.
fn play(name: &str, lab: &Path, log: &Path, way: &str) -> Result<(), String> {
    let run = ["e2e/reality/run.mjs"];
    Step::new("real run", "node", &run, &workspace::web())
        .env("CHROMIUM", needs::chromium()?)
        .env("SFU_SERVER_BIN", workspace::server_binary(&profile()))
        .env(
            "IMPAIRMENT_LINK_BIN",
            workspace::impairment_link(&profile()),
        )
        .env("SFU_LAB_BIN", lab)
        .env("REALITY_SCENARIO", name)
        .env("REALITY_WAY", way)
        .env("REALITY_LOG", log)
        .run()
}

/// Its exit code tells whether all figures are as asked: what counts here is the log.
fn simulate(name: &str, seed: u32, log: &Path) -> Result<(), String> {
    let _ = fs::remove_file(log);
    let seed = seed.to_string();
    let mut command = Command::new("cargo");
    command.args(["sim", "--scenario", name, "--seed", &seed, "--log"]);
    let output = command.arg(log).current_dir(workspace::root()).output();
    let output = output.map_err(|error| format!("cargo sim could not be started ({error})"))?;
    if log.exists() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "the simulation of {name} with seed {seed} failed: {said}"
    ))
}

fn answer(program: &Path, words: &[String]) -> Result<String, String> {
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
