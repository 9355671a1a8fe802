//! Pieces of the texts of errors.

use nix::sys::signal::Signal;
use s3fs_core::{NotStored, Shown};

pub(super) fn at(location: Option<&str>) -> String {
    location
        .map(|location| format!(" at {location}"))
        .unwrap_or_default()
}

pub(super) fn remedy_text(remedy: Option<&str>) -> String {
    remedy
        .map(|remedy| format!("\n{remedy}"))
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

/// Returns the name of a signal; real-time signals have only numbers.
pub(super) fn signal_name(signal: i32) -> String {
    let Ok(known) = Signal::try_from(signal) else {
        return format!("signal {signal}");
    };
    let cause = match known {
        Signal::SIGINT => " (Ctrl-C)",
        Signal::SIGABRT => " (it aborted)",
        Signal::SIGKILL => " (by hand, or because memory ran out)",
        Signal::SIGSEGV => " (an invalid memory access or a stack overflow)",
        _ => "",
    };
    format!("{known}{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_but_for_those_of_real_time() {
        let names = [2, 9, 12, 31, 40].map(signal_name);
        let kill = "SIGKILL (by hand, or because memory ran out)";
        assert_eq!(
            names,
            ["SIGINT (Ctrl-C)", kill, "SIGUSR2", "SIGSYS", "signal 40"]
        );
    }
}
