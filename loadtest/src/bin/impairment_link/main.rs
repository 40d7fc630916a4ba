//! An impairment link: joins two network namespaces by two TUN devices, and does to the packets
//! between them what its command line says. Not every kernel has netem, and a list of elements of our
//! own, with seeds, is the same everywhere.
//!
//! `element` is what can happen to packets, under any clock; `carry` moves them between devices.

#![forbid(unsafe_code)]

mod args;
mod carry;
mod element;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::args::Args;
use crate::carry::Way;

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
    let (near, far) = (device(&args.near)?, device(&args.far)?);
    let to_far = Way::start(&near, &far, args.line_to_far());
    let to_near = Way::start(&far, &near, args.line_to_near());
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    // Whoever started it holds the other end: when they are gone, so is the link.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    // And nobody may be there to read this.
    let _ = writeln!(out, "to-far {}", to_far.figures());
    let _ = writeln!(out, "to-near {}", to_near.figures());
    Ok(())
}

fn device(name: &str) -> std::io::Result<Arc<SyncDevice>> {
    let device = DeviceBuilder::new().name(name).enable(false);
    device.build_sync().map(Arc::new)
}
