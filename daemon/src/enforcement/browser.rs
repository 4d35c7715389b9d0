//! What goes to browsers: signals, each to the one host that it is for, and a look at who of them leaves the bus.

use dwell_bus::browser::{Block, BrowserRequest};
use dwell_bus::{Intake, Request};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::object_server::SignalEmitter;

/// Something for a browser's host. Private, so it has no `Debug`.
pub enum Page {
    /// Say when it has left the bus.
    Watch(OwnedUniqueName),
    /// It should say what its browser shows.
    Report(OwnedUniqueName),
    /// What is blocked, with its number.
    Rules(OwnedUniqueName, u64, Vec<Block>),
}

/// Reaches browsers' hosts.
#[derive(Clone)]
pub struct Browsers {
    session: Connection,
    hub: mpsc::Sender<Request>,
}

impl Browsers {
    /// By this bus; who leaves it is told to `hub`.
    pub const fn new(session: Connection, hub: mpsc::Sender<Request>) -> Self {
        Self { session, hub }
    }

    /// Does one thing.
    pub async fn take(&self, page: Page) {
        let done = match page {
            Page::Watch(host) => {
                // It ends with the host, or with the bus.
                tokio::spawn(self.clone().watch(host));
                return;
            }
            Page::Report(host) => match self.to(host) {
                Ok(emitter) => Intake::browser_report(&emitter).await,
                Err(error) => Err(error),
            },
            Page::Rules(host, generation, blocks) => match self.to(host) {
                Ok(emitter) => Intake::browser_rules(&emitter, generation, blocks).await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = done {
            tracing::warn!("a browser was not reached: {error}");
        }
    }

    fn to(&self, host: OwnedUniqueName) -> zbus::Result<SignalEmitter<'static>> {
        let emitter = SignalEmitter::new(&self.session, dwell_bus::PATH)?.into_owned();
        Ok(emitter.set_destination(BusName::Unique(host.into())))
    }

    async fn watch(self, host: OwnedUniqueName) {
        // Where nobody can say whether it is there, it counts as gone: that loses domains, and invents none.
        if let Err(error) = self.until_gone(&host).await {
            tracing::warn!("a browser is not watched: {error}");
        }
        // The hub is gone only while everything stops.
        let _ = self.hub.send(Request::Browser(BrowserRequest::Left(host))).await;
    }

    async fn until_gone(&self, host: &OwnedUniqueName) -> zbus::Result<()> {
        let bus = DBusProxy::new(&self.session).await?;
        let mut gone = bus.receive_name_owner_changed_with_args(&[(0, host.as_str())]).await?;
        // It may have left before that was listened to.
        if bus.name_has_owner(BusName::Unique(host.clone().into())).await? {
            while let Some(change) = gone.next().await {
                if change.args()?.new_owner().is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}
