//! Volumes.
/// Mount.
#[derive(Clone, Debug)]
pub struct CloudBucketMount;
