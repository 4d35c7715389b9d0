//! Changing the rules: tighter at once, looser after a wait and a confirmation.

use std::hash::{DefaultHasher, Hash, Hasher};

use dwell_bus::{Failure, Kind, Reply, wire};
use dwell_core::policy::Judged;
use dwell_core::rules::{
    Amount, AtLimit, Budget, Comparison, Days, Edit, EditError, Hours, Per, Rule, RuleError, RuleId, RuleSet,
    RulesText, Strict, TextError, Window, compare, describe, guard, loosens, new_id, warnings,
};
use dwell_core::standing::{Change, ConfirmError, Moment, Pending, Ruling};
use dwell_core::subject::Target;
use dwell_core::time::Millis;

use super::Hub;
use super::aliases::Idle;
use crate::clock;
use crate::enforcement::Order;
use crate::record::Text;

/// The longest lock, in days.
const LOCK_DAYS: i32 = 366;

/// The way to get rid of a lock before its day, said where one is met.
const LOCKED: &str = "you locked it until then; `dwell exit` gives a way out for a day";

impl Hub {
    /// Makes a rule, or changes the one that the target has.
    pub(super) fn set_limit(
        &mut self,
        named: &Target,
        amount: Millis,
        options: &wire::LimitOptions,
        reply: Reply<wire::Limit>,
    ) {
        let target = self.counted(named.clone());
        let alias = (*named != target).then(|| named.to_string());
        let set = self.rule_of(&target, amount, options).and_then(|rule| {
            let id = rule.id.clone();
            self.change(&Edit::Put(rule)).map(|change| (id, change))
        });
        match set {
            Err(failure) => _ = reply.send(Err(failure)),
            Ok((id, change)) => {
                // It holds from now on, however long what it has used is looked for.
                self.save_record();
                self.when_counted(Box::new(move |hub| {
                    let verdicts = hub.verdicts_now();
                    let judged = verdicts.rules.iter().find(|judged| *judged.id() == id);
                    let limit = judged.map(|judged| {
                        let mut limit = hub.limit(judged);
                        limit.pending = change.pending.clone();
                        limit.alias.clone_from(&alias);
                        limit.warnings = Some(change.warnings.clone()).filter(|odd| !odd.is_empty());
                        limit
                    });
                    let lost =
                        || Failure::new(Kind::Failed, "the rule was not kept").hint("see `dwell doctor`");
                    hub.save_rules_then(reply, limit.ok_or_else(lost));
                }));
            }
        }
    }

    /// The rule that a person describes.
    pub(super) fn rule_of(
        &self,
        target: &Target,
        amount: Millis,
        options: &wire::LimitOptions,
    ) -> Result<Rule, Failure> {
        self.rules_must_be_there()?;
        if self.idleness(target) == Some(Idle::Within) {
            let message = format!("{target} never counts: terminals count as a whole");
            return Err(Failure::new(Kind::Invalid, message)
                .hint("set terminal-programs = true in the configuration first"));
        }
        let per: Option<Per> = options.per.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let at_limit: Option<AtLimit> =
            options.at_limit.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let mut rule = self.meant(target, options.id.as_deref())?;
        if options.only_hours == Some(true) {
            rule.budget = None;
        } else {
            let amount = options.opens.map_or(Amount::Time(amount), Amount::Opens);
            rule.budget = Some(Budget { amount, per: per.unwrap_or_else(|| rule.per()) });
        }
        rule.at_limit = at_limit.unwrap_or(rule.at_limit);
        if let Some(days) = &options.on {
            rule.days = days.parse::<Days>().map_err(|error| {
                Failure::new(Kind::Invalid, error.to_string()).hint("write it like mon-fri or sat,sun")
            })?;
        }
        match (&options.blocked, &options.allowed) {
            (Some(_), Some(_)) => return Err(wrong(RuleError::BothHours)),
            (Some(blocked), None) => rule.hours = Hours::Blocked(windows(blocked)?),
            (None, Some(allowed)) => rule.hours = Hours::Allowed(windows(allowed)?),
            (None, None) => {}
        }
        if let Some(text) = &options.strict {
            rule.strict = strict(text)?;
        }
        if let Some(except) = &options.except {
            let target = |text: &String| Target::typed(text);
            rule.except = except.iter().map(target).collect::<Result<_, _>>().map_err(|error| {
                Failure::new(Kind::Invalid, format!("an exception is no target: {error}"))
                    .hint("write it with its kind: domain:docs.rs, app:ID, category:C")
            })?;
        }
        let time = rule.time();
        let fits = |warn: &Vec<Millis>| time.is_some_and(|time| warn.iter().all(|warn| *warn < time));
        rule.warn = match options.warn_ms.map(Millis::from_ms) {
            Some(warn) => Some(Some(warn).into_iter().filter(|warn| !warn.is_zero()).collect()),
            // A warning that the person once chose stays, as long as it fits.
            None => rule.warn.take().filter(fits),
        };
        rule.check().map_err(wrong)?;
        Ok(rule)
    }

    /// The rule that is changed: the one of that id, else the only one of the target, else a new one.
    fn meant(&self, target: &Target, id: Option<&str>) -> Result<Rule, Failure> {
        let rules = self.book.rules();
        if let Some(id) = id {
            let id = RuleId::new(id).map_err(|error| {
                Failure::new(Kind::Invalid, format!("the id is bad: {error}")).hint("choose a short word")
            })?;
            return match rules.iter().find(|rule| rule.id == id) {
                Some(rule) if rule.target != *target => {
                    let message = format!("the limit \"{}\" is about {}", id.as_str(), rule.target);
                    Err(Failure::new(Kind::Invalid, message).hint("choose another id"))
                }
                Some(rule) => Ok(rule.clone()),
                None => Ok(Rule::new(id, target.clone(), None)),
            };
        }
        // Hours alone are no simple rule: an amount makes one beside them.
        let same = |rule: &&Rule| {
            rule.budget.is_some() && rule.target.to_string().eq_ignore_ascii_case(&target.to_string())
        };
        match rules.iter().filter(same).collect::<Vec<_>>().as_slice() {
            [] => Ok(Rule::new(new_id(target, rules).map_err(wrong)?, target.clone(), None)),
            [one] => Ok((*one).clone()),
            several => {
                let ids: Vec<&str> = several.iter().map(|rule| rule.id.as_str()).collect();
                let message = format!("there are several limits on {target}: {}", ids.join(", "));
                Err(Failure::new(Kind::Invalid, message)
                    .hint("say which with --id, or a new id for another one"))
            }
        }
    }

    /// Removes a rule.
    pub(super) fn remove_limit(&mut self, id: &str) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        let known = || self.book.rules().iter().map(|rule| rule.id.as_str());
        let by_id = self.book.rules().iter().find(|rule| rule.id.as_str() == id);
        let Some(rule) = by_id.map_or_else(|| self.only_rule_of(id), |rule| Ok(Some(rule)))? else {
            let made = self.book.held().iter().find(|held| held.rule.id.as_str() == id);
            let near =
                known().min_by_key(|known| distance(known, id)).filter(|known| distance(known, id) <= 3);
            let hint = match (made, near) {
                (Some(_), _) => {
                    "it ends by itself, or with `dwell focus stop` or `dwell reset-week stop`".to_owned()
                }
                (None, Some(near)) => format!("did you mean \"{near}\"?"),
                (None, None) => "`dwell limit list` shows the ids".to_owned(),
            };
            return Err(Failure::new(Kind::NotFound, format!("there is no limit \"{id}\"")).hint(hint));
        };
        let edit = Edit::Remove(rule.id.clone());
        self.change(&edit)
    }

    /// The rule of a target, as it is typed, that has just one; `None`: it has none.
    fn only_rule_of(&self, text: &str) -> Result<Option<&Rule>, Failure> {
        let text = text.trim();
        let meant = Target::typed(text).map(|target| self.counted(target).to_string());
        let names = |rule: &&Rule| {
            let target = rule.target.to_string();
            let bare = target.split_once(':').map_or(target.as_str(), |(_, bare)| bare);
            [text, meant.as_deref().unwrap_or(text)].iter().any(|name| target.eq_ignore_ascii_case(name))
                || bare.eq_ignore_ascii_case(text)
        };
        match self.book.rules().iter().filter(names).collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                let ids: Vec<&str> = several.iter().map(|rule| rule.id.as_str()).collect();
                let message = format!("there are several limits on that: {}", ids.join(", "));
                Err(Failure::new(Kind::Invalid, message).hint("say which, by its id"))
            }
        }
    }

    /// Changes the rules, or has the change wait.
    pub(super) fn change(&mut self, edit: &Edit) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        let moment = self.moment(clock::now());
        let new = edit.apply(&self.book.text).map_err(|error| cannot(&error))?;
        self.locks_make_sense(new.set(), &moment)?;
        let mut change = self.described(edit, &new);
        match self.ruling(new.set(), &moment) {
            Ruling::AtOnce => {
                self.take_rules(new, &moment);
                change.applied = true;
            }
            Ruling::Waits(ready_at) => {
                let loosens = self.loosened_by(new.set(), &moment);
                let waiting = Waiting { edit: edit.clone(), loosens };
                let stored = serde_json::to_string(&waiting).unwrap_or_default();
                let asked = self.record.standing.ask_change(stored, change.lines.clone(), ready_at, &moment);
                let pending = asked.map_err(|error| {
                    Failure::new(Kind::Invalid, error.to_string()).hint("see `dwell limit pending`")
                })?;
                change.pending = Some(self.pending(&pending, &moment));
                self.book.stale();
            }
            Ruling::Locked(day) => {
                return Err(Failure::new(Kind::Denied, format!("this is locked until {day}")).hint(LOCKED));
            }
        }
        Ok(change)
    }

    /// A lock that is new lasts at least until tomorrow, and a year at most: one of a slip of the finger would hold for
    /// centuries.
    fn locks_make_sense(&self, new: &RuleSet, moment: &Moment) -> Result<(), Failure> {
        let (old, beside) = (self.book.rules(), self.beside_rules());
        let is_new = |rule: &&Rule| {
            old.iter().all(|old| old.id != rule.id || old.strict != rule.strict)
                // What was in force a moment ago was sensible, or has become a lock that is over.
                && !self.record.standing.is_former(rule, beside, moment)
        };
        for rule in new.rules.iter().filter(is_new) {
            if let Strict::LockedUntil(day) = rule.strict {
                let why = if day <= moment.today {
                    "is over"
                } else if day > moment.today.plus(LOCK_DAYS) {
                    "is more than a year away"
                } else {
                    continue;
                };
                return Err(Failure::new(Kind::Invalid, format!("a lock until {day} {why}"))
                    .hint("choose a day from tomorrow to a year from now"));
            }
        }
        Ok(())
    }

    /// What a change would do, for people.
    fn described(&self, edit: &Edit, new: &RulesText) -> wire::Change {
        let mut change = self.weighed(new);
        if !matches!(edit, Edit::Import(_)) {
            // What is odd elsewhere was so before, and is none of this change's matter.
            let before = warnings(self.book.set());
            change.warnings.retain(|odd| !before.contains(odd));
        }
        if let Edit::Category(target, category) = edit {
            change.lines = self.category_lines(target, category.as_ref(), new.set()).unwrap_or(change.lines);
        }
        change
    }

    /// What a text would change, for people.
    fn weighed(&self, new: &RulesText) -> wire::Change {
        let old = self.book.set();
        wire::Change {
            is: word(compare(old, new.set())).to_owned(),
            applied: false,
            pending: None,
            lines: describe(old, new.set()),
            warnings: warnings(new.set()),
            rules: u32::try_from(new.set().rules.len()).unwrap_or(u32::MAX),
            zone: self.calendar().zone.name().to_owned(),
        }
    }

    /// What a set would loosen, rule by rule.
    fn loosened_by(&self, new: &RuleSet, moment: &Moment) -> Vec<String> {
        loosens(&self.settled(self.book.set(), moment), &self.settled(new, moment))
    }

    /// When a set of rules can take the place of the one in force. Rules that were made just now are left out of the
    /// question.
    fn ruling(&self, new: &RuleSet, moment: &Moment) -> Ruling {
        self.ruling_between(self.book.set(), new, moment)
    }

    /// When one set can take the place of another.
    pub(super) fn ruling_between(&self, old: &RuleSet, new: &RuleSet, moment: &Moment) -> Ruling {
        let (mut old, new) = (self.settled(old, moment), self.settled(new, moment));
        // What was made stricter a moment ago can be had back as it was: it is weighed as if it had never been changed.
        let beside = self.beside_rules();
        for rule in &mut old.rules {
            let back = new.rules.iter().find(|new| new.id == rule.id);
            if let Some(back) = back.filter(|back| self.record.standing.is_former(back, beside, moment)) {
                rule.clone_from(back);
            }
        }
        let loosens = matches!(compare(&old, &new), Comparison::Looser | Comparison::Mixed);
        Change { loosens, guard: guard(&old, &new), fresh: false }.ruling(moment)
    }

    /// A set as it is compared: without rules that were made just now, and with everything said that holds unsaid.
    fn settled(&self, set: &RuleSet, moment: &Moment) -> RuleSet {
        let mut set = set.clone();
        set.rules.retain(|rule| !self.record.standing.is_fresh(&rule.id, moment));
        // What hours block depends on when days start, also where the text does not say it. The same of how time is
        // charged: saying what holds anyway changes nothing.
        if let Some(charging) = &self.record.charging {
            set.settings.idle_after.get_or_insert(charging.idle_after);
            set.settings.zone = set.settings.zone.or_else(|| charging.zone.as_ref()?.parse().ok());
        }
        set.settings.day_start.get_or_insert(self.calendar().day_start);
        set
    }

    /// What stands for all that decides what rules mean, beside the rules. It need only tell a change within minutes.
    fn beside_rules(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let set = self.book.set();
        set.categories.iter().for_each(|(target, category)| {
            (target, category).hash(&mut hasher);
        });
        let charging = serde_json::to_string(&(&self.record.charging, set.settings.day_start));
        charging.unwrap_or_default().hash(&mut hasher);
        hasher.finish()
    }

    fn take_rules(&mut self, new: RulesText, moment: &Moment) {
        let (before, beside) = (self.book.rules().to_vec(), self.beside_rules());
        self.record.standing.rules_changed(self.book.rules(), &new.set().rules, moment);
        let settings = self.book.set().settings.clone();
        let categories_changed = self.book.set().categories != new.set().categories;
        self.record.text = Text(new.to_text());
        self.record.before_text.clear();
        self.book.text = new;
        self.book.stale();
        if categories_changed {
            self.categories_changed();
        }
        if self.book.set().settings != settings {
            self.settings_changed(&settings);
        }
        if self.beside_rules() == beside {
            let after = self.book.rules();
            self.record.standing.note_tightened(&before, after, beside, moment);
        } else {
            self.record.standing.forget_former_rules();
        }
        let now = clock::now();
        self.say_rules_changed(now);
        self.tick(now);
        self.order(Order::Changed);
    }

    /// What taking a text would mean.
    pub(super) fn check_rules(&mut self, text: &str) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        let new = RulesText::parse(text).map_err(|error| misread(&error))?;
        let moment = self.moment(clock::now());
        let mut change = self.weighed(&new);
        let (waits_ms, locked_until) = match self.ruling(new.set(), &moment) {
            Ruling::AtOnce => return Ok(change),
            Ruling::Waits(ready_at) => (moment.left(ready_at).as_ms(), None),
            Ruling::Locked(day) => (0, Some(day.to_string())),
        };
        change.pending = Some(wire::Pending {
            lines: change.lines.clone(),
            asked_at_ms: moment.now.wall.as_unix_ms(),
            waits_ms,
            locked_until,
            ..wire::Pending::default()
        });
        Ok(change)
    }

    /// Makes a change that has waited.
    pub(super) fn confirm(&mut self, id: &str) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        let unknown = || {
            Failure::new(Kind::NotFound, format!("no change \"{id}\" waits"))
                .hint("see `dwell limit pending`")
        };
        let pending = self.record.standing.pending(&moment).find(|pending| pending.id == id).cloned();
        let pending = pending.ok_or_else(unknown)?;
        let Waiting { edit, loosens } = serde_json::from_str(&pending.edit).map_err(|_| {
            Failure::new(Kind::Failed, "this change was asked of another version of dwell")
                .hint(format!("dwell limit cancel {id}, then ask for it again"))
        })?;
        let new = edit.apply(&self.book.text).map_err(|error| cannot(&error))?;
        let mut change = self.described(&edit, &new);
        let ruling = self.ruling(new.set(), &moment);
        let locked_until = match ruling {
            Ruling::Locked(day) => Some(day),
            Ruling::AtOnce | Ruling::Waits(_) => None,
        };
        // Unknown only if it was given up meanwhile, which nobody could have done.
        let _ = self.record.standing.lock_change(id, locked_until);
        self.book.stale();
        self.record.standing.confirm(id, &moment).map_err(|error| match error {
            ConfirmError::NotFound => unknown(),
            ConfirmError::TooEarly { left } => {
                let message = format!("it waits for another {left} with the machine on");
                Failure::new(Kind::Denied, message)
                    .hint("confirm it then, or give it up: `dwell limit cancel`")
            }
            ConfirmError::Locked(day) => {
                Failure::new(Kind::Denied, format!("this is locked until {day}")).hint(LOCKED)
            }
        })?;
        self.book.stale();
        let now = self.loosened_by(new.set(), &moment);
        if matches!(ruling, Ruling::Waits(_)) && now.iter().any(|rule| !loosens.contains(rule)) {
            // It would loosen what it did not when it was asked for, and that has not waited.
            let mut again = self.change(&edit)?;
            again
                .warnings
                .insert(0, "the rules have changed since this was asked for, so it waits anew".to_owned());
            return Ok(again);
        }
        self.take_rules(new, &moment);
        change.applied = true;
        Ok(change)
    }

    /// Gives up a change that waits.
    pub(super) fn cancel(&mut self, id: &str) -> Result<(), Failure> {
        self.rules_must_be_there()?;
        self.record.standing.cancel(id).map_err(|_| {
            Failure::new(Kind::NotFound, format!("no change \"{id}\" waits"))
                .hint("see `dwell limit pending`")
        })?;
        self.book.stale();
        self.tick(clock::now());
        self.order(Order::Changed);
        Ok(())
    }

    /// All changes that wait.
    pub(super) fn list_pending(&mut self) -> Result<Vec<wire::Pending>, Failure> {
        self.rules_must_be_there()?;
        let now = clock::now();
        self.tick(now);
        let moment = self.moment(now);
        Ok(self.record.standing.pending(&moment).map(|pending| self.pending(pending, &moment)).collect())
    }

    /// The strictest rule that blocks a target, or the one of that id.
    pub(super) fn blocking<'a>(&self, judged: &'a [Judged], target: &Target) -> Option<&'a Judged> {
        let mut blocking: Vec<&Judged> =
            judged.iter().filter(|judged| self.applies(judged, target)).collect();
        blocking.sort_by_key(|judged| (judged.verdict, judged.until, judged.reached()));
        blocking.pop().filter(|judged| judged.reached() && !judged.suspended)
    }
}

/// A change that waits, as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Waiting {
    edit: Edit,
    /// What it would loosen of the rules as they were when it was asked for.
    loosens: Vec<String>,
}

/// Whether a change that waits is about a rule alone.
pub(super) fn is_about(pending: &Pending, id: &RuleId) -> bool {
    match serde_json::from_str::<Waiting>(&pending.edit).map(|waiting| waiting.edit) {
        Ok(Edit::Put(rule)) => rule.id == *id,
        Ok(Edit::Remove(removed)) => removed == *id,
        Ok(Edit::Import(_) | Edit::Category(..)) | Err(_) => false,
    }
}

const fn word(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Same => "same",
        Comparison::Tighter => "tighter",
        Comparison::Looser => "looser",
        Comparison::Mixed => "mixed",
    }
}

fn windows(texts: &[String]) -> Result<Vec<Window>, Failure> {
    let window = |text: &String| {
        text.parse().map_err(|error| {
            Failure::new(Kind::Invalid, format!("hours: {error}")).hint("write them like 22:00-07:00")
        })
    };
    texts.iter().map(window).collect()
}

fn strict(text: &str) -> Result<Strict, Failure> {
    let day = |text: &str| text.trim_start_matches(['-', ' ', '=']).parse().ok().map(Strict::LockedUntil);
    let strict = match text {
        "open" => Some(Strict::Open),
        "cooling" => Some(Strict::Cooling),
        _ => text.strip_prefix("locked-until").and_then(day),
    };
    strict.ok_or_else(|| {
        Failure::new(Kind::Invalid, "no such strictness; there is open, cooling, locked-until-2026-12-31")
            .hint("cooling is the default: looser waits a day")
    })
}

/// A rule that cannot be, and the next step.
pub(super) fn wrong(error: RuleError) -> Failure {
    let hint = match error {
        RuleError::BudgetTooLong(..) => "choose less",
        RuleError::WarningTooEarly => "choose a warning shorter than the amount",
        RuleError::TooMany => "remove one: `dwell limit list`, `dwell limit remove ID`",
        RuleError::BothHours => "choose one kind, or make two limits with --id",
        RuleError::Idle => "give an amount, or hours",
        _ => "see `dwell limit set --help`",
    };
    Failure::new(Kind::Invalid, error.to_string()).hint(hint)
}

/// A change that cannot be made. Where in a text that nobody has seen something would be wrong helps nobody.
fn cannot(error: &EditError) -> Failure {
    match error {
        EditError::Text(text) => Failure::new(Kind::Invalid, text.message.clone()).hint(text.hint.clone()),
        EditError::NoSuchRule(_) => {
            Failure::new(Kind::NotFound, error.to_string()).hint("`dwell limit list` shows the ids")
        }
        EditError::NotOneRule => Failure::new(Kind::Invalid, error.to_string()),
    }
}

/// A text that cannot be read, with the place.
fn misread(error: &TextError) -> Failure {
    Failure::new(Kind::Invalid, error.to_string()).hint(error.hint.clone())
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(a, &b.to_ascii_lowercase())
}

impl Hub {
    /// Takes a text of rules.
    pub(super) fn import_rules(&mut self, text: &str) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        RulesText::parse(text).map_err(|error| misread(&error))?;
        self.change(&Edit::Import(text.to_owned()))
    }
}
