//! The laboratory's command: `cargo sim -- --help`.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the parts of the tests beside it, of which it uses some"
)]

mod client;
mod coding;
mod frame;
mod lab;
mod live;
mod meeting;
mod network;
mod publisher;
mod seeded_dtls;
mod server;
mod trace;

fn main() -> std::process::ExitCode {
    lab::command::main()
}
