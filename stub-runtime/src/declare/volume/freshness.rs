//! Options about how long a volume uses what its bucket has answered.

use std::time::Duration;

use s3fs_core::Freshness;

/// Time for which names, and the versions of files, are used without asking the bucket again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataTtl {
    /// A second, and each open of a file asks for its current version: the default.
    Minimal,
    /// This time, and a second at least. Without any time, as [`Minimal`](Self::Minimal).
    For(Duration),
    /// Life of the mount.
    Indefinite,
}

impl From<Duration> for MetadataTtl {
    fn from(ttl: Duration) -> Self {
        Self::For(ttl)
    }
}

/// Converts the options of a volume. One that is immutable needs no time.
pub(super) fn freshness(immutable: Option<bool>, ttl: Option<MetadataTtl>) -> Freshness {
    match (immutable, ttl) {
        (Some(true), _) => Freshness::Immutable,
        (_, None | Some(MetadataTtl::Minimal)) => Freshness::Checked,
        (_, Some(MetadataTtl::For(ttl))) if ttl.is_zero() => Freshness::Checked,
        (_, Some(MetadataTtl::For(ttl))) => Freshness::For(ttl),
        (_, Some(MetadataTtl::Indefinite)) => Freshness::Indefinite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_immutable_needs_no_time() {
        let ttl = Some(MetadataTtl::For(Duration::from_mins(1)));
        assert_eq!(freshness(Some(true), ttl), Freshness::Immutable);
        assert_eq!(
            freshness(Some(false), ttl),
            Freshness::For(Duration::from_mins(1))
        );
        assert_eq!(freshness(None, None), Freshness::Checked);
        let zero = Some(MetadataTtl::For(Duration::ZERO));
        assert_eq!(freshness(None, zero), Freshness::Checked);
        let minimal = Some(MetadataTtl::Minimal);
        assert_eq!(freshness(None, minimal), Freshness::Checked);
        let indefinite = Some(MetadataTtl::Indefinite);
        assert_eq!(freshness(None, indefinite), Freshness::Indefinite);
    }
}
