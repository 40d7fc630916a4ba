//! Whole estimators on links: closed loops in virtual time.

mod hostile;
mod link;
mod scenes;
