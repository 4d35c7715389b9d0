//! The window that opens when a limit acts. Durations are spelled out here, unlike in a notice or a terminal, for a screen
//! reader makes nothing of `25m`.

use fluent_bundle::FluentValue;

use super::{Cause, Done, Moment, Reached, Texts, per};
use crate::rules::Per;
use crate::time::{Millis, Wall};

/// A rule among those that apply.
#[derive(Clone)]
pub struct RuleLine<'a> {
    /// What it is about, for people.
    pub name: &'a str,
    /// `30 of 30 minutes`, where it has a budget: see [`Texts::used_time`] and [`Texts::used_visits`].
    pub used: Option<String>,
    /// In each of these.
    pub per: Per,
    /// `mon-fri`, where it does not hold every day.
    pub days: Option<&'a str>,
    /// `blocked 22:00-07:00`, `allowed 09:00-12:00, 13:00-17:00`.
    pub hours: Option<&'a str>,
    /// What else there is to say of it.
    pub state: RuleState,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// It blocks nothing at the moment.
    Open,
    /// Suspended by a pause or the exit.
    Suspended,
    /// Put off until then.
    PutOff(Wall),
    /// It blocks until then.
    Blocks(Wall),
    /// It blocks, and allows nothing at all.
    Never,
}

impl Texts {
    /// The largest line: what was reached, as the notice has it; `None`: nothing was, or the person is only told of it.
    pub fn heading(&self, name: &str, cause: Option<Cause>, until: Wall) -> String {
        match cause {
            Some(cause) => self.title(&Reached { name, cause, done: Done::Closed, until }),
            None => self.say("prompt.look-up", &[("name", name.into())]),
        }
    }

    /// What stands by the bar: `30 of 30 minutes`.
    pub fn used_time(&self, used: Millis, budget: Millis) -> String {
        let minutes = |length: Millis| length.as_ms() / 60_000;
        if (1..60).contains(&minutes(used)) && (1..60).contains(&minutes(budget)) {
            let facts = [("used", minutes(used).into()), ("budget", minutes(budget).into())];
            return self.say("prompt-used.minutes", &facts);
        }
        let facts = [("used", self.spelled(used).into()), ("budget", self.spelled(budget).into())];
        self.say("prompt-used.lengths", &facts)
    }

    /// The same of visits.
    pub fn used_visits(&self, used: u32, budget: u32) -> String {
        self.say("prompt-used.visits", &[("used", used.into()), ("budget", budget.into())])
    }

    /// When it opens again.
    pub fn opens_again(&self, moment: &Moment, until: Wall) -> String {
        self.say("done.closed", &[("again", self.at(moment, until).into())])
    }

    /// What else is at its limit.
    pub fn also(&self, names: &[String]) -> String {
        self.say("prompt.also", &[("names", names.join(", ").into())])
    }

    /// The button that puts the limit off, while its wait lasts. Started seconds count.
    pub fn more_in(&self, length: Millis, wait: Millis) -> String {
        let seconds = wait.as_ms().div_ceil(1000);
        let mut facts = vec![("more", self.more(length).into()), ("seconds", seconds.into())];
        if seconds < 60 {
            return self.say("prompt-more.in-seconds", &facts);
        }
        facts.push(("time", format!("{}:{:02}", seconds / 60, seconds % 60).into()));
        self.say("prompt-more.in", &facts)
    }

    /// What a screen reader says of that button while the wait lasts: said once, not counted down.
    pub fn more_waits(&self, wait: Millis) -> String {
        self.say("prompt-more.waits", &[("seconds", wait.as_ms().div_ceil(1000).into())])
    }

    /// How often that button is still there; `still`: the other rule that keeps it closed all the same, and until when.
    pub fn more_left(&self, moment: &Moment, left: u32, still: Option<(&str, Option<Wall>)>) -> String {
        let left = self.say("prompt-more.left", &[("left", left.into())]);
        match still {
            Some((rule, until)) => self.both(left, self.still(moment, rule, until)),
            None => left,
        }
    }

    /// Above the field for the sentence.
    pub fn asks_sentence(&self, length: Millis, sentence: &str) -> String {
        self.say("prompt-sentence.asks", &[("more", self.more(length).into()), ("sentence", sentence.into())])
    }

    /// What a screen reader calls the field for the sentence.
    pub fn sentence_field(&self) -> String {
        self.say("prompt-sentence.field", &[])
    }

    /// Another sentence was typed.
    pub fn another_sentence(&self) -> String {
        self.say("prompt-sentence.another", &[])
    }

    /// What *Close* will do.
    pub fn close_does(&self, name: &str) -> String {
        self.say("prompt.close-does", &[("name", name.into())])
    }

    /// What *Why* will do.
    pub fn why_does(&self) -> String {
        self.say("prompt.why-does", &[])
    }

    /// Above the rules that apply.
    pub fn rules_that_apply(&self) -> String {
        self.say("prompt.rules", &[])
    }

    /// What a screen reader calls the bar.
    pub fn used_bar(&self) -> String {
        self.say("prompt.bar", &[])
    }

    /// The daemon does not answer any more.
    pub fn nobody(&self) -> String {
        self.say("prompt.nobody", &[])
    }

    /// What a category without a better name is called.
    pub fn category(&self, category: &str) -> String {
        self.say("prompt.category", &[("category", category.into())])
    }

    /// A rule among others.
    pub fn rule_line(&self, moment: &Moment, rule: &RuleLine<'_>) -> String {
        let mut says = Vec::new();
        if let Some(used) = &rule.used {
            says.push(
                self.say("prompt-rule.used", &[("used", used.as_str().into()), ("per", per(rule.per))]),
            );
        }
        if let Some((kind, windows)) = rule.hours.and_then(|hours| hours.split_once(' ')) {
            let id = if kind == "allowed" { "prompt-rule.allowed" } else { "prompt-rule.blocked" };
            says.push(self.say(id, &[("windows", windows.replace('-', "–").into())]));
        }
        if let Some(days) = rule.days {
            let days = days.replace('-', "–").replace(',', ", ");
            says.push(self.say("prompt-rule.days", &[("days", days.into())]));
        }
        let state = match rule.state {
            RuleState::Open => None,
            RuleState::Suspended => Some(self.say("prompt-rule.off", &[])),
            RuleState::PutOff(until) => {
                Some(self.say("prompt-rule.put-off", &[("until", self.until(moment, until).into())]))
            }
            RuleState::Blocks(until) => {
                Some(self.say("prompt-rule.again", &[("again", self.at(moment, until).into())]))
            }
            RuleState::Never => Some(self.say("prompt-rule.never", &[])),
        };
        says.extend(state);
        self.say("prompt-rule.line", &[("name", rule.name.into()), ("says", says.join("; ").into())])
    }

    /// `1 hour 30 minutes`, `45 minutes`, `20 seconds`.
    fn spelled(&self, length: Millis) -> String {
        let seconds = length.as_ms() / 1000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let (hours, minutes): (FluentValue<'_>, FluentValue<'_>) = match (hours, minutes) {
            (0, 0) => return self.say("length.seconds", &[("seconds", seconds.into())]),
            (0, minutes) => return self.say("length.minutes", &[("minutes", minutes.into())]),
            (hours, 0) => return self.say("length.hours", &[("hours", hours.into())]),
            (hours, minutes) => (hours.into(), minutes.into()),
        };
        self.say("length.both", &[("hours", hours), ("minutes", minutes)])
    }
}
