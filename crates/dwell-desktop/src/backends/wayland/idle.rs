//! Idleness: `ext_idle_notifier_v1`, else the older `org_kde_kwin_idle` (sway before 1.8, KWin before 5.27).
//!
//! Both honour idle inhibitors by themselves, and both count from the moment of binding.

use wayland_client::protocol::{wl_registry, wl_seat};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};
use wayland_protocols::ext::idle_notify::v1::client::{
    ext_idle_notification_v1::{self as ext_idle, ExtIdleNotificationV1},
    ext_idle_notifier_v1::{self, ExtIdleNotifierV1},
};
use wayland_protocols_plasma::idle::client::{
    org_kde_kwin_idle::{self, OrgKdeKwinIdle},
    org_kde_kwin_idle_timeout::{self as kde_idle, OrgKdeKwinIdleTimeout},
};

use super::{State, silent};

/// What the compositor tells of idleness.
#[derive(Default)]
pub(super) struct Idle {
    ext: Option<ExtIdleNotifierV1>,
    kde: Option<OrgKdeKwinIdle>,
    /// Whether the person is idle.
    pub(super) idle: bool,
}

impl Idle {
    pub(super) fn bind(
        &mut self,
        registry: &wl_registry::WlRegistry,
        name: u32,
        interface: &str,
        handle: &QueueHandle<State>,
    ) {
        // Version 1 tells of idleness with regard to inhibitors, which is the one that is wanted.
        if interface == ExtIdleNotifierV1::interface().name {
            self.ext = Some(registry.bind(name, 1, handle, ()));
        } else if interface == OrgKdeKwinIdle::interface().name {
            self.kde = Some(registry.bind(name, 1, handle, ()));
        }
    }

    /// By which protocol the compositor tells, if it offers one.
    pub(super) const fn protocol(&self) -> Option<&'static str> {
        match (&self.ext, &self.kde) {
            (Some(_), _) => Some("ext_idle_notify"),
            (None, Some(_)) => Some("org_kde_kwin_idle"),
            (None, None) => None,
        }
    }

    /// Asks to be told after so many milliseconds without input.
    pub(super) fn watch(&self, seat: Option<&wl_seat::WlSeat>, timeout: u32, handle: &QueueHandle<State>) {
        let Some(seat) = seat else { return };
        if let Some(notifier) = &self.ext {
            notifier.get_idle_notification(timeout, seat, handle, ());
        } else if let Some(idle) = &self.kde {
            idle.get_idle_timeout(seat, timeout, handle, ());
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
            ext_idle::Event::Idled => state.idle.idle = true,
            ext_idle::Event::Resumed => state.idle.idle = false,
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
            kde_idle::Event::Idle => state.idle.idle = true,
            kde_idle::Event::Resumed => state.idle.idle = false,
            _ => {}
        }
    }
}

silent!(ExtIdleNotifierV1: ext_idle_notifier_v1::Event, OrgKdeKwinIdle: org_kde_kwin_idle::Event);
