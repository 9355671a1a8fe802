//! Listing of a folder, in order, with several pages in flight at once.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::list::guess::guess;
use crate::list::merge::{Hidden, Listed, Merger};
use crate::list::order::list_page;
use crate::list::returned::Returned;
use crate::list::span::{From, Span};
use crate::object::Key;
use crate::store::{
    Capability, ListFrom, ListPage, ListRequest, Store, StoreError, StoreErrorKind,
};

/// Maximum number of pages in flight.
const FAN: usize = 8;

/// Maximum time between the request of a page ahead and its return to the reader.
const SOON: Duration = Duration::from_millis(250);

/// Listing in progress. Holds a few pages at a time, whatever the folder's size.
#[derive(Debug)]
pub struct ListStream {
    store: Arc<dyn Store>,
    prefix: String,
    merger: Merger,
    /// Consecutive spans that were not returned yet, the last one up to the end.
    spans: VecDeque<Span>,
    /// Number of pages to request at once. Doubles while the guesses are good.
    fan: usize,
    /// True if some spans start at guessed keys.
    has_guessed: bool,
    /// Names that were returned, while the order of the store's listings is not proven.
    names: Returned,
    /// Last key of the page that was returned last.
    last: Option<String>,
    /// Keys of that page behind the end of its span.
    beyond: ListPage,
    /// Time when the last page was returned; `pace` is the reader's mean time per page.
    returned: Option<Instant>,
    pace: Duration,
    /// Time when the first page with files that are held back was requested.
    held_since: Option<Instant>,
}

/// Entries with the time of their request.
#[derive(Debug)]
pub struct Batch {
    /// Entries of the folder.
    pub entries: Vec<Listed>,
    /// Time of the request; later changes may be missing.
    pub asked: Instant,
}

impl ListStream {
    /// Starts a listing from the first key. `first`, if given, is its first page with its request
    /// time.
    pub fn new(store: Arc<dyn Store>, prefix: String, first: Option<(ListPage, Instant)>) -> Self {
        let merger = Merger::new(prefix.clone());
        let span = match first {
            Some((page, asked)) => Span::here(page, asked),
            None => Span::new(From::Beginning, None),
        };
        Self {
            store,
            prefix,
            merger,
            spans: VecDeque::from([span]),
            fan: 1,
            has_guessed: false,
            names: Returned::default(),
            last: None,
            beyond: ListPage::default(),
            returned: None,
            pace: Duration::ZERO,
            held_since: None,
        }
    }

    /// Returns the next entries; `None` at the end.
    ///
    /// # Errors
    /// Fails if the store fails; the next call requests the same page again.
    pub async fn next(&mut self) -> Result<Option<Batch>, StoreError> {
        if let Some(returned) = self.returned {
            self.pace = (self.pace + returned.elapsed()) / 2;
        }
        loop {
            let Some(first) = self.spans.front_mut() else {
                return Ok(None);
            };
            first.wait(&self.store, &self.prefix).await?;
            if !self.is_contradicted().await? {
                break;
            }
            self.start_over()?;
        }
        self.look_ahead();
        self.returned = Some(Instant::now());
        let mut first = self.spans.pop_front();
        self.beyond = first.as_mut().map(Span::take_beyond).unwrap_or_default();
        let Some((mut page, asked)) = first.and_then(Span::into_page) else {
            return Ok(None);
        };
        self.last = page.last().map(str::to_owned);
        // All that the merger wants to know of it is whether there is more.
        page.next = (!self.spans.is_empty()).then(String::new);
        let mut entries = self.merger.page(page);
        self.note(&mut entries);
        // A file held back may have been deleted after its page, so it is not news of this one.
        let oldest = self.held_since.unwrap_or(asked);
        self.held_since = self.merger.holds().then_some(oldest);
        Ok(Some(Batch {
            entries,
            asked: oldest,
        }))
    }

    /// Returns the prefix of the listed keys.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the number of keys hidden so far.
    pub fn hidden(&self) -> Hidden {
        self.merger.hidden()
    }

    /// Records the returned names, and drops entries that were returned before.
    fn note(&mut self, entries: &mut Vec<Listed>) {
        if self.store.capabilities().is_order_proven() {
            return;
        }
        // Without an order, a folder and the object of its name may be pages apart: the first one is
        // returned.
        let is_scattered = !self.store.capabilities().has(Capability::SomeOrder);
        let names = &mut self.names;
        entries.retain(|entry| match entry {
            Listed::Dir(name) => {
                let is_again = is_scattered && names.has(name.as_str());
                !is_again && names.add(&format!("{name}/"))
            }
            Listed::File(name, _) => {
                let is_again = is_scattered && names.has(&format!("{name}/"));
                !is_again && names.add(name.as_str())
            }
        });
    }

    /// Returns whether the next page proves guessed keys useless: keys between them may have been
    /// skipped.
    async fn is_contradicted(&mut self) -> Result<bool, StoreError> {
        let capabilities = self.store.capabilities();
        let Some(front) = self.spans.front() else {
            return Ok(false);
        };
        let first = front.texts().min();
        if front.is_continuation() && first.is_some_and(|it| Some(it) <= self.last.as_deref()) {
            capabilities.lacks(Capability::OrderedListing);
        }
        if !self.has_guessed || capabilities.is_order_proven() {
            return Ok(false);
        }
        let name = |text: &str| text.strip_prefix(self.prefix.as_str()).map(str::to_owned);
        let is_again = |text: &str| name(text).is_some_and(|name| self.names.has(&name));
        let is_passed = front.texts().any(is_again);
        let here: HashSet<&str> = front.texts().collect();
        let missing = self.beyond.texts().find(|text| !here.contains(text));
        if is_passed || self.is_there(missing).await? {
            capabilities.lacks(Capability::OrderedListing);
        }
        Ok(!capabilities.has_order())
    }

    /// Returns whether the store still has a key or common prefix that a page lacks.
    async fn is_there(&self, missing: Option<&str>) -> Result<bool, StoreError> {
        let Some(text) = missing else {
            return Ok(false);
        };
        let request = ListRequest {
            prefix: text,
            folded: false,
            from: ListFrom::Beginning,
            max_keys: 1,
        };
        let page = list_page(&*self.store, request).await?;
        let is_there = |object: &str| object == text || text.ends_with('/');
        Ok(page.texts().any(is_there))
    }

    /// Restarts the listing, one page after the other. Returned entries are not returned again.
    fn start_over(&mut self) -> Result<(), StoreError> {
        if self.names.is_over() {
            let object = self.store.uri(&Key::new(self.prefix.as_str()));
            let words = "the server does not list keys in order; list the folder again";
            let kind = StoreErrorKind::Other(words.to_owned());
            return Err(StoreError::new("ListObjectsV2", object, kind));
        }
        self.spans = VecDeque::from([Span::new(From::Beginning, None)]);
        self.merger = Merger::new(self.prefix.clone());
        (self.fan, self.has_guessed) = (1, false);
        (self.last, self.beyond) = (None, ListPage::default());
        self.held_since = None;
        Ok(())
    }

    /// Requests pages behind those that have arrived.
    fn look_ahead(&mut self) {
        let mut at = 0;
        // The first page is about to be returned, so what follows it must be parted from it.
        while at < self.spans.len() && (at == 0 || self.spans.len() <= self.most()) {
            let rest = self.spans[at].part();
            if at > 0 && self.spans[at].is_empty() {
                // A guess beyond the end: no more of them.
                self.fan = 1;
            }
            at += 1;
            if let Some(rest) = rest {
                self.insert(at, rest);
            }
        }
    }

    /// Returns how many pages may be held or in flight: pages held for long are outdated when they
    /// are returned.
    fn most(&self) -> usize {
        let pages = SOON.as_nanos() / self.pace.as_nanos().max(1);
        usize::try_from(pages)
            .unwrap_or(usize::MAX)
            .clamp(1, 2 * FAN)
    }

    /// Inserts the span behind the page before it. If it is the last one, splits it at guessed
    /// starts of pages.
    fn insert(&mut self, at: usize, mut rest: Span) {
        let is_last = at == self.spans.len();
        let bounds = if is_last && self.store.capabilities().has_order() {
            self.bounds(at - 1)
        } else {
            Vec::new()
        };
        if is_last {
            self.fan = (2 * self.fan).min(FAN).min(self.most());
        }
        if let Some(first) = bounds.first() {
            rest.until = Some(first.clone());
        }
        rest.ask(&self.store, &self.prefix);
        self.spans.insert(at, rest);
        let ends = bounds.iter().skip(1).cloned().map(Some).chain([None]);
        for (after, until) in bounds.iter().cloned().zip(ends) {
            let mut span = Span::new(From::After(after), until);
            span.ask(&self.store, &self.prefix);
            self.spans.push_back(span);
            self.has_guessed = true;
        }
    }

    /// Returns keys behind the span's page at which further pages may start.
    fn bounds(&self, at: usize) -> Vec<String> {
        let page = self.spans.get(at).and_then(Span::page_here);
        let Some((first, last)) = page.and_then(|page| page.first().zip(page.last())) else {
            return Vec::new();
        };
        let below = |key| str::strip_prefix(key, &self.prefix);
        let Some((first, last)) = below(first).zip(below(last)) else {
            return Vec::new();
        };
        guess(first, last, self.fan - 1)
            .iter()
            .map(|name| format!("{}{name}", self.prefix))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::store::memory::MemoryStore;

    /// Lists the names under `prefix`, with `page` keys per page.
    fn names(keys: &BTreeSet<String>, prefix: &str, page: usize) -> Vec<String> {
        let store = MemoryStore::default().with_page(page);
        for key in keys {
            store.insert(key, "x");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let mut stream = ListStream::new(Arc::new(store), prefix.to_owned(), None);
            let mut names = Vec::new();
            while let Some(batch) = stream.next().await.unwrap() {
                names.extend(batch.entries.into_iter().map(|entry| match entry {
                    Listed::Dir(name) => format!("{name}/"),
                    Listed::File(name, _) => name.to_string(),
                }));
            }
            names
        })
    }

    #[test]
    fn a_long_folder_is_listed_in_order_whatever_was_guessed() {
        let keys = (0..5000).map(|n| format!("d/part-{:05}.csv", n * 7 % 5003));
        let keys: BTreeSet<String> = keys.collect();
        let expected: Vec<_> = keys.iter().map(|key| key[2..].to_owned()).collect();
        assert_eq!(names(&keys, "d/", 100), expected);
    }

    proptest! {
        #[test]
        fn every_name_comes_once(
            keys in proptest::collection::btree_set("d/[0-3a]{1,4}(/x)?", 0..120),
            page in 1usize..9,
        ) {
            let mut expected: BTreeSet<String> = BTreeSet::new();
            for key in &keys {
                match key[2..].split_once('/') {
                    Some((folder, _)) => expected.insert(format!("{folder}/")),
                    None if keys.iter().any(|k| k.starts_with(&format!("{key}/"))) => false,
                    None => expected.insert(key[2..].to_owned()),
                };
            }
            let mut found = names(&keys, "d/", page);
            found.sort();
            prop_assert_eq!(found, Vec::from_iter(expected));
        }
    }
}
