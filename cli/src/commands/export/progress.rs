//! How far an export is: its days, on standard error where that is a terminal.

use dwell_core::calendar::CivilDay;

use super::super::work::Bar;
use crate::console::Console;

/// The bar of an export. It is not shown where the export itself is on the screen.
pub(super) struct Progress<'a> {
    bar: Bar<'a>,
    is_shown: bool,
    first: CivilDay,
    /// Days in one pass over the timeline.
    days: u64,
    passes: u64,
    pass: u64,
    /// As the bar has it.
    done: u64,
}

impl<'a> Progress<'a> {
    /// Whether a bar is seen at all: only then it matters which days there are.
    pub(super) fn is_wanted(console: &Console) -> bool {
        Bar::new("", console).is_wanted() && !console.is_seen()
    }

    /// Of so many passes over these days; shown with the first step.
    pub(super) fn new((first, last): (CivilDay, CivilDay), passes: u64, console: &Console) -> Progress<'a> {
        let days = u64::try_from(last.epoch_days() - first.epoch_days()).unwrap_or(0) + 1;
        let is_shown = Self::is_wanted(console);
        Self { bar: Bar::new("Exporting", console), is_shown, first, days, passes, pass: 0, done: 0 }
    }

    /// A pass is done.
    pub(super) fn next_pass(&mut self) {
        self.pass += 1;
    }

    /// A span is done that starts at an instant (RFC 3339).
    pub(super) fn at(&mut self, start: &str) {
        if !self.is_shown {
            return;
        }
        // What is after midnight may belong to the day before: nobody sees the difference.
        let Some(day) = start.get(..10).and_then(|day| day.parse::<CivilDay>().ok()) else { return };
        let within = u64::try_from(day.epoch_days() - self.first.epoch_days()).unwrap_or(0).min(self.days);
        // A day counts once, however often it is gone through.
        let done = (self.pass * self.days + within) / self.passes;
        if done > self.done {
            self.done = done;
            self.bar.show_of(done, self.days, "days");
        }
    }
}
