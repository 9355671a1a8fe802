//! Records of what calls did, kept for those who asked.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::report::{self, Record};

/// No page has more calls; the latest are kept.
const MOST: usize = 100;

#[derive(Debug)]
struct Kept {
    page: Option<PathBuf>,
    history: Option<PathBuf>,
    /// The latest first.
    records: Vec<Record>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    page: None,
    history: None,
    records: Vec::new(),
});

/// From now on, a report of all calls of this program is written to this file when each of them ends.
///
/// # Errors
/// It can't be written there.
pub(super) fn want_page(path: PathBuf) -> io::Result<()> {
    report::write_page(&path, &[])?;
    lock().page = Some(path);
    Ok(())
}

/// From now on, what each call did is kept in the user's own history, of which `stub jobs report` makes a report.
pub fn want_history() {
    lock().history = config::history_folder();
}

/// Writes a report of the runs in that history, or of those of one name, unless there are none. How many there are.
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

/// Whether anyone asked.
pub(super) fn are_wanted() -> bool {
    let mut kept = lock();
    if kept.page.is_none() {
        kept.page = config::report_page();
    }
    kept.page.is_some() || kept.history.is_some()
}

/// Keeps what a call did.
pub(super) fn keep(record: Record) {
    let mut kept = lock();
    let Kept {
        page,
        history,
        records,
    } = &mut *kept;
    if let Some(folder) = history
        && let Err(error) = report::save(folder, &record)
    {
        say(&format!("can't keep the record of the run: {error}"));
    }
    if let Some(path) = page {
        records.insert(0, record);
        records.truncate(MOST);
        if let Err(error) = report::write_page(path, records) {
            say(&format!("can't write `{}`: {error}", path.display()));
        }
    }
}

fn say(line: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr().lock(), "stub: {line}");
}

fn lock() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
