//! The window that opens when a limit acts. What it says while it is open changes with each second of a wait.

use super::{Cause, Moment, Reached, Texts, per};
use crate::time::Millis;

/// The texts of the prompt that do not change while it is open.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What was reached; also the window's title.
    pub title: String,
    /// How much was used.
    pub used: String,
    /// When it opens again; `None`: there is no time for it at all.
    pub again: Option<String>,
    /// The default button.
    pub close: String,
    /// The button that puts the limit off.
    pub more: String,
    /// The button that tells why.
    pub why: String,
    /// The label of the field for the person's own sentence.
    pub sentence: String,
    /// What stands in place of the wait where the limit cannot be put off any more today.
    pub none_left: String,
}

impl Texts {
    /// The texts of the prompt; `snooze`: how long a snooze is.
    pub fn prompt(&self, moment: &Moment, reached: &Reached<'_>, snooze: Millis) -> Prompt {
        let used = match reached.cause {
            cause if cause.never() => self.cause(reached),
            Cause::Time { used, budget, per: each } => {
                let facts = [
                    ("used", used.to_string().into()),
                    ("budget", budget.to_string().into()),
                    ("per", per(each)),
                ];
                self.say("prompt.time", &facts)
            }
            Cause::Visits { visits, per: each } => {
                self.say("prompt.visits", &[("visits", visits.into()), ("per", per(each))])
            }
            Cause::Hours => self.cause(reached),
        };
        let again = || self.say("prompt.again", &[("again", self.at(moment, reached.until).into())]);
        Prompt {
            title: self.title(reached),
            used,
            again: (!reached.cause.never()).then(again),
            close: self.close(),
            more: self.more(snooze),
            why: self.why(),
            sentence: self.say("prompt.sentence", &[]),
            none_left: self.say("prompt.none", &[]),
        }
    }

    /// `5 more minutes in 12 seconds`: while the wait before a snooze lasts. Started seconds count.
    pub fn wait(&self, snooze: Millis, left: Millis) -> String {
        let seconds = left.as_ms().div_ceil(1000);
        self.say("prompt.wait", &[("more", self.more(snooze).into()), ("seconds", seconds.into())])
    }
}
