//! A folder's listing, in order, with several pages on their way at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::list::guess::guess;
use crate::list::merge::{Listed, Merger};
use crate::list::span::{From, Span};
use crate::store::{ListPage, Store, StoreError};

/// So many pages are asked for at once at most.
const FAN: usize = 8;

/// What is asked for ahead shall be returned within this time.
const SOON: Duration = Duration::from_millis(250);

/// A listing in progress. Holds a few pages at a time, whatever the folder's size.
#[derive(Debug)]
pub struct ListStream {
    store: Arc<dyn Store>,
    prefix: String,
    merger: Merger,
    /// What has not been returned: consecutive stretches of keys, the last one up to the end.
    spans: VecDeque<Span>,
    /// How many pages to ask for at once. Doubles while the guesses are good.
    fan: usize,
    /// When the last page was returned, and how long the reader takes for one.
    returned: Option<Instant>,
    pace: Duration,
    /// When the first page of which files are held back was asked for.
    held_since: Option<Instant>,
}

/// Some entries, and when the store was asked for them.
#[derive(Debug)]
pub struct Batch {
    /// The entries.
    pub entries: Vec<Listed>,
    /// What happened after this may not show in them.
    pub asked: Instant,
}

impl ListStream {
    /// A listing from the beginning. `first`, if given, is its first page, asked for at that time.
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
            returned: None,
            pace: Duration::ZERO,
            held_since: None,
        }
    }

    /// The next entries; nothing at the end.
    ///
    /// # Errors
    /// The store doesn't answer; the same page is asked for again next time.
    pub async fn next(&mut self) -> Result<Option<Batch>, StoreError> {
        let Some(first) = self.spans.front_mut() else {
            return Ok(None);
        };
        if let Some(returned) = self.returned {
            self.pace = (self.pace + returned.elapsed()) / 2;
        }
        first.wait(&self.store, &self.prefix).await?;
        self.look_ahead();
        self.returned = Some(Instant::now());
        let Some((mut page, asked)) = self.spans.pop_front().and_then(Span::into_page) else {
            return Ok(None);
        };
        // All that the merger wants to know of it is whether there is more.
        page.next = (!self.spans.is_empty()).then(String::new);
        let entries = self.merger.page(page);
        // A file held back may have been deleted after its page, so it is not news of this one.
        let oldest = self.held_since.unwrap_or(asked);
        self.held_since = self.merger.holds().then_some(oldest);
        if self.spans.is_empty() && self.merger.hidden() > 0 {
            let (prefix, hidden) = (&self.prefix, self.merger.hidden());
            tracing::info!(prefix, hidden, "keys that have no file name are not shown");
        }
        Ok(Some(Batch {
            entries,
            asked: oldest,
        }))
    }

    /// Asks for what follows the pages that have arrived.
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

    /// How many pages may be here or on their way: what is here for long is out of date when it is
    /// returned.
    fn most(&self) -> usize {
        let pages = SOON.as_nanos() / self.pace.as_nanos().max(1);
        usize::try_from(pages)
            .unwrap_or(usize::MAX)
            .clamp(1, 2 * FAN)
    }

    /// Inserts the stretch that begins behind the page before it. Where nothing else follows, it is
    /// parted where its pages may begin.
    fn insert(&mut self, at: usize, mut rest: Span) {
        let is_last = at == self.spans.len();
        let bounds = if is_last {
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
        let untils = bounds.iter().skip(1).cloned().map(Some).chain([None]);
        for (after, until) in bounds.iter().cloned().zip(untils) {
            let mut span = Span::new(From::After(after), until);
            span.ask(&self.store, &self.prefix);
            self.spans.push_back(span);
        }
    }

    /// Keys behind the stretch's page where further pages may begin.
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

    /// The names that a listing of `prefix` brings, from pages of so few keys.
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
