//! Idleness on KWin: it honours the inhibitors that Wayland programs set on their surfaces, and no others. What films and
//! calls tell over D-Bus (`org.freedesktop.ScreenSaver`, `org.freedesktop.PowerManagement`) is known to Plasma's power
//! manager alone (measured on 5.27), and to logind; so they are asked when KWin says that there is no input.

use dwell_core::time::{Boot, Millis};

use super::Context;
use crate::backends::wayland::Client;
use crate::clock;
use crate::idle::{IdleFold, Inhibitors};
use crate::report::Levels;

/// What KWin and the inhibitors together say.
pub(super) struct Idleness {
    spell: Spell,
    inhibitors: Inhibitors,
}

impl Idleness {
    pub(super) async fn new(context: &Context) -> Self {
        let inhibitors = Inhibitors::new(context.buses.clone()).await;
        Self { spell: Spell::new(context.settings.idle_after), inhibitors }
    }

    /// States whether the person is idle.
    pub(super) async fn state(&mut self, client: &Client, levels: &mut Levels) {
        let at = clock::now();
        if !client.is_idle() {
            self.spell.end();
            levels.idle(at, None).await;
        } else if self.spell.is_open() {
            let inhibited = self.inhibitors.any().await;
            let since = self.spell.judge(at, inhibited);
            levels.idle(at, since).await;
        }
    }

    /// Whether somebody was there when it was last stated, be it that a film plays.
    pub(super) const fn is_present(&self) -> bool {
        self.spell.present
    }

    /// Waits until it must be stated anew for another reason than KWin's.
    pub(super) async fn changed(&mut self) {
        let left = self.spell.due.map(|due| due.since(clock::now()).unwrap_or(Millis::ZERO));
        tokio::select! {
            () = self.inhibitors.changed() => self.spell.inhibitors_change(clock::now()),
            _ = clock::after(left.unwrap_or(Millis::ZERO)), if left.is_some() => self.spell.ask = true,
        }
    }
}

/// One spell without input after the other.
struct Spell {
    after: Millis,
    fold: IdleFold,
    /// The last input; `None` while there is input.
    last_input: Option<Boot>,
    /// Whether the inhibitors must be asked anew.
    ask: bool,
    /// When to look again while something inhibits, or has done so a short time ago.
    due: Option<Boot>,
    /// Somebody is there.
    present: bool,
}

impl Spell {
    const fn new(after: Millis) -> Self {
        Self { after, fold: IdleFold::new(after), last_input: None, ask: false, due: None, present: true }
    }

    /// There is input. What inhibited idleness in the last spell is of no matter for the next one: nobody knows when it
    /// ended.
    const fn end(&mut self) {
        *self = Self::new(self.after);
    }

    /// Whether it has to be judged.
    const fn is_open(&self) -> bool {
        self.last_input.is_none() || self.ask
    }

    fn inhibitors_change(&mut self, now: Boot) {
        self.fold.inhibitors_change(now);
        self.ask = true;
    }

    /// The last instant of use, if the person is idle at `at`.
    fn judge(&mut self, at: Boot, inhibited: bool) -> Option<Boot> {
        // KWin tells after the whole idle time.
        let last_input = *self.last_input.get_or_insert(at - self.after);
        self.ask = false;
        let idle_for = at.since(last_input).unwrap_or(Millis::ZERO);
        let finding = self.fold.judge(at, idle_for, inhibited);
        self.present = finding.since.is_none();
        self.due = self.present.then(|| last_input + finding.next);
        finding.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(s: u64) -> Boot {
        Boot::from_ms(s * 1000)
    }

    #[test]
    fn what_inhibited_the_last_spell_does_not_prolong_the_next() {
        let mut spell = Spell::new(Millis::from_secs(180));
        assert_eq!(spell.judge(at(1000), true), None);
        // The film ends while there is input.
        spell.end();
        // Long after that, and during what KWin takes for the next spell, something else begins to inhibit, or ends to.
        spell.inhibitors_change(at(1990));
        assert_eq!(spell.judge(at(2000), false), Some(at(1820)));
        // And when that spell is known of.
        spell.inhibitors_change(at(3800));
        assert!(spell.is_open());
        assert_eq!(spell.judge(at(3800), false), Some(at(1820)));
    }

    #[test]
    fn a_film_counts_to_its_end() {
        let mut spell = Spell::new(Millis::from_secs(180));
        assert_eq!(spell.judge(at(1000), true), None);
        assert_eq!((spell.present, spell.is_open(), spell.due), (true, false, Some(at(1180))));
        spell.inhibitors_change(at(1100));
        assert_eq!(spell.judge(at(1100), false), None);
        assert_eq!(spell.due, Some(at(1280)));
        assert_eq!(spell.judge(at(1280), false), Some(at(1100)));
        assert_eq!((spell.present, spell.due), (false, None));
    }
}
