//! The act that a script in KWin is loaded for. One that took too long may still speak while the next one is waited for:
//! so each act has a number, which its script repeats.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::sync::Notify;

use crate::WindowAct;

/// The acts, one at a time.
#[derive(Default)]
pub(super) struct Acts {
    now: Mutex<(u64, Option<WindowAct>)>,
    heard: Notify,
    done: Notify,
}

impl Acts {
    /// Begins an act, in the place of the one before; its number.
    pub(super) fn begin(&self, act: WindowAct) -> u64 {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (now.0 + 1, Some(act));
        // What is left of an act that took too long.
        let _ = self.heard.notified().now_or_never();
        let _ = self.done.notified().now_or_never();
        now.0
    }

    /// The act of this number, once, if it is the present one.
    pub(super) fn take(&self, number: &str) -> Option<WindowAct> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if number != now.0.to_string() {
            return None;
        }
        self.heard.notify_one();
        now.1.take()
    }

    /// The act of this number is done. An earlier one is of no matter.
    pub(super) fn finish(&self, number: &str) {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if number == now.0.to_string() {
            self.done.notify_one();
        }
    }

    /// Waits until the script of the present act has asked what to do.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Waits until the present act is done.
    pub(super) async fn finished(&self) {
        self.done.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use dwell_core::subject::AppId;

    use super::*;

    #[test]
    fn a_late_word_of_an_act_is_not_taken_for_the_next_ones() {
        let (acts, act) = (Acts::default(), WindowAct::Close(AppId::new("AppA").unwrap()));
        let is_finished = || acts.finished().now_or_never().is_some();
        let late = acts.begin(act.clone()).to_string();
        acts.finish(&late);
        let next = acts.begin(act.clone()).to_string();
        assert!(!is_finished(), "told before the next one began");
        assert_eq!(acts.take(&late), None);
        acts.finish(&late);
        assert!(!is_finished(), "told after the next one began");
        assert_eq!(acts.take(&next), Some(act));
        assert_eq!(acts.take(&next), None);
        acts.finish(&next);
        assert!(is_finished());
    }
}
