//! Mutexes with an order. In debug builds, a thread that takes one against the order panics.
//!
//! Only locks that are held while another one is taken need a place in the order. All others are
//! [`LAST`] or have none.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Place of the open files: a file that ends changes its inode and the prefetched listings.
pub const OPEN_FILES: u8 = 1;

/// Place of the tree: an entry that is reported is looked up in the records of its folder.
pub const TREE: u8 = 2;

/// Place of the writeback queue: it asks whether the object of a key is unknown.
pub const QUEUE: u8 = 3;

/// Place of the locks under which no other one is taken.
pub const LAST: u8 = u8::MAX;

/// Mutex with a place in the order: a thread that holds it takes only locks of later places.
#[derive(Debug, Default)]
pub struct Ordered<T, const PLACE: u8>(Mutex<T>);

/// Locked [`Ordered`].
#[derive(Debug)]
pub struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
    _place: Held,
}

impl<T, const PLACE: u8> Ordered<T, PLACE> {
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Locks it. A panic of another thread that held it is ignored.
    ///
    /// # Panics
    /// In debug builds, the thread holds a lock of the same or a later place.
    pub fn lock(&self) -> Guard<'_, T> {
        let place = Held::new(PLACE);
        Guard {
            value: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            _place: place,
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(debug_assertions)]
use checked::Held;
#[cfg(not(debug_assertions))]
use unchecked::Held;

#[cfg(debug_assertions)]
mod checked {
    use std::cell::RefCell;

    thread_local! {
        /// Places of the locks that this thread holds.
        static HELD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    /// Lock that the thread holds.
    #[derive(Debug)]
    pub(super) struct Held(u8);

    impl Held {
        pub(super) fn new(place: u8) -> Self {
            HELD.with_borrow_mut(|held| {
                let last = held.iter().copied().max().unwrap_or_default();
                assert!(last < place, "lock {place} is taken while {last} is held");
                held.push(place);
            });
            Self(place)
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.with_borrow_mut(|held| {
                let at = held.iter().rposition(|place| *place == self.0);
                at.map(|at| held.remove(at));
            });
        }
    }
}

#[cfg(not(debug_assertions))]
mod unchecked {
    /// Lock that the thread holds; release builds check nothing.
    #[derive(Debug)]
    pub(super) struct Held;

    impl Held {
        pub(super) fn new(_place: u8) -> Self {
            Self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_taken_in_their_order_and_again_after_they_are_free() {
        let (files, tree) = (Ordered::<_, OPEN_FILES>::new(1), Ordered::<_, TREE>::new(2));
        for _ in 0..2 {
            let (mut first, second) = (files.lock(), tree.lock());
            *first += *second;
            drop(first);
            drop(second);
        }
        assert_eq!(*files.lock(), 5);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock 1 is taken while 2 is held")]
    fn a_lock_against_the_order_is_a_panic() {
        let (files, tree) = (
            Ordered::<_, OPEN_FILES>::new(()),
            Ordered::<_, TREE>::new(()),
        );
        let _tree = tree.lock();
        let _files = files.lock();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "lock 255 is taken while 255 is held")]
    fn nothing_is_locked_under_a_last_lock() {
        let (one, other) = (Ordered::<_, LAST>::new(()), Ordered::<_, LAST>::new(()));
        let _one = one.lock();
        let _other = other.lock();
    }
}
