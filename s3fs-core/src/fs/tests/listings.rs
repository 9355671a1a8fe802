//! Comparison of every listing shortcut with the plain listing: trees listed together, pages at
//! guessed bounds, and names requested with their neighbours.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use crate::fs::FsError;
use crate::fs::tests::kernel::Kernel;
use crate::fs::tests::{bucket, mount};
use crate::store::memory::MemoryStore;

/// Entries of one folder: names, folders with a `/` behind them.
type Entries = BTreeSet<String>;

/// Folders of the tree.
const FOLDERS: [&str; 12] = [
    "", "a/", "a/b/", "a/b/c/", "a-b/", "c/", "e/", "f/", "a/f/", "f-1005/", "m/n/", "z/",
];

/// Names of single files. Some stand before, some behind, some between the keys of folders.
const NAMES: [&str; 9] = ["0", "a", "b", "b-1", "f-1007", "f1000x", "k", "n", "zz"];

/// Names in a row: files before and behind a folder, and folders.
const ROWS: [(&str, &str); 3] = [("f", ""), ("f-", ""), ("f-", "/0")];

#[derive(Clone, Debug)]
enum Step {
    /// Lists all folders from one on, as `find` does.
    Find(usize),
    /// Lists some folders, in this order.
    Visit(Vec<usize>),
    /// Looks names up one after another.
    Lookup(usize, Vec<usize>),
    /// Another client stores an object.
    Put(usize, usize),
    /// Another client deletes an object.
    Delete(usize, usize),
    /// This mount makes a file.
    Save(usize, usize),
    /// All answers of the store expire.
    Expire,
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let folder = 0..FOLDERS.len();
    let name = 0..NAMES.len();
    let names = proptest::collection::vec(name.clone(), 1..8);
    let folders = proptest::collection::vec(folder.clone(), 1..12);
    prop_oneof![
        4 => folder.clone().prop_map(Step::Find),
        4 => folders.prop_map(Step::Visit),
        3 => (folder.clone(), names).prop_map(|(f, n)| Step::Lookup(f, n)),
        1 => (folder.clone(), name.clone()).prop_map(|(f, n)| Step::Put(f, n)),
        1 => (folder.clone(), name.clone()).prop_map(|(f, n)| Step::Delete(f, n)),
        1 => (folder, name).prop_map(|(f, n)| Step::Save(f, n)),
        2 => Just(Step::Expire),
        1 => Just(Step::Forget),
    ]
}

/// Returns a strategy for keys: some single ones, and in some folders enough in a row to fill
/// pages.
fn keys() -> impl Strategy<Value = BTreeSet<String>> {
    let one = (0..FOLDERS.len(), 0..NAMES.len());
    let one = one.prop_map(|(f, n)| vec![format!("{}{}", FOLDERS[f], NAMES[n])]);
    let row = (0..FOLDERS.len(), 0..ROWS.len(), 1..70usize);
    let row = row.prop_map(|(f, row, count)| {
        let (begin, end) = ROWS[row];
        let key = |n| format!("{}{begin}{}{end}", FOLDERS[f], 1000 + n);
        (0..count).map(key).collect::<Vec<_>>()
    });
    let marker = (1..FOLDERS.len()).prop_map(|f| vec![FOLDERS[f].to_owned()]);
    let some = prop_oneof![3 => one, 1 => row, 1 => marker];
    proptest::collection::vec(some, 1..14).prop_map(|keys| keys.into_iter().flatten().collect())
}

/// Returns the plain listing of a folder.
fn plain(keys: &BTreeSet<String>, prefix: &str) -> Entries {
    let below = keys.iter().filter_map(|key| key.strip_prefix(prefix));
    let below: Vec<&str> = below.filter(|name| !name.is_empty()).collect();
    let folders = below.iter().filter_map(|name| name.split_once('/'));
    let mut entries: Entries = folders.map(|(name, _)| format!("{name}/")).collect();
    for name in below.iter().filter(|name| !name.contains('/')) {
        if !entries.contains(&format!("{name}/")) {
            entries.insert((*name).to_owned());
        }
    }
    entries
}

/// Mount, and every state that the bucket has had.
struct Run {
    store: MemoryStore,
    kernel: Kernel,
    states: Vec<BTreeSet<String>>,
}

impl Run {
    async fn new(keys: BTreeSet<String>, page: usize) -> Self {
        Self::on(bucket().with_page(page), keys).await
    }

    async fn on(store: MemoryStore, keys: BTreeSet<String>) -> Self {
        for key in &keys {
            store.insert(key, "x");
        }
        Self {
            kernel: mount(Arc::new(store.clone())).await,
            states: vec![store.objects().into_keys().collect()],
            store,
        }
    }

    fn changed(&mut self) {
        let keys = self.store.objects().into_keys();
        self.states.push(keys.collect());
    }

    /// Returns the names that were in a folder all the time, and those that were in it at some
    /// time.
    fn bounds(&self, prefix: &str) -> (Entries, Entries) {
        let each = || self.states.iter().map(|keys| plain(keys, prefix));
        let always = each().reduce(|a, b| a.intersection(&b).cloned().collect());
        (always.unwrap_or_default(), each().flatten().collect())
    }

    /// Lists a folder and compares. Returns its folders.
    async fn list(&self, prefix: &str) -> Vec<String> {
        let (always, ever) = self.bounds(prefix);
        let listed = match self.kernel.list(prefix, 7).await {
            Ok(listed) => listed,
            Err(FsError::NotFound | FsError::NotDirectory) => {
                assert!(always.is_empty(), "{prefix:?} is not there");
                return Vec::new();
            }
            Err(error) => panic!("{prefix:?}: {error}"),
        };
        let name = |(name, is_dir)| if is_dir { name + "/" } else { name };
        let shown: Entries = listed.into_iter().map(name).collect();
        let missing: Vec<_> = always.difference(&shown).collect();
        let strange: Vec<_> = shown.difference(&ever).collect();
        assert!(missing.is_empty(), "{prefix:?} lacks {missing:?}");
        assert!(strange.is_empty(), "{prefix:?} never had {strange:?}");
        let folders = shown.into_iter().filter(|name| name.ends_with('/'));
        folders.map(|name| format!("{prefix}{name}")).collect()
    }

    /// Lists a folder and all folders below it, parents first, in the order of their keys.
    async fn find(&self, prefix: &str) {
        let mut stack = vec![prefix.to_owned()];
        while let Some(folder) = stack.pop() {
            let folders = self.list(&folder).await;
            stack.extend(folders.into_iter().rev());
        }
    }

    async fn look_up(&self, prefix: &str, name: &str) {
        let (always, ever) = self.bounds(prefix);
        let (file, folder) = (name.to_owned(), format!("{name}/"));
        if let Ok(attr) = self.kernel.walk(&format!("{prefix}{name}")).await {
            let shown = if attr.is_dir { folder } else { file };
            assert!(ever.contains(&shown), "{prefix:?} never had {shown:?}");
        } else {
            let is_there = always.contains(&file) || always.contains(&folder);
            assert!(!is_there, "{prefix:?} lacks {name:?}");
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Find(from) => self.find(FOLDERS[from]).await,
            Step::Visit(folders) => {
                for folder in folders {
                    self.list(FOLDERS[folder]).await;
                }
            }
            Step::Lookup(folder, names) => {
                for name in names {
                    self.look_up(FOLDERS[folder], NAMES[name]).await;
                }
            }
            Step::Put(folder, name) => {
                let key = format!("{}{}", FOLDERS[folder], NAMES[name]);
                self.store.insert(&key, "y");
                self.changed();
            }
            Step::Delete(folder, name) => {
                let key = format!("{}{}", FOLDERS[folder], NAMES[name]);
                self.store.remove(&key);
                self.changed();
            }
            Step::Save(folder, name) => {
                let path = format!("{}{}", FOLDERS[folder], NAMES[name]);
                // Where there is a folder of that name, or none above it, nothing is made.
                self.kernel.save(&path, b"z").await.ok();
                self.kernel.settle().await.unwrap();
                self.changed();
            }
            Step::Expire => self.kernel.expire(),
            Step::Forget => self.kernel.forget(),
        }
    }
}

fn run(keys: BTreeSet<String>, page: usize, steps: Vec<Step>) {
    run_on(bucket().with_page(page), keys, steps);
}

fn run_on(store: MemoryStore, keys: BTreeSet<String>, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut run = Run::on(store, keys).await;
        for step in steps {
            run.step(step).await;
        }
        run.kernel.forget();
    });
}

#[test]
fn a_walk_finds_folders_behind_pages_of_files() {
    let folders = ["a/1", "b/1", "c/1", "z/1"].map(str::to_owned);
    for page in [7, 25, 100] {
        let files = (1000..1000 + 3 * page / 2).map(|n| format!("f{n}"));
        let keys = folders.iter().cloned().chain(files).collect();
        run(keys, page, vec![Step::Expire, Step::Find(0)]);
    }
}

#[tokio::test]
async fn a_folder_that_a_listing_showed_is_not_empty_in_an_older_one() {
    let keys = ["a/1", "b/1", "d/1"].map(str::to_owned);
    let run = Run::new(keys.into(), 100).await;
    run.kernel.expire();
    for folder in ["", "a/", "b/"] {
        run.list(folder).await;
    }
    run.store.insert("c/1", "x");
    run.kernel.expire();
    let listed = run.kernel.list("c", 7).await.unwrap();
    assert_eq!(Vec::from_iter(listed), [("1".to_owned(), false)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn shortcuts_list_what_the_plain_listing_lists(
        keys in keys(),
        page in 1usize..40,
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        run(keys, page, steps);
    }

    #[test]
    fn nothing_vanishes_where_keys_are_not_listed_in_order(
        keys in keys(),
        page in 1usize..40,
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        run_on(bucket().with_page(page).walking(), keys, steps);
    }
}
