//! Enforcement: does what the hub ordered, and decides nothing.
//!
//! It is reached through a channel, so that the same orders can go to an agent in another session. With
//! `--dry-run` it prints what it would do.

mod browser;
mod freeze;
mod notify;
pub mod prompt;

use std::sync::Arc;

use dwell_bus::Own;
use dwell_desktop::freezer::Unit;
use dwell_desktop::{Desktop, Settings, Surroundings, WindowAct};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zbus::object_server::SignalEmitter;

pub use browser::{Browsers, Page};
pub use freeze::{Freezer, Thawed};
pub use notify::{Acted, Action, Button, Notifier, Offer};
pub use prompt::Window;

use dwell_core::texts::Notice;

/// An order. Private, so it has no `Debug`.
pub enum Order {
    /// Do something to a program's windows.
    Window(WindowAct),
    /// Tell the person something about a rule; replaces what was last told about it.
    Tell {
        /// The rule's id.
        rule: String,
        /// What to say.
        notice: Notice,
        /// Whether it accompanies an act: then it is shown above full-screen windows too.
        urgent: bool,
        /// What the person can do about it.
        offers: Vec<Offer>,
    },
    /// Show the window about a rule, where there is one.
    Prompt {
        /// What the rule is about.
        target: String,
        /// The rule's id.
        rule: String,
    },
    /// Freeze these units of the person's own systemd.
    Freeze(Vec<Unit>),
    /// Let them run again.
    Thaw {
        /// The units.
        units: Vec<Unit>,
        /// The person's systemd was waited for already.
        again: bool,
    },
    /// Lock the session.
    Lock,
    /// What was told about a rule no longer holds.
    TakeBack {
        /// The rule's id.
        rule: String,
    },
    /// Whether notifications are shown from now on.
    Notifications(bool),
    /// Settings of the sensors changed.
    Configure(Settings),
    /// A display may be found here.
    Attach(Surroundings),
    /// Others on the bus may want to ask again.
    Changed,
    /// Something for a browser.
    Page(Page),
}

/// What became of units that were to run again. Until it is told, they may be frozen.
#[derive(Debug)]
pub enum Thawing {
    /// These run.
    Run(Vec<Unit>),
    /// The person's systemd, which was not there, has come: what is still to run again can be asked of it.
    SystemdCame,
}

/// Who does it.
pub struct Hands {
    /// This session's desktop, where this process senses and acts by itself.
    pub desktop: Option<Arc<Desktop>>,
    /// Where to emit the signal `Changed`.
    pub emitter: SignalEmitter<'static>,
    /// What freezes programs, and lets them run again.
    pub freezer: Freezer,
    /// Where to tell what became of what was thawed.
    pub thawing: mpsc::UnboundedSender<Thawing>,
    /// The window that opens when a limit acts.
    pub window: mpsc::UnboundedSender<Window>,
    /// The notification service. A task of its own: a service that hangs must not keep windows from being put away.
    pub notifier: mpsc::UnboundedSender<notify::Word>,
    /// What reaches browsers.
    pub browsers: Browsers,
    /// Acts on windows and words are printed instead.
    pub dry_run: bool,
}

/// Does orders as they come, until the hub is gone.
pub async fn run(mut orders: mpsc::UnboundedReceiver<Order>, hands: Hands) {
    // They end with the hub, too.
    let mut waiting = JoinSet::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Window(_)
            | Order::Tell { .. }
            | Order::TakeBack { .. }
            | Order::Prompt { .. }
            | Order::Freeze(_)
            | Order::Thaw { .. }
            | Order::Lock
            | Order::Page(Page::Rules(..))
                if hands.dry_run =>
            {
                print(&order);
            }
            Order::Window(act) => {
                if let Some(desktop) = &hands.desktop {
                    desktop.act(act);
                }
            }
            Order::Tell { rule, notice, urgent, offers } => {
                hands.say(notify::Word::Tell { rule, notice, urgent, offers });
            }
            Order::TakeBack { rule } => {
                hands.window(Window::Hide { rule: rule.clone() });
                hands.say(notify::Word::TakeBack { rule });
            }
            Order::Prompt { target, rule } => hands.window(Window::Show { target, rule }),
            Order::Freeze(units) => hands.freezer.freeze(units).await,
            Order::Thaw { units, again } => hands.thaw(units, again, &mut waiting).await,
            Order::Lock => hands.lock().await,
            Order::Notifications(on) => hands.say(notify::Word::Enable(on)),
            Order::Configure(settings) => {
                if let Some(desktop) = &hands.desktop {
                    desktop.configure(settings);
                }
            }
            Order::Attach(surroundings) => {
                if let Some(desktop) = &hands.desktop {
                    desktop.reattach(surroundings);
                }
            }
            Order::Page(page) => hands.browsers.take(page).await,
            Order::Changed => {
                if let Err(error) = Own::changed(&hands.emitter).await {
                    tracing::warn!("the signal Changed was not sent: {error}");
                }
            }
        }
    }
}

impl Hands {
    /// Where the person's systemd is not on the bus yet, as right after a login, it is waited for beside everything else.
    async fn thaw(&self, units: Vec<Unit>, again: bool, waits: &mut JoinSet<()>) {
        let Thawed { running, waiting } = self.freezer.thaw(units).await;
        if !running.is_empty() {
            // The hub is gone only while everything stops.
            let _ = self.thawing.send(Thawing::Run(running));
        }
        if waiting.is_empty() {
            return;
        }
        if again {
            return tracing::warn!("programs stay frozen: the person's systemd does not answer");
        }
        let (freezer, thawing) = (self.freezer.clone(), self.thawing.clone());
        waits.spawn(async move {
            if freezer.systemd_comes(freeze::COMES_WITHIN).await {
                let _ = thawing.send(Thawing::SystemdCame);
            } else {
                tracing::warn!(
                    "programs stay frozen until dwelld starts anew: the person's systemd did not come"
                );
            }
        });
    }

    async fn lock(&self) {
        let Some(desktop) = &self.desktop else { return };
        if let Err(error) = desktop.lock_session().await {
            tracing::warn!("the session was not locked: {error}");
        }
    }

    fn window(&self, what: Window) {
        // Where nobody could show it, the notice tells the same.
        let _ = self.window.send(what);
    }

    fn say(&self, word: notify::Word) {
        // The notifier ends only after this.
        let _ = self.notifier.send(word);
    }
}

#[expect(clippy::print_stdout, reason = "--dry-run prints: that is what it is for")]
fn print(order: &Order) {
    match order {
        Order::Window(WindowAct::Minimise(app)) => {
            println!("would minimise the windows of app:{}", app.as_str())
        }
        Order::Window(WindowAct::Close(app)) => {
            println!("would ask the windows of app:{} to close", app.as_str())
        }
        Order::Window(WindowAct::Restore(app)) => {
            println!("would bring back the windows of app:{}", app.as_str())
        }
        Order::Window(WindowAct::FindUnits(app)) => println!("would freeze app:{}", app.as_str()),
        Order::Freeze(units) => println!("would freeze {} units", units.len()),
        Order::Thaw { units, .. } => println!("would thaw {} units", units.len()),
        Order::Lock => println!("would lock the session"),
        Order::Prompt { rule, .. } => println!("would show the window about \"{rule}\""),
        Order::Tell { notice, .. } => println!("would say: {} — {}", notice.summary, notice.body),
        Order::TakeBack { rule } => println!("would take back what was said about \"{rule}\""),
        Order::Page(Page::Rules(_, _, blocks)) => println!("would block the pages of {} rules", blocks.len()),
        Order::Notifications(_)
        | Order::Configure(_)
        | Order::Attach(_)
        | Order::Changed
        | Order::Page(Page::Watch(_) | Page::Report(_)) => {}
    }
}
