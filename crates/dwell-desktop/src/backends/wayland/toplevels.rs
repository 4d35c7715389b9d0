//! Windows by `zwlr_foreign_toplevel_management_v1`: a toplevel that is `activated` has focus.
//!
//! The protocol sends titles whether one wants them or not; they are not kept.

use std::collections::HashMap;

use dwell_core::subject::AppId;

use wayland_client::backend::ObjectId;
use wayland_client::protocol::wl_registry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, event_created_child};
use wayland_protocols_wlr::foreign_toplevel::v1::client::{
    zwlr_foreign_toplevel_handle_v1::{self as toplevel, ZwlrForeignToplevelHandleV1},
    zwlr_foreign_toplevel_manager_v1::{self as manager, ZwlrForeignToplevelManagerV1},
};

use super::{Client, Down, State};
use crate::WindowAct;
use crate::apps::Window;
use crate::backends::Context;
use crate::freezer::Processes;

/// The toplevels that the compositor tells of.
#[derive(Default)]
pub(super) struct Toplevels {
    manager: Option<ZwlrForeignToplevelManagerV1>,
    /// The compositor will tell no more.
    pub(super) finished: bool,
    known: HashMap<ObjectId, Toplevel>,
    activations: u64,
}

#[derive(Default)]
pub(super) struct Toplevel {
    handle: Option<ZwlrForeignToplevelHandleV1>,
    app_id: String,
    /// When it was activated, as a count of activations; `None`: it has no focus.
    activated: Option<u64>,
    /// How often its state was told. A compositor may leave out that it lost focus where it has it again by then.
    states: u64,
    minimised: bool,
    /// The program for which it was put away. Of no use to another connection, which gets other numbers: so a settings
    /// change forgets this, and the task bar brings the window back.
    away: Option<AppId>,
}

impl Toplevel {
    fn window(&self) -> Window {
        let class = Some(self.app_id.clone()).filter(|id| !id.is_empty());
        Window { class, ..Window::default() }
    }
}

impl Toplevels {
    pub(super) fn bind(
        &mut self,
        registry: &wl_registry::WlRegistry,
        name: u32,
        interface: &str,
        version: u32,
        handle: &QueueHandle<State>,
    ) {
        if interface == ZwlrForeignToplevelManagerV1::interface().name {
            self.manager = Some(registry.bind(name, version.min(3), handle, ()));
        }
    }

    fn active(&self) -> Option<(&ObjectId, &Toplevel)> {
        // The next one may be activated before the last one is deactivated: the newest counts.
        let active = self.known.iter().filter(|(_, toplevel)| toplevel.activated.is_some());
        // One that was put away a moment ago may be active still.
        active.max_by_key(|(_, toplevel)| toplevel.activated).filter(|(_, toplevel)| !toplevel.minimised)
    }
}

impl Client {
    /// Requires that the compositor tells of its toplevels.
    pub(crate) fn require_toplevels(&self) -> Result<(), Down> {
        if self.state.toplevels.manager.is_some() {
            return Ok(());
        }
        Err(Down::Unsupported(self.name()))
    }

    pub(super) fn active(&self) -> Option<(&ObjectId, &Toplevel)> {
        self.state.toplevels.active().filter(|_| !self.state.lock.locked)
    }

    /// The toplevel that has focus, as far as this protocol knows it.
    pub(crate) fn active_toplevel(&self) -> Option<Window> {
        self.active().map(|(_, toplevel)| toplevel.window())
    }

    /// Which toplevel that is, its app id, and how often its state was told: what to look at anew when it changes.
    pub(crate) fn active_handle(&self) -> Option<(ObjectId, String, u64)> {
        self.active().map(|(id, toplevel)| (id.clone(), toplevel.app_id.clone(), toplevel.states))
    }

    /// Does something to every toplevel of a program.
    pub(crate) async fn act_on_toplevels(&mut self, act: &WindowAct, context: &Context) -> Result<(), Down> {
        let (mut meant, mut processes) = (Vec::new(), Processes::default());
        for toplevel in self.state.toplevels.known.values_mut() {
            let is_meant = match (act, &toplevel.away) {
                (WindowAct::Restore(app), away) => away.as_ref().is_some_and(|away| app.covers(away)),
                _ => act.is_for(&context.apps.identify(&toplevel.window())),
            };
            processes.note(is_meant, None);
            if is_meant {
                meant.push(toplevel);
            }
        }
        if context.is_done(act, &processes).await {
            return Ok(());
        }
        // The active one last: so none of the others becomes active for a moment, as if the person had chosen it.
        meant.sort_by_key(|toplevel| toplevel.activated);
        for toplevel in meant {
            let Some(handle) = &toplevel.handle else { continue };
            match act {
                WindowAct::Minimise(app) if !toplevel.minimised => {
                    toplevel.away = Some(app.clone());
                    handle.set_minimized();
                }
                WindowAct::Restore(_) => {
                    toplevel.away = None;
                    // Also where it was not told yet that it is minimised: that was asked for a moment ago.
                    handle.unset_minimized();
                }
                WindowAct::Close(_) => handle.close(),
                WindowAct::Minimise(_) | WindowAct::FindUnits(_) => {}
            }
        }
        self.done(act).await
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
                state.toplevels.known.insert(id, Toplevel { handle: Some(toplevel), ..Toplevel::default() });
            }
            manager::Event::Finished => state.toplevels.finished = true,
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
        let Toplevels { known: toplevels, activations, .. } = &mut state.toplevels;
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
                    // The person has brought it back, or never lost sight of it.
                    known.away = None;
                }
                known.minimised = has(toplevel::State::Minimized);
                known.states += 1;
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
