//! Kinds of AWS's endpoints.

use serde::{Deserialize, Serialize};

/// Kinds of AWS's endpoints to use. Options that are absent follow the environment and the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointOptions {
    /// True for endpoints that also have IPv6 addresses (`AWS_USE_DUALSTACK_ENDPOINT`).
    pub dual_stack: Option<bool>,
    /// True for endpoints with cryptography by FIPS 140 (`AWS_USE_FIPS_ENDPOINT`).
    pub fips: Option<bool>,
    /// True for the endpoints of Transfer Acceleration.
    pub accelerate: Option<bool>,
}
