//! The person's aliases, where the hub meets ids: in samples that others take, and in targets that are typed.
//!
//! Our own sensors know the aliases by themselves. What is recorded stays as it is: an alias holds from when it was made.

use dwell_bus::wire;
use dwell_core::rules::Rule;
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::Target;

use super::{Hub, Sensors};
use crate::clock;

impl Hub {
    /// A sample that somebody else took, as it is counted.
    pub(super) fn taken(&mut self, sample: &Sample) -> Sample {
        match &sample.fact {
            Fact::Focus(app) => {
                self.taken_in.clone_from(app);
                let counted = app.as_ref().map(|app| self.config.aliases.apply(app));
                Sample::new(sample.at, Fact::Focus(counted))
            }
            Fact::FocusUnknown => {
                self.taken_in = None;
                sample.clone()
            }
            _ => sample.clone(),
        }
    }

    /// Other aliases hold from now on, for what has focus too.
    pub(super) fn aliases_changed(&mut self) {
        if let (Sensors::Intake, Some(app)) = (self.sensors, &self.taken_in) {
            let now = clock::now();
            let counted = self.config.aliases.apply(app);
            self.sample(&Sample::new(now.boot, Fact::Focus(Some(counted))), now);
        }
    }

    /// The target whose time will be counted where this one is named.
    pub(super) fn counted(&self, target: Target) -> Target {
        match target {
            Target::App(app) => Target::App(self.config.aliases.apply(&app)),
            Target::Domain(_) | Target::Category(_) | Target::All => target,
        }
    }

    /// What is wrong with the first limit on a program that is counted as another one since: it never counts.
    pub(super) fn idle_limit(&self) -> Option<wire::Part> {
        let idle = |rule: &&Rule| self.counted(rule.target.clone()) != rule.target;
        let rule = self.rules.iter().find(idle)?;
        let (id, target) = (rule.id.as_str(), self.counted(rule.target.clone()));
        Some(wire::Part {
            part: "aliases".to_owned(),
            ok: false,
            message: format!(
                "the limit \"{id}\" never counts: its program counts as {target}, by your aliases"
            ),
            fix: Some(format!("dwell limit remove {id}")),
        })
    }
}
