//! Secrets.
/// Secret.
#[derive(Clone)]
pub struct Secret;
