//! Environment of a task: the caller's, except for the variables that belong to the node.

use std::ffi::OsStr;

use crate::cluster::format::Header;
use crate::host::config;
use crate::sys;

/// Takes over the variables of the caller. Only before this process has a second thread.
pub(super) fn adopt(header: &Header) {
    // A caller without keys in its environment has none to give: the node keeps its own for its spool.
    let keeps = !header
        .credentials
        .iter()
        .any(|(name, _)| config::is_key(name));
    let is_nodes = |name: &OsStr| config::is_of_node(name) || (keeps && config::is_key(name));
    let others: Vec<_> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| !is_nodes(name))
        .collect();
    for name in others {
        if let Some(name) = name.to_str() {
            sys::remove_variable(name);
        }
    }
    for (name, value) in &header.environment {
        if !is_nodes(name) {
            sys::set_variable(name, value);
        }
    }
    config::adopt(&header.credentials);
    config::stay_here();
}
