//! The hub: one task that owns the timeline, the ledger and the rules, and decides.
//!
//! Everything reaches it through channels and timers ([`Inputs`]), everything it wants done leaves through channels
//! (orders to the enforcement, jobs to the store, lines to the watchers). It does no input or output of its own and
//! never waits for anybody.
//!
//! # Invariants
//!
//! - Limits and reports read the same ledger: a span is charged and recorded in the same step.
//! - At most one deadline is armed on each clock. Idle, locked or asleep, none is armed on the boot clock but for what
//!   ends by itself: a snooze, a focus session and the like.

mod aliases;
mod answers;
mod book;
mod browsers;
mod buttons;
mod categories;
mod charging;
mod counting;
mod events;
mod import;
mod jobs;
mod limits;
mod picture;
mod present;
mod rules;
mod standing;
mod targets;
mod telling;
mod trial;
mod vault;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use dwell_bus::{Kind, Request};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::category::Categories;
use dwell_core::config::Config;
use dwell_core::count::Count;
use dwell_core::policy::Verdicts;
use dwell_core::rules::{Rule, RuleId, RulesText};
use dwell_core::sample::{Fact, Sample};
use dwell_core::span::Span;
use dwell_core::subject::{AppId, Subject};
use dwell_core::texts::Texts;
use dwell_core::time::{Boot, Millis, Reading};
use dwell_core::timeline::State;
use dwell_desktop::{AppNames, Health, Notice, WindowAct};
use dwell_vault::Subjects;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::care::Errand;
use crate::deadline::{BootDeadline, WallDeadline};
use crate::enforcement::{Acted, Order, Thawing};
use crate::environment::{read_config, zone};
use crate::record::Record;
use crate::store::{Condition, Known, News, Store};
use crate::{clock, record};

use events::Watchers;

/// How long a display may take to give back what was put away, when the daemon stops.
const PARTING: Millis = Millis::from_secs(1);

/// From where the facts come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensors {
    /// This process senses; the bus may not.
    Own,
    /// Whoever calls `Intake` on the bus.
    Intake,
}

/// What reaches the hub.
pub struct Inputs {
    /// Facts and health from the sensors.
    pub notices: mpsc::Receiver<Notice>,
    /// Questions and orders from the bus.
    pub requests: mpsc::Receiver<Request>,
    /// News of the store.
    pub news: mpsc::UnboundedReceiver<News>,
    /// What the person does with notices.
    pub acted: mpsc::UnboundedReceiver<Acted>,
    /// What becomes of what was frozen and is to run again.
    pub thaws: mpsc::UnboundedReceiver<Thawing>,
    /// The configuration file may have changed.
    pub config_changed: mpsc::Receiver<()>,
}

/// What a hub is made of.
pub struct Parts {
    /// The configuration in force.
    pub config: Config,
    /// Where it was read from.
    pub config_path: PathBuf,
    /// The data folder, for `doctor`.
    pub data_dir: PathBuf,
    /// From where facts come.
    pub sensors: Sensors,
    /// The store.
    pub store: Store,
    /// Whether the vault is open.
    pub condition: Condition,
    /// The enforcement.
    pub orders: mpsc::UnboundedSender<Order>,
    /// Who cares for the vault.
    pub errands: mpsc::UnboundedSender<Errand>,
    /// Names for people.
    pub names: AppNames,
    /// What is said to people.
    pub texts: Texts,
}

/// What the store knew when it was opened.
pub struct Past {
    /// Recent spans, in the order of time.
    pub recent: Vec<Span>,
    /// Rules and what belongs to them.
    pub record: Record,
    /// The rules, as they were read from it.
    pub text: RulesText,
    /// What is wrong with the store: one line each.
    pub problems: Vec<String>,
    /// The last daemon was cut off while a span was open.
    pub cut_off: bool,
}

impl Past {
    /// Takes what the hub needs out of what the vault knows.
    ///
    /// # Errors
    /// The record of rules cannot be understood.
    pub fn of(known: Known) -> Result<Self, record::UnreadableRecord> {
        let record = known.enforcement.as_ref().map(|bytes| Record::from_bytes(bytes)).transpose()?;
        let record = record.unwrap_or_default();
        let mut text = RulesText::parse(&record.text.0).map_err(|_| record::UnreadableRecord)?;
        for first in record.before_text.iter().cloned().map(Rule::from) {
            text.put(&first).map_err(|_| record::UnreadableRecord)?;
        }
        let Known { recent, problems, cut_off, .. } = known;
        Ok(Self { recent, record, text, problems, cut_off })
    }
}

/// Something to be done once enough is counted.
type Later = Box<dyn FnOnce(&mut Hub) + Send>;

/// The hub's state.
pub struct Hub {
    /// What the configuration says.
    wished: Config,
    /// What of it is in force.
    config: Config,
    config_path: PathBuf,
    data_dir: PathBuf,
    sensors: Sensors,
    store: Store,
    orders: mpsc::UnboundedSender<Order>,
    errands: mpsc::UnboundedSender<Errand>,
    names: AppNames,
    vault: vault::VaultView,
    count: Count,
    recounts: counting::Recounts,
    /// The first day of which everything is counted.
    counted_from: CivilDay,
    /// What waits until more days are counted.
    later: Vec<Later>,
    /// Days before this one are sealed.
    sealed_before: Option<CivilDay>,
    book: book::Book,
    browsers: browsers::Browsers,
    categories: Categories,
    texts: Texts,
    /// Snoozes that begin by themselves when their wait is over: the rules, and when.
    snoozing: BTreeMap<String, Boot>,
    /// When the rules were last judged to be acted on.
    judged_at: Reading,
    /// Something in the record was changed since it was last kept.
    unsaved: bool,
    /// Programs that are noted in the record that is kept, and may be frozen from then on.
    to_freeze: (mpsc::UnboundedSender<AppId>, mpsc::UnboundedReceiver<AppId>),
    /// The rule whose snooze has just ended: what is said of its limit next says that.
    put_off: Option<RuleId>,
    /// When rules last had something done to a program, by their ids.
    acted_at: BTreeMap<String, Boot>,
    record: Record,
    verdicts: Verdicts,
    /// The subject that was charged when the rules were last judged.
    front: Option<Subject>,
    /// It is a browser of which no extension can tell the site.
    unseen: bool,
    /// What others said last to have focus, before aliases.
    taken_in: Option<AppId>,
    shown: events::Shown,
    watchers: Watchers,
    health: BTreeMap<&'static str, Health>,
    known: Option<Subjects>,
    /// Questions that wait until the known subjects are read from the store.
    waiting: VecDeque<Request>,
    learned: (mpsc::UnboundedSender<Subjects>, mpsc::UnboundedReceiver<Subjects>),
    /// One more of these for each timeline that is being written.
    timelines: Arc<()>,
    /// Held by the import that is under way.
    imports: Arc<()>,
    /// How long the machine had slept when that was last looked at.
    slept: Millis,
    boot: BootDeadline,
    wall: WallDeadline,
}

impl Hub {
    /// A hub that begins now.
    ///
    /// # Errors
    /// The system has no timers to give.
    pub fn new(parts: Parts, past: Past) -> std::io::Result<Self> {
        let now = clock::now();
        let calendar = match &past.record.charging {
            Some(charging) => charging::calendar_of(charging, &parts.config),
            None => Calendar::new(zone(&parts.config), parts.config.day_start),
        };
        let mut hub = Self {
            count: Count::new(calendar, &past.recent, now),
            recounts: counting::Recounts::default(),
            wished: parts.config.clone(),
            config: parts.config,
            config_path: parts.config_path,
            data_dir: parts.data_dir,
            sensors: parts.sensors,
            store: parts.store,
            orders: parts.orders,
            errands: parts.errands,
            names: parts.names,
            vault: vault::VaultView::new(parts.condition, past.problems, now),
            counted_from: calendar.day_of(now.wall),
            later: Vec::new(),
            sealed_before: None,
            categories: Categories::new(&past.text.set().categories),
            book: book::Book::new(past.text),
            browsers: browsers::Browsers::default(),
            texts: parts.texts,
            snoozing: BTreeMap::new(),
            judged_at: now,
            unsaved: false,
            to_freeze: mpsc::unbounded_channel(),
            put_off: None,
            acted_at: BTreeMap::new(),
            record: past.record,
            verdicts: Verdicts::default(),
            front: None,
            unseen: false,
            taken_in: None,
            shown: events::Shown::default(),
            watchers: Watchers::default(),
            health: BTreeMap::new(),
            known: None,
            waiting: VecDeque::new(),
            learned: mpsc::unbounded_channel(),
            timelines: Arc::new(()),
            imports: Arc::new(()),
            slept: clock::slept(),
            boot: BootDeadline::new()?,
            wall: WallDeadline::new()?,
        };
        hub.say_vault_health();
        hub.count_hours_by(calendar);
        if hub.vault.is_there() {
            // First of all: whatever is counted from here on is kept with the counters.
            hub.carry_counters(now);
            hub.count_absence(&past.recent, past.cut_off, now);
            hub.resume(now);
            hub.charging_changed();
            hub.save_record();
        }
        Ok(hub)
    }

    /// Runs until `stop` is ready, then saves the open span.
    ///
    /// # Errors
    /// A timer or signal failed: the process is out of resources.
    pub async fn run(mut self, mut inputs: Inputs, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        tokio::pin!(stop);
        let mut hangups = signal(SignalKind::hangup())?;
        loop {
            self.arm()?;
            tokio::select! {
                () = &mut stop => break,
                due = self.boot.due() => { due?; self.tick(clock::now()); }
                due = self.wall.due() => { due?; self.tick(clock::now()); }
                Some(notice) = inputs.notices.recv() => self.notice(notice),
                Some(request) = inputs.requests.recv() => self.request(request),
                Some(acted) = inputs.acted.recv() => self.acted(&acted),
                Some(thawing) = inputs.thaws.recv() => self.thawing(thawing),
                Some(news) = inputs.news.recv() => self.store_news(news),
                Some(known) = self.learned.1.recv() => self.learn(known),
                Some(answer) = self.recounts.answers.1.recv() => self.recounted(answer),
                Some(app) = self.to_freeze.1.recv() => self.freeze(&app),
                Some(()) = hangups.recv() => self.reload_or_warn(),
                Some(()) = inputs.config_changed.recv() => self.reload_or_warn(),
            }
        }
        self.finish();
        self.unblock_pages();
        self.give_back(&mut inputs).await
    }

    /// Gives back what limits have put away, for a daemon that is not there could not; and waits until it was done, but
    /// not long for a display or a service manager that does not answer: what is not known to run again by then stays noted.
    async fn give_back(&mut self, inputs: &mut Inputs) -> std::io::Result<()> {
        let app = self.record.held_back.first().map(|held| held.subject.app.clone());
        if app.is_some() {
            self.release_all();
            self.save_record();
        }
        // Acts are done in the order in which they were asked for, and this one is answered.
        let mut display = app.filter(|_| self.sensors == Sensors::Own);
        if let Some(app) = display.clone() {
            self.order(Order::Window(WindowAct::FindUnits(app)));
        }
        self.boot.arm(Some(clock::now().boot + PARTING))?;
        while display.is_some() || !self.record.thawing.is_empty() {
            tokio::select! {
                due = self.boot.due() => return due,
                Some(thawing) = inputs.thaws.recv() => self.thawing(thawing),
                notice = inputs.notices.recv(), if display.is_some() => match notice {
                    Some(Notice::Units { .. }) | None => display = None,
                    Some(Notice::Sample(_) | Notice::Health(_)) => {}
                },
            }
        }
        Ok(())
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Sample(sample) => self.sample(&sample, clock::now()),
            Notice::Health(health) => self.set_health(health),
            Notice::Units { app, found } => self.units_found(&app, found),
        }
    }

    fn sample(&mut self, sample: &Sample, now: Reading) {
        self.notice_sleep(now);
        self.say_browser_health(now);
        let outcome = self.count.fold(sample, now);
        self.take(outcome);
        self.ask_browsers();
        // Stated anew, a blocked program has come back, even when nothing else was seen in between.
        self.settle(now, matches!(sample.fact, Fact::Focus(Some(_))));
    }

    fn tick(&mut self, now: Reading) {
        self.notice_sleep(now);
        let outcome = self.count.advance(now);
        self.take(outcome);
        self.ask_browsers();
        self.snooze_if_due(now);
        self.settle(now, false);
    }

    fn arm(&mut self) -> std::io::Result<()> {
        // While a recount is under way nothing is judged, and what was judged at that very instant needs no second look:
        // a deadline that is past would be due again and again.
        let judging = !self.recounts.under_way();
        let next_boot = self.verdicts.next_boot.filter(|at| judging && *at > self.judged_at.boot);
        let next_wall = self.verdicts.next_wall.filter(|at| judging && *at > self.judged_at.wall);
        let boot = [next_boot, self.count.deadline(), self.snoozing.values().min().copied()];
        self.boot.arm(boot.into_iter().flatten().min())?;
        let day_end = self.calendar().end_of(self.count.today(clock::now()));
        self.wall.arm(next_wall.map_or(day_end, |next| next.min(day_end)))
    }

    fn set_health(&mut self, health: Health) {
        if self.health.get(health.part) != Some(&health) {
            tracing::info!(part = health.part, ok = health.ok, backend = health.backend, "health");
            self.say_health(&health);
            self.health.insert(health.part, health);
        }
    }

    fn reload_or_warn(&mut self) {
        match read_config(&self.config_path) {
            Ok(config) => self.take_over(config),
            Err(failure) => tracing::warn!("{}; the old configuration stays", failure.for_log()),
        }
    }

    fn reload(&mut self) -> Result<(), dwell_bus::Failure> {
        let config = read_config(&self.config_path).map_err(|f| {
            dwell_bus::Failure::new(Kind::Invalid, f.to_string()).hint("the old one stays in force")
        })?;
        self.take_over(config);
        Ok(())
    }

    fn take_over(&mut self, config: Config) {
        if config == self.wished && !self.charging_differs(&config) {
            return;
        }
        tracing::info!("configuration reloaded");
        self.order(Order::Notifications(config.notifications));
        let hushed = self.config.audible && !config.audible;
        let (aliases, terminal_programs) = (self.config.aliases.clone(), self.config.terminal_programs);
        self.wished = config.clone();
        self.config = Config { aliases, terminal_programs, ..config };
        self.tick(clock::now());
        if hushed {
            self.relink();
        }
        self.charging_changed();
    }

    /// What the person is doing.
    fn state(&self) -> State {
        self.count.timeline().state()
    }

    /// By what days are counted.
    const fn calendar(&self) -> &Calendar {
        self.count.calendar()
    }

    fn order(&self, order: Order) {
        // The enforcement ends only after the hub.
        let _ = self.orders.send(order);
    }

    fn finish(&mut self) {
        let now = clock::now();
        let present = matches!(self.state(), State::Active | State::Unobserved);
        let outcome = self.count.finish(now);
        self.take(outcome);
        self.record.last = Some(record::Last::now(Some(record::Stopped { at: now.boot, present })));
        self.save_record();
    }
}
