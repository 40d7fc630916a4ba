//! One meeting each.

mod audio;
mod codecs;
mod data;
mod determinism;
mod everyone;
mod faults;
mod hostile;
mod kept;
mod late_joiner;
mod leaving;
mod lossy_links;
mod nomination;
mod oracle_can_fail;
mod rebinding;
mod search;
mod simulcast;
mod wraps;
