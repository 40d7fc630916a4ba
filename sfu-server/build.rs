//! Notices a newly built page. Debug builds read the page from the disk when they run.

fn main() {
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=web/dist");
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
}
