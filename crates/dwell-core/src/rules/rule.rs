//! One rule: how much of a target and when, and what happens at the limit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::week::{Days, Window};
use crate::browser;
use crate::calendar::CivilDay;
use crate::subject::{Category, IdError, Subject, Target, private_id};
use crate::time::Millis;

/// At most this many rules: far above what a person can mean, low enough to judge them all at each change.
pub const MAX_RULES: usize = 200;
/// At most this many warnings a rule.
pub const MAX_WARNINGS: usize = 4;
/// At most this many windows of a kind a rule.
pub const MAX_WINDOWS: usize = 12;
/// At most this many exceptions a rule.
pub const MAX_EXCEPTIONS: usize = 50;

private_id! {
    /// A rule's id, chosen by the person or made from its target: it says as much as the target does.
    RuleId, 64
}

/// The period for which a budget is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// An hour by the clock on the wall.
    Hour,
    /// A dwell day.
    #[default]
    Day,
    /// Seven dwell days from Monday.
    Week,
    /// A calendar month of dwell days.
    Month,
}

/// What happens when a budget is used up, or in a blocked window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtLimit {
    /// The person is told; nothing else.
    Notify,
    /// Told, and the target's windows are minimised, again whenever they come back.
    #[default]
    Block,
    /// Told, and the target's windows are asked to close.
    Close,
    /// Told, minimised, and the program is frozen as long as the block lasts, where that is safe.
    Freeze,
    /// Told, and the session is locked, once; after that as with [`AtLimit::Block`].
    Lock,
}

/// What a rule about sites says of a browser of which no site is known: its extension is not linked, or it shows a private
/// window. In the order of strictness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WithoutExtension {
    /// Nothing: its time is the browser's alone.
    #[default]
    Ignore,
    /// While the rule blocks, such a browser is put away as well.
    Block,
    /// As with [`WithoutExtension::Block`], and its time counts for the rule. Pages without a site (a new tab, a local file)
    /// count too: in what is recorded they are told apart no more.
    CountAll,
}

/// How much a budget gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So much attention; zero: none at all.
    Time(Millis),
    /// So many visits (see [`crate::ledger::VISIT_GAP`]): the one after them is blocked.
    Opens(u32),
}

/// How much, and in which period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub amount: Amount,
    /// In each of these.
    pub per: Per,
}

/// How a limit can be put off. The sentence is private: `Debug` says only whether there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Snooze {
    /// For how long at a time.
    pub length: Millis,
    /// How often a dwell day; zero: never.
    pub per_day: u32,
    /// How long the person waits before it begins.
    pub wait: Millis,
    /// What the person types first, in words of their own; `None`: nothing.
    pub sentence: Option<String>,
}

impl fmt::Debug for Snooze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snooze")
            .field("length", &self.length)
            .field("per_day", &self.per_day)
            .field("wait", &self.wait)
            .field("sentence", &self.sentence.as_ref().map(|_| "‹redacted›"))
            .finish()
    }
}

impl Default for Snooze {
    /// Five minutes, three times a day, after twenty seconds.
    fn default() -> Self {
        Self { length: Millis::from_mins(5), per_day: 3, wait: Millis::from_secs(20), sentence: None }
    }
}

/// How a rule can be loosened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strict {
    /// At once.
    Open,
    /// After a wait and a confirmation (see [`crate::rules::COOLING`]).
    #[default]
    Cooling,
    /// From the start of this day on, as with [`Strict::Cooling`]; not before.
    LockedUntil(CivilDay),
}

macro_rules! words {
    ($type:ty, $what:literal: $($word:literal = $variant:ident),+) => {
        impl $type {
            /// Every word that is understood.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that is typed and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = RuleError;
            fn from_str(text: &str) -> Result<Self, RuleError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(RuleError::UnknownWord { what: $what, words: Self::WORDS.join(", ") }),
                }
            }
        }
    };
}

words!(Per, "period": "hour" = Hour, "day" = Day, "week" = Week, "month" = Month);
words!(
    AtLimit,
    "action at the limit": "notify" = Notify, "block" = Block, "close" = Close, "freeze" = Freeze, "lock" = Lock
);

words!(
    WithoutExtension, "way with browsers without the extension":
    "ignore" = Ignore, "block" = Block, "count-all" = CountAll
);

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A word that is not one of those understood.
    #[error("no such {what}; there is {words}")]
    UnknownWord {
        /// What the word was for.
        what: &'static str,
        /// The words that there are.
        words: String,
    },
    /// More than the period has.
    #[error("a budget per {0} is at most {1}")]
    BudgetTooLong(Per, &'static str),
    /// A warning that would come before the first second is used.
    #[error("a warning would come before anything is used")]
    WarningTooEarly,
    /// Warnings that a rule of this kind cannot give.
    #[error("warnings go with a budget of time")]
    WarningWithoutTime,
    /// More warnings than anyone could want.
    #[error("at most {MAX_WARNINGS} warnings")]
    TooManyWarnings,
    /// Neither a budget nor a window.
    #[error("it has neither a budget nor hours")]
    Idle,
    /// Both kinds of windows.
    #[error("it has both blocked and allowed hours")]
    BothHours,
    /// More windows than are kept.
    #[error("at most {MAX_WINDOWS} stretches of hours")]
    TooManyWindows,
    /// More exceptions than are kept.
    #[error("at most {MAX_EXCEPTIONS} exceptions")]
    TooManyExceptions,
    /// An exception that covers the rule's whole target.
    #[error("an exception covers all that the rule is about")]
    ExceptAll,
    /// The whole week is free of counting.
    #[error("no hour is left in which anything counts")]
    NothingCounts,
    /// Carrying over needs a period that is not an hour, and a budget of time.
    #[error("only time per day, week or month can be carried over")]
    Rollover,
    /// What it says of browsers without the extension has no meaning where it is not about sites.
    #[error("without-extension goes with a domain or a category")]
    WithoutExtension,
    /// A snooze that is longer than a limit is worth.
    #[error("a snooze lasts 1m to 1h, at most 20 times a day, after a wait of at most 10m")]
    Snooze,
    /// A sentence that nobody could type again.
    #[error("the sentence has 1 to 200 characters, in one line")]
    Sentence,
    /// More rules than are kept.
    #[error("there are {MAX_RULES} rules already")]
    TooMany,
    /// A bad id.
    #[error("the rule's id is bad: {0}")]
    Id(#[from] IdError),
}

/// What a person has decided about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it is about.
    pub target: Target,
    /// How much; `None`: only hours.
    pub budget: Option<Budget>,
    /// On which dwell days it holds. On others nothing is charged to it.
    pub days: Days,
    /// When the target is blocked, or the only times when it is not.
    pub hours: Hours,
    /// How long before the limit the person wants to be warned, longest first; empty: not at all; `None`: see
    /// [`default_warning`].
    pub warn: Option<Vec<Millis>>,
    /// What happens at the limit.
    pub at_limit: AtLimit,
    /// How it can be put off.
    pub snooze: Snooze,
    /// How it can be loosened.
    pub strict: Strict,
    /// What is never charged to it nor blocked by it.
    pub except: Vec<Target>,
    /// What is left over of one period is added to the next one (of that only: it does not pile up).
    pub rollover: bool,
    /// Hours in which nothing is charged to it.
    pub count_free: Vec<Window>,
    /// What it says of a browser of which no site is known.
    pub without_extension: WithoutExtension,
}

/// Hours of a rule. Windows belong to the dwell day on which they start, which must be one of the rule's days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// None of either kind.
    #[default]
    Any,
    /// Blocked within these.
    Blocked(Vec<Window>),
    /// Blocked outside of these.
    Allowed(Vec<Window>),
}

impl Hours {
    /// The windows.
    pub fn windows(&self) -> &[Window] {
        match self {
            Self::Any => &[],
            Self::Blocked(windows) | Self::Allowed(windows) => windows,
        }
    }
}

impl Rule {
    /// A rule with everything that the person did not name: a budget of time.
    pub fn new(id: RuleId, target: Target, budget: Option<Budget>) -> Self {
        Self {
            id,
            target,
            budget,
            days: Days::ALL,
            hours: Hours::Any,
            warn: None,
            at_limit: AtLimit::default(),
            snooze: Snooze::default(),
            strict: Strict::default(),
            except: Vec::new(),
            rollover: false,
            count_free: Vec::new(),
            without_extension: WithoutExtension::default(),
        }
    }

    /// The budget, where it is one of time.
    pub const fn time(&self) -> Option<Millis> {
        match self.budget {
            Some(Budget { amount: Amount::Time(time), .. }) => Some(time),
            _ => None,
        }
    }

    /// Whether the budget is one of nothing.
    pub const fn allows_nothing(&self) -> bool {
        match self.budget {
            Some(Budget { amount: Amount::Time(time), .. }) => time.is_zero(),
            Some(Budget { amount: Amount::Opens(opens), .. }) => opens == 0,
            None => false,
        }
    }

    /// The budget, where it is one of visits.
    pub const fn opens(&self) -> Option<u32> {
        match self.budget {
            Some(Budget { amount: Amount::Opens(opens), .. }) => Some(opens),
            _ => None,
        }
    }

    /// The period of the budget; a day where there is none.
    pub fn per(&self) -> Per {
        self.budget.map_or(Per::Day, |budget| budget.per)
    }

    /// How long before the limit the person is warned, longest first.
    pub fn warnings(&self) -> Vec<Millis> {
        match (self.time(), &self.warn) {
            (None, _) => Vec::new(),
            (Some(_), Some(chosen)) => chosen.clone(),
            (Some(time), None) => vec![default_warning(time)].into_iter().filter(|w| !w.is_zero()).collect(),
        }
    }

    /// Whether the rule is about a subject of this category.
    pub fn covers(&self, subject: &Subject, category: Option<&Category>) -> bool {
        self.target.covers_in(subject, category)
            && !self.except.iter().any(|except| except.covers_in(subject, category))
    }

    /// Whether the rule is about a browser for the reason that no site is known of it. That it is one who asks must know:
    /// it may be none of those known by name.
    pub fn covers_unseen(&self, subject: &Subject, category: Option<&Category>) -> bool {
        self.without_extension != WithoutExtension::Ignore
            && subject.domain.is_none()
            && !self.except.iter().any(|except| except.covers_in(subject, category))
    }

    /// Whether attention to a subject of this category counts for its budget.
    pub fn counts(&self, subject: &Subject, category: Option<&Category>) -> bool {
        self.covers(subject, category)
            || (self.without_extension == WithoutExtension::CountAll
                && browser::has_no_site(subject)
                && self.covers_unseen(subject, category))
    }

    /// Checks that the rule can be kept.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), RuleError> {
        if let Some(Budget { amount: Amount::Time(time), per }) = self.budget {
            let (most, said) = match per {
                Per::Hour => (60, "1h"),
                Per::Day => (24 * 60, "24h"),
                Per::Week => (7 * 24 * 60, "7d"),
                Per::Month => (31 * 24 * 60, "31d"),
            };
            if time > Millis::from_mins(most) {
                return Err(RuleError::BudgetTooLong(per, said));
            }
        }
        self.check_warnings()?;
        self.check_hours()?;
        if self.except.len() > MAX_EXCEPTIONS {
            return Err(RuleError::TooManyExceptions);
        }
        if self.except.iter().any(|except| *except == Target::All || *except == self.target) {
            return Err(RuleError::ExceptAll);
        }
        if self.rollover && (self.time().is_none() || self.per() == Per::Hour) {
            return Err(RuleError::Rollover);
        }
        let about_sites = matches!(self.target, Target::Domain(_) | Target::Category(_));
        if self.without_extension != WithoutExtension::Ignore && !about_sites {
            return Err(RuleError::WithoutExtension);
        }
        let Snooze { length, per_day, wait, sentence } = &self.snooze;
        let lengths = Millis::from_mins(1)..=Millis::from_mins(60);
        if *per_day > 20 || (*per_day > 0 && !lengths.contains(length)) || *wait > Millis::from_mins(10) {
            return Err(RuleError::Snooze);
        }
        let typable = |text: &String| {
            let characters = text.trim().chars().count();
            (1..=200).contains(&characters) && !text.chars().any(char::is_control)
        };
        if !sentence.as_ref().is_none_or(typable) { Err(RuleError::Sentence) } else { Ok(()) }
    }

    fn check_warnings(&self) -> Result<(), RuleError> {
        let Some(chosen) = self.warn.as_ref().filter(|chosen| !chosen.is_empty()) else { return Ok(()) };
        let Some(time) = self.time() else { return Err(RuleError::WarningWithoutTime) };
        if chosen.len() > MAX_WARNINGS {
            return Err(RuleError::TooManyWarnings);
        }
        if chosen.iter().any(|warning| *warning >= time) { Err(RuleError::WarningTooEarly) } else { Ok(()) }
    }

    fn check_hours(&self) -> Result<(), RuleError> {
        if self.budget.is_none() && self.hours.windows().is_empty() {
            return Err(RuleError::Idle);
        }
        if self.hours.windows().len() > MAX_WINDOWS || self.count_free.len() > MAX_WINDOWS {
            return Err(RuleError::TooManyWindows);
        }
        if self.count_free.iter().any(|free| free.minutes() == super::week::DAY_MINUTES) {
            return Err(RuleError::NothingCounts);
        }
        Ok(())
    }
}

/// The warning when the person names none: the smaller of five minutes and a fifth of the amount.
pub fn default_warning(amount: Millis) -> Millis {
    Millis::from_mins(5).min(Millis::from_ms(amount.as_ms() / 5))
}

/// An id for a rule on `target` that none of `taken` has: the target's last word, with a number when needed.
///
/// # Errors
/// Never in practice: the made id is short and plain.
pub fn new_id(target: &Target, taken: &[Rule]) -> Result<RuleId, RuleError> {
    let text = match target {
        Target::App(app) => app.as_str(),
        Target::Domain(domain) => domain.as_str(),
        Target::Category(category) => category.as_str(),
        Target::All => "all",
    };
    // org.mozilla.firefox → firefox; example.org stays whole, for there the front says more.
    let word = match target {
        Target::App(_) => text.rsplit('.').find(|part| !part.is_empty()).unwrap_or(text),
        Target::Domain(_) | Target::Category(_) | Target::All => text,
    };
    let mut slug = String::new();
    for c in word.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_matches(['-', '.']);
    let slug = if slug.is_empty() { "rule" } else { slug };
    let mut id = slug.to_owned();
    let mut number = 2;
    while taken.iter().any(|rule| rule.id.as_str() == id) {
        id = format!("{slug}-{number}");
        number += 1;
    }
    Ok(RuleId::new(id)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_from_targets() {
        let id = |target: &str, taken: &[Rule]| {
            new_id(&target.parse().unwrap(), taken).unwrap().as_str().to_owned()
        };
        assert_eq!(id("app:org.mozilla.firefox", &[]), "firefox");
        assert_eq!(id("app:AppA", &[]), "appa");
        assert_eq!(id("domain:example.org", &[]), "example.org");
        assert_eq!(id("all", &[]), "all");
        assert_eq!(id("app:日本", &[]), "rule");
        assert_eq!(id("app:foo.exe (x86)", &[]), "exe-x86");
        let taken = Rule::new(RuleId::new("firefox").unwrap(), Target::All, None);
        assert_eq!(id("app:firefox", &[taken]), "firefox-2");
    }

    #[test]
    fn absurd_rules_are_refused() {
        let rule = |amount: &str, per: Per, warn: &[&str]| Rule {
            warn: Some(warn.iter().map(|warn| warn.parse().unwrap()).collect()),
            ..Rule::new(
                RuleId::new("r").unwrap(),
                Target::All,
                Some(Budget { amount: Amount::Time(amount.parse().unwrap()), per }),
            )
        };
        assert_eq!(rule("24h", Per::Day, &["5m"]).check(), Ok(()));
        assert_eq!(rule("0s", Per::Day, &[]).check(), Ok(()));
        assert_eq!(rule("25h", Per::Day, &["5m"]).check(), Err(RuleError::BudgetTooLong(Per::Day, "24h")));
        assert_eq!(rule("61m", Per::Hour, &[]).check(), Err(RuleError::BudgetTooLong(Per::Hour, "1h")));
        assert_eq!(rule("5m", Per::Day, &["1m", "5m"]).check(), Err(RuleError::WarningTooEarly));
        let usual = rule("5m", Per::Day, &[]);
        let windows = |text: &str| vec![text.parse::<Window>().unwrap()];
        for (wrong, why) in [
            (Rule { budget: None, ..usual.clone() }, RuleError::Idle),
            (Rule { except: vec![Target::All], ..usual.clone() }, RuleError::ExceptAll),
            (Rule { count_free: windows("00:00-24:00"), ..usual.clone() }, RuleError::NothingCounts),
            (Rule { rollover: true, ..rule("5m", Per::Hour, &[]) }, RuleError::Rollover),
            (
                Rule {
                    snooze: Snooze { length: Millis::from_mins(61), ..Snooze::default() },
                    ..usual.clone()
                },
                RuleError::Snooze,
            ),
            (
                Rule { snooze: Snooze { sentence: Some(" ".into()), ..Snooze::default() }, ..usual.clone() },
                RuleError::Sentence,
            ),
            (
                Rule {
                    budget: None,
                    hours: Hours::Blocked(windows("22:00-07:00")),
                    warn: Some(vec![Millis::from_mins(1)]),
                    ..usual
                },
                RuleError::WarningWithoutTime,
            ),
        ] {
            assert_eq!(wrong.check(), Err(why));
        }
        let unknown = "blok".parse::<AtLimit>().unwrap_err().to_string();
        assert!(unknown.contains("notify, block, close, freeze, lock"));
    }

    #[test]
    fn the_warning_is_five_minutes_or_a_fifth() {
        assert_eq!(default_warning(Millis::from_mins(60)), Millis::from_mins(5));
        assert_eq!(default_warning(Millis::from_secs(3)), Millis::from_ms(600));
    }
}
