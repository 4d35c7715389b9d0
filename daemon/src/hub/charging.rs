//! How time is charged: the settings that rules depend on.
//!
//! They stand in the rules' text, or else in the configuration. A configuration is changed in a moment, and would be a
//! way around every limit: what it loosens does not hold while there are rules that wait. In the text it waits as
//! they do.

use dwell_core::calendar::Calendar;
use dwell_core::config::Config;
use dwell_core::rules::Settings;
use dwell_core::standing::Ruling;
use dwell_desktop::Health;

use super::Hub;
use crate::clock;
use crate::enforcement::Order;
use crate::environment::{settings, zone};
use crate::record::Charging;

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
        let wanted = self.wanted_charging(&self.config);
        let charging = match &self.record.charging {
            Some(in_force) => self.allowed(in_force, &wanted),
            None => wanted.clone(),
        };
        self.say_charging(charging != wanted);
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
        allowed
    }

    /// The rules' text has other settings from now on, which have waited where they had to: they hold as they are.
    pub(super) fn settings_changed(&mut self, before: &Settings) {
        let now = self.book.set().settings.clone();
        let wanted = self.wanted_charging(&self.config);
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
        let message = "the configuration would have less counted, so its idle-after, day-start and zone wait for the rules";
        self.set_health(Health {
            part: "settings",
            ok: false,
            message: message.to_owned(),
            fix: Some("write them below [settings]: dwell rules edit".to_owned()),
            backend: "rules",
        });
    }
}
