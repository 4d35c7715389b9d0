//! How time is charged: the settings that rules depend on.
//!
//! They stand in the rules' text, or else in the configuration. A configuration is changed in a moment, and would be a
//! way around every limit: what it loosens does not hold while there are rules that wait. In the text it waits as
//! they do.

use dwell_core::aliases::Aliases;
use dwell_core::calendar::Calendar;
use dwell_core::config::Config;
use dwell_core::rules::{Rule, Settings, Strict};
use dwell_core::standing::Ruling;
use dwell_core::subject::{AppId, Target};
use dwell_desktop::Health;

use super::Hub;
use crate::clock;
use crate::enforcement::Order;
use crate::environment::{settings, zone};
use crate::record::{Charging, Programs};

/// By what days are counted.
pub(super) fn calendar_of(charging: &Charging, config: &Config) -> Calendar {
    let chosen = charging.zone.as_ref().and_then(|name| name.parse().ok());
    let system = Config { zone: None, ..config.clone() };
    Calendar::new(chosen.unwrap_or_else(|| zone(&system)), charging.day_start)
}

impl Hub {
    /// What the rules and the configuration say together.
    fn wanted_charging(&self, config: &Config) -> Charging {
        let own = &self.book.set().settings;
        Charging {
            idle_after: own.idle_after.unwrap_or(config.idle_after),
            day_start: own.day_start.unwrap_or(config.day_start),
            zone: own.zone.or(config.zone).map(|zone| zone.name().to_owned()),
            programs: Some(Programs {
                aliases: config.aliases.iter().map(|(from, to)| (from, to.as_str().to_owned())).collect(),
                terminal_programs: config.terminal_programs,
            }),
        }
    }

    /// Whether a configuration would have time charged otherwise than it is.
    pub(super) fn charging_differs(&self, config: &Config) -> bool {
        let wanted = self.wanted_charging(config);
        self.record.charging.as_ref() != Some(&wanted)
            || calendar_of(&wanted, config) != self.recounts.wanted(&self.count)
    }

    /// Takes over how time is charged, unless that would loosen rules which wait before they are loosened.
    pub(super) fn charging_changed(&mut self) {
        let wanted = self.wanted_charging(&self.wished);
        let charging = match &self.record.charging {
            Some(in_force) => self.allowed(in_force, &wanted),
            None => wanted.clone(),
        };
        self.say_charging(charging != wanted);
        if let Some(programs) = &charging.programs {
            let mut aliases = Aliases::default();
            // Those in force were good when they were taken; a version that takes fewer leaves out what it must.
            let _ = programs.aliases.iter().try_for_each(|(from, to)| aliases.add(from, to));
            let changed = self.config.aliases != aliases;
            self.config.aliases = aliases;
            self.config.terminal_programs = programs.terminal_programs;
            if changed {
                self.aliases_changed();
            }
        }
        let sensing = dwell_desktop::Settings { idle_after: charging.idle_after, ..settings(&self.config) };
        self.order(Order::Configure(sensing));
        let calendar = calendar_of(&charging, &self.config);
        if self.record.charging.as_ref() != Some(&charging) {
            self.record.charging = Some(charging);
            self.save_record();
        }
        if calendar != self.recounts.wanted(&self.count) {
            self.recount(calendar);
        }
    }

    /// Of what is wanted, setting by setting, what the rules allow at once; of the rest, what is in force.
    fn allowed(&self, in_force: &Charging, wanted: &Charging) -> Charging {
        let moment = self.moment(clock::now());
        let with = |charging: &Charging| {
            let mut set = self.book.set().clone();
            set.settings = Settings {
                idle_after: Some(charging.idle_after),
                day_start: Some(charging.day_start),
                zone: charging.zone.as_ref().and_then(|name| name.parse().ok()),
            };
            set
        };
        let mut allowed = in_force.clone();
        let one_by_one: [fn(&mut Charging, &Charging); 3] = [
            |charging, wanted| charging.idle_after = wanted.idle_after,
            |charging, wanted| charging.day_start = wanted.day_start,
            |charging, wanted| charging.zone.clone_from(&wanted.zone),
        ];
        for change in one_by_one {
            let mut changed = allowed.clone();
            change(&mut changed, wanted);
            if self.ruling_between(&with(&allowed), &with(&changed), &moment) == Ruling::AtOnce {
                allowed = changed;
            }
        }
        if self.tells_apart_as_strictly(in_force, wanted) {
            allowed.programs.clone_from(&wanted.programs);
        }
        allowed
    }

    /// Whether no rule that waits before it is loosened would count less with other aliases, or with terminals counted as a
    /// whole. Which programs a category has is not known here: any other alias could take one out of it.
    fn tells_apart_as_strictly(&self, in_force: &Charging, wanted: &Charging) -> bool {
        let (Some(now), Some(then)) = (&in_force.programs, &wanted.programs) else { return true };
        let changed: Vec<&str> = now
            .aliases
            .iter()
            .filter(|alias| then.aliases.get(alias.0) != Some(alias.1))
            .chain(then.aliases.iter().filter(|alias| now.aliases.get(alias.0) != Some(alias.1)))
            .flat_map(|(from, to)| [from.as_str(), to.as_str()])
            .collect();
        let less_told = now.terminal_programs && !then.terminal_programs;
        let moment = self.moment(clock::now());
        let is_named = |app: &AppId| {
            changed.iter().any(|name| match name.strip_suffix('*') {
                Some(start) => app.as_str().to_ascii_lowercase().starts_with(&start.to_ascii_lowercase()),
                None => AppId::new(*name).is_ok_and(|name| app.covers(&name) || name.covers(app)),
            })
        };
        let touched = |target: &Target| match target {
            Target::App(app) => is_named(app) || (less_told && app.parts().1.is_some()),
            Target::Category(_) => !changed.is_empty(),
            Target::Domain(_) | Target::All => false,
        };
        let waits =
            |rule: &&Rule| rule.strict != Strict::Open && !self.record.standing.is_fresh(&rule.id, &moment);
        let mut waiting = self.book.rules().iter().filter(waits);
        !waiting.any(|rule| touched(&rule.target) || rule.except.iter().any(touched))
    }

    /// The rules' text has other settings from now on, which have waited where they had to: they hold as they are.
    pub(super) fn settings_changed(&mut self, before: &Settings) {
        let now = self.book.set().settings.clone();
        let wanted = self.wanted_charging(&self.wished);
        if let Some(charging) = &mut self.record.charging {
            if now.idle_after != before.idle_after {
                charging.idle_after = wanted.idle_after;
            }
            if now.day_start != before.day_start {
                charging.day_start = wanted.day_start;
            }
            if now.zone != before.zone {
                charging.zone = wanted.zone;
            }
        }
        self.charging_changed();
    }

    fn say_charging(&mut self, held_fast: bool) {
        if !held_fast {
            // Nothing to tell of: whoever was told of it is told that it is over.
            if self.health.remove("settings").is_some() {
                self.order(Order::Changed);
            }
            return;
        }
        let message = "the configuration would have less counted than the rules allow at once, so some of it does not hold";
        self.set_health(Health {
            part: "settings",
            ok: false,
            message: message.to_owned(),
            fix: Some("take it back, or loosen the rules first: dwell rules edit".to_owned()),
            backend: "rules",
        });
    }
}
