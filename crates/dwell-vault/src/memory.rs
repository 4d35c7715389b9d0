//! Memory for keys that stay: a page each, locked, so that no swap ever holds them.
//!
//! Best effort: RLIMIT_MEMLOCK may be as small as 64 KiB, which is 16 pages, and an open vault has eight keys. A key
//! that could not be locked is used all the same, and [`crate::Vault::keys_locked`] says so. Keys that live for one
//! record (those of days that are read, of single seals) are not locked, only wiped. Nothing here keeps a key out of
//! a hibernation image.
//!
//! A page each, since locks do not nest: giving up the lock of one key would unlock another's on the same page.

use region::LockGuard;
use zeroize::Zeroize;

use crate::{SealedVault, Vault};

/// A page of every machine that has pages of 4 KiB. On others a lock is never given up, see [`Page::of`].
const SIZE: usize = 4096;

#[repr(align(4096))]
struct Aligned([u8; 32]);

/// A key's page.
pub(crate) struct Page {
    // Declared first, so that it is unlocked before its memory goes; wiped before both.
    lock: Lock,
    aligned: Box<Aligned>,
}

enum Lock {
    Held { _guard: LockGuard },
    Kept,
    Refused,
}

impl Page {
    /// Copies a key to a page of its own; the caller wipes the original.
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        let mut aligned = Box::new(Aligned([0; 32]));
        // Locked first: it must not be swapped out even once.
        let lock = match region::lock(aligned.0.as_ptr(), SIZE) {
            Ok(guard) if region::page::size() <= SIZE => Lock::Held { _guard: guard },
            Ok(guard) => {
                std::mem::forget(guard);
                Lock::Kept
            }
            Err(_) => Lock::Refused,
        };
        aligned.0.copy_from_slice(bytes);
        Self { lock, aligned }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.aligned.0
    }

    pub(crate) const fn is_locked(&self) -> bool {
        !matches!(self.lock, Lock::Refused)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.aligned.0.zeroize();
    }
}

impl Vault {
    /// Whether all keys that stay in memory are kept from being swapped out. Where not, the limit for locked memory
    /// (RLIMIT_MEMLOCK) is too small.
    pub fn keys_locked(&self) -> bool {
        self.keys.are_locked() && self.store.keys_locked()
    }
}

impl SealedVault {
    /// See [`Vault::keys_locked`].
    pub fn keys_locked(&self) -> bool {
        self.store.keys_locked()
    }
}

impl crate::store::Store {
    fn keys_locked(&self) -> bool {
        let mut days = self.parts.values().filter_map(|open| open.key.as_ref());
        self.enf.are_locked() && days.all(|key| key.is_locked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_page_of_its_own_and_keeps_its_bytes() {
        let (one, two) = (Page::of(&[1; 32]), Page::of(&[2; 32]));
        assert_eq!((one.bytes(), two.bytes()), (&[1; 32], &[2; 32]));
        let page = |page: &Page| page.bytes().as_ptr().addr() / SIZE;
        assert_eq!(one.bytes().as_ptr().addr() % SIZE, 0);
        assert_ne!(page(&one), page(&two));
        let moved = one;
        assert_eq!(moved.bytes(), &[1; 32]);
    }
}
