//! The load and call-quality tester: an outline, which says so and fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("loadtest: not built yet; it measures nothing");
    ExitCode::FAILURE
}
