//! Before, at and after a limit.

use super::instant::to_the_second;
use super::{Facts, Moment, Notice, Texts, per};
use crate::rules::{AtLimit, Per};
use crate::time::{Millis, Wall};

/// A budget of time is nearly used up.
#[derive(Clone, Copy)]
pub struct Warning<'a> {
    /// What the rule is about, as people call it.
    pub name: &'a str,
    /// What is left of the budget.
    pub left: Millis,
    /// What is used of it.
    pub used: Millis,
    /// The budget.
    pub budget: Millis,
    /// In each of these.
    pub per: Per,
    /// What happens when it is used up.
    pub at_limit: AtLimit,
    /// When it would open again.
    pub until: Wall,
}

/// A target's hours are nearly over.
#[derive(Clone, Copy)]
pub struct Closes<'a> {
    /// What the rule is about, as people call it.
    pub name: &'a str,
    /// When it closes.
    pub at: Wall,
    /// What happens then.
    pub at_limit: AtLimit,
    /// When it opens again.
    pub until: Wall,
}

/// What a rule's limit is, where it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A budget of time.
    Time {
        /// What was used of it.
        used: Millis,
        /// The budget; zero: there is no time at all.
        budget: Millis,
        /// In each of these.
        per: Per,
    },
    /// A budget of visits.
    Visits {
        /// As many as there are.
        visits: u32,
        /// In each of these.
        per: Per,
    },
    /// There is no time at all on days like this one, and some on others.
    NotToday,
    /// The time of day.
    Hours,
    /// A focus session, which ends.
    Focus,
}

impl Cause {
    /// Whether there is no time at all: then it does not open again with the next period.
    pub(super) fn never(self) -> bool {
        match self {
            Self::Time { budget, .. } => budget.is_zero(),
            Self::Visits { visits, .. } => visits == 0,
            Self::NotToday | Self::Hours | Self::Focus => false,
        }
    }
}

/// What was done at a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing: the person wants to be told, no more.
    Told,
    /// Its windows were minimised, or its pages blocked.
    Closed,
    /// Its windows were asked to close.
    AskedToClose,
    /// It did not close, or must not be closed, because it holds work: it was minimised.
    Kept,
    /// It was frozen.
    Frozen,
    /// It cannot be frozen safely: it was minimised.
    NotFrozen,
    /// The session was locked.
    Locked,
}

/// A limit acts.
#[derive(Clone, Copy)]
pub struct Reached<'a> {
    /// What the rule is about, as people call it.
    pub name: &'a str,
    /// Which limit it is.
    pub cause: Cause,
    /// What was done.
    pub done: Done,
    /// When it opens again.
    pub until: Wall,
}

/// A limit was put off.
#[derive(Clone, Copy)]
pub struct Snoozed<'a> {
    /// What the rule is about, as people call it.
    pub name: &'a str,
    /// For how long.
    pub length: Millis,
    /// When that is over.
    pub until: Wall,
    /// How often it can still be put off today.
    pub left: u32,
}

impl Texts {
    /// A budget of time is nearly used up.
    pub fn warning(&self, moment: &Moment, warning: &Warning<'_>) -> Notice {
        let body = match warning.at_limit {
            AtLimit::Notify => "warning.notify",
            AtLimit::Block => "warning.block",
            AtLimit::Close => "warning.close",
            AtLimit::Freeze => "warning.freeze",
            AtLimit::Lock => "warning.lock",
        };
        let facts = [
            ("name", warning.name.into()),
            ("left", warning.left.to_string().into()),
            ("used", warning.used.to_string().into()),
            ("budget", warning.budget.to_string().into()),
            ("per", per(warning.per)),
            ("until", self.until(moment, warning.until).into()),
        ];
        self.notice("warning.summary", body, &facts)
    }

    /// A target's hours are nearly over.
    pub fn closes(&self, moment: &Moment, closes: &Closes<'_>) -> Notice {
        let (summary, body) = match closes.at_limit {
            AtLimit::Notify => ("hours-end.summary", "hours-end.body"),
            AtLimit::Block => ("closes.summary", "closes.block"),
            AtLimit::Close => ("closes.summary", "closes.close"),
            AtLimit::Freeze => ("closes.summary", "closes.freeze"),
            AtLimit::Lock => ("closes.summary", "closes.lock"),
        };
        let facts = [
            ("name", closes.name.into()),
            ("time", moment.calendar.clock_face(closes.at).into()),
            ("again", self.at(moment, closes.until).into()),
        ];
        self.notice(summary, body, &facts)
    }

    /// A limit was reached, and this was done. To be said again when what was done changes: when a program that was asked
    /// to close kept its work and was put away.
    pub fn reached(&self, moment: &Moment, reached: &Reached<'_>) -> Notice {
        let what = self.cause(reached);
        let done = match reached.done {
            _ if reached.cause.never() => None,
            Done::Told => None,
            Done::Closed => Some("done.closed"),
            Done::AskedToClose => Some("done.asked-to-close"),
            Done::Kept => Some("done.kept"),
            Done::Frozen => Some("done.frozen"),
            Done::NotFrozen => Some("done.not-frozen"),
            Done::Locked => Some("done.locked"),
        };
        let facts = [("again", self.at(moment, reached.until).into())];
        let body = match done {
            Some(done) => self.both(what, self.say(done, &facts)),
            None => what,
        };
        Notice { summary: self.title(reached), body }
    }

    /// What a limit was reached by, in one line: the title of the notice and of the prompt.
    pub(super) fn title(&self, reached: &Reached<'_>) -> String {
        let mut facts = vec![("name", reached.name.into())];
        let id = match reached.cause {
            cause if cause.never() => "reached-none.summary",
            Cause::Time { per: each, .. } => {
                facts.push(("per", per(each)));
                "reached-time.summary"
            }
            Cause::Visits { visits, per: each } => {
                facts.push(("per", per(each)));
                facts.push(("visits", visits.into()));
                "reached-visits.summary"
            }
            Cause::NotToday => "reached-none.summary",
            Cause::Hours if reached.done == Done::Told => "outside-hours",
            Cause::Hours | Cause::Focus => "reached-hours.summary",
        };
        self.say(id, &facts)
    }

    /// The sentence that says what was reached.
    pub(super) fn cause(&self, reached: &Reached<'_>) -> String {
        let (closed, told, facts) = match reached.cause {
            cause if cause.never() => ("reached-none.closed", "reached-none.told", vec![]),
            Cause::Time { budget, per: each, .. } => {
                let facts = vec![("budget", budget.to_string().into()), ("per", per(each))];
                ("reached-time.closed", "reached-time.told", facts)
            }
            Cause::Visits { visits, per: each } => {
                let facts = vec![("visits", visits.into()), ("per", per(each))];
                ("reached-visits.closed", "reached-visits.told", facts)
            }
            Cause::NotToday => ("reached-none.today", "reached-none.today", vec![]),
            Cause::Hours => ("reached-hours.closed", "reached-hours.told", vec![]),
            Cause::Focus => ("reached-focus", "reached-focus", vec![]),
        };
        self.say(if reached.done == Done::Told { told } else { closed }, &facts)
    }

    /// What was reached, and whose rule that is: a focus session's is none that the person wrote.
    fn cause_and_rule(&self, rule: &str, reached: &Reached<'_>) -> String {
        match reached.cause {
            Cause::Focus => self.cause(reached),
            _ => self.both(self.cause(reached), self.say("why.rule", &[("rule", rule.into())])),
        }
    }

    /// It stays closed; `until`: when it opens again, `None`: its rule allows nothing at all.
    fn still_closed(&self, summary: &str, moment: &Moment, name: &str, until: Option<Wall>) -> Notice {
        let again = until.map(|until| self.at(moment, until)).unwrap_or_default();
        let body = if until.is_some() { "done.closed" } else { "reached-none.closed" };
        self.notice(summary, body, &[("name", name.into()), ("again", again.into())])
    }

    /// The person opened it while it is closed; `until`: when it opens again, `None`: its rule allows nothing at all.
    pub fn returned(&self, moment: &Moment, name: &str, until: Option<Wall>) -> Notice {
        self.still_closed("returned.summary", moment, name, until)
    }

    /// A browser was put away since no extension tells which site it shows, while one is closed; `until`: see
    /// [`Texts::returned`].
    pub fn unseen(&self, moment: &Moment, browser: &str, name: &str, until: Option<Wall>) -> Notice {
        let closed = until.map(|until| self.until(moment, until)).unwrap_or_default();
        let facts = [("browser", browser.into()), ("name", name.into()), ("until", closed.into())];
        let body = if until.is_some() { "unseen.until" } else { "unseen.closed" };
        self.notice("unseen.summary", body, &facts)
    }

    /// Why a limit acts, and by which rule: what the button tells where no prompt can be shown.
    pub fn because(&self, moment: &Moment, rule: &str, reached: &Reached<'_>) -> Notice {
        let told = reached.done == Done::Told;
        let facts = [("name", reached.name.into()), ("again", self.at(moment, reached.until).into())];
        let body = self.cause_and_rule(rule, reached);
        let again = (!told && !reached.cause.never()).then(|| self.say("done.closed", &facts));
        Notice {
            summary: self.say(if told { "why.told" } else { "why.summary" }, &facts),
            body: match again {
                Some(again) => self.both(body, again),
                None => body,
            },
        }
    }

    /// What stands on the page that a browser shows in place of a blocked one: which rule and how much was used, and when
    /// it opens again (empty where there is no time for it at all).
    pub fn blocked_page(&self, moment: &Moment, rule: &str, reached: &Reached<'_>) -> (String, String) {
        let facts = [("again", self.at(moment, reached.until).into())];
        let why = self.cause_and_rule(rule, reached);
        let opens = if reached.cause.never() { String::new() } else { self.say("done.closed", &facts) };
        (why, opens)
    }

    /// The wait before a snooze began; `from`: when it is over. `sentence`: what to type after `dwell snooze`, where the
    /// person has to type their sentence; `None`: the snooze then starts by itself. `still`: see [`Texts::snoozed`].
    pub fn snooze_waits(
        &self,
        moment: &Moment,
        name: &str,
        length: Millis,
        from: Wall,
        sentence: Option<&str>,
        still: Option<(&str, Option<Wall>)>,
    ) -> Notice {
        let facts = [
            ("name", name.into()),
            ("more", self.more(length).into()),
            ("time", to_the_second(&moment.calendar, from).into()),
            ("until", self.until(moment, from + length).into()),
            ("target", sentence.unwrap_or_default().into()),
        ];
        let body = if sentence.is_some() { "snooze-waits.sentence" } else { "snooze-waits.itself" };
        let notice = self.notice("snooze-waits.summary", body, &facts);
        match still {
            // How to go on goes before what it will not do, and there is no room for both.
            Some((rule, until)) if sentence.is_none() => {
                Notice { body: self.still(moment, rule, until), ..notice }
            }
            _ => notice,
        }
    }

    /// A limit was put off; `still`: the other rule that keeps it closed all the same, and until when.
    pub fn snoozed(
        &self,
        moment: &Moment,
        snoozed: &Snoozed<'_>,
        still: Option<(&str, Option<Wall>)>,
    ) -> Notice {
        let facts = [
            ("name", snoozed.name.into()),
            ("more", self.more(snoozed.length).into()),
            ("until", self.until(moment, snoozed.until).into()),
            ("left", snoozed.left.into()),
        ];
        let notice = self.notice("snoozed.summary", "snoozed.body", &facts);
        match still {
            None => notice,
            Some((rule, until)) => Notice { body: self.still(moment, rule, until), ..notice },
        }
    }

    /// Another rule keeps something closed while one is put off; `until`: `None` where it allows nothing at all.
    pub fn still(&self, moment: &Moment, rule: &str, until: Option<Wall>) -> String {
        let until = until.map(|until| self.until(moment, until));
        let id = if until.is_some() { "still.until" } else { "still.never" };
        self.say(id, &[("rule", rule.into()), ("until", until.unwrap_or_default().into())])
    }

    /// A snooze is over, and the limit acts again; `until`: see [`Texts::returned`].
    pub fn snooze_over(&self, moment: &Moment, name: &str, until: Option<Wall>) -> Notice {
        self.still_closed("snooze-over.summary", moment, name, until)
    }

    /// The person asked for a snooze, and none is left; `until`: see [`Texts::returned`].
    pub fn no_snooze(&self, moment: &Moment, name: &str, until: Option<Wall>) -> Notice {
        self.still_closed("no-snooze.summary", moment, name, until)
    }

    /// A line of the digest: a limit that was reached without a notification of its own, at this time.
    pub fn digest(&self, moment: &Moment, name: &str, cause: Cause, at: Wall) -> String {
        let name_and_time: &Facts<'_> =
            &[("name", name.into()), ("time", moment.calendar.clock_face(at).into())];
        let with = |fact| [name_and_time, &[fact]].concat();
        match cause {
            cause if cause.never() => self.say("digest.none", name_and_time),
            Cause::Time { budget, .. } => {
                self.say("digest.time", &with(("budget", budget.to_string().into())))
            }
            Cause::Visits { visits, .. } => self.say("digest.visits", &with(("visits", visits.into()))),
            Cause::NotToday => self.say("digest.none", name_and_time),
            Cause::Hours => self.say("digest.hours", name_and_time),
            Cause::Focus => self.say("digest.focus", name_and_time),
        }
    }
}
