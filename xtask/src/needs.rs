//! What the commands need of the machine: found, installed where that is allowed, or named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::step::Step;
use crate::workspace;

/// The packages of the demo page need this Node.js, the oldest that is still maintained by its
/// distributions.
const LEAST_NODE: u32 = 20;

/// Makes sure that `node` (new enough) and `npm` can be called.
///
/// # Errors
///
/// Says in one line what is missing and how to install it.
pub(crate) fn node_and_npm() -> Result<(), String> {
    let how = "install it from https://nodejs.org or with your package manager";
    let version = answer_of("node", &["--version"])
        .ok_or_else(|| format!("node is missing: {how} (version {LEAST_NODE} or newer)"))?;
    if major(&version).is_none_or(|major| major < LEAST_NODE) {
        let version = version.trim();
        return Err(format!(
            "node {version} is too old: {how} (version {LEAST_NODE} or newer)"
        ));
    }
    if answer_of("npm", &["--version"]).is_none() {
        return Err(format!("npm is missing: it comes with Node.js; {how}"));
    }
    Ok(())
}

/// The major number of `v20.19.2`.
fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Installs the demo page's packages, unless those installed are as new as the lock file.
///
/// # Errors
///
/// As [`node_and_npm`], or npm's failure.
pub(crate) fn web_packages() -> Result<(), String> {
    node_and_npm()?;
    let web = workspace::web();
    // npm writes this file last: it is missing after an installation that was broken off.
    let installed = modified(&web.join("node_modules").join(".package-lock.json"));
    let locked = modified(&web.join("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return Ok(());
    }
    Step::new(
        "page packages",
        "npm",
        &["ci", "--no-audit", "--no-fund"],
        &web,
    )
    .run()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

/// A browser of the tests: a variable that may name it, where Debian puts it, and its package.
struct Browser {
    name: &'static str,
    variable: &'static str,
    places: [&'static str; 2],
    package: &'static str,
}

const CHROMIUM: Browser = Browser {
    name: "Chromium",
    variable: "CHROMIUM",
    places: ["/usr/lib/chromium/chromium", "/usr/bin/chromium"],
    package: "chromium",
};

const FIREFOX: Browser = Browser {
    name: "Firefox ESR",
    variable: "FIREFOX",
    places: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
    package: "firefox-esr",
};

/// The path of Chromium for the browser tests: `CHROMIUM`, or Debian's, which is installed now
/// where that is allowed (as root, with apt-get).
///
/// # Errors
///
/// Says in one line how to install it.
pub(crate) fn chromium() -> Result<PathBuf, String> {
    CHROMIUM.find_or_install()
}

/// The path of Firefox ESR for the browser tests: `FIREFOX`, or Debian's, as for [`chromium`].
///
/// # Errors
///
/// Says in one line how to install it.
pub(crate) fn firefox() -> Result<PathBuf, String> {
    FIREFOX.find_or_install()
}

impl Browser {
    fn find_or_install(&self) -> Result<PathBuf, String> {
        let Self {
            name,
            variable,
            package,
            ..
        } = *self;
        if let Some(named) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
            let named = PathBuf::from(named);
            return if named.is_file() {
                Ok(named)
            } else {
                let named = named.display();
                Err(format!("{variable} names {named}, which is no file"))
            };
        }
        if let Some(found) = self.installed() {
            return Ok(found);
        }
        install(name, &[package])?;
        self.installed().ok_or_else(|| {
            format!(
                "{name} is missing: `sudo apt-get install {package}`, or set {variable} to its path"
            )
        })
    }

    fn installed(&self) -> Option<PathBuf> {
        let mut places = self.places.map(PathBuf::from).into_iter();
        places.find(|path| path.is_file())
    }
}

/// That `nft` is there, for networks whose members share an address; installed as [`chromium`] is.
///
/// # Errors
///
/// Says in one line how to install it.
pub(crate) fn nft() -> Result<(), String> {
    let is_there = || answer_of("nft", &["--version"]).is_some();
    if !is_there() {
        install("nft", &["nftables"])?;
    }
    is_there()
        .then_some(())
        .ok_or_else(|| "nft is missing: `sudo apt-get install nftables`".to_owned())
}

/// Installs Debian packages where that is allowed (as root, with apt-get); elsewhere it does
/// nothing, and the caller names what is missing.
///
/// # Errors
///
/// The step that failed.
pub(crate) fn install(name: &'static str, packages: &[&str]) -> Result<(), String> {
    if !is_root() || answer_of("apt-get", &["--version"]).is_none() {
        return Ok(());
    }
    let root = workspace::root();
    let quiet = |step: Step| step.env("DEBIAN_FRONTEND", "noninteractive").run();
    let update = ["-q", "update"];
    quiet(Step::new("package lists", "apt-get", &update, &root))?;
    let install = [
        &["-q", "install", "-y", "--no-install-recommends"],
        packages,
    ]
    .concat();
    quiet(Step::new(name, "apt-get", &install, &root))
}

/// Whether cargo has the subcommand `name`.
pub(crate) fn cargo_has(name: &str) -> bool {
    answer_of("cargo", &[name, "--version"]).is_some()
}

fn is_root() -> bool {
    answer_of("id", &["-u"]).is_some_and(|uid| uid.trim() == "0")
}

/// What a program prints when it succeeds.
pub(crate) fn answer_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_number_is_read_from_what_node_prints() {
        assert_eq!(major("v20.19.2\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("20.19.2"), None);
        assert_eq!(major(""), None);
    }
}
