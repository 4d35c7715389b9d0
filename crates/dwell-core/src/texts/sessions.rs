//! What is about a person's time as a whole: focus, intentions, pause, exit, changes, the reset week.

use super::{Moment, Notice, Texts};
use crate::time::{Millis, Wall};

impl Texts {
    /// A focus session began; `names`: what is closed, none: everything but what a terminal runs.
    pub fn focus_began(&self, moment: &Moment, until: Wall, names: &[&str]) -> Notice {
        let facts = [("until", self.until(moment, until).into()), ("names", names.join(", ").into())];
        let body = if names.is_empty() { "focus-began.all" } else { "focus-began.some" };
        self.notice("focus-began.summary", body, &facts)
    }

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

    /// The wait of the emergency exit began; `at`: when it is over.
    pub fn exit_waits(&self, moment: &Moment, at: Wall) -> Notice {
        let facts = [("time", moment.calendar.clock_face(at).into())];
        self.notice("exit-waits.summary", "exit-waits.body", &facts)
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

    /// A day of the reset week, from 1, has begun; `until`: when the former rules come back.
    pub fn reset_day(&self, moment: &Moment, day: u32, until: Wall) -> Notice {
        let facts = [("day", day.into()), ("again", self.at(moment, until).into())];
        self.notice("reset-day.summary", "reset-day.body", &facts)
    }

    /// The reset week is over.
    pub fn reset_over(&self) -> Notice {
        self.notice("reset-over.summary", "reset-over.body", &[])
    }
}
