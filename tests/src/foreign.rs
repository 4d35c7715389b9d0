//! A small client of `zwlr_foreign_toplevel_management_v1`: what windows there are, which one has focus, and giving it to
//! one. It is the tests' own, so that dwell's reading of the protocol is compared with another.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wayland_client::backend::ObjectId;
use wayland_client::protocol::{wl_callback, wl_registry, wl_seat};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, event_created_child};
use wayland_protocols_wlr::foreign_toplevel::v1::client::{
    zwlr_foreign_toplevel_handle_v1::{self as handle, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self as manager, ZwlrForeignToplevelManagerV1},
};

use crate::bell::Bell;
use crate::clock::{Deadline, Stamp};
use crate::observer::{Feed, Observer};

/// A connection, with a thread that keeps up with what it tells until the compositor goes.
#[derive(Debug)]
pub(crate) struct Foreign {
    connection: Connection,
    queue: QueueHandle<Client>,
    world: Arc<Mutex<World>>,
    changed: Bell,
}

/// What there is.
#[derive(Debug, Default)]
struct World {
    seat: Option<wl_seat::WlSeat>,
    windows: Vec<Toplevel>,
    opened: u32,
    /// How many questions whether all was done have been answered.
    answered: u32,
    feeds: Vec<Feed>,
}

#[derive(Debug)]
struct Toplevel {
    /// The place in the order of appearance, from 1.
    number: u32,
    handle: ZwlrForeignToplevelHandleV1,
    told: Told,
    /// What was told up to the last `done`.
    is: Told,
}

#[derive(Debug, Clone, Default)]
struct Told {
    app: String,
    activated: bool,
    minimised: bool,
}

impl World {
    fn focused(&self) -> Option<String> {
        self.windows.iter().find(|window| window.is.activated).map(|window| window.is.app.clone())
    }

    fn of(&mut self, id: &ObjectId) -> Option<&mut Toplevel> {
        self.windows.iter_mut().find(|window| window.handle.id() == *id)
    }
}

impl Foreign {
    /// Connects and learns what there is; none where nobody answers, or not with this protocol.
    pub(crate) fn connect(socket: &Path) -> Option<Self> {
        let connection = Connection::from_socket(UnixStream::connect(socket).ok()?).ok()?;
        let mut queue: EventQueue<Client> = connection.new_event_queue();
        connection.display().get_registry(&queue.handle(), ());
        let (world, changed) = (Arc::<Mutex<World>>::default(), Bell::default());
        let mut client = Client { world: Arc::clone(&world), changed: changed.clone(), offered: false };
        // The globals, then what they tell at once.
        queue.roundtrip(&mut client).ok()?;
        queue.roundtrip(&mut client).ok()?;
        if !client.offered {
            return None;
        }
        let handle = queue.handle();
        std::thread::spawn(move || while queue.blocking_dispatch(&mut client).is_ok() {});
        Some(Foreign { connection, queue: handle, world, changed })
    }

    /// Rings whenever something changes.
    pub(crate) fn changed(&self) -> &Bell {
        &self.changed
    }

    /// Looks at a window; none if it is not there.
    fn look<T>(&self, number: u32, look: impl Fn(&Toplevel) -> T) -> Option<T> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.windows.iter().find(|window| window.number == number).map(look)
    }

    pub(crate) fn is_open(&self, number: u32) -> bool {
        self.look(number, |_| ()).is_some()
    }

    pub(crate) fn is_minimised(&self, number: u32) -> bool {
        self.look(number, |window| window.is.minimised).unwrap_or(false)
    }

    /// How many windows have appeared so far.
    pub(crate) fn opened(&self) -> u32 {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).opened
    }

    /// The window of this app that appeared after so many others and has focus.
    pub(crate) fn focused_after(&self, opened: u32, app: &str) -> Option<u32> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |window: &&Toplevel| window.number > opened && window.is.app == app && window.is.activated;
        world.windows.iter().find(is).map(|window| window.number)
    }

    /// Whether nothing that is a window has focus.
    pub(crate) fn has_no_window_in_focus(&self) -> bool {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).focused().is_none()
    }

    /// Asks for focus on a window, and for it to be shown.
    pub(crate) fn activate(&self, number: u32) {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let window = world.windows.iter().find(|window| window.number == number).expect("an open window");
        if window.is.minimised {
            window.handle.unset_minimized();
        }
        window.handle.activate(world.seat.as_ref().expect("a seat"));
        let answered = world.answered;
        drop(world);
        // Whoever asks all the time must not fill the socket. The thread hears the answer: two that read one socket may
        // take each other's.
        self.connection.display().sync(&self.queue, ());
        self.connection.flush().expect("to reach the compositor");
        let is_answered = || self.world.lock().unwrap_or_else(PoisonError::into_inner).answered > answered;
        assert!(self.changed.wait_until(Deadline::seconds(5), is_answered), "the compositor does not answer");
    }

    /// Asks for a window to be put out of sight.
    pub(crate) fn minimise(&self, number: u32) {
        self.look(number, |window| window.handle.set_minimized()).expect("an open window");
        self.connection.flush().expect("to reach the compositor");
    }

    /// An observer of focus from now on.
    pub(crate) fn observe(&self) -> Observer {
        let (observer, feed) = Observer::fed();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        feed.tell(Stamp::now(), world.focused());
        world.feeds.push(feed);
        observer
    }
}

/// Takes what the connection tells.
struct Client {
    world: Arc<Mutex<World>>,
    changed: Bell,
    offered: bool,
}

impl Client {
    fn change(&self, at: Stamp, change: impl FnOnce(&mut World)) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut world);
        let focused = world.focused();
        for feed in &world.feeds {
            feed.tell(at, focused.clone());
        }
        drop(world);
        self.changed.ring();
    }
}

impl Dispatch<wl_registry::WlRegistry, ()> for Client {
    fn event(
        client: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        let wl_registry::Event::Global { name, interface, .. } = event else { return };
        if interface == "wl_seat" {
            let seat = registry.bind(name, 1, queue, ());
            client.world.lock().unwrap_or_else(PoisonError::into_inner).seat.get_or_insert(seat);
        } else if interface == "zwlr_foreign_toplevel_manager_v1" {
            registry.bind::<ZwlrForeignToplevelManagerV1, _, _>(name, 3, queue, ());
            client.offered = true;
        }
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for Client {
    fn event(
        client: &mut Self,
        _: &wl_callback::WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            client.world.lock().unwrap_or_else(PoisonError::into_inner).answered += 1;
            client.changed.ring();
        }
    }
}

impl Dispatch<wl_seat::WlSeat, ()> for Client {
    fn event(
        _: &mut Self,
        _: &wl_seat::WlSeat,
        _: wl_seat::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

impl Dispatch<ZwlrForeignToplevelManagerV1, ()> for Client {
    fn event(
        client: &mut Self,
        _: &ZwlrForeignToplevelManagerV1,
        event: manager::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let manager::Event::Toplevel { toplevel: handle } = event {
            let mut world = client.world.lock().unwrap_or_else(PoisonError::into_inner);
            world.opened += 1;
            let number = world.opened;
            world.windows.push(Toplevel { number, handle, told: Told::default(), is: Told::default() });
        }
    }

    event_created_child!(Client, ZwlrForeignToplevelManagerV1, [
        manager::EVT_TOPLEVEL_OPCODE => (ZwlrForeignToplevelHandleV1, ()),
    ]);
}

impl Dispatch<ZwlrForeignToplevelHandleV1, ()> for Client {
    fn event(
        client: &mut Self,
        handle: &ZwlrForeignToplevelHandleV1,
        event: handle::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let (at, id) = (Stamp::now(), handle.id());
        let tell = |told: &dyn Fn(&mut Told)| {
            let mut world = client.world.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(window) = world.of(&id) {
                told(&mut window.told);
            }
        };
        match event {
            handle::Event::AppId { app_id } => tell(&|told| told.app.clone_from(&app_id)),
            handle::Event::State { state } => {
                let (whole, _) = state.as_chunks::<4>();
                let has = |wanted: handle::State| {
                    whole.iter().any(|bytes| u32::from_ne_bytes(*bytes) == wanted as u32)
                };
                tell(&|told| {
                    told.activated = has(handle::State::Activated);
                    told.minimised = has(handle::State::Minimized);
                });
            }
            handle::Event::Done => client.change(at, |world| {
                if let Some(window) = world.of(&id) {
                    window.is = window.told.clone();
                }
            }),
            handle::Event::Closed => {
                client.change(at, |world| world.windows.retain(|window| window.handle.id() != id));
                handle.destroy();
            }
            _ => {}
        }
    }
}
