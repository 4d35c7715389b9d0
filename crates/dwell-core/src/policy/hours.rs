//! When a rule's hours block, as instants.

use crate::calendar::{Calendar, CivilDay};
use crate::rules::{Hours, Rule, occurrence};
use crate::time::Wall;

/// How many days ahead blocks are known: enough to tell when any pattern of a week opens again.
const AHEAD: i32 = 8;

/// The times at which a rule's hours block, from yesterday to a week ahead: in order, apart from each other.
///
/// # Invariant
///
/// It depends on nothing but the rule, the calendar and the day: it is made once a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    blocks: Vec<(Wall, Wall)>,
}

impl Schedule {
    /// The blocks of a rule around a day.
    pub fn of(rule: &Rule, calendar: &Calendar, today: CivilDay) -> Self {
        let days = (-1..=AHEAD).map(|ahead| today.plus(ahead));
        let holds = |day: &CivilDay| rule.days.contains(*day);
        let mut blocks: Vec<(Wall, Wall)> = match &rule.hours {
            Hours::Any => return Self::default(),
            Hours::Blocked(windows) => {
                let begun = days.filter(holds).flat_map(|day| windows.iter().map(move |w| (day, *w)));
                begun.map(|(day, window)| occurrence(calendar, day, window)).collect()
            }
            Hours::Allowed(windows) => {
                let mut allowed: Vec<(Wall, Wall)> = (-2..=AHEAD)
                    .map(|ahead| today.plus(ahead))
                    .filter(holds)
                    .flat_map(|day| windows.iter().map(move |w| (day, *w)))
                    .map(|(day, window)| occurrence(calendar, day, window))
                    .collect();
                allowed.sort_unstable();
                days.filter(holds)
                    .flat_map(|day| rest((calendar.start_of(day), calendar.end_of(day)), &allowed))
                    .collect()
            }
        };
        blocks.retain(|(start, end)| start < end);
        blocks.sort_unstable();
        let mut joined: Vec<(Wall, Wall)> = Vec::with_capacity(blocks.len());
        for (start, end) in blocks {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self { blocks: joined }
    }

    /// Whether there are any.
    pub const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The end of the block that runs.
    pub fn blocked_until(&self, now: Wall) -> Option<Wall> {
        self.blocks.iter().find(|(start, end)| *start <= now && now < *end).map(|(_, end)| *end)
    }

    /// When the next block begins.
    pub fn next_block(&self, now: Wall) -> Option<Wall> {
        self.blocks.iter().map(|(start, _)| *start).find(|start| *start > now)
    }
}

/// What is left of a day outside of `allowed`, which are in order.
fn rest((start, end): (Wall, Wall), allowed: &[(Wall, Wall)]) -> Vec<(Wall, Wall)> {
    let mut rest = Vec::new();
    let mut at = start;
    for (from, to) in allowed.iter().filter(|(from, to)| *to > start && *from < end) {
        if *from > at {
            rest.push((at, *from));
        }
        at = at.max(*to);
    }
    if at < end {
        rest.push((at, end));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleId;
    use crate::subject::Target;

    fn rule(days: &str, hours: Hours) -> Rule {
        Rule { days: days.parse().unwrap(), hours, ..Rule::new(RuleId::new("r").unwrap(), Target::All, None) }
    }

    fn windows(texts: &[&str]) -> Vec<crate::rules::Window> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn said(rule: &Rule, calendar: &Calendar, today: CivilDay) -> Vec<String> {
        let face = |wall| calendar.rfc3339(wall).get(5..16).unwrap().replace('T', " ");
        let blocks = Schedule::of(rule, calendar, today).blocks;
        blocks.iter().take(3).map(|(start, end)| format!("{} to {}", face(*start), face(*end))).collect()
    }

    fn athens() -> Calendar {
        Calendar::new(chrono_tz::Europe::Athens, "04:00".parse().unwrap())
    }

    #[test]
    fn windows_belong_to_the_day_on_which_they_start() {
        // 2026-11-20 is a Friday.
        let friday = CivilDay::from_ymd(2026, 11, 20).unwrap();
        let night = rule("fri", Hours::Blocked(windows(&["22:00-07:00"])));
        assert_eq!(
            said(&night, &athens(), friday),
            ["11-20 22:00 to 11-21 07:00", "11-27 22:00 to 11-28 07:00"]
        );
        // Friday's 01:00 is the night after Friday's evening.
        let late = rule("fri", Hours::Blocked(windows(&["01:00-03:00"])));
        assert_eq!(said(&late, &athens(), friday)[0], "11-21 01:00 to 11-21 03:00");
        // Yesterday's, which reaches into today.
        assert_eq!(said(&night, &athens(), friday.plus(1))[0], "11-20 22:00 to 11-21 07:00");
    }

    #[test]
    fn outside_of_allowed_hours_is_blocked_on_its_days_only() {
        let friday = CivilDay::from_ymd(2026, 11, 20).unwrap();
        let office = rule("mon-fri", Hours::Allowed(windows(&["09:00-12:00", "13:00-17:00"])));
        assert_eq!(
            said(&office, &athens(), friday.plus(1)),
            ["11-20 04:00 to 11-20 09:00", "11-20 12:00 to 11-20 13:00", "11-20 17:00 to 11-21 04:00"]
        );
        let schedule = Schedule::of(&office, &athens(), friday.plus(1));
        let saturday_noon = athens().start_of(friday.plus(1)) + crate::time::Millis::from_mins(8 * 60);
        assert_eq!(schedule.blocked_until(saturday_noon), None);
    }

    #[test]
    fn adjoining_blocks_are_one() {
        let day = CivilDay::from_ymd(2026, 11, 20).unwrap();
        let two = rule("daily", Hours::Blocked(windows(&["22:00-24:00", "00:00-06:00"])));
        assert_eq!(said(&two, &athens(), day)[1], "11-20 22:00 to 11-21 06:00");
        let always = rule("daily", Hours::Blocked(windows(&["00:00-24:00"])));
        assert_eq!(said(&always, &athens(), day).len(), 1);
    }

    #[test]
    fn clocks_that_jump_make_windows_shorter_or_longer_and_never_odd() {
        // Athens: 2026-03-29 03:00 becomes 04:00; 2026-10-25 04:00 becomes 03:00.
        let spring = CivilDay::from_ymd(2026, 3, 28).unwrap();
        let gone = rule("sat", Hours::Blocked(windows(&["03:00-03:30"])));
        assert_eq!(said(&gone, &athens(), spring), ["04-05 03:00 to 04-05 03:30"], "one that does not exist");
        let night = rule("sat", Hours::Blocked(windows(&["22:00-07:00"])));
        let length = |day: CivilDay| {
            let blocks = Schedule::of(&night, &athens(), day).blocks;
            let (start, end) = blocks.first().copied().unwrap();
            end.since(start).unwrap().to_string()
        };
        assert_eq!(length(spring), "8h");
        assert_eq!(length(CivilDay::from_ymd(2026, 10, 24).unwrap()), "10h");
    }
}
