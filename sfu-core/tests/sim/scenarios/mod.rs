//! One meeting each.

mod lossy_links;
