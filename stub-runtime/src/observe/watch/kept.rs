//! Records of calls, for reports and for the history.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::say::say;
use crate::host::config;
use crate::observe::report;
use crate::observe::report::Record;

/// Maximum number of calls on a page; the latest are kept.
const MOST: usize = 100;

/// Maximum number of attempts on a page, unless the latest call alone has more: browsers must still open it.
const MOST_ATTEMPTS: usize = 20_000;

#[derive(Debug)]
struct CallRecords {
    page: Option<PathBuf>,
    history: Option<PathBuf>,
    /// Records of calls, the latest first.
    records: Vec<Record>,
    /// True if the last attempt to write the page failed.
    has_failed: bool,
}

static KEPT: Mutex<CallRecords> = Mutex::new(CallRecords {
    page: None,
    history: None,
    records: Vec::new(),
    has_failed: false,
});

/// Requests a report of all later calls of this program. The file is rewritten when each of them ends.
///
/// # Errors
/// The file can't be written.
pub(super) fn want_page(path: PathBuf) -> io::Result<()> {
    report::write_page(&path, &[])?;
    lock().page = Some(path);
    Ok(())
}

/// Requests that each later call is recorded in the user's history, from which `stub jobs report`
/// makes a report.
pub fn want_history() {
    lock().history = config::history_folder();
}

/// Writes a report of the runs in that history, or of those with one name, unless there are none.
/// Returns their number.
///
/// # Errors
/// The history can't be read, or the file can't be written.
pub fn write_history(name: Option<&str>, page: &Path) -> io::Result<usize> {
    let folder = config::history_folder();
    let records = match &folder {
        Some(folder) => report::load(folder, name)?,
        None => Vec::new(),
    };
    if !records.is_empty() {
        report::write_page(page, &records)?;
    }
    Ok(records.len())
}

fn drop_older(records: &mut Vec<Record>) {
    let mut attempts = 0;
    let fit = records.iter().take(MOST).take_while(|record| {
        attempts += record.kept_attempts();
        attempts <= MOST_ATTEMPTS
    });
    let fit = fit.count().max(1);
    records.truncate(fit);
}

/// Returns whether records were asked for.
pub(super) fn are_wanted() -> bool {
    let mut kept = lock();
    if kept.page.is_none() {
        kept.page = config::report_page();
    }
    kept.page.is_some() || kept.history.is_some()
}

/// Stores the record of a call.
pub(super) fn keep(record: &Record) {
    let mut kept = lock();
    let CallRecords {
        page,
        history,
        records,
        has_failed,
    } = &mut *kept;
    if let Some(folder) = history
        && let Err(error) = report::save(folder, record)
    {
        say(&format!("failed to record the run: {error}"));
    }
    if let Some(path) = page {
        records.insert(0, record.clone());
        drop_older(records);
        let written = report::write_page(path, records);
        if let (Err(error), false) = (&written, *has_failed) {
            say(&format!("failed to write `{}`: {error}", path.display()));
        }
        *has_failed = written.is_err();
    }
}

fn lock() -> MutexGuard<'static, CallRecords> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
