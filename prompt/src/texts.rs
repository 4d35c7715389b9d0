//! Every sentence of the window: plain, kind, without blame.
//!
//! Functions of plain values, so that they can be translated in one place. Durations are spelled out here, unlike in a
//! terminal, for a screen reader makes nothing of `25m`.

use dwell_core::time::Millis;

/// The window's title.
pub(crate) const TITLE: &str = "dwell";
/// The button that asks the target's windows to close.
pub(crate) const CLOSE: &str = "Close";
/// The button that unfolds the rules.
pub(crate) const WHY: &str = "Why";
/// Above the rules that apply.
pub(crate) const RULES: &str = "The rules that apply";
/// What a screen reader calls the bar.
pub(crate) const USED: &str = "Used";
/// What a screen reader calls the field.
pub(crate) const SENTENCE: &str = "Your sentence";
/// The daemon does not answer any more.
pub(crate) const NOBODY: &str = "dwell does not answer. It may be starting anew.";
/// Another sentence was typed.
pub(crate) const ANOTHER_SENTENCE: &str =
    "That is not the sentence yet. Capitals and full stops count as well.";

/// How a budget, or hours, came to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// So much time is used.
    Time,
    /// So many visits were made.
    Visits,
    /// It is not one of the hours.
    Hours,
}

/// When something ends, as people say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At this time, today or tonight.
    Today(String),
    /// At this time, tomorrow.
    Tomorrow(String),
    /// Within a week: days from Monday, time.
    Weekday(i32, String),
    /// After so many days.
    InDays(i32),
}

/// What was reached.
pub(crate) fn heading(name: &str, reached: Reached, per: &str) -> String {
    match (reached, per) {
        (Reached::Time, "hour") => format!("{name}: that was this hour’s time"),
        (Reached::Time, "week") => format!("{name}: that was this week’s time"),
        (Reached::Time, "month") => format!("{name}: that was this month’s time"),
        (Reached::Time, _) => format!("{name}: that was today’s time"),
        (Reached::Visits, "hour") => format!("{name}: those were this hour’s visits"),
        (Reached::Visits, "week") => format!("{name}: those were this week’s visits"),
        (Reached::Visits, "month") => format!("{name}: those were this month’s visits"),
        (Reached::Visits, _) => format!("{name}: those were today’s visits"),
        (Reached::Hours, _) => format!("{name}: not at this hour"),
    }
}

/// The same while the limit is not reached, or only told of.
pub(crate) fn heading_before(name: &str) -> String {
    format!("{name}: a moment to look up")
}

/// What stands by the bar.
pub(crate) fn used_time(used: Millis, budget: Millis) -> String {
    let minutes = |length: Millis| length.as_ms() / 60_000;
    if (1..60).contains(&minutes(used)) && (1..60).contains(&minutes(budget)) {
        return format!("{} of {}", minutes(used), counted(minutes(budget), "minute"));
    }
    format!("{} of {}", duration(used), duration(budget))
}

/// The same of visits.
pub(crate) fn used_visits(used: u32, budget: u32) -> String {
    format!("{used} of {}", counted(u64::from(budget), "visit"))
}

/// When it opens again.
pub(crate) fn opens_again(when: &When) -> String {
    format!("It opens again {}.", moment(when))
}

fn moment(when: &When) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    match when {
        When::Today(time) => format!("at {time}"),
        When::Tomorrow(time) => format!("tomorrow at {time}"),
        When::Weekday(day, time) => {
            let day = usize::try_from(*day).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"that day");
            format!("on {day} at {time}")
        }
        When::InDays(days) => format!("in {days} days"),
    }
}

/// What else is at its limit.
pub(crate) fn also(names: &[String]) -> String {
    format!("Also at the limit: {}.", names.join(", "))
}

/// The button that puts the limit off.
pub(crate) fn more(length: Millis) -> String {
    let minutes = length.as_ms().div_ceil(60_000);
    if minutes == 1 { "1 more minute".to_owned() } else { format!("{minutes} more minutes") }
}

/// The same while its wait lasts.
pub(crate) fn more_in(length: Millis, seconds: u64) -> String {
    if seconds >= 60 {
        format!("{}, in {}:{:02}", more(length), seconds / 60, seconds % 60)
    } else {
        format!("{}, in {seconds}\u{a0}s", more(length))
    }
}

/// What a screen reader says of that button while the wait lasts: said once, not counted down.
pub(crate) fn more_waits(wait: Millis) -> String {
    format!("Can be pressed after {}.", counted(wait.as_ms().div_ceil(1000), "second"))
}

/// How often that button is still there.
pub(crate) fn left(left: u32) -> String {
    match left {
        1 => "Once more today.".to_owned(),
        left => format!("{left} times left today."),
    }
}

/// Above the field for the sentence.
pub(crate) fn asks_sentence(length: Millis, sentence: &str) -> String {
    format!("For {}, type: “{sentence}”", more(length))
}

/// What *Close* will do.
pub(crate) fn close_does(name: &str) -> String {
    format!("Asks the windows of {name} to close.")
}

/// What *Why* will do.
pub(crate) const WHY_DOES: &str = "Shows the rules that apply.";

/// One rule among those that apply.
pub(crate) struct Rule<'a> {
    /// What it is about, for people.
    pub(crate) name: &'a str,
    /// `30 of 30 minutes`, where it has a budget.
    pub(crate) used: Option<String>,
    /// `hour`, `day`, `week` or `month`.
    pub(crate) per: &'a str,
    /// `mon-fri`, where it does not hold every day.
    pub(crate) days: Option<&'a str>,
    /// `blocked 22:00-07:00`.
    pub(crate) hours: Option<&'a str>,
    /// When it ends by itself, where it blocks.
    pub(crate) until: Option<When>,
    /// Put off until then.
    pub(crate) snoozed: Option<When>,
    /// Suspended by a pause or the exit.
    pub(crate) suspended: bool,
}

/// What is said of it.
pub(crate) fn rule(rule: &Rule<'_>) -> String {
    let mut says = Vec::new();
    if let Some(used) = &rule.used {
        says.push(match rule.per {
            "hour" => format!("{used} this hour"),
            "week" => format!("{used} this week"),
            "month" => format!("{used} this month"),
            _ => format!("{used} today"),
        });
    }
    if let Some(hours) = rule.hours {
        says.push(hours.replace('-', "–"));
    }
    if let Some(days) = rule.days {
        says.push(format!("only {}", days.replace('-', "–").replace(',', ", ")));
    }
    if rule.suspended {
        says.push("off for now".to_owned());
    } else if let Some(when) = &rule.snoozed {
        says.push(format!("put off until {}", bare(when)));
    } else if let Some(when) = &rule.until {
        says.push(format!("opens again {}", moment(when)));
    }
    format!("{}: {}", rule.name, says.join("; "))
}

fn bare(when: &When) -> String {
    moment(when).trim_start_matches("at ").to_owned()
}

/// What a target without a better name is called.
pub(crate) fn target(target: &str) -> String {
    match target.split_once(':') {
        Some(("category", category)) => format!("Everything in “{category}”"),
        Some(("app", app)) => match app.rsplit('.').find(|part| !part.is_empty()) {
            Some(last) => last.to_owned(),
            None => app.to_owned(),
        },
        Some((_, name)) => name.to_owned(),
        None if target == "all" => "The screen".to_owned(),
        None => target.to_owned(),
    }
}

/// `1 hour 30 minutes`, `45 minutes`, `20 seconds`.
fn duration(length: Millis) -> String {
    let seconds = length.as_ms() / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => counted(seconds, "second"),
        (0, minutes) => counted(minutes, "minute"),
        (hours, 0) => counted(hours, "hour"),
        (hours, minutes) => format!("{} {}", counted(hours, "hour"), counted(minutes, "minute")),
    }
}

fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn what_was_reached() {
        assert_eq!(heading("Firefox", Reached::Time, "day"), "Firefox: that was today’s time");
        assert_eq!(heading("Firefox", Reached::Time, "week"), "Firefox: that was this week’s time");
        assert_eq!(heading("Firefox", Reached::Visits, "hour"), "Firefox: those were this hour’s visits");
        assert_eq!(heading("Firefox", Reached::Hours, "day"), "Firefox: not at this hour");
    }

    #[test]
    fn amounts_are_spelled_out() {
        let used = |used, budget| used_time(Millis::from_ms(used * MINUTE), Millis::from_ms(budget * MINUTE));
        assert_eq!(used(30, 30), "30 of 30 minutes");
        assert_eq!(used(61, 60), "1 hour 1 minute of 1 hour");
        assert_eq!(used_time(Millis::from_secs(1), Millis::from_secs(40)), "1 second of 40 seconds");
        assert_eq!(used_visits(5, 5), "5 of 5 visits");
        assert_eq!(used_visits(1, 1), "1 of 1 visit");
    }

    #[test]
    fn when_it_opens() {
        let at = || "04:00".to_owned();
        assert_eq!(opens_again(&When::Today(at())), "It opens again at 04:00.");
        assert_eq!(opens_again(&When::Tomorrow(at())), "It opens again tomorrow at 04:00.");
        assert_eq!(opens_again(&When::Weekday(6, at())), "It opens again on Sunday at 04:00.");
        assert_eq!(opens_again(&When::InDays(9)), "It opens again in 9 days.");
    }

    #[test]
    fn the_button_that_puts_off() {
        let five = Millis::from_mins(5);
        assert_eq!(more(five), "5 more minutes");
        assert_eq!(more(Millis::from_mins(1)), "1 more minute");
        assert_eq!(more_in(five, 12), "5 more minutes, in 12\u{a0}s");
        assert_eq!(more_in(five, 90), "5 more minutes, in 1:30");
        assert_eq!(more_waits(Millis::from_ms(19_600)), "Can be pressed after 20 seconds.");
        assert_eq!((left(1), left(3)), ("Once more today.".to_owned(), "3 times left today.".to_owned()));
    }

    #[test]
    fn a_rule_among_others() {
        let said = rule(&Rule {
            name: "Everything in “video”",
            used: Some("30 of 45 minutes".to_owned()),
            per: "day",
            days: Some("mon-fri"),
            hours: Some("blocked 22:00-07:00"),
            until: Some(When::Tomorrow("04:00".to_owned())),
            snoozed: None,
            suspended: false,
        });
        assert_eq!(
            said,
            "Everything in “video”: 30 of 45 minutes today; blocked 22:00–07:00; only mon–fri; \
             opens again tomorrow at 04:00"
        );
    }

    #[test]
    fn targets_without_a_name() {
        assert_eq!(target("app:org.mozilla.firefox"), "firefox");
        assert_eq!(target("domain:example.org"), "example.org");
        assert_eq!(target("category:video"), "Everything in “video”");
        assert_eq!(target("all"), "The screen");
    }
}
