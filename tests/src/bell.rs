//! A bell that an event rings and a waiting test hears: the way to wait without asking at every moment.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Deadline;

/// How long to trust that a bell rings. The last ring may be heard before the other side of a condition knows what it
/// rang for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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

    /// Looks now, after each ring and every fifth of a second, until the look finds something. The last look is after the
    /// deadline.
    pub fn wait_for<T>(&self, deadline: Deadline, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let (rings, heard) = &*self.0;
        loop {
            // The count is read before looking: a ring in between is not missed.
            let before = *rings.lock().unwrap_or_else(PoisonError::into_inner);
            let last = deadline.passed();
            if let Some(found) = look() {
                return Some(found);
            }
            if last {
                return None;
            }
            let now = rings.lock().unwrap_or_else(PoisonError::into_inner);
            if *now == before {
                let limit = deadline.left().min(LOOK_AGAIN);
                let _ = heard.wait_timeout(now, limit).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The same for a plain condition.
    pub fn wait_until(&self, deadline: Deadline, mut condition: impl FnMut() -> bool) -> bool {
        self.wait_for(deadline, || condition().then_some(())).is_some()
    }
}
