//! The laboratory from the command line, for those who read no TOML and judge no logs: see [`HELP`].

#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use sfu_lab::judge::judge;
use sfu_lab::log::Log;
use sfu_lab::plot::plot;
use sfu_lab::reality::{Comparison, is_pair, table};
use sfu_lab::scenario::{Scenario, all};

const HELP: &str = "\
lab list                                 prints every scenario's name, its seconds, and `pair` where
                                         Chromium's own estimator can play it from page to page
lab scenario NAME                        prints a scenario as JSON
lab judge LOG                            prints a log's figures
lab plot LOG FILE                        draws a log as SVG
lab compare NAME REAL CHROMIUM SIMULATED.. DIR
                                         judges logs of one scenario and writes DIR/NAME.json; the
                                         third may be missing
lab table DIR                            prints the table of what `compare` has written
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["list"] => Ok(list()),
        ["scenario", name] => scenario(name),
        ["judge", log] => figures(log),
        ["plot", log, to] => draw(log, to),
        ["compare", name, real, chromium, ref simulated @ .., folder] => {
            compare(name, [real, chromium], simulated, folder)
        }
        ["table", folder] => compared(folder),
        _ => Err(HELP.to_owned()),
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("lab: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> String {
    let line = |scenario: Scenario| {
        let pair = if is_pair(&scenario) { " pair" } else { "" };
        format!("{} {}{pair}\n", scenario.name, scenario.seconds)
    };
    all().into_iter().map(line).collect()
}

fn scenario(name: &str) -> Result<String, String> {
    let scenario = find(name)?;
    serde_json::to_string(&scenario).map_err(|error| error.to_string())
}

fn figures(path: &str) -> Result<String, String> {
    let log: Log = read(path)?;
    let scenario = find(&log.scenario)?;
    let lines = judge(&scenario, &log).into_iter().map(|figure| {
        let digits = figure.kind.digits();
        let verdict = figure.verdict();
        let (label, value, of) = (figure.kind.label(), figure.value, figure.of);
        format!("  {label:16} {value:8.digits$}  {of}{verdict}\n")
    });
    Ok(lines.collect())
}

fn draw(path: &str, to: &str) -> Result<String, String> {
    let log: Log = read(path)?;
    let title = format!("{}: {}", find(&log.scenario)?.title, log.column);
    let svg = plot(&title, &log).map_err(|error| error.to_string())?;
    write(Path::new(to), &svg)
}

fn compare(
    name: &str,
    [real, chromium]: [&str; 2],
    simulated: &[&str],
    folder: &str,
) -> Result<String, String> {
    let scenario = find(name)?;
    let simulated: Result<Vec<Log>, _> = simulated.iter().map(|path| read(path)).collect();
    let there = Path::new(chromium).exists();
    let chromium = there.then(|| read(chromium)).transpose()?;
    let comparison = Comparison::new(&scenario, &simulated?, &read(real)?, chromium.as_ref());
    let text = serde_json::to_string_pretty(&comparison).map_err(|error| error.to_string())?;
    fs::create_dir_all(folder).map_err(|error| format!("{folder}: {error}"))?;
    let path = Path::new(folder).join(format!("{}.json", scenario.name));
    write(&path, &format!("{text}\n"))
}

fn compared(folder: &str) -> Result<String, String> {
    let file = |scenario: &Scenario| Path::new(folder).join(format!("{}.json", scenario.name));
    let files = all().iter().map(file).collect::<Vec<_>>();
    let there = files.iter().filter(|file| file.exists());
    let rows: Result<Vec<Comparison>, _> = there
        .map(|file| read(&file.display().to_string()))
        .collect();
    Ok(table(&rows?))
}

fn find(name: &str) -> Result<Scenario, String> {
    Scenario::find(name).map_err(|error| error.to_string())
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> Result<T, String> {
    let text = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
}

fn write(path: &Path, text: &str) -> Result<String, String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::new())
}
