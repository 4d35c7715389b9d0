//! The summary of a week: what rose, what fell, what was planned. Facts, and no opinion of them.

use super::{Notice, Texts};
use crate::report::Moved;
use crate::time::Millis;

impl Texts {
    /// `31h 20m of screen time, 4h 10m less than the week before.`; without `moved` nothing of the week before.
    pub fn week_total<T>(&self, time: Millis, moved: Option<&Moved<T>>) -> String {
        let by = moved.map(|moved| moved.by().to_string()).unwrap_or_default();
        let id = match moved {
            None => "week-total.plain",
            Some(moved) if moved.rose() => "week-total.more",
            Some(_) => "week-total.less",
        };
        self.say(id, &[("time", time.to_string().into()), ("by", by.into())])
    }

    /// `Firefox: 12h, 3h 10m more than the week before.`
    pub fn week_moved<T>(&self, name: &str, moved: &Moved<T>) -> String {
        let id = match (moved.before.is_zero(), moved.now.is_zero(), moved.rose()) {
            (true, ..) => "week-moved.new",
            (_, true, _) => "week-moved.gone",
            (.., true) => "week-moved.more",
            _ => "week-moved.less",
        };
        let facts = [
            ("name", name.into()),
            ("time", moved.now.to_string().into()),
            ("before", moved.before.to_string().into()),
            ("by", moved.by().to_string().into()),
        ];
        self.say(id, &facts)
    }

    /// `Planned 5 times: 1h 15m together, of which 58m were used.`
    pub fn week_planned(&self, times: u64, planned: Millis, used: Millis) -> String {
        let facts = [
            ("times", times.into()),
            ("planned", planned.to_string().into()),
            ("used", used.to_string().into()),
        ];
        self.say("week-planned", &facts)
    }

    /// `4 focus sessions, planned for 3h 20m together: they lasted 2h 50m.`
    pub fn week_focus(&self, sessions: u64, planned: Millis, lasted: Millis) -> String {
        let facts = [
            ("sessions", sessions.into()),
            ("planned", planned.to_string().into()),
            ("lasted", lasted.to_string().into()),
        ];
        self.say("week-focus", &facts)
    }

    /// What stands above the sentences: of the whole, of what rose, of what fell, of limits, of what was planned.
    pub fn week_headings(&self) -> [String; 5] {
        ["whole", "rose", "fell", "limits", "planned"].map(|of| self.say(&format!("week-heading.{of}"), &[]))
    }

    /// The summary of last week lies in a file.
    pub fn week_ready(&self, file: &str) -> Notice {
        self.notice("week-ready.summary", "week-ready.body", &[("file", file.into())])
    }
}
