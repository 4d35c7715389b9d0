//! What is about a person's time as a whole: focus, intentions, pause, exit, changes, the reset week.

use super::{Moment, Notice, Texts};
use crate::time::{Millis, Wall};

impl Texts {
    /// A focus session ran to its end.
    pub fn focus_over(&self, length: Millis) -> Notice {
        self.notice("focus-over.summary", "focus-over.body", &[("length", length.to_string().into())])
    }

    /// What a person opened something for, and for how long, is over; `to`: in their own words, or empty.
    pub fn intention_over(&self, name: &str, planned: Millis, to: &str) -> Notice {
        let facts = [("name", name.into()), ("planned", planned.to_string().into()), ("to", to.into())];
        let body = if to.is_empty() { "intention-over.body" } else { "intention-over.purpose" };
        self.notice("intention-over.summary", body, &facts)
    }

    /// A pause ended by itself.
    pub fn pause_over(&self) -> Notice {
        self.notice("pause-over.summary", "pause-over.body", &[])
    }

    /// The person's rules are off; `until`: when they hold again.
    pub fn exit_holds(&self, moment: &Moment, until: Wall) -> Notice {
        self.notice("exit-holds.summary", "exit-holds.body", &[("again", self.at(moment, until).into())])
    }

    /// The day on which the person's rules were off is over.
    pub fn exit_over(&self) -> Notice {
        self.notice("exit-over.summary", "exit-over.body", &[])
    }

    /// A loosening has waited, and can be confirmed; `id`: the change's.
    pub fn change_ready(&self, name: &str, id: &str) -> Notice {
        self.notice("change-ready.summary", "change-ready.body", &[("name", name.into()), ("id", id.into())])
    }

    /// The reset week is over.
    pub fn reset_over(&self) -> Notice {
        self.notice("reset-over.summary", "reset-over.body", &[])
    }
}
