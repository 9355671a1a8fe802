//! Many folders from one listing that is not folded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::list::span::{Dated, From, Span};
use crate::store::{Capability, ListPage, ListedObject, Store};

/// A folder that is not whole after so many more pages is listed by itself.
const PAGES: usize = 2;

/// The keys of a tree in order, page by page, of which the folders are taken one after another.
#[derive(Debug)]
pub struct Deep {
    store: Arc<dyn Store>,
    prefix: String,
    /// Keys before this are not here any more.
    from: String,
    /// When the last page was asked for.
    asked: Instant,
    /// Consecutive keys, none before `from`.
    here: VecDeque<(ListedObject, Instant)>,
    /// The last key that arrived.
    last: String,
    /// What follows it; nothing if that is the end.
    rest: Option<Span>,
}

impl Deep {
    /// The keys that begin with `prefix`, from behind `after` on. Asks for the first page.
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

    /// What a folded listing of a folder would say, and when the store was asked for it. Folders
    /// must be taken in order. Nothing if one behind it was taken already, the folder is too large, the
    /// store doesn't list in order, or what is here is older than `good_for`.
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

    /// Whether no key of the folder can come on a later page.
    fn is_whole(&self, prefix: &str) -> bool {
        let last = self.here.back();
        self.rest.is_none()
            || last.is_some_and(|(last, _)| *last.key > *prefix && !last.key.starts_with(prefix))
    }

    /// Takes the next page. Nothing if the store doesn't answer: who lists the folder by itself is
    /// told why.
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

    /// Nothing if the store does not list in order: folders would be taken for whole that are not.
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

    /// Drops the keys before `from`. A page that has just arrived begins with some where files stand
    /// between two folders.
    fn drop_passed(&mut self) {
        while self.here.front().is_some_and(|(o, _)| o.key < self.from) {
            self.here.pop_front();
        }
    }

    /// Asks for the page that will be needed next.
    fn ask_on(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.ask(&self.store, &self.prefix);
        }
    }

    /// Folds the keys below the folder, which are the first ones here.
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
                // Too many pages may lie between, which is told.
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
