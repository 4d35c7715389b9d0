//! How an instant is named: as one would say it today.

use super::Texts;
use crate::calendar::{Calendar, CivilDay};
use crate::time::Wall;

/// When something is said, and by whose calendar.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The person's calendar.
    pub calendar: Calendar,
    /// Now.
    pub now: Wall,
}

/// Which of the two forms: `at 04:00` or `until 04:00`.
#[derive(Clone, Copy)]
enum Form {
    At,
    Until,
}

impl Texts {
    /// `at 04:00`, `tomorrow at 04:00`, `on Monday at 04:00`, `on 1 December at 04:00`
    pub(super) fn at(&self, moment: &Moment, wall: Wall) -> String {
        self.instant(moment, wall, Form::At)
    }

    /// `until 04:00`, `until tomorrow at 04:00`, …
    pub(super) fn until(&self, moment: &Moment, wall: Wall) -> String {
        self.instant(moment, wall, Form::Until)
    }

    fn instant(&self, Moment { calendar, now }: &Moment, wall: Wall, form: Form) -> String {
        let date = date(calendar, wall);
        let days = date.epoch_days() - self::date(calendar, *now).epoch_days();
        // In the small hours it is still yesterday for whoever is up, and "tomorrow" would be read wrongly.
        let small_hours = calendar.day_of(*now) != self::date(calendar, *now);
        let (at, until) = match days {
            ..=0 => ("today.at", "today.until"),
            1 if !small_hours => ("tomorrow.at", "tomorrow.until"),
            1..=6 => ("weekday.at", "weekday.until"),
            _ => ("date.at", "date.until"),
        };
        let id = match form {
            Form::At => at,
            Form::Until => until,
        };
        let written = calendar.rfc3339(wall);
        let number = |range| written.get(range).and_then(|text: &str| text.parse::<u32>().ok()).unwrap_or(0);
        let facts = [
            ("time", calendar.clock_face(wall).into()),
            ("weekday", (date.days_from_monday() + 1).into()),
            ("day", number(8..10).into()),
            ("month", number(5..7).into()),
        ];
        self.say(id, &facts)
    }
}

/// `21:30:20`, where seconds matter.
pub(super) fn to_the_second(calendar: &Calendar, wall: Wall) -> String {
    calendar.rfc3339(wall).get(11..19).unwrap_or_default().to_owned()
}

/// The date on the calendar on the wall, which changes at midnight: not the dwell day.
fn date(calendar: &Calendar, wall: Wall) -> CivilDay {
    let written = calendar.rfc3339(wall);
    written.get(..10).and_then(|date| date.parse().ok()).unwrap_or_else(|| calendar.day_of(wall))
}
