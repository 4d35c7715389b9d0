//! The enforcement record: the rules, and what must outlive the daemon to keep them.
//!
//! It is sealed by the vault under the key that is always at hand, so that rules hold even while the history is
//! locked away. The text inside is JSON: small, and readable by later versions field by field.

use std::collections::BTreeMap;

use dwell_core::calendar::{CivilDay, DayStart};
use dwell_core::ledger::Tally;
use dwell_core::policy::Stage;
use dwell_core::rules::{Amount, AtLimit, Budget, Per, Rule, RuleId};
use dwell_core::standing::{Gone, Standing};
use dwell_core::subject::{Category, Subject, Target};
use dwell_core::time::{Boot, Millis};
use dwell_desktop::freezer::Unit;
use dwell_vault::What;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Record {
    /// The rules as the person wrote them, or as dwell did for them: see [`dwell_core::rules::RulesText`].
    pub text: Text,
    /// Rules as the first versions kept them: read once, and kept as text from then on.
    #[serde(rename = "rules", skip_serializing_if = "Vec::is_empty")]
    pub before_text: Vec<FirstRule>,
    /// What is in force beside the rules.
    pub standing: Standing,
    /// How far each rule, by its id, had come when the person was last told: nobody is told twice after a restart.
    pub stages: BTreeMap<String, (CivilDay, Stage)>,
    /// What each rule, by its id, was charged: counters go on where history cannot be read.
    pub charged: Counters,
    /// Of that, what was forgotten since: it is recorded nowhere, and stays counted until the period is over.
    #[serde(rename = "forgotten-charges")]
    pub forgotten: Counters,
    /// What limits have put away or frozen and not given back yet.
    pub held_back: Vec<HeldBack>,
    /// What was given back, and is not known to run again yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thawing: Vec<HeldBack>,
    /// How time is charged, as it was in force last: the configuration alone cannot loosen it.
    pub charging: Option<Charging>,
    /// The last daemon's run.
    pub last: Option<Last>,
}

/// The settings that change what is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Charging {
    /// Without input for this long the person counts as away.
    pub idle_after: Millis,
    /// When a day starts.
    pub day_start: DayStart,
    /// The zone that was chosen; `None`: the system's.
    pub zone: Option<String>,
    /// What is counted as what; `None`: it was not kept yet.
    #[serde(default)]
    pub programs: Option<Programs>,
}

/// Which programs are told apart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Programs {
    /// Programs that are counted as another one.
    pub aliases: BTreeMap<String, String>,
    /// What runs in a terminal counts apart from it.
    pub terminal_programs: bool,
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹redacted›")
    }
}

/// What rules were charged, by their ids, each with the number of its period.
pub type Counters = BTreeMap<String, (i64, Tally)>;

/// A text of rules. Private: prints as `‹redacted›`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹redacted›")
    }
}

/// A program that a limit acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldBack {
    /// What was in front when the limit acted.
    pub subject: Subject,
    /// Its category then.
    pub category: Option<Category>,
    /// The units of the person's own systemd that were frozen.
    #[serde(default)]
    pub frozen: Vec<Text>,
    /// It is a browser, and was put away because no extension could tell its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
}

/// Why no extension can tell the site of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// None is linked.
    Unlinked,
    /// One is, and the window is a private one.
    Private,
}

impl HeldBack {
    /// Whether a rule is about it, be it for the only reason that its site could not be told.
    pub fn is_of(&self, rule: &Rule) -> bool {
        let (subject, category) = (&self.subject, self.category.as_ref());
        rule.covers(subject, category) || (self.unseen.is_some() && rule.covers_unseen(subject, category))
    }

    /// What was frozen of it.
    pub fn units(&self) -> impl Iterator<Item = Unit> {
        self.frozen.iter().filter_map(|name| Unit::new(name.0.clone()))
    }
}

/// A rule as the first versions kept it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FirstRule {
    id: RuleId,
    target: Target,
    amount: Millis,
    #[serde(default)]
    warn: Option<Millis>,
    #[serde(default)]
    at_limit: AtLimit,
}

impl From<FirstRule> for Rule {
    fn from(first: FirstRule) -> Self {
        let budget = Budget { amount: Amount::Time(first.amount), per: Per::Day };
        let warn = first.warn.map(|warn| vec![warn].into_iter().filter(|warn| !warn.is_zero()).collect());
        Self { warn, at_limit: first.at_limit, ..Self::new(first.id, first.target, Some(budget)) }
    }
}

/// A daemon's run: written when it starts, and again when it stops in good order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Last {
    /// The kernel's id of that boot.
    boot_id: String,
    /// How long the machine had slept when this was written.
    pub slept: Millis,
    /// How it stopped; `None`: it runs, or it was cut off.
    pub stopped: Option<Stopped>,
}

/// A daemon's last moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stopped {
    /// When, on that boot's clock.
    pub at: Boot,
    /// Whether the person was at the machine, as far as was known.
    pub present: bool,
}

impl Last {
    /// This moment's.
    pub fn now(stopped: Option<Stopped>) -> Self {
        Self { boot_id: boot_id(), slept: clock::slept(), stopped }
    }

    /// Whether its instants mean anything still.
    pub fn is_this_boot(&self) -> bool {
        !self.boot_id.is_empty() && self.boot_id == boot_id()
    }
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// It was written by something else; the text is not repeated, for it is private.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnreadableRecord> {
        serde_json::from_slice(bytes).map_err(|_| UnreadableRecord)
    }

    /// Drops the notes that are to be forgotten, and says how many those were: what was planned, focus sessions, and what
    /// limits did. Counters stay, for forgetting gives no time back.
    pub fn forget(&mut self, what: &What) -> usize {
        self.standing.forget(&match what {
            What::Before(day) => Gone::Before(*day),
            What::Day(day) => Gone::Day(*day),
            What::App(app) => Gone::Of(Target::App(app.clone())),
            What::Domain(domain) => Gone::Of(Target::Domain(domain.clone())),
        })
    }

    /// The bytes to be sealed; wiped from memory when dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // A record holds strings, numbers and maps with string keys: writing it as JSON cannot fail.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The enforcement record is authentic but cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of rules cannot be understood: it was written by another version of dwell")]
pub struct UnreadableRecord;

/// The kernel's id of this boot, or an empty text where it gives none.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        let record = Record {
            text: Text("# mine\n".to_owned()),
            stages: BTreeMap::from([(
                "firefox".to_owned(),
                (CivilDay::from_epoch_days(20_000), Stage::Warned(1)),
            )]),
            charged: BTreeMap::from([(
                "firefox".to_owned(),
                (20_000, Tally { time: Millis::from_secs(90), opens: 2 }),
            )]),
            held_back: vec![HeldBack {
                subject: "app:org.mozilla.firefox".parse().map(subject).unwrap(),
                category: None,
                frozen: vec![Text("app-firefox.scope".to_owned())],
                unseen: Some(Unseen::Unlinked),
            }],
            ..Record::default()
        };
        let bytes = record.to_bytes();
        assert_eq!(Record::from_bytes(&bytes), Ok(record));
        assert_eq!(Record::from_bytes(b"{}"), Ok(Record::default()));
        assert_eq!(Record::from_bytes(b"nonsense"), Err(UnreadableRecord));
    }

    fn subject(target: Target) -> Subject {
        let Target::App(app) = target else { panic!("an app") };
        Subject::app(app)
    }

    #[test]
    fn what_the_first_versions_kept_is_understood() {
        let first =
            br#"{"rules":[{"id":"firefox","target":"app:org.mozilla.firefox","amount":1800000,"per":"day",
            "warn":300000,"at-limit":"close"}],"told":{"firefox":[20000,"warned"]},
            "used":{"app:org.mozilla.firefox":[20000,90000]},"forgotten":{},"last":null}"#;
        let record = Record::from_bytes(first).unwrap();
        let rule = Rule::from(record.before_text.first().cloned().unwrap());
        assert_eq!(rule.time(), Some(Millis::from_mins(30)));
        assert_eq!(rule.warn, Some(vec![Millis::from_mins(5)]));
        assert_eq!(rule.at_limit, AtLimit::Close);
        assert_eq!(rule.check(), Ok(()));
    }
}
