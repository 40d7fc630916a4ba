//! `cargo xtask reality`: scenarios of the laboratory in the simulation and with the real server and
//! real browsers, and the table that holds the one against the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::Step;
use crate::{needs, workspace};

/// How many seeds are simulated: their median stands against the one real run.
const SEEDS: u32 = 5;

/// A real run ends after so many seconds, and so does the simulation beside it. What two scenarios of
/// five minutes do after their first two is the same over and over.
const MOST_SECONDS: u32 = 125;

/// What a real run takes beside its scenario, in seconds: the browsers' start, and the simulation.
const AROUND: u32 = 25;

/// Where the table is, and the figures of each scenario, from the workspace's root.
const FOLDER: &str = "docs/adaptation/reality";
const TABLE: &str = "docs/adaptation/reality.md";

/// Where the scenarios are, each a file of its name.
const SCENARIOS: &str = "loadtest/lab/scenarios";

const HEAD: &str = "\
# The simulation against reality

Written by `cargo xtask reality [--resume] [SCENARIO..]`; not by hand. It runs scenarios of
`loadtest/lab/scenarios` twice: five seeds in the simulation, and once with the real server and the
unmodified `livekit-client` in Chromium, in network namespaces joined by the impairment link, whose
elements are those of the simulation. Both write the same log, and the same code judges both. A cell is
the simulation's median, then the real run, and third, where one sends and one watches, what Chromium's
own estimator makes of the same link from page to page without a server (it has an encoder that follows
the estimate instead of layers). ✓ and ✗ say whether that is as asked: with brackets where it is our own
aim, without where the proof asks for it, as in the [scoreboard](scoreboard.md). Of a scenario that lasts
longer, both play the first 125 s.

A row is what its build had: that of the server and of the simulation, `+` with changes that were not
committed, `debug` where it was not optimised. Rows of other scenarios stay when one is run again; those
that are `older` were judged by other rules.

Real pages send a camera of 640x360 at the rates of 1280x720 and tell its heights as if it were that:
two cores encode and decode all of it. What the server sends is seen at the link there, and a time
without pictures at the page. What of it is padding is not seen there, and counts as used in a real run
alone. Real frames differ in size, machines are busy (with eight or nine cameras,
`joins`, two cores have more to do than they can), and a real run is one seed.

";

/// The profile of the binaries: `REALITY_PROFILE=debug` is for trying things out.
fn profile() -> String {
    std::env::var("REALITY_PROFILE").unwrap_or_else(|_| "release".to_owned())
}

/// A scenario as `lab list` prints it.
struct Listed {
    name: String,
    seconds: u32,
    /// Chromium's own estimator can play it without a server.
    is_pair: bool,
}

impl Listed {
    /// From `NAME SECONDS`, or `NAME SECONDS pair`.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            name: words.next()?.to_owned(),
            seconds: words.next()?.parse().ok()?,
            is_pair: words.next() == Some("pair"),
        })
    }

    fn seconds(&self) -> u32 {
        self.seconds.min(MOST_SECONDS)
    }
}

/// What is run, and with what.
struct Reality {
    lab: PathBuf,
    /// Of each run, its log.
    logs: PathBuf,
    build: String,
}

/// Runs these scenarios, or all, and writes the table of all that have ever been run, after each. With
/// `--resume` those are left out whose row is of this build.
///
/// # Errors
///
/// Names what is missing or the steps that failed, when the others are done; a figure that is not as
/// asked is no failure.
pub(crate) fn measure(words: &[String]) -> Result<(), String> {
    let resumes = words.iter().any(|word| word == "--resume");
    let names: Vec<&String> = words.iter().filter(|word| *word != "--resume").collect();
    let reality = Reality::build()?;
    let all = reality.listed()?;
    if let Some(unknown) = names
        .iter()
        .find(|n| all.iter().all(|one| one.name != ***n))
    {
        return Err(format!("there is no scenario `{unknown}`"));
    }
    let is_asked = |one: &&Listed| names.is_empty() || names.iter().any(|name| **name == one.name);
    let asked = all.iter().filter(is_asked);
    let due: Vec<_> = asked
        .filter(|one| !(resumes && reality.has_row(one)))
        .collect();
    let seconds: u32 = due.iter().map(|one| reality.takes(one)).sum();
    let (count, minutes) = (due.len(), seconds.div_ceil(60));
    eprintln!(
        "{count} scenarios of build {}, {minutes} minutes",
        reality.build
    );
    reality.write_table()?;
    let mut failures = Vec::new();
    for one in due {
        if let Err(why) = reality.compare(one) {
            eprintln!("xtask: {}: {why}", one.name);
            failures.push(one.name.as_str());
        }
        reality.write_table()?;
    }
    match failures[..] {
        [] => Ok(()),
        _ => Err(format!(
            "these failed, as is said above: {}",
            failures.join(" ")
        )),
    }
}

impl Reality {
    /// Builds all that takes part.
    fn build() -> Result<Self, String> {
        needs::web_packages()?;
        needs::nft()?;
        let root = workspace::root();
        Step::new("page", "npm", &["run", "build"], &workspace::web()).run()?;
        let crates = ["-p", "sfu-server", "-p", "loadtest", "-p", "sfu-lab"];
        let (named, marked) = match profile().as_str() {
            "debug" => ("dev", ", debug"),
            _ => ("release", ""),
        };
        let build = [&["build", "--profile", named], &crates[..]].concat();
        Step::new("server, link and judge", "cargo", &build, &root).run()?;
        Step::new("simulation", "cargo", &["sim", "--", "--list"], &root).run()?;
        let logs = workspace::target_dir().join("reality");
        fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
        Ok(Self {
            lab: workspace::target(&profile()).join("lab"),
            logs,
            build: format!("{}{marked}", commit()),
        })
    }

    fn listed(&self) -> Result<Vec<Listed>, String> {
        let list = self.lab(&["list".to_owned()])?;
        Ok(list.lines().filter_map(Listed::read).collect())
    }

    /// How long it takes, in seconds.
    fn takes(&self, one: &Listed) -> u32 {
        let plays = one.is_pair && !self.has_direct_log(one);
        (one.seconds() + AROUND) * if plays { 2 } else { 1 }
    }

    /// Whether the table has a row of this build already. Of changes that were not committed nobody knows
    /// whether they are the same.
    fn has_row(&self, one: &Listed) -> bool {
        if self.build.contains('+') {
            return false;
        }
        let row = workspace::root().join(FOLDER);
        let row = fs::read_to_string(row.join(format!("{}.json", one.name)));
        let own = format!("\"build\": \"{}\"", self.build);
        row.is_ok_and(|row| row.contains(&own))
    }

    fn direct_log(&self, one: &Listed) -> PathBuf {
        self.logs.join(format!("{}.chromium.json", one.name))
    }

    /// Whether Chromium by itself was played already. Nothing of ours is in it: once is enough for as long as
    /// its scenario stays the same.
    fn has_direct_log(&self, one: &Listed) -> bool {
        let scenario = workspace::root().join(SCENARIOS);
        let scenario = scenario.join(format!("{}.toml", one.name));
        let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let played = written(&self.direct_log(one));
        played.is_some() && played >= written(&scenario)
    }

    /// Plays and simulates one, and writes its row.
    fn compare(&self, one: &Listed) -> Result<(), String> {
        let real = self.logs.join(format!("{}.json", one.name));
        let direct = self.direct_log(one);
        let mut words = vec!["compare".to_owned(), one.name.clone()];
        words.extend([text(&real), text(&direct)]);
        for seed in 1..=SEEDS {
            let log = self.logs.join(format!("{}.{seed}.json", one.name));
            simulate(one, seed, &log)?;
            words.push(text(&log));
        }
        self.play(one, &real, "server")?;
        // The reference is beside the point of a row, which stands without it.
        if one.is_pair && !self.has_direct_log(one) {
            self.play(one, &direct, "direct")
                .unwrap_or_else(|why| eprintln!("xtask: {why}"));
        }
        words.push(text(&workspace::root().join(FOLDER)));
        self.lab(&words).map(|_| ())
    }

    /// Runs a scenario in browsers, through the server or `direct` from page to page.
    fn play(&self, one: &Listed, log: &Path, way: &str) -> Result<(), String> {
        let run = ["e2e/reality/run.mjs"];
        let _ = fs::remove_file(log);
        Step::new("real run", "node", &run, &workspace::web())
            .env("CHROMIUM", needs::chromium()?)
            .env("SFU_SERVER_BIN", workspace::server_binary(&profile()))
            .env(
                "IMPAIRMENT_LINK_BIN",
                workspace::impairment_link(&profile()),
            )
            .env("SFU_LAB_BIN", &self.lab)
            .env("REALITY_SCENARIO", &one.name)
            .env("REALITY_SECONDS", one.seconds().to_string())
            .env("REALITY_BUILD", &self.build)
            .env("REALITY_WAY", way)
            .env("REALITY_LOG", log)
            .run()
    }

    fn write_table(&self) -> Result<(), String> {
        let root = workspace::root();
        let table = self.lab(&["table".to_owned(), text(&root.join(FOLDER))])?;
        fs::write(root.join(TABLE), format!("{HEAD}{table}"))
            .map_err(|error| format!("{TABLE}: {error}"))
    }

    fn lab(&self, words: &[String]) -> Result<String, String> {
        let output = Command::new(&self.lab).args(words).output();
        let output = output.map_err(|error| format!("{}: {error}", self.lab.display()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// Its exit code tells whether all figures are as asked: what counts here is the log.
fn simulate(one: &Listed, seed: u32, log: &Path) -> Result<(), String> {
    let _ = fs::remove_file(log);
    let (seed, seconds) = (seed.to_string(), one.seconds().to_string());
    let mut command = Command::new("cargo");
    command.args(["sim", "--", "--scenario", &one.name, "--seed", &seed]);
    command.args(["--seconds", &seconds, "--log"]);
    let output = command.arg(log).current_dir(workspace::root()).output();
    let output = output.map_err(|error| format!("cargo sim could not be started ({error})"))?;
    if log.exists() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("the simulation with seed {seed} failed: {said}"))
}

/// The commit that is built, with a `+` where files were changed since; what this command writes is none
/// of them.
fn commit() -> String {
    let root = text(&workspace::root());
    let git = |args: &[&str]| needs::answer_of("git", &[&["-C", &root], args].concat());
    let Some(commit) = git(&["rev-parse", "--short=7", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs"]);
    let plus = if changed.is_none_or(|lines| !lines.trim().is_empty()) {
        "+"
    } else {
        ""
    };
    format!("{}{plus}", commit.trim())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let read =
            |line| Listed::read(line).map(|one| (one.name.clone(), one.seconds(), one.is_pair));
        let halving = ("halving".to_owned(), 40, true);
        assert_eq!(read("halving 40 pair"), Some(halving));
        let near_and_far = ("rfc8867-5.5".to_owned(), MOST_SECONDS, false);
        assert_eq!(read("rfc8867-5.5 300"), Some(near_and_far));
        assert_eq!(read("halving"), None);
    }
}
