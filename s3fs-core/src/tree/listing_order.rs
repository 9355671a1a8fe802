//! Order in which the entries of a folder were delivered to the kernel.
//!
//! A program continues a listing at the number of an entry. The kernel's copy has the numbers of the
//! listing that filled it, which another listing need not have: a store delivers files and folders in
//! another order than the tree, and entries come and go.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::object::EntryName;

/// Maximum number of names in all orders of a mount.
const MOST: usize = 1 << 18;

/// Number of names in all orders of a mount.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderedNames(Arc<AtomicUsize>);

/// Numbers of a folder's entries.
#[derive(Debug)]
pub struct ListingOrder {
    numbers: HashMap<EntryName, usize>,
    entries: usize,
    all: OrderedNames,
}

impl ListingOrder {
    /// Creates the order of a listing without entries.
    pub(super) fn new(all: OrderedNames) -> Self {
        Self {
            numbers: HashMap::new(),
            entries: 0,
            all,
        }
    }

    /// Adds the next entry. Returns the order unless the mount has too many names in orders.
    pub fn with(mut self, name: EntryName) -> Option<Self> {
        self.entries += 1;
        if self.numbers.insert(name, self.entries - 1).is_none() {
            let before = self.all.0.fetch_add(1, Ordering::Relaxed);
            return (before < MOST).then_some(self);
        }
        Some(self)
    }

    /// Returns the number of an entry, if the listing had it.
    pub fn number(&self, name: &EntryName) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries
    }
}

impl Drop for ListingOrder {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.numbers.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> EntryName {
        EntryName::from_component(name).unwrap()
    }

    #[test]
    fn entries_have_the_numbers_in_which_they_came() {
        let order = ListingOrder::new(OrderedNames::default());
        let order = order
            .with(name("b"))
            .and_then(|order| order.with(name("a")));
        let order = order.unwrap();
        assert_eq!(order.number(&name("b")), Some(0));
        assert_eq!(order.number(&name("a")), Some(1));
        assert_eq!(order.number(&name("c")), None);
        assert_eq!(order.len(), 2);
    }

    #[test]
    fn all_orders_of_a_mount_have_a_bounded_number_of_names() {
        let all = OrderedNames::default();
        let numbered = |count: usize| {
            let mut names = (0..count).map(|n| name(&n.to_string()));
            names.try_fold(ListingOrder::new(all.clone()), ListingOrder::with)
        };
        let first = numbered(MOST);
        assert!(first.is_some() && numbered(1).is_none());
        drop(first);
        assert!(numbered(1).is_some());
    }
}
