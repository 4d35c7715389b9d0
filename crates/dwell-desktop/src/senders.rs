//! Who really sent a signal. Anybody on a bus may send any signal, and one that is sent straight to us comes whatever
//! our match rules say, so the sender of what matters is compared with the owner of the name.

use std::collections::BTreeMap;

use zbus::proxy::MethodFlags;
use zbus::{Connection, Message};

use crate::clock;
use crate::idle::{PATIENCE, proxy};

/// The bus itself; the only sender that the bus does not name by a number.
pub(crate) const BUS: &str = "org.freedesktop.DBus";

/// Whether the bus itself sent it: nobody else can take that name.
pub(crate) fn is_of_bus(message: &Message) -> bool {
    message.header().sender().is_some_and(|sender| sender.as_str() == BUS)
}

/// The owners of names on one bus, as far as they were asked for.
#[derive(Debug)]
pub(crate) struct Owners {
    bus: Option<Connection>,
    known: BTreeMap<&'static str, String>,
}

impl Owners {
    pub(crate) const fn new(bus: Option<Connection>) -> Self {
        Self { bus, known: BTreeMap::new() }
    }

    /// Whether the owner of one of these names sent it. A sender that is not known is asked for: what tells of a new
    /// owner may be read later than its first signal.
    pub(crate) async fn sent(&mut self, names: &'static [&'static str], message: &Message) -> bool {
        let header = message.header();
        let Some(sender) = header.sender().map(|sender| sender.as_str()) else { return false };
        if names.iter().any(|name| self.known.get(name).is_some_and(|owner| owner == sender)) {
            return true;
        }
        for name in names {
            if let Some(owner) = self.ask(name).await {
                let is = owner == sender;
                self.known.insert(name, owner);
                if is {
                    return true;
                }
            }
        }
        false
    }

    /// Forgets everybody, because a name has a new owner.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    async fn ask(&self, name: &str) -> Option<String> {
        let bus = self.bus.as_ref()?;
        let ask = async {
            let daemon = proxy(bus, BUS, "/org/freedesktop/DBus", BUS).await?;
            daemon.call_with_flags("GetNameOwner", MethodFlags::NoAutoStart.into(), &name).await
        };
        clock::within(PATIENCE, ask).await?.ok()?
    }
}
