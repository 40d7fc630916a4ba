//! Media as browsers make and take it: sources that follow an estimate of their link, and viewers
//! that judge what they see as a person would.

pub(crate) mod choice;
pub(crate) mod encoder;
pub(crate) mod feed;
pub(crate) mod motion;
pub(crate) mod payload;
pub(crate) mod rates;
pub(crate) mod tag;
pub(crate) mod track;
pub(crate) mod viewer;
