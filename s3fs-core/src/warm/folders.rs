//! Warming of folders of a bucket before it is mounted.

use crate::object::Prefix;
use crate::warm::Warming;

/// Brings folders below a prefix into the cache. What fails is read from the bucket later.
pub(crate) async fn warm_folders(
    base: &Prefix,
    folders: &[String],
    warming: impl Fn(Prefix) -> Warming,
) {
    // The folders share the room of the cache: else one would evict another's files.
    let mut room = None;
    for (index, folder) in folders.iter().enumerate() {
        let Ok(prefix) = Prefix::new(format!("{base}{folder}")) else {
            continue;
        };
        if is_in_another(folders, index) {
            continue;
        }
        let warming = warming(prefix);
        let room = room.get_or_insert_with(|| warming.room());
        let ended = warming.run_within(room).await;
        let report = warming.progress().now();
        match ended {
            Ok(()) if report.is_complete() => tracing::info!(folder, %report, "warmed the cache"),
            Ok(()) => tracing::warn!(
                folder, %report, does_not_fit = %report.left_out, replaced = %report.skipped,
                weak = %report.weak, failed = report.failed, failures = ?report.failures,
                "cache is not warm"
            ),
            Err(error) => tracing::warn!(folder, %report, %error, "failed to warm the cache"),
        }
    }
}

/// Returns whether a folder is part of another one, or an earlier one once more: its objects would take
/// room twice.
fn is_in_another(folders: &[String], index: usize) -> bool {
    let folder = &folders[index];
    let mut others = folders.iter().enumerate();
    others.any(|(at, other)| folder.starts_with(other.as_str()) && (folder != other || at < index))
}
