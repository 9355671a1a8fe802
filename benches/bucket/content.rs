//! What objects contain: blocks of noise that begin with their number, so that a block in the wrong
//! place is noticed, at the price of looking at eight bytes of it.

/// The size of a block, and of every read and write.
pub const BLOCK: usize = 1 << 20;

/// The first block. Noise, for a store that compresses or finds zeros would have it easy.
pub fn block() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(BLOCK);
    while block.len() < BLOCK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend(state.to_le_bytes());
    }
    number(&mut block, 0);
    block
}

/// Makes it the block of this number.
pub fn number(block: &mut [u8], number: u64) {
    block[..8].copy_from_slice(&number.to_le_bytes());
}

/// Whether it is the block of this number.
pub fn is_number(block: &[u8], number: u64) -> bool {
    block.starts_with(&number.to_le_bytes())
}

/// A whole object of this size, which is one of whole blocks.
pub fn object(size: u64) -> Vec<u8> {
    let mut object = block().repeat(blocks(size));
    for (n, block) in object.chunks_exact_mut(BLOCK).enumerate() {
        number(block, n as u64);
    }
    object
}

/// How many blocks there are in so many bytes.
pub fn blocks(size: u64) -> usize {
    usize::try_from(size).map_or(usize::MAX, |size| size / BLOCK)
}

/// Checks every byte of an object.
pub fn check(object: &[u8], size: u64) -> Result<(), String> {
    if object.len() as u64 != size {
        return Err(format!("{} bytes instead of {size}", object.len()));
    }
    let noise = block();
    for (n, block) in object.chunks(BLOCK).enumerate() {
        if !is_number(block, n as u64) || block[8..] != noise[8..] {
            return Err(format!("block {n} is wrong"));
        }
    }
    Ok(())
}
