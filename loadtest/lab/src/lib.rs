//! The laboratory's common parts: one scenario file, one set of link elements, one log of what came
//! of a run, one judge. The simulation and the runs with the real server and a real browser differ in
//! who makes the log, and in nothing else; so the one can be held against the other.

#![forbid(unsafe_code)]

pub mod element;
pub mod judge;
pub mod log;
pub mod plot;
pub mod reality;
pub mod scenario;
pub mod scoreboard;
