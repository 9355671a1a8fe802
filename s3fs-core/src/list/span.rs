//! Range of keys that is listed by a request of its own.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::list::order::list_page;
use crate::object::Key;
use crate::store::{ListFrom, ListPage, ListRequest, Store, StoreError, StoreErrorKind};

/// Maximum number of keys per page in S3.
const PAGE: u16 = 1000;

/// Page with the time of its request.
pub type Dated = (ListPage, Instant);

/// Start of a span.
#[derive(Clone, Debug)]
pub enum From {
    /// First key.
    Beginning,
    /// End of a page, by its continuation token.
    Continuation(String),
    /// First key behind this one.
    After(String),
}

/// Range of keys with its first page.
#[derive(Debug)]
pub struct Span {
    from: From,
    is_folded: bool,
    /// Last key of the span; `None` if it goes on to the end.
    pub until: Option<String>,
    page: Page,
    /// Keys of its page behind `until`; the next span has them too.
    beyond: ListPage,
}

#[derive(Debug)]
enum Page {
    /// Page that was not requested yet.
    Unasked,
    Asked(Asking),
    Here(Box<Dated>),
}

/// Request that is cancelled when it is dropped.
#[derive(Debug)]
struct Asking(JoinHandle<Result<Dated, StoreError>>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Span {
    /// Creates a span that was not requested yet.
    pub fn new(from: From, until: Option<String>) -> Self {
        Self {
            from,
            is_folded: true,
            until,
            page: Page::Unasked,
            beyond: ListPage::default(),
        }
    }

    /// Creates a span of all keys from `from` on, not folded at `/`.
    pub fn unfolded(from: From) -> Self {
        Self {
            is_folded: false,
            ..Self::new(from, None)
        }
    }

    /// Creates a span whose first page has arrived.
    pub fn here(page: ListPage, asked: Instant) -> Self {
        Self {
            page: Page::Here(Box::new((page, asked))),
            ..Self::new(From::Beginning, None)
        }
    }

    /// Requests its first page, unless that was done.
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
            // After a failure, a waiting reader requests the page again, and gets the error.
            self.page = match answer {
                Some(Ok(Ok(dated))) => Page::Here(Box::new(dated)),
                _ => Page::Unasked,
            };
        }
    }

    /// Waits for its first page.
    ///
    /// # Errors
    /// Fails if the store fails; the page can be requested again.
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

    /// Splits off the span that follows its first page, if that has arrived. Returns `None` if
    /// there are no more keys, or if they belong to the next span.
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

    /// Returns whether its first page has arrived and is empty.
    pub fn is_empty(&self) -> bool {
        self.page_here().is_some_and(|page| page.last().is_none())
    }

    /// Returns whether it starts at a continuation token.
    pub fn is_continuation(&self) -> bool {
        matches!(self.from, From::Continuation(_))
    }

    /// Returns all keys and prefixes of its first page, if that has arrived, including those behind
    /// `until`.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let page = self.page_here().into_iter().chain([&self.beyond]);
        page.flat_map(ListPage::texts)
    }

    /// Takes the keys of its page behind its end.
    pub fn take_beyond(&mut self) -> ListPage {
        std::mem::take(&mut self.beyond)
    }

    /// Returns its first page, if that has arrived.
    pub fn page_here(&self) -> Option<&ListPage> {
        match &self.page {
            Page::Here(dated) => Some(&dated.0),
            Page::Unasked | Page::Asked(_) => None,
        }
    }

    /// Returns its first page with the time of the request, if it has arrived.
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
