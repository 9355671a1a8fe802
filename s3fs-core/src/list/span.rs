//! A stretch of keys that is listed by a request of its own.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::list::order::list_page;
use crate::object::Key;
use crate::store::{ListFrom, ListPage, ListRequest, Store, StoreError, StoreErrorKind};

/// What S3 returns at most.
const PAGE: u16 = 1000;

/// A page, and when it was asked for.
pub type Dated = (ListPage, Instant);

/// Where a stretch begins.
#[derive(Clone, Debug)]
pub enum From {
    /// With the first key.
    Beginning,
    /// Where a page ended.
    Continuation(String),
    /// Behind this key.
    After(String),
}

/// A stretch of keys and its first page.
#[derive(Debug)]
pub struct Span {
    from: From,
    is_folded: bool,
    /// The last key that belongs to it; nothing if it goes on to the end.
    pub until: Option<String>,
    page: Page,
    /// What its page has behind `until`; the next stretch has it too.
    beyond: ListPage,
}

#[derive(Debug)]
enum Page {
    /// Nobody has asked for it.
    Unasked,
    Asked(Asking),
    Here(Box<Dated>),
}

/// A request that ends when nobody waits for it any more.
#[derive(Debug)]
struct Asking(JoinHandle<Result<Dated, StoreError>>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Span {
    /// A stretch that nobody has asked for.
    pub fn new(from: From, until: Option<String>) -> Self {
        Self {
            from,
            is_folded: true,
            until,
            page: Page::Unasked,
            beyond: ListPage::default(),
        }
    }

    /// All keys from there on, not folded at `/`.
    pub fn unfolded(from: From) -> Self {
        Self {
            is_folded: false,
            ..Self::new(from, None)
        }
    }

    /// A stretch whose first page is here.
    pub fn here(page: ListPage, asked: Instant) -> Self {
        Self {
            page: Page::Here(Box::new((page, asked))),
            ..Self::new(From::Beginning, None)
        }
    }

    /// Asks for its first page, if that has not been done.
    pub fn ask(&mut self, store: &Arc<dyn Store>, prefix: &str) {
        if matches!(self.page, Page::Unasked) {
            let (store, prefix) = (Arc::clone(store), prefix.to_owned());
            let asking = ask(store, prefix, self.from.clone(), self.is_folded);
            self.page = Page::Asked(Asking(tokio::spawn(asking)));
        }
    }

    fn settle(&mut self) {
        if let Page::Asked(asking) = &mut self.page
            && asking.0.is_finished()
        {
            let answer = (&mut asking.0).now_or_never();
            // Who waits for a page that failed asks for it again, and is told why it fails.
            self.page = match answer {
                Some(Ok(Ok(dated))) => Page::Here(Box::new(dated)),
                _ => Page::Unasked,
            };
        }
    }

    /// Waits for its first page.
    ///
    /// # Errors
    /// The store doesn't answer; it can be asked again.
    pub async fn wait(&mut self, store: &Arc<dyn Store>, prefix: &str) -> Result<(), StoreError> {
        loop {
            match &mut self.page {
                Page::Here(_) => return Ok(()),
                Page::Unasked => self.ask(store, prefix),
                Page::Asked(asking) => {
                    let answer = (&mut asking.0).await;
                    self.page = Page::Unasked;
                    let answer = answer.map_err(|ended| {
                        StoreError::new(
                            "ListObjectsV2",
                            store.uri(&Key::new(prefix)),
                            StoreErrorKind::Other(ended.to_string()),
                        )
                    })?;
                    self.page = Page::Here(Box::new(answer?));
                }
            }
        }
    }

    /// If its first page has arrived, parts what follows that page from it: nothing if there is no
    /// more, or what follows belongs to the next stretch.
    pub fn part(&mut self) -> Option<Self> {
        self.settle();
        let Page::Here(dated) = &mut self.page else {
            return None;
        };
        let page = &mut dated.0;
        let token = page.next.take();
        if let Some(until) = &self.until
            && page.last().is_some_and(|last| last >= until.as_str())
        {
            let objects = page.objects.extract_if(.., |object| object.key > *until);
            self.beyond.objects.extend(objects);
            let prefixes = page.prefixes.extract_if(.., |prefix| *prefix > *until);
            self.beyond.prefixes.extend(prefixes);
            return None;
        }
        let until = self.until.take();
        token.map(|token| Self {
            is_folded: self.is_folded,
            ..Self::new(From::Continuation(token), until)
        })
    }

    /// Whether its first page has arrived and is empty.
    pub fn is_empty(&self) -> bool {
        self.page_here().is_some_and(|page| page.last().is_none())
    }

    /// Whether it begins where a page ended.
    pub fn is_continuation(&self) -> bool {
        matches!(self.from, From::Continuation(_))
    }

    /// All that its first page had, if that has arrived, `until` or not.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let page = self.page_here().into_iter().chain([&self.beyond]);
        page.flat_map(ListPage::texts)
    }

    /// What its page has behind its end.
    pub fn take_beyond(&mut self) -> ListPage {
        std::mem::take(&mut self.beyond)
    }

    /// Its first page, if that has arrived.
    pub fn page_here(&self) -> Option<&ListPage> {
        match &self.page {
            Page::Here(dated) => Some(&dated.0),
            Page::Unasked | Page::Asked(_) => None,
        }
    }

    /// Its first page, if that has arrived.
    pub fn into_page(self) -> Option<Dated> {
        match self.page {
            Page::Here(dated) => Some(*dated),
            Page::Unasked | Page::Asked(_) => None,
        }
    }
}

async fn ask(
    store: Arc<dyn Store>,
    prefix: String,
    from: From,
    folded: bool,
) -> Result<Dated, StoreError> {
    let asked = Instant::now();
    let request = ListRequest {
        prefix: &prefix,
        folded,
        from: match &from {
            From::Beginning => ListFrom::Beginning,
            From::Continuation(token) => ListFrom::Continuation(token),
            From::After(key) => ListFrom::After(key),
        },
        max_keys: PAGE,
    };
    Ok((list_page(&*store, request).await?, asked))
}
