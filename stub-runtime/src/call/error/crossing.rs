//! Causes of errors from a node: their error numbers are kept, where they have one.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Crossing {
    /// Number of the operating system's error, if it has one.
    errno: Option<i32>,
    text: String,
}

pub(super) fn serialize<S: Serializer>(
    error: &Arc<io::Error>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let crossing = Crossing {
        errno: error.raw_os_error(),
        text: error.to_string(),
    };
    crossing.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<io::Error>, D::Error> {
    let Crossing { errno, text } = Crossing::deserialize(deserializer)?;
    let error = errno.map_or_else(|| io::Error::other(text), io::Error::from_raw_os_error);
    Ok(Arc::new(error))
}
