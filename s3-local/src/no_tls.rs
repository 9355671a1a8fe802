//! Stand-in for TLS, where the feature `tls` is off.

/// TLS that no server has.
#[derive(Clone)]
pub(crate) enum Tls {}
