//! Presses and releases a key that does nothing on KWin, which takes fake input (`org_kde_kwin_fake_input`) only from a
//! program that a desktop file names. A program of its own, because KWin looks at the program.

use std::process::ExitCode;

use wayland_client::protocol::wl_registry;
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle};
use wayland_protocols_plasma::fake_input::client::org_kde_kwin_fake_input::{self, OrgKdeKwinFakeInput};

/// KEY_LEFTSHIFT of the kernel's input-event-codes.h.
const LEFT_SHIFT: u32 = 42;

#[derive(Default)]
struct State {
    input: Option<OrgKdeKwinFakeInput>,
}

#[expect(clippy::print_stderr, reason = "the one line of why it failed")]
fn main() -> ExitCode {
    match press() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kwin-key: {error}");
            ExitCode::FAILURE
        }
    }
}

fn press() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::connect_to_env()?;
    let mut queue: EventQueue<State> = connection.new_event_queue();
    let mut state = State::default();
    connection.display().get_registry(&queue.handle(), ());
    queue.roundtrip(&mut state)?;
    let input = state.input.take().ok_or("KWin does not grant fake input")?;
    input.authenticate("dwell tests".to_owned(), "to act like a person".to_owned());
    input.keyboard_key(LEFT_SHIFT, 1);
    input.keyboard_key(LEFT_SHIFT, 0);
    queue.roundtrip(&mut state)?;
    Ok(())
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
        if let wl_registry::Event::Global { name, interface, version } = event
            && interface == OrgKdeKwinFakeInput::interface().name
        {
            state.input = Some(registry.bind(name, version.min(4), handle, ()));
        }
    }
}

impl Dispatch<OrgKdeKwinFakeInput, ()> for State {
    fn event(
        _: &mut Self,
        _: &OrgKdeKwinFakeInput,
        _: org_kde_kwin_fake_input::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}
