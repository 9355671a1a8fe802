//! Pseudorandom bytes.

/// Returns `length` pseudorandom bytes in which every range is different.
pub fn noise(length: usize) -> Vec<u8> {
    seeded_noise(length, 0)
}

/// Returns `length` bytes like [`noise`], others for each seed.
pub fn seeded_noise(length: usize, seed: u64) -> Vec<u8> {
    // Odd times odd: never zero, which the steps below would keep.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed.wrapping_mul(2).wrapping_add(1));
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_length_and_differs_by_seed() {
        for length in [0, 1, 8, 13] {
            assert_eq!(noise(length).len(), length);
        }
        assert_eq!(noise(100), seeded_noise(100, 0));
        assert_ne!(seeded_noise(8, 1), seeded_noise(8, 2));
    }
}
