//! The window that opens when a limit acts: another program, which the bus starts, and which may not be installed.

use dwell_bus::prompt::PromptProxy;
use tokio::sync::mpsc;
use zbus::{Connection, fdo};

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
    let Ok(window) = builder.build().await else { return };
    while let Some(what) = wanted.recv().await {
        let done = match what {
            // Called, not looked up in the bus's list: one that was installed since the bus started may not be in there
            // before somebody calls it.
            Window::Show { target, rule } => window.show(&target, &rule).await,
            // What is not running shows nothing, and is not started for it.
            Window::Hide { rule } => window.hide(&rule).await,
        };
        match done {
            // It is not installed, or does not run.
            Ok(()) | Err(fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_)) => {}
            Err(_) => tracing::info!("the window was not shown; the notice tells the same"),
        }
    }
}
