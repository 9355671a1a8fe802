//! A folder's listing, page by page.

use std::sync::Arc;
use std::time::Instant;

use crate::list::merge::{Listed, Merger};
use crate::store::{ListFrom, ListPage, ListRequest, Store, StoreError};

/// What S3 returns at most.
const PAGE: u16 = 1000;

/// A listing in progress. Holds one page at a time, whatever the folder's size.
#[derive(Debug)]
pub struct ListStream {
    store: Arc<dyn Store>,
    prefix: String,
    merger: Merger,
    position: Position,
    /// When the first page of which files are held back was asked for.
    held_since: Option<Instant>,
}

#[derive(Debug)]
enum Position {
    Start,
    /// A page that is here already.
    Page(Box<ListPage>, Instant),
    Next(String),
    End,
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
        let position = match first {
            Some((page, asked)) => Position::Page(Box::new(page), asked),
            None => Position::Start,
        };
        Self {
            store,
            prefix,
            merger,
            position,
            held_since: None,
        }
    }

    /// The next entries; nothing at the end.
    ///
    /// # Errors
    /// The store doesn't answer; the same page is asked for again next time.
    pub async fn next(&mut self) -> Result<Option<Batch>, StoreError> {
        let (page, asked) = match std::mem::replace(&mut self.position, Position::End) {
            Position::End => return Ok(None),
            Position::Page(page, asked) => (*page, asked),
            Position::Start => self.ask(None).await?,
            Position::Next(token) => self.ask(Some(token)).await?,
        };
        self.position = match &page.next {
            Some(token) => Position::Next(token.clone()),
            None => Position::End,
        };
        let entries = self.merger.page(page);
        // A file held back may have been deleted after its page, so it is not news of this one.
        let oldest = self.held_since.unwrap_or(asked);
        self.held_since = self.merger.holds().then_some(oldest);
        if matches!(self.position, Position::End) && self.merger.hidden() > 0 {
            let (prefix, hidden) = (&self.prefix, self.merger.hidden());
            tracing::info!(prefix, hidden, "keys that have no file name are not shown");
        }
        Ok(Some(Batch {
            entries,
            asked: oldest,
        }))
    }

    async fn ask(&mut self, token: Option<String>) -> Result<(ListPage, Instant), StoreError> {
        let asked = Instant::now();
        let request = ListRequest {
            prefix: &self.prefix,
            folded: true,
            from: token
                .as_deref()
                .map_or(ListFrom::Beginning, ListFrom::Continuation),
            max_keys: PAGE,
        };
        match self.store.list(request).await {
            Ok(page) => Ok((page, asked)),
            Err(error) => {
                self.position = token.map_or(Position::Start, Position::Next);
                Err(error)
            }
        }
    }
}
