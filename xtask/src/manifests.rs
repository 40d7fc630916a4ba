//! The Kubernetes manifests: held against the API schemas, and against the server that they start.

use crate::step::Step;
use crate::{python, workspace};

/// Runs the tests of `k8s/tests`, with the server of the dev profile.
///
/// # Errors
///
/// What is missing, or the step that failed.
pub(crate) fn test() -> Result<(), String> {
    let root = workspace::root();
    let python = python::venv()?.join("bin").join("python");
    let python = python
        .to_str()
        .ok_or_else(|| format!("{} is not UTF-8", python.display()))?;
    // `-B`: no compiled files beside the sources.
    let discover = ["-B", "-m", "unittest", "discover", "-s", "k8s/tests"];
    Step::new("manifests", python, &discover, &root)
        .env("SFU_SERVER_BIN", workspace::server_binary("debug"))
        .run()
}
