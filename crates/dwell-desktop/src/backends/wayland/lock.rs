//! Whether the screen is locked, by `hyprland_lock_notify_v1`.
//!
//! On other compositors every toplevel loses `activated` when the screen is locked, and nothing more is needed. On
//! Hyprland the one below the lock keeps it.

use wayland_client::protocol::wl_registry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};

use protocol::hyprland_lock_notification_v1::{Event, HyprlandLockNotificationV1};
use protocol::hyprland_lock_notifier_v1::{self, HyprlandLockNotifierV1};

use super::{Client, State, silent};

/// What the compositor tells of a lock.
#[derive(Default)]
pub(super) struct Lock {
    /// Whether the screen is locked.
    pub(super) locked: bool,
    /// The compositor has that protocol.
    offered: bool,
}

impl Client {
    /// Whether the compositor tells of a lock by its own protocol.
    pub(crate) const fn tells_of_locks(&self) -> bool {
        self.state.lock.offered
    }
}

impl Lock {
    pub(super) fn bind(
        &mut self,
        registry: &wl_registry::WlRegistry,
        name: u32,
        interface: &str,
        handle: &QueueHandle<State>,
    ) {
        if interface == HyprlandLockNotifierV1::interface().name {
            let notifier: HyprlandLockNotifierV1 = registry.bind(name, 1, handle, ());
            notifier.get_lock_notification(handle, ());
            self.offered = true;
        }
    }
}

impl Dispatch<HyprlandLockNotificationV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &HyprlandLockNotificationV1,
        event: Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        state.lock.locked = matches!(event, Event::Locked);
    }
}

silent!(HyprlandLockNotifierV1: hyprland_lock_notifier_v1::Event);

/// The protocol's objects, made from its description.
mod protocol {
    #![expect(clippy::all, reason = "made by the code generator")]

    use wayland_client;

    use super::super::lock_interfaces::*;

    wayland_scanner::generate_client_code!("protocols/hyprland-lock-notify-v1.xml");
}
