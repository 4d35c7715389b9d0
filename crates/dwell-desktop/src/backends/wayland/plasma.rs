//! Windows by `org_kde_plasma_window_management`, which KWin offers only to programs whose desktop file asks for it: a
//! window in the state `active` has focus.
//!
//! The protocol sends titles whether one wants them or not; they are not kept.

use std::collections::HashMap;

use wayland_client::backend::ObjectId;
use wayland_client::protocol::wl_registry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};
use wayland_protocols_plasma::plasma_window_management::client::{
    org_kde_plasma_window::{self as window, OrgKdePlasmaWindow},
    org_kde_plasma_window_management::{
        self as management, OrgKdePlasmaWindowManagement, State as WindowState,
    },
};

use super::{Client, Down, State};
use crate::WindowAct;
use crate::apps::Window;
use crate::backends::Context;
use crate::freezer::Processes;

/// The newest version that is taken: from 18 on, each window tells its geometry once more.
const VERSION: u32 = 17;

/// The windows that KWin tells of.
#[derive(Default)]
pub(super) struct Plasma {
    management: Option<OrgKdePlasmaWindowManagement>,
    known: HashMap<ObjectId, PlasmaWindow>,
    activations: u64,
}

struct PlasmaWindow {
    handle: OrgKdePlasmaWindow,
    /// What KWin calls it, to every program alike.
    name: String,
    app_id: String,
    pid: Option<u32>,
    /// When it was activated, as a count of activations; `None`: it has no focus.
    activated: Option<u64>,
    /// How often its state was told: it may have lost focus and have it again.
    states: u64,
    minimised: bool,
    skips_task_bar: bool,
}

/// The window that has focus: to be looked at anew when any of this changes.
#[derive(PartialEq, Eq)]
pub(crate) struct ActiveWindow {
    pub(crate) id: ObjectId,
    pub(crate) window: Window,
    /// How often its state was told.
    states: u64,
}

impl PlasmaWindow {
    /// Whether it is Plasma's desktop or one of its panels: when one of them is active, nothing has focus. The shell's
    /// other windows, such as its settings, are in the task bar.
    fn is_shell(&self) -> bool {
        is_shell(&self.app_id, self.skips_task_bar)
    }

    fn window(&self) -> Window {
        let class = Some(self.app_id.clone()).filter(|id| !id.is_empty());
        Window { class, instance: None, pid: self.pid }
    }
}

impl Plasma {
    pub(super) fn bind(
        &mut self,
        registry: &wl_registry::WlRegistry,
        name: u32,
        interface: &str,
        version: u32,
        handle: &QueueHandle<State>,
    ) {
        if interface == OrgKdePlasmaWindowManagement::interface().name {
            self.management = Some(registry.bind(name, version.min(VERSION), handle, ()));
        }
    }

    fn insert(&mut self, handle: OrgKdePlasmaWindow, name: String) {
        let window = PlasmaWindow {
            name,
            app_id: String::new(),
            pid: None,
            activated: None,
            states: 0,
            minimised: false,
            skips_task_bar: false,
            handle,
        };
        self.known.insert(window.handle.id(), window);
    }
}

impl Client {
    /// Whether KWin has granted us its windows.
    pub(crate) const fn has_plasma_windows(&self) -> bool {
        self.state.plasma.management.is_some()
    }

    /// The window that has focus.
    pub(crate) fn active_plasma_window(&self) -> Option<ActiveWindow> {
        // The next one may be activated before the last one is deactivated: the newest counts.
        let active = self.state.plasma.known.iter().filter(|(_, window)| window.activated.is_some());
        let (id, window) = active.max_by_key(|(_, window)| window.activated)?;
        // One that was put away a moment ago is still active.
        if window.is_shell() || window.minimised {
            return None;
        }
        Some(ActiveWindow { id: id.clone(), window: window.window(), states: window.states })
    }

    /// What KWin calls a window.
    pub(crate) fn plasma_name(&self, id: &ObjectId) -> Option<&str> {
        self.state.plasma.known.get(id).map(|window| &*window.name)
    }

    /// Does something to every window of a program.
    pub(crate) async fn act_on_plasma_windows(
        &mut self,
        act: &WindowAct,
        context: &Context,
    ) -> Result<(), Down> {
        let all = || self.state.plasma.known.values();
        context.away.keep(|name| all().any(|window| window.name == name));
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for window in all() {
            let is_meant = match act {
                WindowAct::Restore(app) => context.away.take(&window.name, app).is_some(),
                _ => act.is_for(&context.apps.identify(&window.window())),
            };
            processes.note(is_meant, window.pid);
            if is_meant {
                meant.push(window);
            }
        }
        if context.is_done(act, &processes).await {
            return Ok(());
        }
        // The active one last: so none of the others becomes active for a moment, as if the person had chosen it.
        meant.sort_by_key(|window| window.activated);
        let minimised = WindowState::Minimized as u32;
        for window in meant {
            match act {
                WindowAct::Minimise(app) if !window.minimised => {
                    context.away.put(&window.name, app, None);
                    window.handle.set_state(minimised, minimised);
                }
                // Also where KWin has not said yet that it is minimised: that was asked for a moment ago.
                WindowAct::Restore(_) => window.handle.set_state(minimised, 0),
                WindowAct::Close(_) => window.handle.close(),
                WindowAct::Minimise(_) | WindowAct::FindUnits(_) => {}
            }
        }
        self.done(act).await
    }
}

fn is_shell(app_id: &str, skips_task_bar: bool) -> bool {
    skips_task_bar && matches!(app_id, "plasmashell" | "org.kde.plasmashell")
}

impl Dispatch<OrgKdePlasmaWindowManagement, ()> for State {
    fn event(
        state: &mut Self,
        management: &OrgKdePlasmaWindowManagement,
        event: management::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        match event {
            // Before version 13 by number, from then on by UUID, never by both.
            management::Event::Window { id } => {
                state.plasma.insert(management.get_window(id, handle, ()), id.to_string());
            }
            management::Event::WindowWithUuid { uuid, .. } => {
                let window = management.get_window_by_uuid(uuid.clone(), handle, ());
                state.plasma.insert(window, uuid);
            }
            _ => {}
        }
    }
}

impl Dispatch<OrgKdePlasmaWindow, ()> for State {
    fn event(
        state: &mut Self,
        handle: &OrgKdePlasmaWindow,
        event: window::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Plasma { known, activations, .. } = &mut state.plasma;
        let Some(window) = known.get_mut(&handle.id()) else { return };
        match event {
            window::Event::AppIdChanged { app_id } => window.app_id = app_id,
            window::Event::PidChanged { pid } => window.pid = Some(pid).filter(|pid| *pid != 0),
            window::Event::StateChanged { flags } => {
                let has = |wanted: WindowState| flags & wanted as u32 != 0;
                if !has(WindowState::Active) {
                    window.activated = None;
                } else if window.activated.is_none() {
                    *activations += 1;
                    window.activated = Some(*activations);
                }
                window.minimised = has(WindowState::Minimized);
                window.states += 1;
                window.skips_task_bar = has(WindowState::Skiptaskbar);
            }
            window::Event::Unmapped => {
                known.remove(&handle.id());
                if handle.version() >= window::REQ_DESTROY_SINCE {
                    handle.destroy();
                }
            }
            // Titles, places and icons are nobody's business here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_is_no_program() {
        assert!(is_shell("org.kde.plasmashell", true) && is_shell("plasmashell", true));
        assert!(!is_shell("org.kde.plasmashell", false), "a window of the shell's that is in the task bar");
        assert!(!is_shell("AppA", true) && !is_shell("", true));
    }
}
