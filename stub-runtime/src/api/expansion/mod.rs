//! Items that the expansion of `#[stub::function]` uses. Not public API.
//!
//! The traits here exist for their diagnostics: an argument, a value or an error that can't be sent
//! between processes is reported at its type, in the words of this crate.

mod block_on;
mod call;
mod map;
mod options;
#[cfg(feature = "schedule")]
mod schedule;

pub use block_on::{block_on, block_on_then};
pub use call::{call, call_async, call_iterator, call_stream};
pub use map::{for_each, for_each_async, map, map_async, spawn, spawn_map};
pub use options::{IntoRetries, Text as VariableText, Timeout, secret, secrets, volumes};
#[cfg(feature = "schedule")]
pub use schedule::IntoSchedule;

// The expansion names these by this path, so that a shadowed prelude can't change them.
pub use std::iter::{IntoIterator, Iterator};
pub use std::marker::Send;
pub use std::option::Option;
pub use std::result::Result;
pub use std::vec::Vec;
pub use std::{file, line, module_path};
