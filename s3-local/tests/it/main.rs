//! The server, driven by the AWS SDK and by plain HTTP over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod checksums;
mod conditions;
mod copies;
mod directory;
mod fixture;
mod folder;
mod knobs;
mod lifecycle;
mod listing;
mod metadata;
mod multipart;
mod objects;
mod quirks;
mod regions;
