//! An impairment link: joins two network namespaces by two TUN devices, and does to the packets
//! between them what its command line says. Not every kernel has netem, and a list of elements of our
//! own, with seeds, is the same everywhere.
//!
//! What can happen to packets is the laboratory's, the same as in its simulation; `carry` moves them
//! between devices.

#![forbid(unsafe_code)]

mod args;
mod carry;
mod nat;

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Parser as _;
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::args::Args;
use crate::carry::{Facing, Way};
use crate::nat::Nat;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("impairment_link: {error}; it needs /dev/net/tun and CAP_NET_ADMIN");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> std::io::Result<()> {
    let lines = args.lines().map_err(std::io::Error::other)?;
    let (near, far) = (device(&args.near)?, device(&args.far)?);
    let now = Instant::now();
    let nat = Arc::new(Mutex::new(Nat::of(now, std::iter::empty())));
    let (there, back) = ((&near, &far), (&far, &near));
    let to_far = Way::start(there, Facing::Far, &nat, lines.to_far.before(now));
    let to_near = Way::start(back, Facing::Near, &nat, lines.to_near.before(now));
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    // Whoever started it holds the other end: when they are gone, so is the link.
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if line.trim() == "start" {
            to_far.change(|now| lines.to_far.line(now));
            to_near.change(|now| lines.to_near.line(now));
            let forgets = lines.to_near.rebinds();
            *nat.lock().unwrap_or_else(PoisonError::into_inner) = Nat::of(Instant::now(), forgets);
            writeln!(out, "started")?;
        }
    }
    if let Some(path) = &args.log {
        let logs: Vec<_> = [&to_far, &to_near]
            .iter()
            .filter_map(|way| way.log())
            .collect();
        std::fs::write(path, serde_json::to_vec(&logs)?)?;
    }
    // And nobody may be there to read this.
    let _ = writeln!(out, "to-far {}", to_far.figures());
    let _ = writeln!(out, "to-near {}", to_near.figures());
    Ok(())
}

fn device(name: &str) -> std::io::Result<Arc<SyncDevice>> {
    let device = DeviceBuilder::new().name(name).enable(false);
    device.build_sync().map(Arc::new)
}
