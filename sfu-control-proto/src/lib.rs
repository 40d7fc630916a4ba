//! The gRPC contract of the control plane: messages, client and server of `sfu.control.v1`.
//!
//! The contract itself, with every field's bounds and every call's errors, is
//! `proto/sfu/control/v1/room_service.proto`; the types here are generated from it.
#![forbid(unsafe_code)]

/// Package `sfu.control.v1`.
pub mod v1 {
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        reason = "generated code"
    )]
    tonic::include_proto!("sfu.control.v1");
}

/// The contract as an encoded `google.protobuf.FileDescriptorSet`, its imports included: what
/// server reflection answers from.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("sfu.control.v1");
