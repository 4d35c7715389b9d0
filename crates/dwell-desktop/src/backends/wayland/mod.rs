//! A Wayland connection, as the back ends of all Wayland compositors share it.
//!
//! One [`Client`] binds whatever of interest a compositor offers — a part a file: [`idle`], [`lock`], [`plasma`],
//! [`toplevels`] — and tells
//! when any of it has changed. Everything is asynchronous, the first exchange included: a compositor that is stopped
//! holds nothing up.

mod follow;
mod idle;
mod lock;
mod lock_interfaces;
mod plasma;
mod toplevels;

pub(crate) use follow::Source;
pub(crate) use plasma::ActiveWindow;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use dwell_core::time::Millis;
use rustix::net::sockopt::socket_peercred;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use wayland_client::backend::WaylandError;
use wayland_client::protocol::wl_display::WlDisplay;
use wayland_client::protocol::{wl_callback, wl_registry, wl_seat};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle};

use super::Down;
use super::ipc::PATIENCE;
use crate::readiness::awaitable;
use crate::report::Levels;
use crate::{WindowAct, clock, compositor};

/// What is spoken of when the connection is.
const COMPOSITOR: &str = "the Wayland compositor";

/// A connection to a Wayland compositor, with what it tells.
pub(crate) struct Client {
    display: WlDisplay,
    queue: EventQueue<State>,
    fd: AsyncFd<OwnedFd>,
    state: State,
    /// How many questions must have been answered.
    answers: u32,
    idle_after: Millis,
    /// The compositor's process.
    pub(crate) peer: Option<i32>,
}

/// What the events have told so far.
#[derive(Default)]
struct State {
    answers: u32,
    seat: Option<wl_seat::WlSeat>,
    idle: idle::Idle,
    lock: lock::Lock,
    plasma: plasma::Plasma,
    toplevels: toplevels::Toplevels,
}

impl Client {
    /// Connects, and returns when the compositor has told what there is.
    pub(crate) async fn connect(socket: &Path, idle_after: Millis) -> Result<Self, Down> {
        Self::over(UnixStream::connect(socket).map_err(|_| ended())?, idle_after).await
    }

    /// The same over a socket that is connected already.
    pub(crate) async fn over(stream: UnixStream, idle_after: Millis) -> Result<Self, Down> {
        stream.set_nonblocking(true)?;
        let peer = socket_peercred(&stream).ok().map(|peer| peer.pid.as_raw_nonzero().get());
        let fd = awaitable(OwnedFd::from(stream.try_clone()?), Interest::READABLE | Interest::WRITABLE)?;
        let connection = Connection::from_socket(stream).map_err(|_| Down::Refused(COMPOSITOR))?;
        let queue: EventQueue<State> = connection.new_event_queue();
        let handle = queue.handle();
        let display = connection.display();
        display.get_registry(&handle, ());
        let mut client = Self { queue, display, fd, state: State::default(), answers: 0, idle_after, peer };
        client.settle().await?;
        let timeout = u32::try_from(idle_after.as_ms()).unwrap_or(u32::MAX);
        client.state.idle.watch(client.state.seat.as_ref(), timeout, &handle);
        client.settle().await?;
        Ok(client)
    }

    /// Waits until the compositor has answered all that it was asked so far.
    pub(crate) async fn settle(&mut self) -> Result<(), Down> {
        self.display.sync(&self.queue.handle(), ());
        self.answers += 1;
        while self.state.answers < self.answers {
            self.told().await?;
        }
        Ok(())
    }

    /// Waits until the compositor has told something. Cancelling loses nothing. Time runs while a toplevel has focus and
    /// somebody is there, see [`Self::changed_while`].
    pub(crate) async fn changed(&mut self) -> Result<(), Down> {
        let counts = !self.is_idle() && self.active().is_some();
        self.changed_while(counts).await
    }

    /// The same, for a back end that knows better whether time runs (`counts`).
    ///
    /// A compositor that is stopped or stuck keeps its connections, and tells neither idleness nor anything else, so
    /// that time would run on for whatever had focus. So while time runs, one that has been silent for the whole idle
    /// time is asked whether it is still there. While nobody is there, or nothing has focus, nothing wakes up.
    pub(crate) async fn changed_while(&mut self, counts: bool) -> Result<(), Down> {
        if !counts {
            return self.told().await;
        }
        match clock::within(self.idle_after, self.told()).await {
            Some(told) => told,
            None => self.is_alive().await,
        }
    }

    async fn is_alive(&mut self) -> Result<(), Down> {
        clock::within(PATIENCE, self.settle()).await.unwrap_or(Err(Down::Silent(COMPOSITOR)))
    }

    /// The compositor's name, where it is known: its process's.
    pub(crate) fn name(&self) -> String {
        let name = self.peer.and_then(compositor::name_of);
        name.unwrap_or_else(|| "this Wayland compositor".to_owned())
    }

    async fn told(&mut self) -> Result<(), Down> {
        loop {
            self.flush().await?;
            // Everything that has arrived is read before the socket is waited on.
            if let Some(guard) = self.queue.prepare_read() {
                match guard.read() {
                    Ok(_) => {}
                    Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return Err(ended()),
                }
            }
            let told = self.queue.dispatch_pending(&mut self.state).map_err(|_| ended())?;
            if self.state.toplevels.finished {
                return Err(ended());
            }
            if told > 0 {
                return Ok(());
            }
            self.fd.readable().await?.clear_ready();
        }
    }

    async fn flush(&self) -> Result<(), Down> {
        loop {
            match self.queue.flush() {
                Ok(()) => return Ok(()),
                Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.fd.writable().await?.clear_ready();
                }
                Err(_) => return Err(ended()),
            }
        }
    }

    /// Sends what was asked for as far as the socket takes it; [`Self::changed`] sends the rest.
    fn send(&self) -> Result<(), Down> {
        match self.queue.flush() {
            Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            flushed => flushed.map_err(|_| ended()),
        }
    }

    /// Sends an act; one that gives back is waited for. It may be the last before the connection closes, and a compositor
    /// reads nothing more from one that is closed (libwayland, `wl_client_connection_data`).
    async fn done(&mut self, act: &WindowAct) -> Result<(), Down> {
        match act {
            WindowAct::Restore(_) => self.is_alive().await,
            _ => self.send(),
        }
    }

    /// Says how well idleness is known.
    pub(crate) async fn state_idle_health(&self, levels: &mut Levels, backend: &'static str) {
        if let Some(protocol) = self.state.idle.protocol().filter(|_| self.state.seat.is_some()) {
            levels.health("idle", true, backend, &format!("told by the compositor ({protocol})")).await;
        } else {
            let message =
                "this compositor does not tell when there is no input, so you always count as present";
            levels.ill("idle", backend, message, Some("use one that offers ext-idle-notify")).await;
        }
    }

    /// Whether the compositor has said that there was no input for the whole idle time.
    pub(crate) const fn is_idle(&self) -> bool {
        self.state.idle.idle
    }

    /// Says whether the person is idle.
    pub(crate) async fn state_idle(&self, levels: &mut Levels) {
        let at = clock::now();
        // The compositor tells after the whole idle time: the last input, or the end of what inhibited idleness,
        // was that much earlier.
        levels.idle(at, self.state.idle.idle.then_some(at - self.idle_after)).await;
    }
}

fn ended() -> Down {
    Down::Ended(COMPOSITOR)
}

impl Dispatch<wl_registry::WlRegistry, ()> for State {
    fn event(
        state: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        let wl_registry::Event::Global { name, interface, version } = event else { return };
        if interface == wl_seat::WlSeat::interface().name && state.seat.is_none() {
            state.seat = Some(registry.bind(name, version.min(5), handle, ()));
        }
        state.lock.bind(registry, name, &interface, handle);
        state.idle.bind(registry, name, &interface, handle);
        state.plasma.bind(registry, name, &interface, version, handle);
        state.toplevels.bind(registry, name, &interface, version, handle);
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for State {
    fn event(
        state: &mut Self,
        _: &wl_callback::WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            state.answers += 1;
        }
    }
}

/// Objects whose events say nothing that is needed.
macro_rules! silent {
    ($($object:ty: $event:ty),*) => {$(
        impl wayland_client::Dispatch<$object, ()> for crate::backends::wayland::State {
            fn event(
                _: &mut Self,
                _: &$object,
                _: $event,
                (): &(),
                _: &wayland_client::Connection,
                _: &wayland_client::QueueHandle<Self>,
            ) {
            }
        }
    )*};
}
use silent;

silent!(wl_seat::WlSeat: wl_seat::Event);
