//! Compiles the contract without a `protoc` on the machine.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use protox::Compiler;

const FILES: [&str; 1] = ["sfu/control/v1/room_service.proto"];
const ROOT: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let mut compiler = Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(FILES)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Reflection serves this file; the generator takes the same set.
    fs::write(
        out.join("sfu.control.v1.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .emit_rerun_if_changed(false)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
