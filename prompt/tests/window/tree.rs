//! What a screen reader sees: the tree of AT-SPI, read over its own bus (AT-SPI2's D-Bus interfaces).

use std::fmt;
use std::path::Path;

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::machine;
use dwell_tests::{Bed, Process};
use tokio::runtime::Runtime;
use zbus::Connection;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

/// `ATSPI_STATE_EXPANDED`.
pub(crate) const EXPANDED: u32 = 10;
/// `ATSPI_STATE_FOCUSED`.
pub(crate) const FOCUSED: u32 = 12;
/// `ATSPI_STATE_SENSITIVE`.
pub(crate) const SENSITIVE: u32 = 24;

/// `ATSPI_ROLE_DIALOG`.
pub(crate) const DIALOG: u32 = 16;
/// `ATSPI_ROLE_PROGRESS_BAR`.
pub(crate) const PROGRESS_BAR: u32 = 42;
/// `ATSPI_ROLE_PUSH_BUTTON`.
pub(crate) const BUTTON: u32 = 43;
/// `ATSPI_ROLE_TEXT`.
pub(crate) const TEXT: u32 = 61;
const TOGGLE_BUTTON: u32 = 62;
const APPLICATION: u32 = 75;

const LAUNCHER: &str = "/usr/libexec/at-spi-bus-launcher";
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";

/// One thing on the screen.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its role: its name is another in other versions of GTK.
    pub(crate) role: u32,
    /// Its name.
    pub(crate) name: String,
    /// What is said beside.
    pub(crate) description: String,
    /// How full it is, where it has a value.
    pub(crate) value: Option<f64>,
    states: u64,
    depth: usize,
}

impl Part {
    /// Whether it is in this state.
    pub(crate) fn is(&self, state: u32) -> bool {
        self.states & (1 << state) != 0
    }
}

/// All that is there at one moment.
#[derive(Debug)]
pub(crate) struct Sight(Vec<Part>);

impl Sight {
    /// The first of this role and name.
    pub(crate) fn find(&self, role: u32, name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.role == role && part.name == name)
    }

    /// The button of this name.
    pub(crate) fn button(&self, name: &str) -> Option<&Part> {
        self.find(BUTTON, name).or_else(|| self.find(TOGGLE_BUTTON, name))
    }

    /// Whether the button of this name is there and can be pressed.
    pub(crate) fn can_press(&self, name: &str) -> bool {
        self.button(name).is_some_and(|button| button.is(SENSITIVE))
    }

    /// The window.
    pub(crate) fn dialog(&self) -> Option<&Part> {
        self.0.iter().find(|part| part.role == DIALOG)
    }

    /// Whether a text stands there.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.0.iter().any(|part| part.role != DIALOG && part.name == text)
    }

    /// What has the keyboard.
    pub(crate) fn focused(&self) -> Option<&Part> {
        self.0.iter().find(|part| part.is(FOCUSED) && part.role != DIALOG && part.role != APPLICATION)
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Part { role, name, description, depth, .. } in &self.0 {
            writeln!(f, "{:1$}[{role}] “{name}” ({description})", "", depth * 2)?;
        }
        Ok(())
    }
}

/// The way to the tree.
pub(crate) struct Tree {
    runtime: Runtime,
    session: Connection,
    accessibility: Connection,
}

impl Tree {
    /// Starts the accessibility bus of a bed; none, and said so, where this machine has none.
    pub(crate) fn serve(bed: &Bed) -> Option<Process> {
        if !Path::new(LAUNCHER).exists() {
            machine::cannot_run(&machine::running_test(), "at-spi2-core is not installed");
            return None;
        }
        Some(bed.place().start(LAUNCHER, &["--launch-immediately"]))
    }

    /// Opens it, as soon as it is served on this session bus.
    pub(crate) fn open(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connect = |address: String| async move {
            zbus::connection::Builder::address(address.as_str())?.build().await
        };
        let session = runtime.block_on(connect(address.to_owned())).unwrap();
        let mut found = None;
        wait_until(Deadline::seconds(15), || {
            let asked = session.call_method(
                Some("org.a11y.Bus"),
                "/org/a11y/bus",
                Some("org.a11y.Bus"),
                "GetAddress",
                &(),
            );
            found =
                runtime.block_on(asked).ok().and_then(|answer| answer.body().deserialize::<String>().ok());
            found.is_some()
        });
        let accessibility = runtime.block_on(connect(found.expect("an accessibility bus"))).unwrap();
        Self { runtime, session, accessibility }
    }

    /// Whether somebody has this name on the session bus.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        let name = zbus::names::BusName::try_from(name.to_owned()).unwrap();
        self.runtime.block_on(async {
            let bus = zbus::fdo::DBusProxy::new(&self.session).await.unwrap();
            bus.name_has_owner(name).await.unwrap()
        })
    }

    /// The windows of `dwell-prompt`, with all that is in them.
    pub(crate) fn look(&self) -> Sight {
        self.runtime.block_on(async {
            let mut parts = Vec::new();
            for (bus, path) in self.windows().await {
                if let Some(part) = self.part(&bus, &path, 0).await {
                    self.collect(bus, path, part, &mut parts).await;
                }
            }
            Sight(parts)
        })
    }

    /// The window's width and height, in pixels.
    pub(crate) fn size(&self) -> Option<(i32, i32)> {
        self.runtime.block_on(async {
            for (bus, path) in self.windows().await {
                for (bus, path) in self.children(&bus, &path).await {
                    let size = self.call(&bus, &path, "org.a11y.atspi.Component", "GetSize", &()).await;
                    if size.is_some() {
                        return size;
                    }
                }
            }
            None
        })
    }

    /// What `dwell-prompt` is for a screen reader.
    async fn windows(&self) -> Vec<(String, OwnedObjectPath)> {
        let mut found = Vec::new();
        for (bus, path) in self.children("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root").await {
            if self.text(&bus, &path, "Name").await.is_some_and(|name| name == "org.dwell.Prompt1") {
                found.push((bus, path));
            }
        }
        found
    }

    async fn collect(&self, bus: String, path: OwnedObjectPath, root: Part, parts: &mut Vec<Part>) {
        let mut next = vec![(bus, path, root)];
        while let Some((bus, path, part)) = next.pop() {
            let depth = part.depth + 1;
            parts.push(part);
            let mut below = Vec::new();
            for (bus, path) in self.children(&bus, &path).await {
                if let Some(part) = self.part(&bus, &path, depth).await {
                    below.push((bus, path, part));
                }
            }
            next.extend(below.into_iter().rev());
        }
    }

    async fn children(&self, bus: &str, path: &str) -> Vec<(String, OwnedObjectPath)> {
        self.call(bus, path, ACCESSIBLE, "GetChildren", &()).await.unwrap_or_default()
    }

    /// None for what is gone by now.
    async fn part(&self, bus: &str, path: &str, depth: usize) -> Option<Part> {
        let states: Vec<u32> = self.call(bus, path, ACCESSIBLE, "GetState", &()).await?;
        Some(Part {
            role: self.call(bus, path, ACCESSIBLE, "GetRole", &()).await?,
            name: self.text(bus, path, "Name").await?,
            description: self.text(bus, path, "Description").await?,
            states: states.iter().rev().fold(0, |all, some| all << 32 | u64::from(*some)),
            value: self.value(bus, path).await,
            depth,
        })
    }

    async fn text(&self, bus: &str, path: &str, property: &str) -> Option<String> {
        let value: OwnedValue =
            self.call(bus, path, "org.freedesktop.DBus.Properties", "Get", &(ACCESSIBLE, property)).await?;
        String::try_from(value).ok()
    }

    async fn value(&self, bus: &str, path: &str) -> Option<f64> {
        let asked = ("org.a11y.atspi.Value", "CurrentValue");
        let value: OwnedValue =
            self.call(bus, path, "org.freedesktop.DBus.Properties", "Get", &asked).await?;
        f64::try_from(value).ok()
    }

    async fn call<T>(
        &self,
        bus: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) -> Option<T>
    where
        T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let answer =
            self.accessibility.call_method(Some(bus), path, Some(interface), method, body).await.ok()?;
        answer.body().deserialize().ok()
    }
}
