//! Scenarios of the laboratory, run in virtual time.

pub(crate) mod command;
pub(crate) mod hall;
pub(crate) mod run;
