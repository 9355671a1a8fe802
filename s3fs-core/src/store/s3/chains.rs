//! Detection of listings that do not advance. A server that starts again or repeats a page would
//! otherwise be listed for ever.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use crate::store::{ListFrom, ListPage, ListRequest};

/// Maximum number of listings tracked at a time; the oldest is dropped first.
const FOLLOWED: usize = 256;

/// Maximum number of consecutive pages without a key.
const EMPTY_PAGES: u32 = 100;

/// Listings in progress, by the token that continues each.
#[derive(Debug, Default)]
pub(super) struct Chains(Mutex<ChainsState>);

#[derive(Debug, Default)]
struct ChainsState {
    chains: HashMap<String, Chain>,
    tokens: VecDeque<String>,
}

/// Pages of one listing.
#[derive(Debug, Default)]
struct Chain {
    /// Hashes of the first and last key of each page.
    seen: HashSet<u64>,
    empty: u32,
}

impl Chains {
    /// Records the page for a token, or the first page of a listing. A page that is an error
    /// changes nothing: it is an error again when it comes again.
    ///
    /// # Errors
    /// Returns an error if the listing does not advance.
    pub(super) fn advance(
        &self,
        request: &ListRequest<'_>,
        page: &ListPage,
    ) -> Result<(), &'static str> {
        let token = match request.from {
            ListFrom::Continuation(token) => Some(token),
            ListFrom::Beginning | ListFrom::After(_) => None,
        };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = token.map(|token| name(request, token));
        let known = place.as_ref().and_then(|place| state.chains.get(place));
        if page.next.is_some() {
            if token == page.next.as_deref() {
                return Err("a listing does not advance: its continuation token repeats itself");
            }
            if !known.is_none_or(|chain| chain.allows(page)) {
                return Err("a listing does not advance: a page repeats itself");
            }
        }
        let is_again = place.is_some() && known.is_none();
        let known = place.and_then(|place| state.chains.remove(&place));
        if let Some(next) = &page.next {
            let next = name(request, next);
            // A page requested again, such as by another reader of the same listing, has the token of
            // a chain that is tracked already: keep the chain's earlier pages.
            if is_again && state.chains.contains_key(&next) {
                return Ok(());
            }
            let mut chain = known.unwrap_or_default();
            chain.add(page);
            state.follow(next, chain);
        }
        Ok(())
    }
}

/// Returns the name of a position in a listing: servers use the same tokens in several listings.
fn name(request: &ListRequest<'_>, token: &str) -> String {
    let kind = if request.folded { "folded" } else { "all" };
    format!("{kind}\0{}\0{token}", request.prefix)
}

impl Chain {
    /// Returns whether a page may follow: it is new, and there are not too many pages without a
    /// key.
    fn allows(&self, page: &ListPage) -> bool {
        match hash(page) {
            Some(hash) => !self.seen.contains(&hash),
            None => self.empty < EMPTY_PAGES,
        }
    }

    /// Adds a page.
    fn add(&mut self, page: &ListPage) {
        match hash(page) {
            Some(hash) => {
                self.empty = 0;
                self.seen.insert(hash);
            }
            None => self.empty += 1,
        }
    }
}

/// Returns the hash of the first and the last key of a page, if it has any key.
fn hash(page: &ListPage) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    (page.first()?, page.last()?).hash(&mut hasher);
    Some(hasher.finish())
}

impl ChainsState {
    fn follow(&mut self, token: String, chain: Chain) {
        self.tokens.retain(|token| self.chains.contains_key(token));
        if self.chains.insert(token.clone(), chain).is_none() {
            self.tokens.push_back(token);
        }
        if self.tokens.len() > FOLLOWED
            && let Some(oldest) = self.tokens.pop_front()
        {
            self.chains.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advance(chains: &Chains, token: Option<&str>, page: &ListPage) -> Result<(), &'static str> {
        let from = ListFrom::following(token);
        let request = ListRequest {
            prefix: "",
            folded: true,
            from,
            max_keys: 1000,
        };
        chains.advance(&request, page)
    }

    fn page(prefix: &str, next: Option<&str>) -> ListPage {
        ListPage {
            prefixes: vec![prefix.to_owned()],
            next: next.map(str::to_owned),
            ..ListPage::default()
        }
    }

    #[test]
    fn a_listing_that_advances_is_followed_to_its_end() {
        let chains = Chains::default();
        let mut token = None;
        for number in 0..1000 {
            let next = format!("token {number}");
            let page = page(&format!("{number:04}/"), Some(&next));
            advance(&chains, token.as_deref(), &page).unwrap();
            token = Some(next);
        }
        advance(&chains, token.as_deref(), &page("end/", None)).unwrap();
        assert!(chains.0.lock().unwrap().chains.is_empty());
    }

    #[test]
    fn a_token_that_repeats_itself_is_an_error() {
        let chains = Chains::default();
        advance(&chains, None, &page("a/", Some("t"))).unwrap();
        advance(&chains, Some("t"), &page("b/", Some("t"))).unwrap_err();
    }

    #[test]
    fn pages_that_come_again_under_new_tokens_are_an_error() {
        let chains = Chains::default();
        advance(&chains, None, &page("a/", Some("1"))).unwrap();
        advance(&chains, Some("1"), &page("b/", Some("2"))).unwrap();
        for _ in 0..3 {
            advance(&chains, Some("2"), &page("a/", Some("3"))).unwrap_err();
        }
    }

    #[test]
    fn empty_pages_are_an_error_only_where_they_do_not_end() {
        let chains = Chains::default();
        let empty = |next: u32| ListPage {
            next: Some(next.to_string()),
            ..ListPage::default()
        };
        advance(&chains, None, &empty(0)).unwrap();
        let end = (1..1000).find(|number| {
            let token = (number - 1).to_string();
            advance(&chains, Some(&token), &empty(*number)).is_err()
        });
        assert_eq!(end, Some(EMPTY_PAGES));
    }

    #[test]
    fn listings_that_are_given_up_are_forgotten() {
        let chains = Chains::default();
        for number in 0..2000 {
            let page = page("a/", Some(&number.to_string()));
            advance(&chains, None, &page).unwrap();
        }
        let state = chains.0.lock().unwrap();
        assert_eq!(
            (state.chains.len(), state.tokens.len()),
            (FOLLOWED, FOLLOWED)
        );
    }

    #[test]
    fn two_listings_side_by_side_that_do_not_advance_are_an_error() {
        for behind in 0..3 {
            let chains = Chains::default();
            // Pages in a cycle, each with another token.
            let ask = |number: usize| {
                let token = number.checked_sub(1).map(|last| last.to_string());
                let page = page(["a/", "b/", "c/"][number % 3], Some(&number.to_string()));
                advance(&chains, token.as_deref(), &page)
            };
            let end = (0..1000_usize).find(|number| {
                let late = number.checked_sub(behind).map_or(Ok(()), ask);
                ask(*number).is_err() || late.is_err()
            });
            assert!(end.is_some(), "{behind} pages behind");
        }
    }

    #[test]
    fn the_same_page_may_be_asked_for_again() {
        let chains = Chains::default();
        for _ in 0..5 {
            advance(&chains, None, &page("a/", Some("1"))).unwrap();
            advance(&chains, Some("1"), &page("b/", Some("2"))).unwrap();
            advance(&chains, Some("1"), &page("b/", Some("2"))).unwrap();
        }
    }
}
