//! Where things are.

use std::path::{Path, PathBuf};

/// The workspace's root: the parent of this crate.
pub(crate) fn root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().unwrap_or(crate_dir).to_path_buf()
}

/// The demo page and its browser tests.
pub(crate) fn web() -> PathBuf {
    root().join("sfu-server").join("web")
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, or else `target`. The steps call cargo in
/// the root, so that is what a relative path is relative to.
pub(crate) fn target_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    root().join(target.unwrap_or_else(|| "target".into()))
}

/// Where cargo puts what it builds for `profile` (`debug` or `release`).
pub(crate) fn target(profile: &str) -> PathBuf {
    target_dir().join(profile)
}

/// The server's binary as built for `profile`.
pub(crate) fn server_binary(profile: &str) -> PathBuf {
    binary(profile, "sfu-server")
}

/// The binary of the link that browser tests put between networks.
pub(crate) fn impairment_link(profile: &str) -> PathBuf {
    binary(profile, "impairment_link")
}

fn binary(profile: &str, name: &str) -> PathBuf {
    target(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
