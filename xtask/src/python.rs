//! The Python environment of the tests: `requirements.txt`, installed in a venv of its own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::step::Step;
use crate::{needs, workspace};

/// What makes a venv with pip in it: Debian ships the two apart from Python itself.
const CAN_MAKE_VENVS: &[&str] = &["-c", "import ensurepip, venv"];

/// The venv that holds the packages of `xtask/requirements.txt`: programs are in its `bin`. It is
/// made once, in the target directory, and again when that file changes.
///
/// # Errors
///
/// Says in one line what is missing and how to install it, or which step failed.
pub(crate) fn venv() -> Result<PathBuf, String> {
    let root = workspace::root();
    let requirements = root.join("xtask").join("requirements.txt");
    let text = fs::read_to_string(&requirements)
        .map_err(|error| format!("{} cannot be read: {error}", requirements.display()))?;
    let venv = workspace::target_dir().join(venv_name(&text));
    if is_whole(&venv, &text) {
        return Ok(venv);
    }
    python_with_venv()?;
    let place = path_text(&venv)?;
    // `--clear`: one that was broken off may be there.
    let make = ["-m", "venv", "--clear", place];
    Step::new("Python environment", "python3", &make, &root).run()?;
    let pip = venv.join("bin").join("pip");
    let install = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        path_text(&requirements)?,
    ];
    Step::new("Python packages", path_text(&pip)?, &install, &root).run()?;
    fs::write(mark(&venv), text)
        .map_err(|error| format!("{} cannot be written: {error}", mark(&venv).display()))?;
    Ok(venv)
}

/// One directory for each text, so that two branches with one target directory do not undo each
/// other's.
fn venv_name(requirements: &str) -> String {
    let mut hasher = DefaultHasher::new();
    requirements.hash(&mut hasher);
    format!("python-{:016x}", hasher.finish())
}

/// Written last: it is missing after an installation that was broken off.
fn mark(venv: &Path) -> PathBuf {
    venv.join("requirements.txt")
}

/// Whether everything is installed, and the Python that it was made with is still there.
fn is_whole(venv: &Path, requirements: &str) -> bool {
    fs::read_to_string(mark(venv)).is_ok_and(|installed| installed == requirements)
        && path_text(&venv.join("bin").join("python"))
            .is_ok_and(|python| needs::answer_of(python, &["--version"]).is_some())
}

fn python_with_venv() -> Result<(), String> {
    let works = || needs::answer_of("python3", CAN_MAKE_VENVS).is_some();
    if !works() {
        needs::install("Python", &["python3", "python3-venv"])?;
    }
    if works() {
        return Ok(());
    }
    Err(
        "python3 with venv is missing: `sudo apt-get install python3-venv`, or your package manager"
            .to_owned(),
    )
}

fn path_text(path: &Path) -> Result<&str, String> {
    path.to_str()
        .ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_an_environment_of_its_own() {
        assert_eq!(venv_name("a==1\n"), venv_name("a==1\n"));
        assert_ne!(venv_name("a==1\n"), venv_name("a==2\n"));
    }

    #[test]
    fn an_environment_whose_making_was_broken_off_is_not_whole() {
        let venv = std::env::temp_dir().join(format!("sfu-xtask-{}", std::process::id()));
        fs::create_dir_all(venv.join("bin")).unwrap();
        let python = venv.join("bin").join("python");
        // Any program that answers `--version` stands for Python here.
        fs::write(&python, "#!/bin/sh\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(!is_whole(&venv, "a==1\n"), "without the mark");
        fs::write(mark(&venv), "a==1\n").unwrap();
        assert!(is_whole(&venv, "a==1\n"));
        assert!(!is_whole(&venv, "a==2\n"), "of another text");
        fs::remove_file(&python).unwrap();
        assert!(!is_whole(&venv, "a==1\n"), "without its Python");
        fs::remove_dir_all(&venv).unwrap();
    }
}
