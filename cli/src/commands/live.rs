//! What the daemon tells unasked, for what stays on a screen: that something changed, that the daemon went, that it is back.
//!
//! Two sources, because neither has everything: the stream of events knows focus, idleness, locks, limits and sensors,
//! the signal `Changed` knows pauses, focus sessions and the like. What they say is not read here: whoever is told asks
//! for the whole state, so that nothing can be missed or summed up wrongly. Nobody is polled, and nobody is started.

use std::sync::Arc;
use std::time::Duration;

use dwell_bus::own::ChangedStream;
use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};
use zbus::proxy::OwnerChangedStream;

use crate::bus::{Bus, Daemon};
use crate::error::Error;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Something is different; ask.
    Changed,
    /// The daemon has left the bus.
    Gone,
    /// The daemon is on the bus, perhaps a new one.
    Back,
}

/// Where the stream of events is.
enum Events {
    /// To be asked for.
    Wanted,
    Flowing(Receiver),
    /// It was refused or cut off; not to be asked for before then.
    Later(Instant),
    /// There is nobody to ask.
    None,
}

/// A daemon that cuts streams off, or has given out as many as it does, is not asked again at once.
const AGAIN: Duration = Duration::from_secs(5);

/// The daemon's news.
pub(super) struct Feed {
    daemon: Arc<Daemon>,
    changed: ChangedStream,
    owners: OwnerChangedStream<'static>,
    events: Events,
}

impl Feed {
    /// Listens on the chosen bus, whether the daemon is there or not.
    ///
    /// # Errors
    /// There is no such bus.
    pub(super) async fn open() -> Result<(Arc<Daemon>, Self), Error> {
        let bus = Bus::chosen()?;
        let daemon = Arc::new(Daemon::on(bus, &bus.connect().await?).await?);
        let (changed, owners) = daemon.news().await?;
        Ok((Arc::clone(&daemon), Self { daemon, changed, owners, events: Events::Wanted }))
    }

    /// The next piece of news; `None` when the bus itself has gone. May be dropped at any moment: what was not told is
    /// told the next time.
    pub(super) async fn next(&mut self) -> Option<News> {
        if matches!(self.events, Events::Wanted) {
            let pipe = self.daemon.ask(|d| d.watch()).await;
            self.events = match pipe.map(|pipe| Receiver::from_owned_fd(pipe.into())) {
                // What changed before is not in the stream.
                Ok(Ok(pipe)) => {
                    self.events = Events::Flowing(pipe);
                    return Some(News::Changed);
                }
                // Its coming will be told.
                Err(why) if why == self.daemon.bus().not_running() => Events::None,
                _ => Events::Later(Instant::now() + AGAIN),
            };
        }
        let mut bytes = [0; 4096];
        let event = async {
            match &mut self.events {
                Events::Flowing(pipe) => pipe.read(&mut bytes).await.is_ok_and(|length| length > 0),
                Events::Later(then) => {
                    sleep_until(*then).await;
                    false
                }
                Events::Wanted | Events::None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = event => {
                if !told {
                    self.events = match self.events {
                        Events::Later(_) => Events::Wanted,
                        _ => Events::Later(Instant::now() + AGAIN),
                    };
                }
                Some(News::Changed)
            }
            signal = self.changed.next() => signal.map(|_| News::Changed),
            owner = self.owners.next() => {
                let is_there = owner?.is_some();
                self.events = if is_there { Events::Wanted } else { Events::None };
                Some(if is_there { News::Back } else { News::Gone })
            }
        }
    }
}
