//! Unguessable names: secret keys, upload ids, opaque `ETag`s.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Returns `2 * bytes` lowercase hex digits that this function has never returned before.
///
/// Each word is a keyed hash under keys the operating system drew for this process, so that
/// another user of the machine can't guess the secret of a server on its loopback interface.
pub(crate) fn hex_string(bytes: usize) -> String {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let mut drawn = Vec::with_capacity(bytes + 8);
    while drawn.len() < bytes {
        let count = DRAWN.fetch_add(1, Ordering::Relaxed);
        let now = std::time::SystemTime::now();
        drawn.extend(RandomState::new().hash_one((count, now)).to_be_bytes());
    }
    drawn.truncate(bytes);
    hex::encode(drawn)
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings_have_the_length_asked_for_and_differ() {
        assert_eq!(super::hex_string(20).len(), 40);
        assert_ne!(super::hex_string(16), super::hex_string(16));
    }
}
