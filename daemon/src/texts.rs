//! Every sentence that a limit says to the person: plain, kind, without blame.

use dwell_core::calendar::Calendar;
use dwell_core::policy::Judged;
use dwell_core::rules::AtLimit;
use dwell_core::time::Wall;

/// A notification's two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One short line.
    pub summary: String,
    /// One or two sentences.
    pub body: String,
}

/// Some minutes before the limit.
pub fn warning(name: &str, judged: &Judged) -> Notice {
    let then = match judged.at_limit {
        AtLimit::Notify => "You will be told when it is used up.",
        AtLimit::Block => "Then its windows are put away until the next day starts.",
        AtLimit::Close => "Then its windows are asked to close. A good moment to save your work.",
    };
    Notice {
        summary: format!("{name}: {} left today", judged.left()),
        body: format!("{} of {} used. {then}", judged.used, judged.budget),
    }
}

/// At the limit, and again when a blocked program comes back.
pub fn reached(name: &str, judged: &Judged, calendar: &Calendar) -> Notice {
    let again = judged.until.map_or_else(String::new, |until: Wall| calendar.clock_face(until));
    let body = match judged.at_limit {
        AtLimit::Notify => format!("You had planned {} for today.", judged.budget),
        AtLimit::Block | AtLimit::Close => {
            format!("Today's {} are used. It opens again at {again}.", judged.budget)
        }
    };
    Notice { summary: format!("{name}: that was today's time"), body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dwell_core::policy::Verdict;
    use dwell_core::rules::RuleId;
    use dwell_core::time::Millis;

    #[test]
    fn the_sentences() {
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let judged = Judged {
            rule: RuleId::new("firefox").unwrap(),
            target: "app:firefox".parse().unwrap(),
            at_limit: AtLimit::Block,
            verdict: Verdict::Warn,
            reached: false,
            used: Millis::from_mins(25),
            budget: Millis::from_mins(30),
            until: Some(Wall::from_unix_ms(4 * 3_600_000)),
        };
        let warning = warning("Firefox", &judged);
        assert_eq!(warning.summary, "Firefox: 5m left today");
        assert_eq!(warning.body, "25m of 30m used. Then its windows are put away until the next day starts.");
        let reached = reached("Firefox", &judged, &calendar);
        assert_eq!(reached.summary, "Firefox: that was today's time");
        assert_eq!(reached.body, "Today's 30m are used. It opens again at 04:00.");
    }
}
