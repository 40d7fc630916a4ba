//! The laboratory from the command line.
//!
//! `lab scenario NAME` prints a scenario as JSON, for those who read no TOML.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use sfu_lab::scenario::Scenario;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["scenario", name] => scenario(name),
        _ => Err("usage: lab scenario NAME".to_owned()),
    };
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("lab: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn scenario(name: &str) -> Result<String, String> {
    let scenario = Scenario::find(name).map_err(|error| error.to_string())?;
    serde_json::to_string(&scenario).map_err(|error| error.to_string())
}
