//! Calls on clusters that may still be running.

use jiff::Timestamp;

use crate::call::Result;
use crate::cluster;

/// A call on a cluster that may still be running.
#[derive(Clone, Debug)]
pub struct ListedCall {
    /// Id of the call, unique among all calls.
    pub id: String,
    /// Label of the call: `module::name`, or the name of a command.
    pub label: String,
    /// Start time of the call.
    pub began: Timestamp,
    /// Name of its engine.
    pub engine: String,
    /// Location of the spool with its inputs and values.
    pub spool: String,
}

/// Lists the calls on clusters that programs of this user began and whose values were not all
/// taken; the latest first.
///
/// # Errors
/// The folder with their records can't be read.
pub fn found_calls() -> Result<Vec<ListedCall>> {
    let found = cluster::kept()?.into_iter().map(|record| ListedCall {
        id: record.id,
        label: record.label.to_string(),
        began: record.began,
        engine: record.engine.name().to_string(),
        spool: record.spool,
    });
    Ok(found.collect())
}
