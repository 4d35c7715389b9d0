//! Wayland compositors with `zwlr_foreign_toplevel_management_v1`: labwc, wayfire, river and others; and, shared with
//! the back ends of compositors that have an IPC of their own, the Wayland [`Client`].
//!
//! A toplevel that is `activated` has focus. Idleness is `ext_idle_notifier_v1`, else the older `org_kde_kwin_idle`
//! (sway before 1.8); both honour idle inhibitors by themselves, and both count from the moment of binding.
//! The protocol sends titles whether one wants them or not; they are not kept.
//!
//! Everything is asynchronous, the first exchange included: a compositor that is stopped holds nothing up.

use std::collections::HashMap;
use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use dwell_core::time::Millis;
use rustix::net::sockopt::socket_peercred;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use wayland_client::backend::{ObjectId, WaylandError};
use wayland_client::protocol::{wl_callback, wl_registry, wl_seat};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, event_created_child};
use wayland_protocols::ext::idle_notify::v1::client::{
    ext_idle_notification_v1::{self as ext_idle, ExtIdleNotificationV1},
    ext_idle_notifier_v1::{self, ExtIdleNotifierV1},
};
use wayland_protocols_plasma::idle::client::{
    org_kde_kwin_idle::{self, OrgKdeKwinIdle},
    org_kde_kwin_idle_timeout::{self as kde_idle, OrgKdeKwinIdleTimeout},
};
use wayland_protocols_wlr::foreign_toplevel::v1::client::{
    zwlr_foreign_toplevel_handle_v1::{self as toplevel, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self as manager, ZwlrForeignToplevelManagerV1},
};

use super::{Context, Down};
use crate::apps::Window;
use crate::readiness::awaitable;
use crate::report::Levels;
use crate::{WindowAct, clock, detect};

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "wlr";

/// The back end for a compositor without an IPC that we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wlr {
    pub(crate) wayland: PathBuf,
}

impl Wlr {
    /// Attaches and runs until the compositor goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let mut client = Client::connect(&self.wayland, context.settings.idle_after).await?;
        // sway opens its Wayland socket before its IPC socket: now that it has answered, both are there.
        if client.peer.is_some_and(|pid| detect::sway_socket(&context.around, pid).is_some()) {
            return Err(Down::Better);
        }
        let mut levels = Levels::new(context.reporter.clone());
        client.state_health(&mut levels, NAME, "the compositor tells what has focus").await;
        loop {
            let at = clock::now();
            let app = client.active().map(|window| context.apps.identify(&window));
            levels.focus(at, app).await;
            client.state_idle(&mut levels).await;
            tokio::select! {
                changed = client.changed() => changed?,
                act = acts.recv() => match act {
                    Some(act) => client.act(&act, &context.apps)?,
                    None => std::future::pending().await,
                },
            }
        }
    }
}

/// A connection to a Wayland compositor, with the toplevels and the idleness that it tells of.
pub(crate) struct Client {
    queue: EventQueue<State>,
    fd: AsyncFd<OwnedFd>,
    state: State,
    idle_after: Millis,
    /// The compositor's process.
    pub(crate) peer: Option<i32>,
}

/// What the events have told so far.
#[derive(Default)]
struct State {
    answers: u32,
    seat: Option<wl_seat::WlSeat>,
    manager: Option<ZwlrForeignToplevelManagerV1>,
    finished: bool,
    toplevels: HashMap<ObjectId, Toplevel>,
    activations: u64,
    ext_idle: Option<ExtIdleNotifierV1>,
    kde_idle: Option<OrgKdeKwinIdle>,
    idle: bool,
}

#[derive(Default)]
struct Toplevel {
    handle: Option<ZwlrForeignToplevelHandleV1>,
    app_id: String,
    /// When it was activated, as a count of activations; `None`: it has no focus.
    activated: Option<u64>,
    minimised: bool,
}

impl Client {
    /// Connects, and returns when the compositor has told what there is.
    pub(crate) async fn connect(socket: &Path, idle_after: Millis) -> Result<Self, Down> {
        let stream = UnixStream::connect(socket).map_err(|_| ended())?;
        stream.set_nonblocking(true)?;
        let peer = socket_peercred(&stream).ok().map(|peer| peer.pid.as_raw_nonzero().get());
        let fd = awaitable(OwnedFd::from(stream.try_clone()?), Interest::READABLE | Interest::WRITABLE)?;
        let connection =
            Connection::from_socket(stream).map_err(|_| Down::Refused("the Wayland compositor"))?;
        let queue: EventQueue<State> = connection.new_event_queue();
        let handle = queue.handle();
        let display = connection.display();
        display.get_registry(&handle, ());
        display.sync(&handle, ());
        let mut client = Self { queue, fd, state: State::default(), idle_after, peer };
        client.answered(1).await?;
        if client.state.manager.is_none() {
            return Err(Down::Lacks(
                "this Wayland compositor does not tell other programs what has focus; use one that offers wlr-foreign-toplevel-management",
            ));
        }
        client.watch_idle(&handle);
        display.sync(&handle, ());
        client.answered(2).await?;
        Ok(client)
    }

    async fn answered(&mut self, answers: u32) -> Result<(), Down> {
        while self.state.answers < answers {
            self.changed().await?;
        }
        Ok(())
    }

    fn watch_idle(&self, handle: &QueueHandle<State>) {
        let Some(seat) = &self.state.seat else { return };
        let timeout = u32::try_from(self.idle_after.as_ms()).unwrap_or(u32::MAX);
        if let Some(notifier) = &self.state.ext_idle {
            notifier.get_idle_notification(timeout, seat, handle, ());
        } else if let Some(idle) = &self.state.kde_idle {
            idle.get_idle_timeout(seat, timeout, handle, ());
        }
    }

    /// Waits until the compositor has told something. Cancelling loses nothing.
    pub(crate) async fn changed(&mut self) -> Result<(), Down> {
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
            if self.state.finished {
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

    /// The window that has focus, as far as this protocol knows it.
    pub(crate) fn active(&self) -> Option<Window> {
        let (_, app_id) = self.active_handle()?;
        let class = Some(app_id).filter(|id| !id.is_empty());
        Some(Window { class, ..Window::default() })
    }

    /// Which toplevel that is, and its app id: what to look at anew when it changes.
    pub(crate) fn active_handle(&self) -> Option<(ObjectId, String)> {
        // The next one may be activated before the last one is deactivated: the newest counts.
        let active = self.state.toplevels.iter().filter(|(_, toplevel)| toplevel.activated.is_some());
        let (id, toplevel) = active.max_by_key(|(_, toplevel)| toplevel.activated)?;
        Some((id.clone(), toplevel.app_id.clone()))
    }

    /// Says how well focus and idleness are known.
    pub(crate) async fn state_health(&self, levels: &mut Levels, backend: &'static str, focus: &str) {
        levels.health("focus", true, backend, focus).await;
        if self.state.seat.is_some() && (self.state.ext_idle.is_some() || self.state.kde_idle.is_some()) {
            levels.health("idle", true, backend, "the compositor tells when there is no input").await;
        } else {
            let message = "this compositor does not tell when there is no input, so you always count as present; use one that offers ext-idle-notify";
            levels.health("idle", false, backend, message).await;
        }
    }

    /// Says whether the person is idle.
    pub(crate) async fn state_idle(&self, levels: &mut Levels) {
        let at = clock::now();
        // The compositor tells after the whole idle time: the last input, or the end of what inhibited idleness,
        // was that much earlier.
        levels.idle(at, self.state.idle.then_some(at - self.idle_after)).await;
    }

    fn act(&self, act: &WindowAct, apps: &crate::apps::Apps) -> Result<(), Down> {
        let (WindowAct::Minimise(app) | WindowAct::Close(app)) = act;
        for toplevel in self.state.toplevels.values() {
            let class = Some(toplevel.app_id.clone()).filter(|id| !id.is_empty());
            let id = apps.identify(&Window { class, ..Window::default() });
            let Some(handle) =
                toplevel.handle.as_ref().filter(|_| id.as_str().eq_ignore_ascii_case(app.as_str()))
            else {
                continue;
            };
            match act {
                WindowAct::Minimise(_) if !toplevel.minimised => handle.set_minimized(),
                WindowAct::Minimise(_) => {}
                WindowAct::Close(_) => handle.close(),
            }
        }
        match self.queue.flush() {
            Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            flushed => flushed.map_err(|_| ended()),
        }
    }
}

fn ended() -> Down {
    Down::Ended("the Wayland compositor")
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
        } else if interface == ZwlrForeignToplevelManagerV1::interface().name {
            state.manager = Some(registry.bind(name, version.min(3), handle, ()));
        } else if interface == ExtIdleNotifierV1::interface().name {
            state.ext_idle = Some(registry.bind(name, 1, handle, ()));
        } else if interface == OrgKdeKwinIdle::interface().name {
            state.kde_idle = Some(registry.bind(name, 1, handle, ()));
        }
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

impl Dispatch<ZwlrForeignToplevelManagerV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ZwlrForeignToplevelManagerV1,
        event: manager::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            manager::Event::Toplevel { toplevel } => {
                let id = toplevel.id();
                state.toplevels.insert(id, Toplevel { handle: Some(toplevel), ..Toplevel::default() });
            }
            manager::Event::Finished => state.finished = true,
            _ => {}
        }
    }

    event_created_child!(State, ZwlrForeignToplevelManagerV1, [
        manager::EVT_TOPLEVEL_OPCODE => (ZwlrForeignToplevelHandleV1, ()),
    ]);
}

impl Dispatch<ZwlrForeignToplevelHandleV1, ()> for State {
    fn event(
        state: &mut Self,
        handle: &ZwlrForeignToplevelHandleV1,
        event: toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Self { toplevels, activations, .. } = state;
        let Some(known) = toplevels.get_mut(&handle.id()) else { return };
        match event {
            toplevel::Event::AppId { app_id } => known.app_id = app_id,
            toplevel::Event::State { state } => {
                let has = |wanted: toplevel::State| {
                    state.chunks_exact(4).any(|chunk| {
                        <[u8; 4]>::try_from(chunk).is_ok_and(|c| u32::from_ne_bytes(c) == wanted as u32)
                    })
                };
                if !has(toplevel::State::Activated) {
                    known.activated = None;
                } else if known.activated.is_none() {
                    *activations += 1;
                    known.activated = Some(*activations);
                }
                known.minimised = has(toplevel::State::Minimized);
            }
            toplevel::Event::Closed => {
                toplevels.remove(&handle.id());
                handle.destroy();
            }
            // Titles, outputs and parents are nobody's business here.
            _ => {}
        }
    }
}

impl Dispatch<ExtIdleNotificationV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ExtIdleNotificationV1,
        event: ext_idle::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            ext_idle::Event::Idled => state.idle = true,
            ext_idle::Event::Resumed => state.idle = false,
            _ => {}
        }
    }
}

impl Dispatch<OrgKdeKwinIdleTimeout, ()> for State {
    fn event(
        state: &mut Self,
        _: &OrgKdeKwinIdleTimeout,
        event: kde_idle::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            kde_idle::Event::Idle => state.idle = true,
            kde_idle::Event::Resumed => state.idle = false,
            _ => {}
        }
    }
}

/// Objects whose events say nothing that is needed.
macro_rules! silent {
    ($($object:ty: $event:ty),*) => {$(
        impl Dispatch<$object, ()> for State {
            fn event(_: &mut Self, _: &$object, _: $event, (): &(), _: &Connection, _: &QueueHandle<Self>) {}
        }
    )*};
}
silent!(
    wl_seat::WlSeat: wl_seat::Event,
    ExtIdleNotifierV1: ext_idle_notifier_v1::Event,
    OrgKdeKwinIdle: org_kde_kwin_idle::Event
);
