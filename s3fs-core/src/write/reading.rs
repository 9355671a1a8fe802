//! What reading a file gives that is being written.

use std::sync::Arc;

use bytes::Bytes;

use crate::object::ObjectRef;

/// Bytes of a file that is open for writing.
#[derive(Clone, Debug)]
pub enum Reading {
    /// They are these, in order; fewer than asked for only at the end of the file.
    Pieces(Vec<Piece>),
    /// Some of them are with an upload. Once the file is stored they can be read.
    NotReadable,
}

/// Some bytes of a file.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These.
    Bytes(Bytes),
    /// Those of a stored object.
    Object {
        /// Which object.
        object: Arc<ObjectRef>,
        /// Where the first of them is.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// So many zeros.
    Zeros(u64),
}
