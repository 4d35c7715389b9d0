//! The enforcement record: the rules, and what must outlive the daemon to keep them.
//!
//! It is sealed by the vault under the key that is always at hand, so that rules hold even while the history is
//! locked away. The text inside is JSON: small, and readable by later versions field by field.

use std::collections::BTreeMap;

use dwell_core::calendar::CivilDay;
use dwell_core::policy::Stage;
use dwell_core::rules::Rule;
use dwell_core::time::{Boot, Millis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Record {
    /// The rules.
    pub rules: Vec<Rule>,
    /// How far each rule, by its id, had come when the person was last told: nobody is told twice after a restart.
    pub told: BTreeMap<String, (CivilDay, Stage)>,
    /// What each limited target was charged, and on which day: counters go on where history cannot be read.
    pub used: BTreeMap<String, (CivilDay, Millis)>,
    /// Of that, what was forgotten since: it is recorded nowhere, and stays counted until the day is over.
    pub forgotten: BTreeMap<String, (CivilDay, Millis)>,
    /// The last daemon's run.
    pub last: Option<Last>,
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
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dwell_core::rules::{AtLimit, Per, RuleId};

    #[test]
    fn a_record_reads_back_and_its_form_is_pinned() {
        let record = Record {
            rules: vec![Rule {
                id: RuleId::new("firefox").unwrap(),
                target: "app:org.mozilla.firefox".parse().unwrap(),
                amount: Millis::from_mins(30),
                per: Per::Day,
                warn: Some(Millis::from_mins(5)),
                at_limit: AtLimit::Block,
            }],
            told: BTreeMap::from([(
                "firefox".to_owned(),
                (CivilDay::from_epoch_days(20_000), Stage::Warned),
            )]),
            used: BTreeMap::from([(
                "app:org.mozilla.firefox".to_owned(),
                (CivilDay::from_epoch_days(20_000), Millis::from_secs(90)),
            )]),
            forgotten: BTreeMap::new(),
            last: None,
        };
        let bytes = record.to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "{\"rules\":[{\"id\":\"firefox\",\"target\":\"app:org.mozilla.firefox\",\"amount\":1800000,\"per\":\"day\",\
             \"warn\":300000,\"at-limit\":\"block\"}],\"told\":{\"firefox\":[20000,\"warned\"]},\
             \"used\":{\"app:org.mozilla.firefox\":[20000,90000]},\
             \"forgotten\":{},\"last\":null}"
        );
        assert_eq!(Record::from_bytes(&bytes), Ok(record));
        assert_eq!(Record::from_bytes(b"{}"), Ok(Record::default()));
        assert_eq!(Record::from_bytes(b"nonsense"), Err(UnreadableRecord));
    }
}
