//! What happens when: orders from the daemon, presses of the person, and the end when there is nothing to show.
//!
//! All of it runs in GTK's loop. Calls go to the unique name of whoever asked for the window: it is that daemon which
//! knows the rule, and a unique name starts nothing.
//!
//! Lacks: any decision about a rule. Whether a snooze may be had, and which sentence is right, the daemon says.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::{Duration, SystemTime};

use dwell_bus::prompt::Order;
use dwell_bus::{Error, Failure, Kind, OwnProxy, wire};
use dwell_core::texts::Texts;
use dwell_core::time::{Millis, Wall};
use gtk::glib;
use zbus::names::OwnedUniqueName;
use zbus::proxy::CacheProperties;

use crate::bus::{Bus, News};
use crate::face::{Face, moment};
use crate::shown::{Entry, Shown};
use crate::window::{Hands, More, Window};

/// How long the daemon may take to say what a rule is about.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after the name was given up a call that came before may take to arrive.
const LAST_CALLS: Duration = Duration::from_millis(500);

/// The program between its start and its end.
pub(crate) struct App {
    connection: zbus::Connection,
    lingers: Duration,
    ends: glib::MainLoop,
    texts: Rc<Texts>,
    window: Window,
    shown: RefCell<Shown>,
    /// Rules that are being asked about, each with the number of its order: a later one, or a *Hide*, overtakes it.
    asking: RefCell<Vec<(String, u64)>>,
    orders: Cell<u64>,
    /// Ends the program when nothing is shown.
    rest: Cell<Option<glib::SourceId>>,
    /// Counts the wait down, while it lasts and somebody can see it.
    count: Cell<Option<glib::SourceId>>,
    me: Weak<Self>,
}

impl App {
    /// Runs until nothing was shown for as long as `lingers`, or the session ends.
    pub(crate) fn run(bus: Bus, lingers: Duration, texts: Texts) {
        let texts = Rc::new(texts);
        // What zbus does in calls of this thread is done by the runtime of the other.
        let _entered = bus.runtime.enter();
        let Bus { connection, mut orders, mut news, .. } = bus;
        let ends = glib::MainLoop::new(None, false);
        let app = Rc::new_cyclic(|me: &Weak<Self>| Self {
            connection,
            lingers,
            ends: ends.clone(),
            window: Window::new(Rc::new(Pressed(me.clone())), Rc::clone(&texts)),
            texts,
            shown: RefCell::default(),
            asking: RefCell::default(),
            orders: Cell::default(),
            rest: Cell::default(),
            count: Cell::default(),
            me: me.clone(),
        });
        app.rest_if_idle();
        let to = Rc::clone(&app);
        glib::spawn_future_local(async move {
            while let Some(order) = orders.recv().await {
                to.order(order);
            }
        });
        let to = Rc::clone(&app);
        glib::spawn_future_local(async move {
            while let Some(heard) = news.recv().await {
                to.hear(heard);
            }
        });
        ends.run();
    }

    fn order(&self, order: Order) {
        match order {
            Order::Show { target, rule, daemon } => self.show(target, rule, daemon),
            Order::Hide { rule } => {
                self.asking.borrow_mut().retain(|(asked, _)| *asked != rule);
                let was_there = self.shown.borrow_mut().take(&rule);
                if was_there {
                    self.present();
                }
                self.rest_if_idle();
            }
        }
    }

    fn hear(&self, news: News) {
        match news {
            News::DaemonGone => self.put_away(),
            News::Dark(dark) => {
                if let Some(settings) = gtk::Settings::default() {
                    settings.set_gtk_application_prefer_dark_theme(dark);
                }
            }
            News::BusGone => self.ends.quit(),
        }
    }

    fn show(&self, target: String, rule: String, daemon: OwnedUniqueName) {
        self.stay();
        let number = self.orders.get() + 1;
        self.orders.set(number);
        self.asking.borrow_mut().retain(|(asked, _)| *asked != rule);
        self.asking.borrow_mut().push((rule.clone(), number));
        let Some(me) = self.me.upgrade() else { return };
        glib::spawn_future_local(async move {
            let entry = glib::future_with_timeout(PATIENCE, me.ask(target, rule.clone(), daemon)).await;
            let asked = (rule, number);
            let wanted = me.asking.borrow().contains(&asked);
            me.asking.borrow_mut().retain(|asking| *asking != asked);
            if let Ok(Some(entry)) = entry
                && wanted
            {
                me.put(entry);
            }
            me.rest_if_idle();
        });
    }

    /// What the daemon says of a rule; none when it says nothing, or the rule does not apply any more.
    async fn ask(&self, target: String, rule: String, daemon: OwnedUniqueName) -> Option<Entry> {
        let own = self.own(&daemon).await.ok()?;
        let why = own.why(&target).await.ok()?;
        // Refused where none is left: then there is none to offer.
        let snooze = own.ask_snooze(&rule).await.ok();
        let name = snooze.as_ref().map(|snooze| snooze.name.as_str()).filter(|name| !name.is_empty());
        let face = Face::of(&rule, &why, name, &self.texts, now())?;
        Some(Entry {
            target,
            rule,
            daemon,
            face,
            snooze: snooze.filter(|snooze| snooze.left > 0).map(since_now),
        })
    }

    async fn own(&self, daemon: &OwnedUniqueName) -> zbus::Result<OwnProxy<'static>> {
        let builder = OwnProxy::builder(&self.connection).destination(daemon.clone().into_inner())?;
        builder.cache_properties(CacheProperties::No).build().await
    }

    fn put(&self, entry: Entry) {
        let before = self.front().map(|front| front.rule);
        self.shown.borrow_mut().put(entry, self.window.is_typing());
        if self.window.is_typing() && self.front().map(|front| front.rule) == before {
            self.window.also(&self.shown.borrow().others());
        } else {
            self.present();
        }
    }

    fn front(&self) -> Option<Entry> {
        self.shown.borrow().front().cloned()
    }

    /// Brings the window up to what is shown.
    fn present(&self) {
        let Some(front) = self.front() else { return self.window.hide() };
        let others = self.shown.borrow().others();
        self.window.show(
            &front.face,
            &others,
            front.snooze.as_ref().map(|snooze| self.offer(snooze)).as_ref(),
        );
        self.count();
    }

    fn offer<'a>(&self, (snooze, until): &'a (wire::Snooze, i64)) -> More<'a> {
        let still = snooze.still_by.as_deref();
        let still = still.map(|rule| (rule, snooze.still_until_at_ms.map(Wall::from_unix_ms)));
        More {
            length: Millis::from_ms(snooze.length_ms),
            wait: left(*until),
            sentence: snooze.sentence.as_deref(),
            left: self.texts.more_left(&moment(&snooze.zone, now()), snooze.left, still),
        }
    }

    /// Counts the wait of the rule in front down, a second at a time, until it is over.
    fn count(&self) {
        if let Some(count) = self.count.take() {
            count.remove();
        }
        let Some((snooze, until)) = self.front().and_then(|front| front.snooze) else { return };
        let left = left(until);
        self.window.count(Millis::from_ms(snooze.length_ms), left);
        if left.is_zero() {
            return;
        }
        let to = self.me.clone();
        // To the next whole second.
        let next = Duration::from_millis((left.as_ms() - 1) % 1000 + 1);
        self.count.set(Some(glib::timeout_add_local_once(next, move || {
            if let Some(app) = to.upgrade() {
                app.count.set(None);
                app.count();
            }
        })));
    }

    /// Takes everything away.
    fn put_away(&self) {
        self.asking.borrow_mut().clear();
        self.shown.borrow_mut().clear();
        if let Some(count) = self.count.take() {
            count.remove();
        }
        self.window.hide();
        self.rest_if_idle();
    }

    fn close(&self) {
        let (Some(front), Some(me)) = (self.front(), self.me.upgrade()) else { return };
        self.window.busy(true);
        glib::spawn_future_local(async move {
            let done = async { me.own(&front.daemon).await?.close_target(&front.target).await };
            match done.await.map_err(Error::into_failure) {
                Ok(()) => me.put_away(),
                // It was closed before, which is as well.
                Err(Ok(failure)) if failure.kind == Kind::NotFound => me.put_away(),
                Err(why) => me.failed(&front.rule, why),
            }
        });
    }

    fn more(&self, sentence: String) {
        let (Some(front), Some(me)) = (self.front(), self.me.upgrade()) else { return };
        let Some((snooze, _)) = front.snooze else { return };
        self.window.busy(true);
        glib::spawn_future_local(async move {
            let done = async {
                let own = me.own(&front.daemon).await?;
                own.snooze(&snooze.rule, sentence.trim()).await
            };
            match done.await.map_err(Error::into_failure) {
                Ok(_) => me.put_away(),
                Err(Ok(failure)) if failure.kind == Kind::Invalid && snooze.sentence.is_some() => {
                    me.window.busy(false);
                    me.window.say(Some(&me.texts.another_sentence()));
                }
                Err(why) => me.failed(&front.rule, why),
            }
        });
    }

    /// Says why nothing was done, where the rule is still in front.
    fn failed(&self, rule: &str, why: Result<Failure, zbus::Error>) {
        if self.front().is_none_or(|front| front.rule != rule) {
            return;
        }
        self.window.busy(false);
        let said = match why {
            Ok(failure) if failure.hint.is_empty() => failure.message,
            Ok(failure) => format!("{}: {}", failure.message, failure.hint),
            Err(_) => self.texts.nobody(),
        };
        self.window.say(Some(&said));
    }

    /// The program goes on: there is something to show.
    fn stay(&self) {
        if let Some(rest) = self.rest.take() {
            rest.remove();
        }
    }

    fn is_idle(&self) -> bool {
        self.asking.borrow().is_empty() && self.shown.borrow().front().is_none()
    }

    /// Ends the program after a while, where there is nothing to show.
    fn rest_if_idle(&self) {
        if !self.is_idle() {
            return;
        }
        self.stay();
        let to = self.me.clone();
        self.rest.set(Some(glib::timeout_add_local_once(self.lingers, move || {
            let Some(app) = to.upgrade() else { return };
            app.rest.set(None);
            glib::spawn_future_local(async move {
                Bus::leave(&app.connection).await;
                glib::timeout_future(LAST_CALLS).await;
                if app.is_idle() {
                    app.ends.quit();
                }
            });
        })));
    }
}

/// The person's presses.
struct Pressed(Weak<App>);

impl Hands for Pressed {
    fn close(&self) {
        if let Some(app) = self.0.upgrade() {
            app.close();
        }
    }

    fn more(&self, sentence: &str) {
        if let Some(app) = self.0.upgrade() {
            app.more(sentence.to_owned());
        }
    }

    fn dismissed(&self) {
        if let Some(app) = self.0.upgrade() {
            app.put_away();
        }
    }
}

fn since_now(snooze: wire::Snooze) -> (wire::Snooze, i64) {
    let wait = i64::try_from(snooze.wait_ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    let until = glib::monotonic_time().saturating_add(wait);
    (snooze, until)
}

/// What is left of a wait; zero when it is over.
fn left(until: i64) -> Millis {
    let left = u64::try_from(until - glib::monotonic_time()).unwrap_or(0);
    Millis::from_ms(left.div_ceil(1000))
}

fn now() -> Wall {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Wall::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
