//! Scenarios of the laboratory, run in virtual time.

pub(crate) mod hall;
pub(crate) mod reference;
pub(crate) mod run;
