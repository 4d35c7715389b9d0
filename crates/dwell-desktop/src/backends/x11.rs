//! X11 with any EWMH window manager.
//!
//! Focus is the root window's `_NET_ACTIVE_WINDOW` (EWMH 1.5), told by PropertyNotify. Idleness is the SYNC
//! extension's IDLETIME counter, told by two alarms. Programs are known by WM_CLASS (ICCCM 4.1.2.5) and by the
//! process that the server sees at the other end of the window's connection (X-Resource 1.2).
//!
//! Pitfalls that shaped this: xfwm4 sets two values, the second of which is junk, and deletes the property for a
//! moment; a window may be gone when its properties are asked for; an alarm that is made while its condition already
//! holds never fires, so the counter is always read after an alarm is set; openbox goes on naming the last window when it
//! has closed, so the active window is watched for its end; a dead window manager leaves its
//! properties on the root window, so its own check window is watched for its end.

use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

use dwell_core::subject::AppId;
use dwell_core::time::{Boot, Millis};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::sync::{
    Alarm, ChangeAlarmAux, ConnectionExt as _, Counter, CreateAlarmAux, Int64, TESTTYPE, VALUETYPE,
};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask, MapState,
    Window as XWindow,
};

use super::x11_connection::{X, connect};
use super::{Abilities, Context, Down};
use crate::WindowAct;
use crate::apps::Window;
use crate::clock;
use crate::detect::XDisplay;
use crate::freezer::Processes;
use crate::idle::{IdleFold, Inhibitors};
use crate::readiness::awaitable;
use crate::report::Levels;

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "x11";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

/// A window manager that goes to a window that comes back does so by then. Later it is the person who goes there.
const COMES_BACK_WITHIN: Millis = Millis::from_secs(1);

x11rb::atom_manager! {
    /// The names that are used here.
    Atoms: AtomsCookie {
        _NET_ACTIVE_WINDOW,
        _NET_CLIENT_LIST,
        _NET_CLOSE_WINDOW,
        _NET_CURRENT_DESKTOP,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_WM_STATE,
        _NET_WM_STATE_HIDDEN,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DESKTOP,
        WM_CHANGE_STATE,
    }
}

/// The X11 back end for one display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct X11 {
    pub(crate) display: XDisplay,
}

impl X11 {
    /// Attaches and runs until the server goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let x = connect(&self.display)?;
        let root = x.setup().roots.get(self.display.screen).ok_or(Down::Refused("the X server"))?.root;
        let fd = awaitable(x.stream().as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        let inhibitors = Inhibitors::new(context.buses.clone()).await;
        let session = Session::new(x, root, &context)?;
        session.run(&fd, inhibitors, acts).await
    }
}

/// What the events so far make it necessary to look at.
#[derive(Clone, Copy, Default)]
struct Todo {
    manager: bool,
    focus: bool,
    idle: bool,
}

struct Session {
    x: X,
    root: XWindow,
    atoms: Atoms,
    context: Context,
    levels: Levels,
    fold: IdleFold,
    idle: Option<IdleAlarms>,
    /// The window manager's check window; `None` while there is no window manager.
    manager: Option<XWindow>,
    /// The active window, watched for its end and for a class that it sets late.
    watched: Option<XWindow>,
    /// Until the window manager has shown whether it goes to what comes back.
    back: Option<Back>,
}

/// Windows that have just been brought back, and what was in front before.
struct Back {
    at: Boot,
    windows: Vec<XWindow>,
    active: Option<XWindow>,
    desktop: Option<u32>,
}

/// The IDLETIME counter and its alarms: one for when it has grown, which moves, and one for input, which stays.
struct IdleAlarms {
    counter: Counter,
    grown: Alarm,
}

impl Session {
    fn new(x: X, root: XWindow, context: &Context) -> Result<Self, Down> {
        if x.query_extension(b"XWAYLAND").map_err(down)?.reply().map_err(lost)?.present {
            return Err(Down::Lacks(
                "DISPLAY is Xwayland's, which sees only some windows; in the Wayland session, run: dwelld attach",
            ));
        }
        let atoms = Atoms::new(&x).map_err(down)?.reply().map_err(lost)?;
        let events = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        x.change_window_attributes(root, &events).map_err(down)?.check().map_err(lost)?;
        // Programs that name no process of their own are asked for through X-Resource, if the server has it.
        let _ = x.res_query_version(1, 2).map_err(down)?.reply();
        let idle_after = context.settings.idle_after;
        let idle = IdleAlarms::new(&x, idle_after)?;
        Ok(Self {
            x,
            root,
            atoms,
            context: context.clone(),
            levels: Levels::new(context.reporter.clone()),
            fold: IdleFold::new(idle_after),
            idle,
            manager: None,
            watched: None,
            back: None,
        })
    }

    async fn run(
        mut self,
        fd: &AsyncFd<OwnedFd>,
        mut inhibitors: Inhibitors,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let mut todo = Todo { manager: true, focus: true, idle: true };
        if self.idle.is_some() {
            self.levels.health("idle", true, NAME, "told by the X server (IDLETIME)").await;
        } else {
            let message = "this X server has no IDLETIME counter, so you always count as present";
            self.levels.ill("idle", NAME, message, Some("use another X server")).await;
        }
        loop {
            if std::mem::take(&mut todo.manager) {
                self.look_at_manager().await?;
                todo.focus = true;
            }
            if std::mem::take(&mut todo.focus) {
                self.look_at_focus().await?;
            }
            if std::mem::take(&mut todo.idle) {
                self.look_at_idle(&inhibitors).await?;
            }
            // Replies may have brought events along: drain them before waiting on the socket, which may stay silent.
            self.drain(&mut todo)?;
            if todo.manager || todo.focus || todo.idle {
                continue;
            }
            self.x.flush().map_err(down)?;
            tokio::select! {
                ready = fd.readable() => {
                    ready?.clear_ready();
                    self.drain(&mut todo)?;
                }
                act = acts.recv() => match act {
                    Some(act) => {
                        self.act(&act).await?;
                        self.levels.acted(&act);
                    }
                    None => std::future::pending().await,
                },
                () = inhibitors.changed() => {
                    self.fold.inhibitors_change(clock::now());
                    todo.idle = true;
                }
            }
        }
    }

    fn drain(&self, todo: &mut Todo) -> Result<(), Down> {
        while let Some(event) = self.x.poll_for_event().map_err(down)? {
            match event {
                Event::PropertyNotify(p) if p.window == self.root => {
                    todo.focus |= p.atom == self.atoms._NET_ACTIVE_WINDOW;
                    todo.manager |= p.atom == self.atoms._NET_SUPPORTING_WM_CHECK;
                }
                Event::PropertyNotify(p) if Some(p.window) == self.watched => {
                    todo.focus |= p.atom == u32::from(AtomEnum::WM_CLASS);
                }
                Event::DestroyNotify(d) if Some(d.window) == self.manager => todo.manager = true,
                Event::DestroyNotify(d) => todo.focus |= Some(d.window) == self.watched,
                Event::UnmapNotify(u) => todo.focus |= Some(u.window) == self.watched,
                Event::MapNotify(m) => todo.focus |= Some(m.window) == self.watched,
                Event::SyncAlarmNotify(_) => todo.idle = true,
                // An error is a window that closed before it was asked about.
                _ => {}
            }
        }
        Ok(())
    }

    /// Finds the window manager by its check window, and watches that window's end.
    async fn look_at_manager(&mut self) -> Result<(), Down> {
        let check = self.atoms._NET_SUPPORTING_WM_CHECK;
        let named = self.window_property(self.root, check)?;
        let live = match named {
            // The check window names itself; after a crash, another window may have got its id.
            Some(window) => {
                let events = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
                self.x.change_window_attributes(window, &events).map_err(down)?.ignore_error();
                self.window_property(window, check)?.filter(|itself| *itself == window)
            }
            None => None,
        };
        self.manager = live;
        if let Some(manager) = live {
            let name = self.manager_name(manager)?;
            let name = name.as_deref().unwrap_or("a window manager without a name");
            self.levels.health("desktop", true, NAME, &format!("{name} on X11")).await;
            self.levels.attached(NAME, "told by the window manager (_NET_ACTIVE_WINDOW)", ABILITIES).await;
        } else {
            self.levels.health("desktop", true, NAME, "X11 without a window manager").await;
            let message = "no window manager that tells what has focus (EWMH) runs on this X server";
            let fix = "start a window manager, for example openbox";
            self.levels.ill("focus", NAME, message, Some(fix)).await;
        }
        Ok(())
    }

    /// What the window manager calls itself (EWMH, `_NET_SUPPORTING_WM_CHECK`). Its check window is nobody's window, and
    /// this is the one name that is read.
    fn manager_name(&self, check: XWindow) -> Result<Option<String>, Down> {
        let name = self.x.get_property(false, check, self.atoms._NET_WM_NAME, AtomEnum::ANY, 0, 16);
        let Some(name) = gone(name.map_err(down)?.reply())? else { return Ok(None) };
        let name = String::from_utf8_lossy(&name.value);
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        Ok((!name.is_empty()).then(|| name.to_owned()))
    }

    async fn look_at_focus(&mut self) -> Result<(), Down> {
        let at = clock::now();
        if self.manager.is_none() {
            self.levels.focus_unknown(at).await;
            return Ok(());
        }
        let active = self.window_property(self.root, self.atoms._NET_ACTIVE_WINDOW)?;
        // Before the window is looked at, so that nothing it does slips in between.
        if active != self.watched {
            if let Some(active) = active {
                self.context.away.seen(active);
            }
            self.stay_in_front(active)?;
            self.watch(active, true)?;
        }
        let window = match active {
            // The desktop's own background window is what has focus when nothing has.
            Some(window) if self.is_mapped(window)? && !self.is_desktop(window)? => self.describe(window)?,
            _ => None,
        };
        if window.as_ref().is_some_and(|window| window.class.is_some()) {
            self.watch(active, false)?;
        }
        let app = window.map(|window| self.context.apps.identify(&window));
        self.levels.focus(at, app).await;
        Ok(())
    }

    async fn look_at_idle(&mut self, inhibitors: &Inhibitors) -> Result<(), Down> {
        let Some(idle) = &self.idle else { return Ok(()) };
        let mut idle_for = idle.read(&self.x)?;
        loop {
            let inhibited = self.fold.is_long(idle_for) && inhibitors.any().await;
            let at = clock::now();
            let finding = self.fold.judge(at, idle_for, inhibited);
            self.levels.idle(at, finding.since).await;
            idle.rearm(&self.x, finding.next)?;
            // The counter may have passed the alarm's value before it was set.
            idle_for = idle.read(&self.x)?;
            if idle_for < finding.next {
                return Ok(());
            }
        }
    }

    /// Does something to every window of a program.
    async fn act(&mut self, act: &WindowAct) -> Result<(), Down> {
        let clients = self.clients()?;
        self.context.away.keep(|id| clients.iter().any(|window| window.to_string() == id));
        if let WindowAct::Restore(app) = act {
            return self.restore(app, &clients);
        }
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for window in clients {
            let Some(facts) = self.describe(window)? else { continue };
            let is_meant = act.is_for(&self.context.apps.identify(&facts));
            processes.note(is_meant, facts.pid);
            if is_meant {
                meant.push(window);
            }
        }
        if self.context.is_done(act, &processes).await {
            return Ok(());
        }
        // The active one last: so none of the others becomes active for a moment, as if the person had chosen it.
        meant.sort_by_key(|window| Some(*window) == self.watched);
        for window in meant {
            match act {
                // ICCCM 4.1.4; 3 is IconicState.
                WindowAct::Minimise(app) if !self.is_hidden(window)? => {
                    self.context.away.put(window, app, None);
                    self.ask_manager(window, self.atoms.WM_CHANGE_STATE, [3, 0, 0, 0, 0])?;
                }
                // EWMH: time stamp, and 2 for "a pager asks", which window managers obey.
                WindowAct::Close(_) => {
                    self.ask_manager(window, self.atoms._NET_CLOSE_WINDOW, [0, 2, 0, 0, 0])?;
                }
                WindowAct::Minimise(_) | WindowAct::Restore(_) | WindowAct::FindUnits(_) => {}
            }
        }
        self.x.flush().map_err(down)
    }

    /// Brings back what was put away for a program. ICCCM 4.1.4: a window that is mapped is iconic no more; the window
    /// manager gets the request instead of the server, whoever makes it.
    fn restore(&mut self, app: &AppId, clients: &[XWindow]) -> Result<(), Down> {
        let mut back = Back {
            at: clock::now(),
            windows: Vec::new(),
            active: self.window_property(self.root, self.atoms._NET_ACTIVE_WINDOW)?,
            desktop: self.number_property(self.root, self.atoms._NET_CURRENT_DESKTOP)?,
        };
        for window in clients {
            if self.context.away.take(window, app).is_some() && self.is_hidden(*window)? {
                self.x.map_window(*window).map_err(down)?.ignore_error();
                back.windows.push(*window);
            }
        }
        self.back = Some(back);
        self.x.flush().map_err(down)
    }

    /// Some window managers go to what comes back: openbox even to its desktop, xfwm4 too. What was in front before gets
    /// there again; if that were asked for at once, xfwm4 would take it for done.
    fn stay_in_front(&mut self, active: Option<XWindow>) -> Result<(), Down> {
        let Some(back) = self.back.take() else { return Ok(()) };
        let soon = clock::now().since(back.at).is_some_and(|since| since <= COMES_BACK_WITHIN);
        if !active.is_some_and(|active| back.windows.contains(&active)) {
            // Between two windows, nothing has focus.
            self.back = Some(back).filter(|_| soon);
            return Ok(());
        }
        if !soon {
            return Ok(());
        }
        if let Some(desktop) = back.desktop {
            self.ask_manager(self.root, self.atoms._NET_CURRENT_DESKTOP, [desktop, 0, 0, 0, 0])?;
        }
        // EWMH: 2 for "a pager asks", time stamp, and what is active now.
        if let Some(before) = back.active {
            let now = active.unwrap_or(0);
            self.ask_manager(before, self.atoms._NET_ACTIVE_WINDOW, [2, 0, now, 0, 0])?;
        }
        self.x.flush().map_err(down)
    }

    fn ask_manager(&self, window: XWindow, what: Atom, data: [u32; 5]) -> Result<(), Down> {
        let message = ClientMessageEvent::new(32, window, what, data);
        let to = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.x.send_event(false, self.root, to, message).map_err(down)?.ignore_error();
        Ok(())
    }

    /// WM_CLASS and the process of a window; `None` when it has gone.
    fn describe(&self, window: XWindow) -> Result<Option<Window>, Down> {
        // Three requests, one round trip.
        let class =
            self.x.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 128).map_err(down)?;
        let named = self
            .x
            .get_property(false, window, self.atoms._NET_WM_PID, AtomEnum::CARDINAL, 0, 1)
            .map_err(down)?;
        let spec = ClientIdSpec { client: window, mask: ClientIdMask::LOCAL_CLIENT_PID };
        let seen = self.x.res_query_client_ids(&[spec]).map_err(down)?;
        let Some(class) = gone(class.reply())? else { return Ok(None) };
        let named = gone(named.reply())?.and_then(|pid| pid.value32()?.next());
        let seen = gone(seen.reply())?.and_then(|ids| ids.ids.first()?.value.first().copied());
        let mut parts =
            class.value.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let instance = part();
        // The server's own view first: what a program in a sandbox claims is a number of its own namespace.
        let pid = seen.or(named).filter(|pid| *pid != 0);
        Ok(Some(Window { instance, class: part(), pid }))
    }

    /// Listens to the active window's own end, and for its class where it has none yet.
    fn watch(&mut self, window: Option<XWindow>, class: bool) -> Result<(), Down> {
        let old = self.watched.filter(|old| Some(*old) != window);
        let wanted = EventMask::STRUCTURE_NOTIFY
            | if class { EventMask::PROPERTY_CHANGE } else { EventMask::NO_EVENT };
        for (window, mask) in [(old, EventMask::NO_EVENT), (window, wanted)] {
            if let Some(window) = window {
                let events = ChangeWindowAttributesAux::new().event_mask(mask);
                self.x.change_window_attributes(window, &events).map_err(down)?.ignore_error();
            }
        }
        self.watched = window;
        Ok(())
    }

    /// Whether the window exists and is not put away. One whose frame alone is hidden counts as shown.
    fn is_mapped(&self, window: XWindow) -> Result<bool, Down> {
        let attributes = gone(self.x.get_window_attributes(window).map_err(down)?.reply())?;
        Ok(attributes.is_some_and(|attributes| attributes.map_state != MapState::UNMAPPED))
    }

    fn is_desktop(&self, window: XWindow) -> Result<bool, Down> {
        let kinds = self.atoms_of(window, self.atoms._NET_WM_WINDOW_TYPE)?;
        Ok(kinds.contains(&self.atoms._NET_WM_WINDOW_TYPE_DESKTOP))
    }

    fn is_hidden(&self, window: XWindow) -> Result<bool, Down> {
        Ok(self.atoms_of(window, self.atoms._NET_WM_STATE)?.contains(&self.atoms._NET_WM_STATE_HIDDEN))
    }

    fn atoms_of(&self, window: XWindow, property: Atom) -> Result<Vec<Atom>, Down> {
        let reply =
            self.x.get_property(false, window, property, AtomEnum::ATOM, 0, 64).map_err(down)?.reply();
        Ok(gone(reply)?.and_then(|reply| Some(reply.value32()?.collect())).unwrap_or_default())
    }

    fn clients(&self) -> Result<Vec<XWindow>, Down> {
        let list = self.atoms._NET_CLIENT_LIST;
        let reply =
            self.x.get_property(false, self.root, list, AtomEnum::WINDOW, 0, 4096).map_err(down)?.reply();
        Ok(gone(reply)?.and_then(|reply| Some(reply.value32()?.collect())).unwrap_or_default())
    }

    fn number_property(&self, window: XWindow, property: Atom) -> Result<Option<u32>, Down> {
        let reply =
            self.x.get_property(false, window, property, AtomEnum::CARDINAL, 0, 1).map_err(down)?.reply();
        Ok(gone(reply)?.and_then(|reply| reply.value32()?.next()))
    }

    /// The first window that a property names (a second value is xfwm4's junk).
    fn window_property(&self, window: XWindow, property: Atom) -> Result<Option<XWindow>, Down> {
        let reply =
            self.x.get_property(false, window, property, AtomEnum::WINDOW, 0, 1).map_err(down)?.reply();
        Ok(gone(reply)?.and_then(|reply| reply.value32()?.next()).filter(|window| *window != 0))
    }
}

impl IdleAlarms {
    /// `None` when the server does not count idle time.
    fn new(x: &X, after: Millis) -> Result<Option<Self>, Down> {
        let version = x.sync_initialize(3, 1).map_err(down)?.reply();
        if gone(version)?.is_none() {
            return Ok(None);
        }
        let counters = x.sync_list_system_counters().map_err(down)?.reply().map_err(lost)?;
        let Some(counter) = counters.counters.iter().find(|c| c.name == b"IDLETIME").map(|c| c.counter)
        else {
            return Ok(None);
        };
        let create = |test| -> Result<Alarm, ReplyOrIdError> {
            let alarm = x.generate_id()?;
            let what = CreateAlarmAux::new()
                .counter(counter)
                .value_type(VALUETYPE::ABSOLUTE)
                .value(int64(after))
                .test_type(test)
                .delta(int64(Millis::ZERO))
                .events(1);
            x.sync_create_alarm(alarm, &what)?.check()?;
            Ok(alarm)
        };
        let grown = create(TESTTYPE::POSITIVE_TRANSITION).map_err(|_| Down::Ended("the X server"))?;
        create(TESTTYPE::NEGATIVE_TRANSITION).map_err(|_| Down::Ended("the X server"))?;
        Ok(Some(Self { counter, grown }))
    }

    /// The time since the last input, in the server's milliseconds.
    fn read(&self, x: &X) -> Result<Millis, Down> {
        let Int64 { hi, lo } =
            x.sync_query_counter(self.counter).map_err(down)?.reply().map_err(lost)?.counter_value;
        Ok(Millis::from_ms(u64::try_from(hi).unwrap_or(0) << 32 | u64::from(lo)))
    }

    /// Sets the alarm to a reading of the counter.
    fn rearm(&self, x: &X, at: Millis) -> Result<(), Down> {
        let what = ChangeAlarmAux::new().value(int64(at));
        x.sync_change_alarm(self.grown, &what).map_err(down)?.ignore_error();
        Ok(())
    }
}

fn int64(length: Millis) -> Int64 {
    let ms = length.as_ms();
    Int64 { hi: i32::try_from(ms >> 32).unwrap_or(i32::MAX), lo: (ms & 0xffff_ffff) as u32 }
}

fn down(_: ConnectionError) -> Down {
    Down::Ended("the X server")
}

fn lost(_: ReplyError) -> Down {
    Down::Ended("the X server")
}

/// A reply, or `None` when the server answered with an error: what was asked about has gone. Only a broken
/// connection is an end.
fn gone<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, Down> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(_)) => Err(Down::Ended("the X server")),
    }
}
