//! What has focus, by the toplevels' states.

use super::*;
use crate::bed::{app, block_on};
use crate::compositor::{Asked, Do, State};
use dwell_core::sample::Fact;
use dwell_desktop::WindowAct;
use dwell_desktop::freezer::WhyNot;

fn activated(number: usize) -> Do {
    Do::States(number, vec![State::Activated])
}

fn plain(number: usize) -> Do {
    Do::States(number, Vec::new())
}

#[test]
fn focus_may_come_before_or_after_it_goes() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        fake.sensors.focus_none().await;
        let a = fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        let b = fake.compositor.open("AppB", Some(a));
        fake.sensors.focus("AppB").await;
        // The next one first: for a moment there are two, and the newer counts.
        fake.compositor.one(activated(a));
        fake.sensors.focus("AppA").await;
        fake.compositor.one(plain(b));
        // The last one first: for a moment there is none.
        fake.compositor.one(plain(a));
        fake.sensors.focus_none().await;
        fake.compositor.one(activated(b));
        fake.sensors.focus("AppB").await;
        // All at once: nothing in between is told.
        fake.compositor.all([plain(b), activated(a)]);
        fake.sensors.focus("AppA").await;
        fake.compositor.all([activated(b), plain(a)]);
        fake.sensors.focus("AppB").await;
        // Of two that stay activated, the newer; then the one that is left.
        fake.compositor.one(activated(a));
        fake.sensors.focus("AppA").await;
        fake.compositor.one(activated(b));
        fake.compositor.one(Do::Close(a));
        fake.sensors.focus("AppB").await;
        fake.compositor.one(Do::Close(b));
        fake.sensors.focus_none().await;
    });
}

#[test]
fn an_app_id_may_come_late_and_change() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        fake.sensors.focus_none().await;
        let window = fake.compositor.reserve();
        fake.compositor.all([Do::Open(None), activated(window)]);
        fake.sensors.fact("something without a name", |fact| matches!(fact, Fact::Focus(Some(_)))).await;
        fake.compositor.one(Do::Rename(window, "AppA"));
        fake.sensors.focus("AppA").await;
        fake.compositor.one(Do::Rename(window, "AppB"));
        fake.sensors.focus("AppB").await;
        // A change of a window behind it is nothing.
        fake.compositor.one(Do::Open(Some("AppC")));
        fake.compositor.one(Do::Title(window, "an even more secret title".into()));
        fake.sensors.silence(Duration::from_millis(200)).await;
    });
}

#[test]
fn windows_from_before_are_known() {
    block_on(async {
        let bed = Bed::new();
        let mut compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        compositor.open("AppA", None);
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.health("focus", true).await;
        sensors.focus("AppA").await;
    });
}

#[test]
fn a_lock_that_takes_activation_from_every_window_is_no_focus() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        let a = fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        fake.compositor.one(plain(a));
        fake.sensors.focus_none().await;
        fake.compositor.one(activated(a));
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn a_lock_that_only_the_lock_protocol_tells_of_is_no_focus() {
    block_on(async {
        let offers = Offers { lock: true, ..Offers::USUAL };
        let bed = Bed::new();
        let mut compositor = Compositor::start(bed.path("wayland-1"), offers);
        let a = compositor.open("AppA", None);
        compositor.one(Do::Lock);
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.health("focus", true).await;
        // Locked before they came.
        sensors.focus_none().await;
        compositor.one(Do::Unlock);
        sensors.focus("AppA").await;
        compositor.one(Do::Lock);
        sensors.focus_none().await;
        // What goes on below the lock is nothing.
        compositor.open("AppB", Some(a));
        sensors.silence(Duration::from_millis(200)).await;
        compositor.one(Do::Unlock);
        sensors.focus("AppB").await;
    });
}

#[test]
fn acts_reach_every_window_of_the_program_and_no_other() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        let a = fake.compositor.open("AppA", None);
        let b = fake.compositor.open("AppB", Some(a));
        fake.sensors.focus("AppB").await;
        let c = fake.compositor.open("AppA", Some(b));
        fake.sensors.focus("AppA").await;
        assert!(matches!(fake.compositor.asked().await, Asked::Idle("ext", _)));
        fake.sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        let mut asked = [fake.compositor.asked().await, fake.compositor.asked().await];
        asked.sort_by_key(|asked| *asked != Asked::Minimise(a));
        assert_eq!(asked, [Asked::Minimise(a), Asked::Minimise(c)]);
        // One that is out of sight is left alone.
        fake.compositor.all([Do::States(c, vec![State::Minimized]), activated(b)]);
        fake.sensors.focus("AppB").await;
        fake.sensors.desktop.act(WindowAct::Minimise(app("appa")));
        assert_eq!(fake.compositor.asked().await, Asked::Minimise(a));
        fake.sensors.desktop.act(WindowAct::Close(app("AppB")));
        assert_eq!(fake.compositor.asked().await, Asked::Close(b));
        fake.sensors.desktop.act(WindowAct::Close(app("AppX")));
        fake.compositor.one(activated(a));
        fake.sensors.focus("AppA").await;
        assert!(!fake.compositor.is_asked());
    });
}

#[test]
fn what_dwell_put_away_comes_back_and_nothing_else() {
    block_on(async {
        let mut fake = Fake::start(Offers::USUAL).await;
        let persons = fake.compositor.open("AppA", None);
        let dwells = fake.compositor.open("AppA", Some(persons));
        fake.sensors.focus("AppA").await;
        let b = fake.compositor.open("AppB", Some(dwells));
        fake.sensors.focus("AppB").await;
        assert!(matches!(fake.compositor.asked().await, Asked::Idle("ext", _)));
        fake.compositor.all([
            Do::States(persons, vec![State::Minimized]),
            activated(dwells),
            Do::States(b, vec![]),
        ]);
        fake.sensors.focus("AppA").await;
        let (minimise, restore) = (WindowAct::Minimise(app("AppA")), WindowAct::Restore(app("appa")));
        fake.sensors.desktop.act(minimise.clone());
        assert_eq!(fake.compositor.asked().await, Asked::Minimise(dwells));
        fake.compositor.all([Do::States(dwells, vec![State::Minimized]), activated(b)]);
        fake.sensors.focus("AppB").await;
        fake.sensors.desktop.act(WindowAct::Restore(app("AppB")));
        fake.sensors.desktop.act(restore.clone());
        assert_eq!(fake.compositor.asked().await, Asked::Restore(dwells));
        fake.sensors.desktop.act(restore.clone());
        // Back in sight. That focus goes and comes tells that the sensors have heard of it.
        fake.compositor.all([Do::States(dwells, vec![]), Do::States(b, vec![])]);
        fake.sensors.focus_none().await;
        fake.compositor.one(activated(b));
        fake.sensors.focus("AppB").await;
        // The person brings it back, and puts it away again.
        fake.sensors.desktop.act(minimise);
        assert_eq!(fake.compositor.asked().await, Asked::Minimise(dwells), "it was restored but once");
        fake.compositor.all([Do::States(dwells, vec![State::Activated]), Do::States(b, vec![])]);
        fake.sensors.focus("AppA").await;
        fake.compositor.all([Do::States(dwells, vec![State::Minimized]), activated(b)]);
        fake.sensors.focus("AppB").await;
        fake.sensors.desktop.act(restore);
        fake.sensors.desktop.act(WindowAct::Close(app("AppB")));
        assert_eq!(fake.compositor.asked().await, Asked::Close(b));
    });
}

#[test]
fn what_may_be_frozen_is_always_answered() {
    block_on(async {
        let bed = Bed::new();
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.health("focus", false).await;
        assert_eq!(sensors.units("AppA").await, Err(WhyNot::NoWindow), "without a display");
        drop(sensors);
        let mut fake = Fake::start(Offers::USUAL).await;
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        assert_eq!(fake.sensors.units("AppA").await, Err(WhyNot::NoProcess), "the protocol tells none");
        assert_eq!(fake.sensors.units("AppB").await, Err(WhyNot::NoWindow));
        assert_eq!(fake.sensors.units("swaylock").await, Err(WhyNot::Exempt));
    });
}

/// A window as the protocol's text has it: of the activated ones, the one that was activated last has focus.
#[derive(Default)]
struct Model {
    windows: Vec<Option<(&'static str, Option<u64>)>>,
    activations: u64,
}

impl Model {
    fn focus(&self) -> Option<&'static str> {
        let open = self.windows.iter().flatten();
        let newest =
            open.filter(|(_, activated)| activated.is_some()).max_by_key(|(_, activated)| *activated);
        newest.map(|(app, _)| *app)
    }

    fn take(&mut self, thing: &Do) {
        let window = match thing {
            Do::Open(app) => {
                self.windows.push(app.map(|app| (app, None)));
                return;
            }
            Do::States(number, _) | Do::Rename(number, _) | Do::Close(number) => &mut self.windows[*number],
            _ => return,
        };
        match (thing, window) {
            (Do::Close(_), window) => *window = None,
            (Do::Rename(_, to), Some((app, _))) => *app = to,
            (Do::States(_, states), Some((_, activated))) => {
                if !states.contains(&State::Activated) {
                    *activated = None;
                } else if activated.is_none() {
                    self.activations += 1;
                    *activated = Some(self.activations);
                }
            }
            _ => {}
        }
    }
}

/// A generator that gives the same row for the same seed (Knuth's MMIX constants).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn thing(&mut self, opened: usize) -> Do {
        const APPS: [&str; 4] = ["AppA", "AppB", "AppC", "AppD"];
        let number = self.below(opened);
        match self.below(9) {
            0 => Do::Open(Some(APPS[self.below(4)])),
            1 => Do::Close(number),
            2 => Do::Rename(number, APPS[self.below(4)]),
            3 => Do::States(number, Vec::new()),
            4 => Do::States(number, vec![State::Minimized]),
            5 => Do::States(number, vec![State::Maximized, State::Activated]),
            6 => Do::Title(number, "t".repeat(self.below(3000))),
            _ => Do::States(number, vec![State::Activated]),
        }
    }
}

#[test]
fn any_row_of_events_leads_to_the_focus_that_it_means() {
    block_on(async {
        for seed in 1..=4 {
            let mut chance = Chance(seed);
            let mut model = Model::default();
            let mut fake = Fake::start(Offers::USUAL).await;
            fake.sensors.active().await;
            for _ in 0..250 {
                let mut things = vec![];
                for _ in 0..=chance.below(3) {
                    let thing = if model.windows.is_empty() {
                        Do::Open(Some("AppA"))
                    } else {
                        chance.thing(model.windows.len())
                    };
                    model.take(&thing);
                    things.push(thing);
                }
                fake.compositor.all(things);
                // Whatever was told before it has arrived when the idleness has.
                fake.compositor.one(Do::Idle);
                fake.sensors.idle().await;
                assert_eq!(fake.sensors.stated_focus(), model.focus(), "seed {seed}");
                fake.compositor.one(Do::Resume);
                fake.sensors.active().await;
            }
        }
    });
}
