//! A Wayland compositor within the test: it draws nothing, and tells of windows, idleness and locks what the test says.
//!
//! It listens on a real socket in the bed's runtime folder, where the sensors find it as they find any other. It shares
//! no code with what is tested, but for the description of one protocol.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc as channel;
use wayland_protocols::ext::idle_notify::v1::server::{
    ext_idle_notification_v1::{self, ExtIdleNotificationV1},
    ext_idle_notifier_v1::{self, ExtIdleNotifierV1},
};
use wayland_protocols_plasma::idle::server::{
    org_kde_kwin_idle::{self, OrgKdeKwinIdle},
    org_kde_kwin_idle_timeout::{self, OrgKdeKwinIdleTimeout},
};
use wayland_protocols_wlr::foreign_toplevel::v1::server::{
    zwlr_foreign_toplevel_handle_v1::{self, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self, ZwlrForeignToplevelManagerV1},
};
use wayland_server::backend::ClientData;
use wayland_server::protocol::wl_seat::{self, WlSeat};
use wayland_server::{Client, DataInit, Dispatch, Display, DisplayHandle, GlobalDispatch, New, Resource};

use super::lock_protocol::{
    hyprland_lock_notification_v1::{self, HyprlandLockNotificationV1},
    hyprland_lock_notifier_v1::{self, HyprlandLockNotifierV1},
};

pub(crate) use wayland_protocols_wlr::foreign_toplevel::v1::server::zwlr_foreign_toplevel_handle_v1::State;

/// What the compositor offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offers {
    pub(crate) toplevels: bool,
    pub(crate) seat: bool,
    pub(crate) ext_idle: bool,
    pub(crate) kde_idle: bool,
    pub(crate) lock: bool,
}

impl Offers {
    /// What sway 1.10 and labwc offer.
    pub(crate) const USUAL: Self =
        Self { toplevels: true, seat: true, ext_idle: true, kde_idle: false, lock: false };
}

/// What the sensors asked the compositor for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To be told when there was no input for so many milliseconds, over this protocol.
    Idle(&'static str, u32),
    Close(usize),
    Minimise(usize),
    Restore(usize),
    /// Anything else; nothing else is expected.
    Other(String),
}

/// What the test tells the compositor. A list of these reaches the sensors at once.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    /// A new window, and the app id that it has from the beginning, if any.
    Open(Option<&'static str>),
    States(usize, Vec<State>),
    Rename(usize, &'static str),
    Title(usize, String),
    Close(usize),
    Idle,
    Resume,
    Lock,
    Unlock,
    /// The end of the toplevels' protocol.
    Finish,
    /// A fatal error on every toplevel manager.
    ProtocolError,
}

enum Command {
    Do(Vec<Do>),
    Stall,
    GoOn,
    Die,
}

/// The running compositor. It ends when this is dropped.
pub(crate) struct Compositor {
    commands: mpsc::Sender<Command>,
    wake: UnixStream,
    asked: channel::UnboundedReceiver<Asked>,
    thread: Option<JoinHandle<()>>,
    socket: PathBuf,
    opened: usize,
}

impl Compositor {
    /// Starts to listen at `socket`.
    pub(crate) fn start(socket: PathBuf, offers: Offers) -> Self {
        let (commands, received) = mpsc::channel();
        let (wake, woken) = UnixStream::pair().unwrap();
        let (ask, asked) = channel::unbounded_channel();
        let listener = UnixListener::bind(&socket).unwrap();
        let thread = std::thread::spawn(move || serve(&listener, offers, &woken, &received, ask));
        Self { commands, wake, asked, thread: Some(thread), socket, opened: 0 }
    }

    fn command(&self, command: Command) {
        self.commands.send(command).unwrap();
        std::io::Write::write_all(&mut &self.wake, b".").unwrap();
    }

    /// Does these things; the sensors hear of all of them at once.
    pub(crate) fn all(&self, things: impl IntoIterator<Item = Do>) {
        self.command(Command::Do(things.into_iter().collect()));
    }

    pub(crate) fn one(&self, thing: Do) {
        self.all([thing]);
    }

    /// Opens a window and gives it focus, taking it from `last`; its number.
    pub(crate) fn open(&mut self, app_id: &'static str, last: Option<usize>) -> usize {
        let number = self.reserve();
        let unfocus = last.map(|last| Do::States(last, Vec::new()));
        let focus = [Do::Open(Some(app_id)), Do::States(number, vec![State::Activated])];
        self.all(unfocus.into_iter().chain(focus));
        number
    }

    /// The number of the window that is opened next.
    pub(crate) fn reserve(&mut self) -> usize {
        self.opened += 1;
        self.opened - 1
    }

    /// Neither reads nor writes any more, as one that is stopped.
    pub(crate) fn stall(&self) {
        self.command(Command::Stall);
    }

    pub(crate) fn go_on(&self) {
        self.command(Command::GoOn);
    }

    /// Closes every connection and stops listening; its socket's file stays, as after a crash.
    pub(crate) fn die(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.command(Command::Die);
            thread.join().unwrap();
        }
    }

    /// What the sensors ask for next.
    pub(crate) async fn asked(&mut self) -> Asked {
        tokio::time::timeout(crate::DEADLINE, self.asked.recv()).await.expect("nothing is asked").unwrap()
    }

    /// Whether anything was asked that has not been looked at.
    pub(crate) fn is_asked(&mut self) -> bool {
        !self.asked.is_empty()
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        self.die();
        let _ = std::fs::remove_file(&self.socket);
    }
}

struct NoData;
impl ClientData for NoData {}

#[derive(Default)]
struct Window {
    app_id: Option<&'static str>,
    states: Vec<State>,
    handles: Vec<ZwlrForeignToplevelHandleV1>,
}

struct World {
    ask: channel::UnboundedSender<Asked>,
    windows: BTreeMap<usize, Window>,
    opened: usize,
    managers: Vec<(Client, ZwlrForeignToplevelManagerV1)>,
    ext: Vec<ExtIdleNotificationV1>,
    kde: Vec<OrgKdeKwinIdleTimeout>,
    locks: Vec<HyprlandLockNotificationV1>,
    locked: bool,
}

fn serve(
    listener: &UnixListener,
    offers: Offers,
    woken: &UnixStream,
    commands: &mpsc::Receiver<Command>,
    ask: channel::UnboundedSender<Asked>,
) {
    let mut stalled = false;
    let mut display: Display<World> = Display::new().unwrap();
    let mut handle = display.handle();
    let mut world = World {
        ask,
        windows: BTreeMap::new(),
        opened: 0,
        managers: Vec::new(),
        ext: Vec::new(),
        kde: Vec::new(),
        locks: Vec::new(),
        locked: false,
    };
    if offers.seat {
        handle.create_global::<World, WlSeat, ()>(5, ());
    }
    if offers.toplevels {
        handle.create_global::<World, ZwlrForeignToplevelManagerV1, ()>(3, ());
    }
    if offers.ext_idle {
        handle.create_global::<World, ExtIdleNotifierV1, ()>(2, ());
    }
    if offers.kde_idle {
        handle.create_global::<World, OrgKdeKwinIdle, ()>(1, ());
    }
    if offers.lock {
        handle.create_global::<World, HyprlandLockNotifierV1, ()>(1, ());
    }
    listener.set_nonblocking(true).unwrap();
    loop {
        let ready = {
            let epoll = display.as_fd();
            let mut fds = [
                PollFd::new(woken, PollFlags::IN),
                PollFd::new(listener, PollFlags::IN),
                PollFd::new(&epoll, PollFlags::IN),
            ];
            let watched = if stalled { 1 } else { 3 };
            poll(&mut fds[..watched], None).unwrap();
            fds.each_ref().map(|fd| !fd.revents().is_empty())
        };
        if ready[0] {
            std::io::Read::read_exact(&mut &*woken, &mut [0]).unwrap();
            match commands.recv().unwrap() {
                Command::Do(things) => {
                    for thing in things {
                        world.obey(&handle, thing);
                    }
                }
                Command::Stall => stalled = true,
                Command::GoOn => stalled = false,
                Command::Die => return,
            }
        }
        if stalled {
            continue;
        }
        if ready[1]
            && let Ok((stream, _)) = listener.accept()
        {
            // A probe that connects and hangs up at once is a client, too.
            let _ = handle.insert_client(stream, Arc::new(NoData));
        }
        display.dispatch_clients(&mut world).unwrap();
        display.flush_clients().unwrap();
    }
}

impl World {
    fn obey(&mut self, display: &DisplayHandle, thing: Do) {
        match thing {
            Do::Open(app_id) => {
                let number = self.opened;
                self.opened += 1;
                let mut window = Window { app_id, ..Window::default() };
                for (client, manager) in &self.managers {
                    window.tell(number, client, manager, display);
                }
                self.windows.insert(number, window);
            }
            Do::States(number, states) => {
                let Some(window) = self.windows.get_mut(&number) else { return };
                window.states = states;
                window.each(|handle| handle.state(bytes(&window.states)));
            }
            Do::Rename(number, app_id) => {
                let Some(window) = self.windows.get_mut(&number) else { return };
                window.app_id = Some(app_id);
                window.each(|handle| handle.app_id(app_id.to_owned()));
            }
            Do::Title(number, title) => {
                let Some(window) = self.windows.get(&number) else { return };
                window.each(|handle| handle.title(title.clone()));
            }
            Do::Close(number) => {
                let Some(window) = self.windows.remove(&number) else { return };
                window.each(ZwlrForeignToplevelHandleV1::closed);
            }
            Do::Idle => {
                self.ext.iter().for_each(ExtIdleNotificationV1::idled);
                self.kde.iter().for_each(OrgKdeKwinIdleTimeout::idle);
            }
            Do::Resume => {
                self.ext.iter().for_each(ExtIdleNotificationV1::resumed);
                self.kde.iter().for_each(OrgKdeKwinIdleTimeout::resumed);
            }
            Do::Lock => {
                self.locked = true;
                self.locks.iter().for_each(HyprlandLockNotificationV1::locked);
            }
            Do::Unlock => {
                self.locked = false;
                self.locks.iter().for_each(HyprlandLockNotificationV1::unlocked);
            }
            Do::Finish => self.managers.iter().for_each(|(_, manager)| manager.finished()),
            Do::ProtocolError => {
                for (_, manager) in &self.managers {
                    manager.post_error(7_u32, "the test says so");
                }
            }
        }
    }

    fn asked(&self, what: Asked) {
        let _ = self.ask.send(what);
    }
}

fn bytes(states: &[State]) -> Vec<u8> {
    states.iter().flat_map(|state| (*state as u32).to_ne_bytes()).collect()
}

impl Window {
    fn each(&self, what: impl Fn(&ZwlrForeignToplevelHandleV1)) {
        for handle in &self.handles {
            what(handle);
            handle.done();
        }
    }

    fn tell(
        &mut self,
        number: usize,
        client: &Client,
        manager: &ZwlrForeignToplevelManagerV1,
        display: &DisplayHandle,
    ) {
        let handle = client.create_resource::<ZwlrForeignToplevelHandleV1, usize, World>(
            display,
            manager.version(),
            number,
        );
        // The client has gone meanwhile.
        let Ok(handle) = handle else { return };
        manager.toplevel(&handle);
        handle.title(format!("a secret title of window {number}"));
        if let Some(app_id) = self.app_id {
            handle.app_id(app_id.to_owned());
        }
        handle.state(bytes(&self.states));
        handle.done();
        self.handles.push(handle);
    }
}

macro_rules! global {
    ($object:ty, |$world:ident, $client:ident, $bound:ident, $display:ident| $then:expr) => {
        impl GlobalDispatch<$object, ()> for World {
            fn bind(
                $world: &mut Self,
                $display: &DisplayHandle,
                $client: &Client,
                new: New<$object>,
                (): &(),
                init: &mut DataInit<'_, Self>,
            ) {
                let $bound = init.init(new, ());
                $then
            }
        }
    };
}

macro_rules! requests {
    ($object:ty, $data:ty, $request:path, |$world:ident, $from:ident, $what:ident, $number:ident, $init:ident| $then:expr) => {
        impl Dispatch<$object, $data> for World {
            fn request(
                $world: &mut Self,
                _: &Client,
                $from: &$object,
                $what: $request,
                $number: &$data,
                _: &DisplayHandle,
                $init: &mut DataInit<'_, Self>,
            ) {
                $then
            }
        }
    };
}

global!(WlSeat, |_world, _client, seat, _display| seat.capabilities(wl_seat::Capability::empty()));
global!(ExtIdleNotifierV1, |_world, _client, _bound, _display| ());
global!(OrgKdeKwinIdle, |_world, _client, _bound, _display| ());
global!(HyprlandLockNotifierV1, |_world, _client, _bound, _display| ());
global!(ZwlrForeignToplevelManagerV1, |world, client, manager, display| {
    for (number, window) in &mut world.windows {
        window.tell(*number, client, &manager, display);
    }
    world.managers.push((client.clone(), manager));
});

requests!(WlSeat, (), wl_seat::Request, |_world, _from, _what, _data, _init| ());
requests!(
    ZwlrForeignToplevelManagerV1,
    (),
    zwlr_foreign_toplevel_manager_v1::Request,
    |world, _from, what, _data, _init| {
        world.asked(Asked::Other(format!("{what:?}")));
    }
);
requests!(
    ZwlrForeignToplevelHandleV1,
    usize,
    zwlr_foreign_toplevel_handle_v1::Request,
    |world, _from, what, number, _init| {
        use zwlr_foreign_toplevel_handle_v1::Request;
        match what {
            Request::Close => world.asked(Asked::Close(*number)),
            Request::SetMinimized => world.asked(Asked::Minimise(*number)),
            Request::UnsetMinimized => world.asked(Asked::Restore(*number)),
            Request::Destroy => {}
            other => world.asked(Asked::Other(format!("{other:?}"))),
        }
    }
);
requests!(ExtIdleNotifierV1, (), ext_idle_notifier_v1::Request, |world, _from, what, _data, init| {
    match what {
        ext_idle_notifier_v1::Request::GetIdleNotification { id, timeout, .. } => {
            world.asked(Asked::Idle("ext", timeout));
            world.ext.push(init.init(id, ()));
        }
        // Idleness without regard to inhibitors is not what is wanted.
        other => world.asked(Asked::Other(format!("{other:?}"))),
    }
});
requests!(
    ExtIdleNotificationV1,
    (),
    ext_idle_notification_v1::Request,
    |_world, _from, _what, _data, _init| ()
);
requests!(OrgKdeKwinIdle, (), org_kde_kwin_idle::Request, |world, _from, what, _data, init| {
    if let org_kde_kwin_idle::Request::GetIdleTimeout { id, timeout, .. } = what {
        world.asked(Asked::Idle("kde", timeout));
        world.kde.push(init.init(id, ()));
    }
});
requests!(
    OrgKdeKwinIdleTimeout,
    (),
    org_kde_kwin_idle_timeout::Request,
    |_world, _from, _what, _data, _init| ()
);
requests!(
    HyprlandLockNotifierV1,
    (),
    hyprland_lock_notifier_v1::Request,
    |world, _from, what, _data, init| {
        if let hyprland_lock_notifier_v1::Request::GetLockNotification { id } = what {
            let notification: HyprlandLockNotificationV1 = init.init(id, ());
            if world.locked {
                notification.locked();
            }
            world.locks.push(notification);
        }
    }
);
requests!(
    HyprlandLockNotificationV1,
    (),
    hyprland_lock_notification_v1::Request,
    |_world, _from, _what, _data, _init| ()
);
