//! Pieces of the texts of errors.

use s3fs_core::{NotStored, Shown};

pub(super) fn at(location: Option<&str>) -> String {
    location
        .map(|location| format!(" at {location}"))
        .unwrap_or_default()
}

pub(super) fn remedy_text(remedy: Option<&str>) -> String {
    remedy
        .map(|remedy| format!("; {remedy}"))
        .unwrap_or_default()
}

/// Formats the first few objects, and the number of the others: the whole list is in the error.
pub(super) fn list(objects: &[NotStored]) -> String {
    const SHOWN: usize = 5;
    let shown = objects.iter().take(SHOWN).map(|one| match &one.kept_in {
        Some(path) => format!(
            "{} ({}; its bytes are kept in {})",
            Shown(&one.object),
            Shown(&one.reason),
            Shown(path.display())
        ),
        None => format!("{} ({})", Shown(&one.object), Shown(&one.reason)),
    });
    let text = shown.collect::<Vec<_>>().join(", ");
    match objects.len().checked_sub(SHOWN) {
        None | Some(0) => text,
        Some(more) => format!("{text} and {more} more"),
    }
}

pub(super) fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT (Ctrl-C)",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT (it aborted)",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL (by hand, or because memory ran out)",
        11 => "SIGSEGV (an invalid memory access or a stack overflow)",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
