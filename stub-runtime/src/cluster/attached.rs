//! Reattaching to a call that an earlier caller began, by its id.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Error;
use crate::declare::{Engine, Retries};
use crate::observe::output::Sink;
use crate::observe::watch::Watch;

use super::driver::Task;
use super::error::ClusterError;
use super::format::Header;
use super::names::CALL;
use super::open::{For, open};
use super::record::{self, Attended, CallRecord};
use super::remote::Remote;
use super::scheduler::Needs;
use super::spool::Spool;

/// A call that an earlier caller began.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) remote: Remote,
    /// True if the call has many inputs.
    pub(crate) is_map: bool,
    /// True if the call runs a command.
    pub(crate) is_command: bool,
}

/// Lists the calls that may be running, the latest first.
///
/// # Errors
/// The folder with their records can't be read.
pub(crate) fn kept() -> Result<Vec<CallRecord>, Error> {
    record::all().map_err(|error| error.of_call(&Engine::Local, &"stub".into()))
}

/// Reattaches to a call: its values come as if it had begun here, those that are there already at
/// once. `sink` receives its output.
///
/// # Errors
/// No call has that id, or another process attends to it, or its spool can't be reached.
pub(crate) fn attach(id: &str, sink: Option<Arc<dyn Sink>>) -> Result<Attached, Error> {
    let again = Attended::again(id);
    let (record, attended) = again.map_err(|error| error.of_call(&Engine::Local, &id.into()))?;
    let watch = Watch::of(Arc::clone(&record.label));
    let refused = |error: ClusterError| error.of_call(&record.engine, &record.label);
    let no_key = || ClusterError::Unusable("the record of the call has no key".to_owned());
    let key = record.key().ok_or_else(|| refused(no_key()))?;
    let find = |cpu| {
        let wanted = For {
            call: id,
            key: &key,
            spool: Some(&record.spool),
            cpu,
        };
        open(&record.engine, wanted).map_err(refused)
    };
    let cluster = find(None)?;
    let spool = Spool::open(&cluster.location, id, key.clone()).map_err(refused)?;
    let header: Option<Header> = spool.get(CALL).map_err(refused)?;
    drop(spool);
    let (needs, retries, is_command) = header
        .as_ref()
        .map_or((Needs::default(), Retries::default(), false), of);
    let cluster = find(needs.cpu)?;
    let task = Task {
        id: id.to_owned(),
        label: Arc::clone(&record.label),
        is_map: record.is_map,
        header: None,
        needs,
        key: key.clone(),
        retries: retries.delays().count(),
        attended: Some(attended),
        staged: Some(record.program.clone()),
    };
    Ok(Attached {
        remote: Remote::start(task, cluster, sink, &watch)?,
        is_map: record.is_map,
        is_command,
    })
}

fn of(header: &Header) -> (Needs, Retries, bool) {
    let is_command = matches!(header.spec.work, crate::call::Work::Command { .. });
    let slice: Duration = header.slice;
    let needs = Needs::of(&header.spec, &header.retries, header.at_once, slice);
    (needs, header.retries, is_command)
}
