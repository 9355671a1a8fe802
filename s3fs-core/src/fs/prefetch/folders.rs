//! Observations about folders, from which prefetch decides.

use std::time::Instant;

use crate::fs::prefetch::directory_scan::Progress;
use crate::fs::prefetch::folder_map::FolderMap;
use crate::fs::prefetch::metadata_heuristic::{Counts, Verdict, verdict};
use crate::fs::prefetch::name_series::NameSeries;
use crate::object::EntryName;
use crate::ordered::{Guard, LAST, Ordered};
use crate::tree::Ino;

/// Observations about one folder.
#[derive(Debug, Default)]
struct Folder {
    /// Files that programs opened.
    opens: Option<Progress>,
    /// Files whose stored metadata programs asked for.
    inspections: Option<Progress>,
    /// Names that were requested from the store.
    names: NameSeries,
    /// Objects with and without stored metadata.
    metadata: Counts,
}

/// Scan of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// Files are opened one after the other.
    Opens,
    /// Files are inspected one after the other.
    Inspections,
}

/// Observations of one mount.
#[derive(Debug, Default)]
pub(super) struct Folders(Ordered<FoldersState, LAST>);

#[derive(Debug, Default)]
struct FoldersState {
    folders: FolderMap<Folder>,
    /// Objects of the mount with and without stored metadata.
    metadata: Counts,
}

impl Folder {
    fn scan(&mut self, scan: Scan) -> &mut Option<Progress> {
        match scan {
            Scan::Opens => &mut self.opens,
            Scan::Inspections => &mut self.inspections,
        }
    }
}

impl Folders {
    /// Records that a scan of the folder reached a file. `near` says whether another file is close
    /// to it. Returns the number of files behind it to prefetch.
    pub(super) fn reached(
        &self,
        scan: Scan,
        dir: Ino,
        name: &EntryName,
        near: impl FnOnce(&EntryName) -> bool,
    ) -> usize {
        let now = Instant::now();
        let last = {
            let mut state = self.lock();
            let folder = state.folders.get(dir, now);
            folder.and_then(|folder| folder.scan(scan).as_ref().map(Progress::last).cloned())
        };
        // Not under the lock: `near` asks the tree.
        let is_near = last.is_some_and(|last| near(&last));
        let mut state = self.lock();
        let progress = state.folders.get_or_add(dir, now).scan(scan);
        if let Some(progress) = progress {
            progress.reached(name, is_near, now)
        } else {
            *progress = Some(Progress::new(name.clone(), now));
            0
        }
    }

    /// Returns the names of the folder that were requested from the store.
    pub(super) fn names(&self, dir: Ino) -> NameSeries {
        let mut state = self.lock();
        let folder = state.folders.get(dir, Instant::now());
        folder
            .map(|folder| folder.names.clone())
            .unwrap_or_default()
    }

    /// Changes the record of the names that were requested from the store.
    pub(super) fn update_names(&self, dir: Ino, update: impl FnOnce(&mut NameSeries)) {
        let mut state = self.lock();
        update(&mut state.folders.get_or_add(dir, Instant::now()).names);
    }

    /// Records whether an object of the folder has stored metadata.
    pub(super) fn note_metadata(&self, dir: Ino, is_rich: bool) {
        let mut state = self.lock();
        state.metadata.note(is_rich);
        let folder = state.folders.get_or_add(dir, Instant::now());
        folder.metadata.note(is_rich);
    }

    /// Returns the verdict about the stored metadata of the folder's objects.
    pub(super) fn verdict(&self, dir: Ino) -> Verdict {
        let mut state = self.lock();
        let mount = state.metadata;
        let folder = state.folders.get(dir, Instant::now());
        verdict(
            folder.map(|folder| folder.metadata).unwrap_or_default(),
            mount,
        )
    }

    fn lock(&self) -> Guard<'_, FoldersState> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::prefetch::metadata_heuristic::{MOUNT_SAMPLE, SAMPLE};

    #[test]
    fn scans_of_a_folder_do_not_mix() {
        let name = |name| EntryName::from_component(name).unwrap();
        let (folders, dir) = (Folders::default(), Ino(7));
        let reached = |scan, to| folders.reached(scan, dir, &name(to), |_| true);
        assert_eq!(reached(Scan::Opens, "a"), 0, "the first one");
        assert_eq!(reached(Scan::Inspections, "b"), 0, "the first one");
        assert_eq!(reached(Scan::Opens, "a"), 0, "again");
        assert!(reached(Scan::Opens, "b") > 0);
        assert_eq!(folders.verdict(dir), Verdict::Unknown);
    }

    #[test]
    fn a_few_objects_speak_for_their_folder() {
        let (folders, dir) = (Folders::default(), Ino(7));
        assert_eq!(folders.verdict(dir), Verdict::Unknown);
        for _ in 0..SAMPLE {
            folders.note_metadata(dir, false);
        }
        assert_eq!(folders.verdict(dir), Verdict::Plain);
        assert_eq!(folders.verdict(Ino(8)), Verdict::Unknown);
        folders.note_metadata(dir, true);
        assert_eq!(folders.verdict(dir), Verdict::Rich, "one is enough");
    }

    #[test]
    fn many_speak_for_the_mount_unless_one_has_something_kept() {
        let folders = Folders::default();
        for n in 0..MOUNT_SAMPLE {
            folders.note_metadata(Ino(u64::from(n) + 2), false);
        }
        assert_eq!(folders.verdict(Ino(99)), Verdict::Plain);
        folders.note_metadata(Ino(100), true);
        assert_eq!(folders.verdict(Ino(99)), Verdict::Unknown);
    }
}
