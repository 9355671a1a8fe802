//! Common programs, each on the mount, on a fresh mount of the same bucket, and with a comparison of the
//! objects.

mod archives;
mod building;
mod bulk;
mod columns;
mod copying;
mod databases;
mod editors;
pub(crate) mod git;
mod python;
mod shell;
pub(crate) mod sqlite;
mod syncing;
pub(crate) mod tar;
mod trees;
