//! What is in force beside the rules, and outlives the daemon: snoozes, a pause, the emergency exit, a focus session,
//! intentions, the reset week, changes that wait, and how much was said today.
//!
//! Here is what it means and when it ends; asking, telling and keeping it is the daemon's matter. Rules themselves are
//! never changed here: [`Standing::effective`] says what holds of them at a moment.
//!
//! Waits and lengths are measured in [`MachineTime`], so that neither the clock on the wall nor a reboot shortens a
//! wait or restarts it. Days come from the wall clock.
//!
//! # Invariants
//!
//! Whoever uses it settles before each other call, so that what is over is told once and never lost. What was added by
//! a later version is skipped by an older one, and what an older one did not know is empty.

mod exit;
mod focus;
mod former;
mod gone;
mod intention;
mod machine;
mod nag;
mod pause;
mod pending;
mod reset_week;
mod ruling;
mod snooze;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use exit::{EXIT_MOST, EXIT_WAIT, ExitState};
pub use focus::{FOCUS_MOST, Focus, FocusError, MAX_FOCUS_TARGETS, SESSIONS_KEPT_DAYS, Session};
pub use gone::Gone;
pub use intention::{INTENTIONS_KEPT_DAYS, Intention, IntentionError, MAX_INTENTION, MAX_INTENTIONS};
pub use machine::{MachineClock, MachineTime};
pub use nag::{DIGEST_DAYS, DigestDay, DigestEntry, DigestKind, MAX_DIGEST_ENTRIES, NOTICES_A_DAY, Nag};
pub use pause::{MAX_PAUSE, PauseError};
pub use pending::{ConfirmError, MAX_PENDING, NotPending, Pending, TooManyPending};
pub use reset_week::{RESET_DAYS, ResetWeekState};
pub use ruling::{Change, Ruling};
pub use snooze::{ASK_LASTS, Asked, SnoozeError};

use crate::calendar::CivilDay;
use crate::rules::{Rule, RuleId, Strict};
use crate::time::{Boot, Millis, Reading, Wall};

/// A moment by all clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Boot and wall clock.
    pub now: Reading,
    /// How long the machine has been on in all.
    pub machine: MachineTime,
    /// The running dwell day.
    pub today: CivilDay,
    /// When it ends.
    pub day_end: Wall,
}

impl Moment {
    /// How long it is until a machine time; zero when that is past.
    pub const fn left(&self, until: MachineTime) -> Millis {
        self.machine.until(until)
    }

    /// When a machine time comes by the clock on the wall, if the machine stays on and the clock is not set; for one
    /// that is past: now.
    pub fn wall_of(&self, machine: MachineTime) -> Wall {
        self.now.wall + self.left(machine)
    }
}

/// What is in force beside the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Standing {
    clock: Option<MachineClock>,
    made: ruling::Made,
    #[serde(skip_serializing_if = "former::FormerRules::is_empty")]
    former: former::FormerRules,
    pending: pending::Waiting,
    snoozes: snooze::Snoozes,
    pause: Option<pause::Pause>,
    exit: Option<exit::Exit>,
    focus: Option<Focus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<Session>,
    intentions: intention::Intentions,
    reset_week: Option<reset_week::ResetWeek>,
    nag: Nag,
}

/// Something that is over, or has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A rule is no longer put off.
    Snooze(RuleId),
    /// The pause is over.
    Pause,
    /// The exit has waited: the person's own rules are off from now on.
    ExitBegan,
    /// The exit's day is over: the rules hold again.
    ExitOver,
    /// The focus session is over.
    Focus(Focus),
    /// The planned time is over. What was used of it is to be filled in: see [`Standing::set_actual`].
    Intention(Intention),
    /// The reset week is over: the rules hold as they are.
    ResetWeek,
    /// A change has waited and can be confirmed.
    PendingReady(Pending),
    /// A change was not confirmed in time and is gone.
    PendingLapsed(Pending),
}

/// Who made a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MadeBy {
    /// The person.
    #[default]
    Person,
    /// A focus session.
    Focus,
    /// The reset week.
    ResetWeek,
}

impl MadeBy {
    /// The word of machine-readable output; `None`: the person.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Person => None,
            Self::Focus => Some("focus"),
            Self::ResetWeek => Some("reset-week"),
        }
    }
}

/// A rule as it holds at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The rule; in a reset week, with the budget that is left of its own.
    pub rule: Rule,
    /// Who made it.
    pub made_by: MadeBy,
    /// What the reset week leaves of its budget, in percent, where it leaves less than all.
    pub percent: Option<u32>,
    /// It blocks nothing and tells nothing, because of a pause or the exit. What it is about is still counted.
    pub suspended: bool,
    /// It is put off until then.
    pub snoozed_until: Option<MachineTime>,
}

/// The earliest instant of each clock.
#[derive(Default)]
struct Next {
    machine: Option<MachineTime>,
    wall: Option<Wall>,
}

impl Next {
    fn at_machine(&mut self, at: MachineTime) {
        self.machine = Some(self.machine.map_or(at, |next| next.min(at)));
    }

    fn at_wall(&mut self, at: Wall) {
        self.wall = Some(self.wall.map_or(at, |next| next.min(at)));
    }
}

impl Effective {
    const fn new(rule: Rule, made_by: MadeBy) -> Self {
        Self { rule, made_by, percent: None, suspended: false, snoozed_until: None }
    }
}

impl Standing {
    /// Goes on counting machine time, in the boot with this id (empty: unknown). Called once when the daemon starts.
    pub fn resume_clock(&mut self, boot_id: &str, now: Boot) {
        self.clock = Some(MachineClock::resume(self.clock.as_ref(), boot_id, now));
    }

    /// The machine clock; `None` before [`Standing::resume_clock`].
    pub const fn clock(&self) -> Option<&MachineClock> {
        self.clock.as_ref()
    }

    /// A moment, with its machine time; that is zero before [`Standing::resume_clock`].
    pub fn moment(&self, now: Reading, today: CivilDay, day_end: Wall) -> Moment {
        let machine = self.clock.as_ref().map_or_else(MachineTime::default, |clock| clock.at(now.boot));
        Moment { now, machine, today, day_end }
    }

    /// Drops what is over and says what ended, each once. Also brings the machine clock up to date.
    pub fn settle(&mut self, moment: &Moment) -> Vec<Ended> {
        if let Some(clock) = &mut self.clock {
            clock.note(moment.now.boot);
        }
        let mut ended = Vec::new();
        self.settle_snoozes(moment, &mut ended);
        self.settle_pause(moment, &mut ended);
        self.settle_exit(moment, &mut ended);
        self.settle_focus(moment, &mut ended);
        self.settle_intentions(moment, &mut ended);
        self.settle_reset_week(moment, &mut ended);
        self.settle_pending(moment, &mut ended);
        self.settle_made(moment);
        self.settle_former(moment);
        self.nag.prune(moment.today);
        ended
    }

    /// The next instant at which [`Standing::settle`] has something to say or [`Standing::effective`] changes, if the
    /// clock on the wall is not set before. May be early, is never late; an instant that is past means at once.
    pub fn next(&self, moment: &Moment) -> (Option<MachineTime>, Option<Wall>) {
        let mut next = Next::default();
        self.next_snooze(&mut next);
        self.next_pause(&mut next);
        self.next_exit(moment, &mut next);
        self.next_focus(&mut next);
        self.next_intention(&mut next);
        self.next_reset_week(moment, &mut next);
        self.next_pending(moment, &mut next);
        (next.machine, next.wall)
    }

    /// What holds at a moment: the person's rules in their order, then those of a focus session and of the reset week.
    /// Stays the same until [`Standing::next`], the end of the day, or a change.
    pub fn effective(&self, rules: &[Rule], moment: &Moment) -> Vec<Effective> {
        let paused = self.paused_until(moment).is_some();
        let off = self.is_exit_off(moment);
        let percent = self.reset_week(moment).map(|week| week.percent);
        let mut effective: Vec<_> = rules.iter().map(|rule| reset_week::scaled(rule, percent)).collect();
        effective.extend(self.focus_rules(rules, moment));
        effective.extend(self.reset_week_rule(rules, moment));
        for held in &mut effective {
            // A focus session is begun on purpose and can be stopped at any time: a pause leaves it alone.
            let pausable = held.rule.strict == Strict::Open && held.made_by != MadeBy::Focus;
            held.suspended = off || (paused && pausable);
            held.snoozed_until = self.snoozed_until(&held.rule.id, moment);
        }
        effective
    }

    /// Takes note of a change of the rules: rules that were not there before are fresh, and a snooze that runs never
    /// gains by it.
    pub fn rules_changed(&mut self, before: &[Rule], after: &[Rule], moment: &Moment) {
        self.note_made(before, after, moment);
        self.cut_snoozes(after);
    }
}

/// An id that no rule has: `wish` or one with a number, after so many others like it.
fn free_id(wish: &str, taken: &[Rule], beside: usize) -> Option<RuleId> {
    let is_free = |id: &RuleId| taken.iter().all(|rule| &rule.id != id);
    let numbered = (2..).map(|number| format!("{wish}-{number}"));
    std::iter::once(wish.to_owned())
        .chain(numbered)
        .filter_map(|id| RuleId::new(id).ok())
        .filter(is_free)
        .nth(beside)
}
