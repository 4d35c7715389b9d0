//! The person's aliases, where the hub meets ids: in samples that others take, and in targets that are typed.
//!
//! Our own sensors know the aliases by themselves. What is recorded stays as it is: an alias holds from when it was made.

use dwell_bus::wire;
use dwell_core::rules::Rule;
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::{Domain, Target};

use super::{Hub, Sensors};
use crate::clock;

/// The doctor's part that tells of limits which never count.
pub(super) const PART: &str = "limits";

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
        self.relink();
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

    /// Why attention is never counted for a target, if so.
    pub(super) fn idleness(&self, target: &Target) -> Option<Idle> {
        if let Target::Domain(domain) = target
            && Domain::registrable(domain.as_str()).ok().as_ref() != Some(domain)
        {
            return Some(Idle::Site);
        }
        let within = matches!(target, Target::App(app) if app.parts().1.is_some());
        if self.counted(target.clone()) != *target {
            Some(Idle::Alias)
        } else {
            (within && !self.config.terminal_programs).then_some(Idle::Within)
        }
    }

    /// The limits that never count, by each reason, with the next step for the first of them.
    pub(super) fn idle_limits(&self) -> Vec<wire::Part> {
        [Idle::Alias, Idle::Within, Idle::Site]
            .into_iter()
            .filter_map(|idle| {
                let mut rules =
                    self.book.rules().iter().filter(|rule| self.idleness(&rule.target) == Some(idle));
                let rule = rules.next()?;
                let id = rule.id.as_str();
                let limits = match rules.count() {
                    0 => format!("the limit \"{id}\" never counts"),
                    more => format!("{} limits never count, among them \"{id}\"", more + 1),
                };
                let (why, fix) = match idle {
                    Idle::Alias => {
                        let target = self.counted(rule.target.clone());
                        (format!("its program counts as {target}, by your aliases"), instead(rule, &target))
                    }
                    Idle::Site => match site(&rule.target) {
                        Some(site) => (format!("browsers tell {site}"), instead(rule, &site)),
                        None => ("it is about no site".to_owned(), format!("dwell limit remove {id}")),
                    },
                    Idle::Within => (
                        "terminals count as a whole".to_owned(),
                        format!(
                            "set terminal-programs = true in the configuration, or dwell limit remove {id}"
                        ),
                    ),
                };
                Some(wire::Part {
                    part: PART.to_owned(),
                    ok: false,
                    message: format!("{limits}: {why}"),
                    fix: Some(fix),
                })
            })
            .collect()
    }
}

/// How to make the same limit on another target.
fn instead(rule: &Rule, target: &Target) -> String {
    // An id may have blanks, and what a shell would take for its own.
    let word = target.to_string().replace('\'', "'\\''");
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    let word = if word.chars().all(plain) { word } else { format!("'{word}'") };
    let amount = rule.time().unwrap_or_default().typed();
    format!("dwell limit set {word} {amount}, then dwell limit remove {}", rule.id.as_str())
}

/// The site that a domain belongs to.
fn site(target: &Target) -> Option<Target> {
    let Target::Domain(domain) = target else { return None };
    Domain::registrable(domain.as_str()).ok().map(Target::Domain)
}

/// Why a limit never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    /// Its program is counted as another one.
    Alias,
    /// It is about what runs in a terminal, and that is not told apart.
    Within,
    /// It is about a part of a site, and browsers tell the site.
    Site,
}
