//! Enforcement: does what the hub ordered, and decides nothing.
//!
//! It is reached through a channel, so that the same orders can go to an agent in another session. With
//! `--dry-run` it prints what it would do.

mod notify;

use std::sync::Arc;

use dwell_bus::Own;
use dwell_desktop::{Desktop, Settings, Surroundings, WindowAct};
use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;

pub use notify::Notifier;

use crate::texts::Notice;

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
    },
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
}

/// Who does it.
pub struct Hands {
    /// This session's desktop, where this process senses and acts by itself.
    pub desktop: Option<Arc<Desktop>>,
    /// Where to emit the signal `Changed`.
    pub emitter: SignalEmitter<'static>,
    /// The notification service. A task of its own: a service that hangs must not keep windows from being put away.
    pub notifier: mpsc::UnboundedSender<notify::Word>,
    /// Acts on windows and words are printed instead.
    pub dry_run: bool,
}

/// Does orders as they come, until the hub is gone.
pub async fn run(mut orders: mpsc::UnboundedReceiver<Order>, hands: Hands) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Window(_) | Order::Tell { .. } | Order::TakeBack { .. } if hands.dry_run => print(&order),
            Order::Window(act) => {
                if let Some(desktop) = &hands.desktop {
                    desktop.act(act);
                }
            }
            Order::Tell { rule, notice, urgent } => hands.say(notify::Word::Tell { rule, notice, urgent }),
            Order::TakeBack { rule } => hands.say(notify::Word::TakeBack { rule }),
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
            Order::Changed => {
                if let Err(error) = Own::changed(&hands.emitter).await {
                    tracing::warn!("the signal Changed was not sent: {error}");
                }
            }
        }
    }
}

impl Hands {
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
        Order::Tell { notice, .. } => println!("would say: {} — {}", notice.summary, notice.body),
        Order::TakeBack { rule } => println!("would take back what was said about \"{rule}\""),
        Order::Notifications(_) | Order::Configure(_) | Order::Attach(_) | Order::Changed => {}
    }
}
