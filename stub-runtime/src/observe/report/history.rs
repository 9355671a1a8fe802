//! Folder of records, of which the latest stay.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;

use super::atomic;
use super::record::Record;
use crate::host::unfinished::UNFINISHED;

/// Maximum number of records of each name, so that a frequent call doesn't push out a nightly one.
const MOST: usize = 100;

/// Maximum length of a call's name in the name of its file, in characters.
const NAME: usize = 80;

/// Age after which an unfinished file is taken to be left by a killed process.
const STALE: Duration = Duration::from_hours(1);

/// Stores a record, and removes older ones beyond the limit.
pub(crate) fn save(folder: &Path, record: &Record) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let time = sortable(record.begun());
    let (name, process) = (sanitised(record.name()), std::process::id());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{time}-{name}-{process}-{number}.json"));
    atomic::write(&path, 0o600, &serde_json::to_vec(record)?)?;
    if let Err(error) = prune(folder) {
        tracing::warn!(
            "failed to remove old records in {}: {error}",
            folder.display()
        );
    }
    Ok(path)
}

/// Start time in the name of a file, in UTC: names are in the order of time.
fn sortable(time: OffsetDateTime) -> String {
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second, milli) = time.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milli:03}Z")
}

/// Loads all records, or those of calls with this name; the newest first. Skips files that can't be read.
pub(crate) fn load(folder: &Path, name: Option<&str>) -> io::Result<Vec<Record>> {
    let mut files = match records(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    if let Some(name) = name {
        let part = format!("-{}-", sanitised(name));
        files.retain(|file| file.contains(&part));
    }
    let mut loaded = Vec::with_capacity(files.len());
    for file in files.iter().rev() {
        let path = folder.join(file);
        match read(&path) {
            Ok(record) if name.is_none_or(|name| name == record.name()) => loaded.push(record),
            Ok(_) => {}
            // Another process has let it go.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("skipped the record {}: {error}", path.display()),
        }
    }
    loaded.sort_by_key(|record| std::cmp::Reverse(record.begun()));
    Ok(loaded)
}

fn read(path: &Path) -> io::Result<Record> {
    Record::from_json(&fs::read(path)?).map_err(io::Error::other)
}

/// Lists the names of the files, the oldest first.
fn records(folder: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        files.extend(name.ok().filter(|name| is_record(name)));
    }
    files.sort_unstable();
    Ok(files)
}

/// Returns whether the name is one that [`save`] gives, so that no other file is removed.
fn is_record(file: &str) -> bool {
    let has_time = file
        .split_once('-')
        .is_some_and(|(time, _)| time.len() == "20250102T030405.678Z".len() && time.ends_with('Z'));
    has_time
        && Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "json")
}

fn prune(folder: &Path) -> io::Result<()> {
    let mut of_each: BTreeMap<String, usize> = BTreeMap::new();
    for file in records(folder)?.iter().rev() {
        let newer = of_each.entry(name_in(file).to_owned()).or_default();
        if *newer >= MOST {
            remove(&folder.join(file))?;
        }
        *newer += 1;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_unfinished = entry.file_name().to_string_lossy().ends_with(UNFINISHED);
        if is_unfinished && is_stale(&entry) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Returns the sanitised name of the call in a file's name, which has no `-`.
fn name_in(file: &str) -> &str {
    file.split('-').nth(1).unwrap_or_default()
}

fn is_stale(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > STALE))
}

/// Removes a file that another process may have removed as well.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Sanitises a name for use in a file's name.
fn sanitised(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().take(NAME).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::time::SystemTime;

    use time::format_description::well_known::Rfc3339;

    use super::super::record::tests::begun;
    use super::*;

    fn saved(folder: &Path, name: &str, time: &str) -> PathBuf {
        save(folder, &begun(name, time).0).unwrap()
    }

    fn times(records: &[Record]) -> Vec<String> {
        records
            .iter()
            .map(|record| record.begun().format(&Rfc3339).unwrap())
            .collect()
    }

    #[test]
    fn records_are_kept_for_their_owner_and_given_newest_first() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        assert!(load(&folder, None).unwrap().is_empty());
        let path = saved(&folder, "x/../y: ä", "2025-01-02T03:04:05Z");
        saved(&folder, "f", "2025-01-04T03:04:05Z");
        saved(&folder, "f", "2025-01-03T03:04:05Z");

        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            name.starts_with("20250102T030405.000Z-x____y___-"),
            "{name}"
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let all = times(&load(&folder, None).unwrap());
        assert_eq!(
            all,
            [
                "2025-01-04T03:04:05Z",
                "2025-01-03T03:04:05Z",
                "2025-01-02T03:04:05Z"
            ]
        );
    }

    #[test]
    fn those_of_one_name_are_told_from_names_that_look_alike() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a:b", "a_b", "b", "x-b-x"] {
            saved(folder.path(), name, "2025-01-02T03:04:05Z");
        }
        for name in ["a:b", "a_b", "b", "x-b-x"] {
            let loaded = load(folder.path(), Some(name)).unwrap();
            let names: Vec<_> = loaded.iter().map(Record::name).collect();
            assert_eq!(names, [name]);
        }
    }

    #[test]
    fn the_oldest_go_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = folder.path().join("00000000-notes.json");
        fs::write(&stranger, "").unwrap();
        saved(folder.path(), "rare", "2025-01-02T02:00:00Z");
        for number in 0..105 {
            let (minute, second) = (number / 60, number % 60);
            saved(
                folder.path(),
                "f",
                &format!("2025-01-02T03:{minute:02}:{second:02}Z"),
            );
        }
        let kept = times(&load(folder.path(), Some("f")).unwrap());
        assert_eq!(kept.len(), MOST);
        assert_eq!(kept[99], "2025-01-02T03:00:05Z");
        assert_eq!(load(folder.path(), Some("rare")).unwrap().len(), 1);
        assert!(stranger.exists());
    }

    #[test]
    fn what_a_killed_process_has_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = |name: &str, age: Duration| {
            let path = folder.path().join(name);
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
            path
        };
        let stale = unfinished(".stub-1-0.unfinished", STALE * 2);
        let fresh = unfinished(".stub-1-1.unfinished", Duration::ZERO);
        saved(folder.path(), "f", "2025-01-02T03:04:05Z");
        assert!(!stale.exists());
        assert!(fresh.exists());
    }

    #[test]
    fn what_cannot_be_read_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, contents: &str| {
            fs::write(folder.path().join(name), contents).unwrap();
        };
        put("20250102T030405.000Z-f-1-1.json", "{");
        put("20250102T030405.000Z-f-1-2.json", r#"{"version": 1000}"#);
        fs::create_dir(folder.path().join("20250102T030405.000Z-f-1-3.json")).unwrap();
        saved(folder.path(), "f", "2025-01-02T03:04:05Z");
        assert_eq!(load(folder.path(), None).unwrap().len(), 1);
    }
}
