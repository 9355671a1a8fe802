//! The words of an error that came from another process.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A message with its sources: an error that came from another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    text: String,
    source: Option<Box<Message>>,
}

impl Message {
    /// Creates a message from texts, outermost first.
    pub(crate) fn from_chain(chain: Vec<String>) -> Self {
        let linked = chain.into_iter().rev().fold(None, |source, text| {
            Some(Self {
                text,
                source: source.map(Box::new),
            })
        });
        linked.unwrap_or_else(|| Self {
            text: "unknown error".to_owned(),
            source: None,
        })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Message {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
