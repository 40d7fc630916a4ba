//! The only I/O around a worker.

mod backlog;
mod corridor;
pub mod outlet;
pub mod published;
pub mod send_queue;
pub mod udp_socket;
pub mod worker_thread;
pub mod workers;
