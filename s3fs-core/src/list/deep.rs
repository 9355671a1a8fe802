//! Listing of many folders at once, from the unfolded keys of a tree.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::list::span::{Dated, From, Span};
use crate::store::{Capability, ListPage, ListedObject, Store};

/// Maximum number of further pages to wait for before a folder is listed by itself.
const PAGES: usize = 2;

/// Unfolded listing of a tree, page by page, from which folders are taken in order.
#[derive(Debug)]
pub struct Deep {
    store: Arc<dyn Store>,
    prefix: String,
    /// Lowest key that may still be held; earlier keys were dropped.
    from: String,
    /// Time when the last page was requested.
    asked: Instant,
    /// Consecutive keys, none before `from`.
    here: VecDeque<(ListedObject, Instant)>,
    /// Last key that arrived.
    last: String,
    /// Span behind the last page; `None` at the end of the listing.
    rest: Option<Span>,
}

impl Deep {
    /// Starts a listing of the keys with `prefix` that follow `after`, and requests the first page.
    pub fn new(store: Arc<dyn Store>, prefix: String, after: String) -> Self {
        let mut rest = Span::unfolded(From::After(after.clone()));
        rest.ask(&store, &prefix);
        Self {
            store,
            prefix,
            last: after.clone(),
            from: after,
            asked: Instant::now(),
            here: VecDeque::new(),
            rest: Some(rest),
        }
    }

    /// Returns the page that a folded listing of the folder would have, and the time of the
    /// request. Folders must be taken in order. Returns `None` if a later folder was taken already,
    /// if the folder is too large, if the store doesn't list in order, or if the keys are older
    /// than `good_for`.
    pub async fn folder(&mut self, prefix: &str, good_for: Duration) -> Option<Dated> {
        if *prefix < *self.from {
            return None;
        }
        prefix.clone_into(&mut self.from);
        self.drop_passed();
        let mut pages = 0;
        while !self.is_whole(prefix) {
            if pages == PAGES {
                return None;
            }
            self.turn().await?;
            pages += 1;
        }
        self.ask_on();
        let (page, asked) = self.fold(prefix);
        (asked.elapsed() < good_for).then_some((page, asked))
    }

    /// Returns whether no key of the folder can come on a later page.
    fn is_whole(&self, prefix: &str) -> bool {
        let last = self.here.back();
        self.rest.is_none()
            || last.is_some_and(|(last, _)| *last.key > *prefix && !last.key.starts_with(prefix))
    }

    /// Takes the next page. Returns `None` if the store fails: listing the folder by itself will
    /// report the error.
    async fn turn(&mut self) -> Option<()> {
        let rest = self.rest.as_mut()?;
        rest.wait(&self.store, &self.prefix).await.ok()?;
        let mut rest = self.rest.take()?;
        self.rest = rest.part();
        let (page, asked) = rest.into_page()?;
        self.check_order(&page)?;
        self.asked = asked;
        let dated = page.objects.into_iter().map(|object| (object, asked));
        self.here.extend(dated);
        self.drop_passed();
        self.ask_on();
        Some(())
    }

    /// Checks that the store lists in order: otherwise, incomplete folders would be taken for
    /// complete.
    fn check_order(&mut self, page: &ListPage) -> Option<()> {
        let capabilities = self.store.capabilities();
        if page.first().is_some_and(|first| *first <= *self.last) {
            capabilities.lacks(Capability::OrderedListing);
        }
        if let Some(last) = page.last() {
            last.clone_into(&mut self.last);
        }
        capabilities.has_order().then_some(())
    }

    /// Drops the keys before `from`. A page that has just arrived starts with some if there are
    /// files between two folders.
    fn drop_passed(&mut self) {
        while self.here.front().is_some_and(|(o, _)| o.key < self.from) {
            self.here.pop_front();
        }
    }

    /// Requests the page that will be needed next.
    fn ask_on(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.ask(&self.store, &self.prefix);
        }
    }

    /// Folds the keys below the folder, which are the first ones held.
    fn fold(&self, prefix: &str) -> Dated {
        let mut page = ListPage::default();
        // The first key behind the folder, or the end, proves that there are no more in it.
        let behind = self.here.iter().find(|(o, _)| !o.key.starts_with(prefix));
        let mut oldest = behind.map_or(self.asked, |(_, asked)| *asked);
        let keys = self
            .here
            .iter()
            .take_while(|(o, _)| o.key.starts_with(prefix));
        for (object, asked) in keys {
            oldest = oldest.min(*asked);
            match object.key[prefix.len()..].find('/') {
                Some(end) => {
                    let folder = &object.key[..=prefix.len() + end];
                    if page.prefixes.last().is_none_or(|last| last != folder) {
                        page.prefixes.push(folder.to_owned());
                    }
                }
                None => page.objects.push(object.clone()),
            }
        }
        (page, oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    const SOON: Duration = Duration::from_mins(1);

    fn deep(keys: impl Iterator<Item = String>, page: usize) -> Deep {
        let store = MemoryStore::default().with_page(page);
        for key in keys {
            store.insert(&key, "x");
        }
        Deep::new(Arc::new(store), "d/".to_owned(), "d/".to_owned())
    }

    fn keys(page: ListPage) -> (Vec<String>, Vec<String>) {
        let objects = page.objects.into_iter().map(|object| object.key);
        (objects.collect(), page.prefixes)
    }

    #[tokio::test]
    async fn each_folder_is_as_a_folded_listing_says() {
        for page in [3, 4, 100] {
            let names = ["d/a/1", "d/a/2", "d/a/x/3", "d/a/x/4", "d/b/", "d/b/5", "e"];
            let mut deep = deep(names.into_iter().map(str::to_owned), page);
            let (a, _) = deep.folder("d/a/", SOON).await.unwrap();
            let expected = (vec!["d/a/1".into(), "d/a/2".into()], vec!["d/a/x/".into()]);
            assert_eq!(keys(a), expected, "{page}");
            let (x, _) = deep.folder("d/a/x/", SOON).await.unwrap();
            assert_eq!(keys(x).0, ["d/a/x/3", "d/a/x/4"]);
            let (b, _) = deep.folder("d/b/", SOON).await.unwrap();
            assert_eq!(keys(b).0, ["d/b/", "d/b/5"]);
        }
    }

    #[tokio::test]
    async fn files_between_two_folders_may_fill_pages() {
        for page in [3, 7, 10, 50] {
            let folders = ["d/a/1", "d/b/1", "d/c/1", "d/z/1"].map(str::to_owned);
            let files = (100..100 + 2 * page).map(|n| format!("d/f{n}"));
            let mut deep = deep(folders.into_iter().chain(files), page);
            for folder in ["d/a/", "d/b/", "d/c/", "d/z/"] {
                let expected = vec![format!("{folder}1")];
                // `None` if too many pages lie between.
                if let Some((listed, _)) = deep.folder(folder, SOON).await {
                    assert_eq!(keys(listed).0, expected, "{folder} in pages of {page}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_large_folder_is_left_to_others() {
        let mut deep = deep((0..100).map(|n| format!("d/a/{n:03}")), 10);
        assert!(deep.folder("d/a/", SOON).await.is_none());
    }

    #[tokio::test]
    async fn what_is_too_old_is_not_given() {
        let mut deep = deep((0..100).map(|n| format!("d/{n:03}/x")), 10);
        assert!(deep.folder("d/003/", SOON).await.is_some());
        assert!(deep.folder("d/004/", Duration::ZERO).await.is_none());
    }

    #[tokio::test]
    async fn a_folder_that_was_passed_is_not_empty_but_unknown() {
        let mut deep = deep((0..100).map(|n| format!("d/{n:03}/x")), 10);
        assert!(deep.folder("d/007/", SOON).await.is_some());
        assert!(deep.folder("d/005/", SOON).await.is_none());
    }

    #[tokio::test]
    async fn an_empty_folder_is_as_old_as_the_page_that_proves_it() {
        let mut deep = deep((0..3).map(|n| format!("d/{n:03}/x")), 10);
        assert!(deep.folder("d/002/", SOON).await.is_some());
        let asked = Instant::now();
        let (page, dated) = deep.folder("d/007/", SOON).await.unwrap();
        assert!(page.last().is_none() && dated < asked);
    }
}
