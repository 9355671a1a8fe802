//! The HTTP layer around the S3 service: connections, request log, regions, knobs.

mod archive;
mod call;
mod connection;
mod directory;
mod endless;
mod front;
mod pace;
mod quirks;
mod refusal;
mod region;
mod request_body;
mod response_body;

pub(crate) use front::{Front, serve};
