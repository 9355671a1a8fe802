//! Result of reading a file that is open for writing.

use std::sync::Arc;

use bytes::Bytes;

use crate::object::ObjectRef;

/// Bytes of a file that is open for writing.
#[derive(Clone, Debug)]
pub enum Reading {
    /// Pieces in order; fewer bytes than requested only at the end of the file.
    Pieces(Vec<Piece>),
    /// Bytes of which some are with an upload. They can be read once the file is stored.
    NotReadable,
}

/// Piece of a file.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes held here.
    Bytes(Bytes),
    /// Range of a stored object.
    Object {
        /// Object that has the bytes.
        object: Arc<ObjectRef>,
        /// Offset of the first byte in the object.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
    /// Zeros of this length, in bytes.
    Zeros(u64),
}
