//! What the person does with a notice.

use dwell_core::policy::Judged;
use dwell_core::time::{Millis, Reading};

use super::Hub;
use super::standing::Named;
use crate::clock;
use crate::enforcement::{Acted, Action};

impl Hub {
    /// A button of a notice was pressed, or the notice put away.
    pub(super) fn acted(&mut self, Acted { rule, action }: &Acted) {
        let now = clock::now();
        let verdicts = self.verdicts_now();
        let Some(judged) = verdicts.rules.iter().find(|judged| judged.id().as_str() == rule) else { return };
        match action {
            Action::Close => {
                // Nothing in front is what was wanted.
                let _ = self.close_target(&judged.rule.target.clone());
            }
            Action::Why => self.tell_why(judged, now),
            Action::Snooze => self.begin_snooze(rule, now),
            Action::Dismissed => {}
        }
    }

    /// Begins a snooze from a notice: it has no place to type a sentence, so where there is one it says how.
    fn begin_snooze(&mut self, rule: &str, now: Reading) {
        let asked = self.ask_snooze(&Named::Rule(rule.to_owned()));
        self.save_record();
        let verdicts = self.verdicts_now();
        let Some(judged) = verdicts.rules.iter().find(|judged| judged.id().as_str() == rule) else { return };
        match asked {
            Ok(asked) => {
                self.tell_snooze_waits(judged, &asked, now);
                if asked.sentence.is_none() {
                    // Counted from a moment after the one from which the wait was counted: never too early.
                    let at = clock::now().boot + Millis::from_ms(asked.wait_ms);
                    self.snoozing.insert(rule.to_owned(), at);
                }
            }
            Err(_) => self.tell_no_snooze(judged, now),
        }
    }

    /// Begins the snooze whose wait is over.
    pub(super) fn snooze_if_due(&mut self, now: Reading) {
        let due: Vec<String> =
            self.snoozing.iter().filter(|(_, at)| **at <= now.boot).map(|(rule, _)| rule.clone()).collect();
        for rule in due {
            self.snoozing.remove(&rule);
            // Lifted meanwhile, there is nothing to put off.
            let blocked =
                |judged: &&Judged| judged.id().as_str() == rule && judged.reached() && !judged.suspended;
            if self.verdicts.rules.iter().any(|judged| blocked(&judged)) && self.snooze(&rule, "").is_ok() {
                self.save_record();
                let verdicts = self.verdicts_now();
                if let Some(judged) = verdicts.rules.iter().find(|judged| judged.id().as_str() == rule) {
                    self.tell_snoozed(judged, self.still_blocking(&judged.rule, &verdicts), now);
                }
            }
        }
    }
}
