//! A bell that an event rings and a waiting test hears: the way to wait without asking again and again.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::clock::Deadline;

/// Rung by whatever reads events; heard by whoever waits for a condition that those events may have changed.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    /// Wakes everybody who waits.
    pub fn ring(&self) {
        let (rings, heard) = &*self.0;
        *rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        heard.notify_all();
    }

    /// Looks now and after each ring, until the look finds something or the deadline passes.
    pub fn wait_for<T>(&self, deadline: Deadline, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let (rings, heard) = &*self.0;
        loop {
            // The count is read before looking: a ring in between is not missed.
            let before = *rings.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = look() {
                return Some(found);
            }
            let mut now = rings.lock().unwrap_or_else(PoisonError::into_inner);
            while *now == before {
                if deadline.passed() {
                    return None;
                }
                now = heard.wait_timeout(now, deadline.left()).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// The same for a plain condition.
    pub fn wait_until(&self, deadline: Deadline, mut condition: impl FnMut() -> bool) -> bool {
        self.wait_for(deadline, || condition().then_some(())).is_some()
    }
}
