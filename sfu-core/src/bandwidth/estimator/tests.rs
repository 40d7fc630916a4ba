//! Whole estimators on links: closed loops in virtual time.

mod link;
mod scenes;
