//! Merge of listing pages into entries, without I/O.
//!
//! Two cases make this more than a loop. A component of a key may be no file name; such keys are
//! hidden. And an object `a` may exist beside keys `a/…`: then the folder `a` is shown and the
//! object is hidden, on whatever pages the two arrive. Between `a` and `a/` there may be thousands
//! of keys such as `a-1` and `a.txt`, so a file is held back while its folder may still come. All
//! files held back are prefixes of the last key seen, so there are few.

use std::collections::HashSet;

use crate::object::{EntryName, ObjectMeta};
use crate::store::ListPage;

/// Entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Folder.
    Dir(EntryName),
    /// File.
    File(EntryName, ObjectMeta),
}

/// Number of keys of a folder that are not shown: no file can have their name, or a folder has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Number of objects.
    pub keys: u64,
    /// Number of folders, each hidden with everything below it.
    pub folders: u64,
}

/// State between the pages of one listing.
#[derive(Debug)]
pub struct Merger {
    prefix: String,
    held: Vec<(EntryName, ObjectMeta)>,
    hidden: Hidden,
}

impl Merger {
    /// Starts a listing of the keys under a prefix, folded at `/`.
    pub fn new(prefix: String) -> Self {
        Self {
            prefix,
            held: Vec::new(),
            hidden: Hidden::default(),
        }
    }

    /// Returns whether files of earlier pages are held back.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns the number of keys hidden so far.
    pub fn hidden(&self) -> Hidden {
        self.hidden
    }

    /// Returns the entries that are certain after this page. Each name comes once, in no particular
    /// order.
    pub fn page(&mut self, page: ListPage) -> Vec<Listed> {
        let last = self.last_component(&page);
        let dirs: Vec<EntryName> = page
            .prefixes
            .iter()
            .filter_map(|prefix| {
                let name = self.name(prefix.strip_suffix('/').unwrap_or(prefix));
                self.hidden.folders += u64::from(name.is_none());
                name
            })
            .collect();
        let shadowing: HashSet<&EntryName> = dirs.iter().collect();
        let mut entries = Vec::with_capacity(page.objects.len() + dirs.len());
        let mut files = std::mem::take(&mut self.held);
        for object in page.objects {
            // The folder's own marker.
            if object.key == self.prefix {
                continue;
            }
            match self.name(&object.key) {
                Some(name) => files.push((name, object.meta)),
                None => self.hidden.keys += 1,
            }
        }
        for (name, meta) in files {
            if shadowing.contains(&name) {
                self.hidden.keys += 1;
            } else if page.next.is_some() && last.as_deref() < Some(&format!("{name}/")) {
                self.held.push((name, meta));
            } else {
                entries.push(Listed::File(name, meta));
            }
        }
        entries.extend(dirs.iter().cloned().map(Listed::Dir));
        entries
    }

    fn name(&self, key: &str) -> Option<EntryName> {
        let name = key.strip_prefix(&self.prefix);
        name.and_then(EntryName::from_component)
    }

    /// Returns the page's last key or prefix, without the folder's own prefix.
    fn last_component(&self, page: &ListPage) -> Option<String> {
        Some(page.last()?.strip_prefix(&self.prefix)?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::object::ETag;
    use crate::store::ListedObject;

    fn meta() -> ObjectMeta {
        ObjectMeta {
            size: 1,
            modified: SystemTime::UNIX_EPOCH,
            etag: ETag::new("e"),
        }
    }

    /// Returns S3's listing of these keys, cut into pages of `page_size`.
    fn pages(keys: &BTreeSet<String>, prefix: &str, page_size: usize) -> Vec<ListPage> {
        let mut items: Vec<(String, bool)> = Vec::new();
        for key in keys.iter().filter(|key| key.starts_with(prefix)) {
            match key[prefix.len()..].split_once('/') {
                Some((folder, _)) => {
                    let folder = (format!("{prefix}{folder}/"), true);
                    if items.last() != Some(&folder) {
                        items.push(folder);
                    }
                }
                None => items.push((key.clone(), false)),
            }
        }
        let count = items.len().div_ceil(page_size).max(1);
        (0..count)
            .map(|i| {
                let mut page = ListPage::default();
                for (text, is_prefix) in items.iter().skip(i * page_size).take(page_size) {
                    if *is_prefix {
                        page.prefixes.push(text.clone());
                    } else {
                        page.objects.push(ListedObject {
                            key: text.clone(),
                            meta: meta(),
                        });
                    }
                }
                page.next = (i + 1 < count).then(|| "more".to_owned());
                page
            })
            .collect()
    }

    fn entries(keys: &BTreeSet<String>, prefix: &str, page_size: usize) -> Vec<String> {
        let mut merger = Merger::new(prefix.to_owned());
        let mut names = Vec::new();
        for page in pages(keys, prefix, page_size) {
            names.extend(merger.page(page).into_iter().map(|entry| match entry {
                Listed::Dir(name) => format!("{name}/"),
                Listed::File(name, _) => name.to_string(),
            }));
        }
        names.sort();
        names
    }

    #[test]
    fn a_folder_hides_the_object_of_its_name_across_pages() {
        let keys = ["a", "a-1", "a-2", "a.txt", "a/b", "c"];
        let keys = keys.map(str::to_owned).into_iter().collect();
        for page_size in 1..7 {
            let seen = entries(&keys, "", page_size);
            assert_eq!(seen, ["a-1", "a-2", "a.txt", "a/", "c"], "{page_size}");
        }
    }

    #[test]
    fn keys_without_a_file_name_are_hidden_and_counted() {
        let keys = ["d/", "d/.", "d/..", "d//x", "d/./y", "d/ok", "d/nul\0"];
        let keys: BTreeSet<String> = keys.map(str::to_owned).into_iter().collect();
        let mut merger = Merger::new("d/".to_owned());
        let mut seen = Vec::new();
        for page in pages(&keys, "d/", 100) {
            seen.extend(merger.page(page));
        }
        assert_eq!(
            seen,
            [Listed::File(
                EntryName::from_component("ok").unwrap(),
                meta()
            )]
        );
        let hidden = Hidden {
            keys: 3,
            folders: 2,
        };
        assert_eq!(merger.hidden(), hidden);
    }

    proptest! {
        #[test]
        fn every_visible_name_comes_exactly_once(
            keys in proptest::collection::btree_set("[ab!./-]{1,5}", 0..40),
            page_size in 1usize..8,
        ) {
            let mut expected = BTreeSet::new();
            for key in &keys {
                let (first, is_dir) = match key.split_once('/') {
                    Some((first, _)) => (first, true),
                    None => (key.as_str(), false),
                };
                if EntryName::from_component(first).is_none() { continue }
                let shadowed = keys.iter().any(|k| k.starts_with(&format!("{first}/")));
                if is_dir || !shadowed {
                    expected.insert(if is_dir { format!("{first}/") } else { first.to_owned() });
                }
            }
            prop_assert_eq!(entries(&keys, "", page_size), Vec::from_iter(expected));
        }
    }
}
