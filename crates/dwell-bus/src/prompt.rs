//! `org.dwell.Prompt1`: the small window that says what a limit did. A name of its own, for it is a program of its own,
//! which not every machine has.
//!
//! The daemon calls it where the name is activatable, and goes on without it where it is not. The window shows what it
//! then asks the daemon for ([`crate::Own`]), so a call carries no more than what the window is about.

use tokio::sync::mpsc;
use zbus::message::Header;
use zbus::names::{OwnedUniqueName, WellKnownName};

/// The well-known bus name.
pub const NAME: &str = "org.dwell.Prompt1";
/// The object path.
pub const PATH: &str = "/org/dwell/Prompt1";

/// Longer than any rule's id or target that is kept, in bytes.
const TEXT_MAX: usize = 300;

/// What the daemon orders. Private, so it has no `Debug`.
pub enum Order {
    /// Show what became of a rule.
    Show {
        /// What was in front: `app:ID`, `domain:D`.
        target: String,
        /// The rule's id.
        rule: String,
        /// Who asked. To be called by this name: it is the daemon that knows the rule, and a name that starts nothing.
        daemon: OwnedUniqueName,
    },
    /// A rule does not hold any more: take it away.
    Hide {
        /// The rule's id.
        rule: String,
    },
}

/// The served object: a channel to the window, and no logic.
#[derive(Clone, Debug)]
pub struct Prompt {
    window: mpsc::UnboundedSender<Order>,
}

impl Prompt {
    /// An object that passes everything to `window`.
    pub const fn new(window: mpsc::UnboundedSender<Order>) -> Self {
        Self { window }
    }

    fn pass_on(&self, order: Order) -> zbus::fdo::Result<()> {
        self.window.send(order).map_err(|_| zbus::fdo::Error::Failed("the window is closing".to_owned()))
    }
}

/// The small window. Only the owner of `org.dwell.Dwell1` is answered: whoever else could open it, with words of their
/// choice, could ask for a sentence, or have a program closed.
#[zbus::interface(
    name = "org.dwell.Prompt1",
    proxy(default_service = "org.dwell.Prompt1", default_path = "/org/dwell/Prompt1", gen_blocking = false)
)]
impl Prompt {
    /// Shows what a rule did to a target, in place of what was shown of that rule; of several rules the one shown last
    /// is in front. Returns before there is a window. Errors: AccessDenied (not the daemon), InvalidArgs.
    async fn show(
        &self,
        target: &str,
        rule: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> zbus::fdo::Result<()> {
        let daemon = the_daemon(&header, bus).await?;
        self.pass_on(Order::Show { target: checked(target)?, rule: checked(rule)?, daemon })
    }

    /// Takes away what was shown of a rule; one that is not shown is no error. Errors: AccessDenied (not the daemon).
    #[zbus(proxy(no_autostart))]
    async fn hide(
        &self,
        rule: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) -> zbus::fdo::Result<()> {
        the_daemon(&header, bus).await?;
        self.pass_on(Order::Hide { rule: checked(rule)? })
    }
}

fn checked(text: &str) -> zbus::fdo::Result<String> {
    if text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        return Err(zbus::fdo::Error::InvalidArgs("a text is too long, or of several lines".to_owned()));
    }
    Ok(text.to_owned())
}

/// The sender, where it owns the daemon's name at this moment.
async fn the_daemon(header: &Header<'_>, bus: &zbus::Connection) -> zbus::fdo::Result<OwnedUniqueName> {
    let denied = || zbus::fdo::Error::AccessDenied("only the daemon may".to_owned());
    let sender = header.sender().ok_or_else(denied)?;
    let owner = zbus::fdo::DBusProxy::new(bus)
        .await?
        .get_name_owner(WellKnownName::from_static_str_unchecked(crate::NAME).into())
        .await
        .map_err(|_| denied())?;
    if owner.as_str() == sender.as_str() { Ok(owner) } else { Err(denied()) }
}
