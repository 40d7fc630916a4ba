//! The house's rules that a compiler does not check: who may import whom, how large a file may be,
//! and that the core has no clock, socket, lock or randomness of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Most production lines of a file: what fits in a head. Tests and data tables do not count.
const MAX_LINES: usize = 300;

/// The core's rooms from the ground up. A file may import its own room and those of lower floors;
/// rooms on one floor never import each other.
const FLOORS: &[&[&str]] = &[
    &["id", "unit", "config", "drop_reason"],
    &["wire"],
    &["media", "command", "event"],
    &["sdp", "transport", "ingress", "room", "egress", "bandwidth"],
    &["worker"],
];

/// What the ground and the middle floor share among themselves.
const SHARED_FLOORS: &[usize] = &[0, 2];

/// Words that a sans-IO engine has no use for.
const FOREIGN_TO_CORE: &[&str] = &[
    "tokio",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "Instant::now(",
    "SystemTime::now(",
    "std::thread",
    "Mutex<",
    "RwLock<",
    "getrandom::",
    "rand::rng(",
    "RandomState::new(",
];

struct Source {
    /// Path from the crate's `src`.
    path: PathBuf,
    /// Lines before the file's tests.
    production: Vec<String>,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn sources(crate_name: &str) -> Vec<Source> {
    let root = workspace().join(crate_name).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && name != "tests.rs" && !name.ends_with("_tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let production = production(&text);
                let path = path.strip_prefix(&root).unwrap().to_path_buf();
                found.push(Source { path, production });
            }
        }
    }
    assert!(found.len() > 1, "nothing found under {}", root.display());
    found
}

/// A file without its tests: declared tests (`mod tests;`) are passed over wherever they stand,
/// written ones (`mod tests {`) are the file's last item.
fn production(text: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            kept.push(line.to_owned());
            continue;
        }
        let item = lines.by_ref().find(|line| !line.starts_with("#["));
        if item.is_some_and(|item| item.ends_with('{')) {
            break;
        }
    }
    kept
}

#[test]
fn only_tests_are_left_out_of_production() {
    let declared = "mod a;\n#[cfg(test)]\nmod tests;\nuse crate::b;";
    assert_eq!(production(declared), ["mod a;", "use crate::b;"]);
    let written = "use crate::b;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    use crate::c;\n}";
    assert_eq!(production(written), ["use crate::b;"]);
}

fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

/// The room that a source belongs to: its first folder, or its own name.
fn room_of(path: &Path) -> String {
    let first = path
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that a line names by `crate::`.
fn imports(line: &str) -> Vec<String> {
    code(line)
        .split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let inside = rest
                .strip_prefix('{')
                .map(|list| list.split('}').next().unwrap_or(list));
            let names =
                inside
                    .unwrap_or(rest)
                    .split(',')
                    .take(if inside.is_some() { 99 } else { 1 });
            names
                .map(|name| {
                    let end = name.trim().find(|c: char| !c.is_alphanumeric() && c != '_');
                    name.trim()[..end.unwrap_or(name.trim().len())].to_owned()
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn may_import(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    match (floor_of(from), floor_of(to)) {
        (Some(from), Some(to)) => to < from || from == to && SHARED_FLOORS.contains(&from),
        _ => false,
    }
}

#[test]
fn core_imports_go_downwards_only() {
    let mut wrong = Vec::new();
    for source in sources("sfu-core") {
        let room = room_of(&source.path);
        if room == "lib" {
            continue;
        }
        assert!(
            floor_of(&room).is_some(),
            "{room} has no floor in {}",
            file!()
        );
        for line in &source.production {
            for import in imports(line) {
                if !may_import(&room, &import) {
                    wrong.push(format!("{}: {}", source.path.display(), line.trim()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports against the plan:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_import_rule_can_be_broken() {
    assert_eq!(imports("use crate::transport::Transport;"), ["transport"]);
    assert_eq!(imports("use crate::{id::Ssrc, wire};"), ["id", "wire"]);
    assert!(may_import("worker", "transport"));
    assert!(may_import("event", "media"));
    assert!(!may_import("egress", "ingress"));
    assert!(!may_import("wire", "media"));
    assert!(!may_import("transport", "worker"));
}

#[test]
fn the_core_has_no_io_clock_lock_or_randomness() {
    let mut wrong = Vec::new();
    for source in sources("sfu-core") {
        for line in &source.production {
            if let Some(word) = FOREIGN_TO_CORE
                .iter()
                .find(|word| code(line).contains(*word))
            {
                wrong.push(format!(
                    "{}: {word}: {}",
                    source.path.display(),
                    line.trim()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "foreign to a sans-IO core:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_stay_small() {
    let mut large = Vec::new();
    for name in ["sfu-core", "sfu-server", "xtask"] {
        for source in sources(name) {
            let lines = source.production.len();
            if lines > MAX_LINES {
                large.push(format!("{name}/src/{}: {lines}", source.path.display()));
            }
        }
    }
    assert!(
        large.is_empty(),
        "over {MAX_LINES} lines, split by leg:\n{}",
        large.join("\n")
    );
}

/// In the server, each foreign vocabulary stays behind one door.
#[test]
fn server_vocabularies_stay_behind_their_doors() {
    let homes: &[(&str, &[&str])] = &[
        ("livekit_protocol", &["doors/livekit"]),
        ("sfu_control_proto", &["doors/grpc"]),
        ("sfu_core::worker", &["media", "metrics"]),
        ("unsafe {", &["media/udp_socket"]),
    ];
    let mut wrong = Vec::new();
    for source in sources("sfu-server") {
        let path = source.path.to_string_lossy().replace('\\', "/");
        for (word, allowed) in homes {
            let home = allowed.iter().any(|home| path.starts_with(home));
            if !home
                && source
                    .production
                    .iter()
                    .any(|line| code(line).contains(word))
            {
                wrong.push(format!("{path} knows {word}"));
            }
        }
        let room = room_of(&source.path);
        for line in &source.production {
            for import in imports(line) {
                let upwards = matches!(
                    (room.as_str(), import.as_str()),
                    ("rooms" | "auth" | "media", "doors")
                        | ("media", "rooms" | "auth")
                        | ("auth", "rooms" | "media")
                );
                if upwards {
                    wrong.push(format!("{path}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "behind the wrong door:\n{}",
        wrong.join("\n")
    );
}
