//! One meeting each.

mod audio;
mod determinism;
mod everyone;
mod faults;
mod hostile;
mod late_joiner;
mod leaving;
mod lossy_links;
mod oracle_can_fail;
mod rebinding;
mod simulcast;
mod wraps;
