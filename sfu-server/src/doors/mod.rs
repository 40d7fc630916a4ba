//! The doors: each decodes, authorises, calls the rooms and encodes. No door knows another.

pub mod livekit;
