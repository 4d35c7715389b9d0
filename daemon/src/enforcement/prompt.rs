//! The window that opens when a limit acts: another program, which the bus starts, and which may not be installed.

use dwell_bus::prompt::{NAME, PromptProxy};
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

/// Something for the window. Private, so it has no `Debug`.
pub enum Window {
    /// Show what became of a rule.
    Show {
        /// What the rule is about.
        target: String,
        /// The rule's id.
        rule: String,
    },
    /// The rule does not hold any more.
    Hide {
        /// The rule's id.
        rule: String,
    },
}

/// Asks for the window, until nobody is left who could. A task of its own: starting a program takes a while.
pub async fn run(session: Connection, mut wanted: mpsc::UnboundedReceiver<Window>) {
    let builder = PromptProxy::builder(&session).cache_properties(zbus::proxy::CacheProperties::No);
    let (Ok(window), Ok(bus)) = (builder.build().await, DBusProxy::new(&session).await) else { return };
    while let Some(what) = wanted.recv().await {
        let done = match what {
            Window::Show { target, rule } if is_there(&bus, true).await => window.show(&target, &rule).await,
            // What is not running shows nothing.
            Window::Hide { rule } if is_there(&bus, false).await => window.hide(&rule).await,
            Window::Show { .. } | Window::Hide { .. } => Ok(()),
        };
        if done.is_err() {
            tracing::info!("the window was not shown; the notice tells the same");
        }
    }
}

/// Whether the window's program runs, or where it is to be started can be.
async fn is_there(bus: &DBusProxy<'_>, start: bool) -> bool {
    let Ok(name) = BusName::try_from(NAME) else { return false };
    if bus.name_has_owner(name).await.unwrap_or(false) {
        return true;
    }
    let startable = async { bus.list_activatable_names().await.unwrap_or_default() };
    start && startable.await.iter().any(|name| name.as_str() == NAME)
}
