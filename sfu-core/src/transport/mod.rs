//! One peer connection's transport: what turns datagrams into packets and back.

pub mod srtp;
