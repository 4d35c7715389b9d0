//! What goes between the daemon and a browser's extension, by way of `dwell-browser-host`.
//!
//! The host calls methods of [`crate::Intake`]; the daemon answers with signals to that one caller, since everybody
//! can hear a broadcast. The caller's unique bus name is the link: when it leaves the bus, the link has ended.

use zbus::names::OwnedUniqueName;
use zbus::zvariant::{DeserializeDict, SerializeDict, Type};

use crate::Reply;
use crate::error::{Error, Failure, Kind};

/// The version of the frames between extension and host, which the host's greeting passes on.
pub const PROTOCOL: u32 = 1;

/// At most this many hosts are linked at once: one for each profile of each browser that runs.
pub const MAX_LINKS: usize = 32;

/// At most this many audible domains in one state.
pub const MAX_AUDIBLE: usize = 32;

/// How a host introduces itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Hello {
    /// The file name of the program that started the host (`chromium`, `firefox-esr`): by it the windows are known that
    /// the extension speaks for.
    pub program: String,
    /// What the extension says it runs in (`chromium`, `firefox`).
    pub browser: String,
    /// The extension's version, for `dwell browser status`.
    pub extension: String,
    /// A random text that tells the browser's profiles apart, for `dwell browser status`.
    pub instance: String,
    /// [`PROTOCOL`], as the host speaks it.
    pub protocol: u32,
}

/// What the daemon wants of an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Wishes {
    /// Whether it should tell which tabs are audible.
    pub audible: bool,
}

/// What a browser says of itself: a level, not an edge.
#[derive(Clone, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct State {
    /// When the host was told, on the boot clock.
    pub at_boot_ms: u64,
    /// Whether a window that the extension may see has the focus.
    pub focused: bool,
    /// The registrable domain of its active tab; absent for a page that has none.
    pub domain: Option<String>,
    /// Registrable domains that are heard; at most [`MAX_AUDIBLE`].
    pub audible: Option<Vec<String>>,
}

/// What of a browser a rule blocks.
#[derive(Clone, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Block {
    /// The rule's id.
    pub rule: String,
    /// The domains, with all that is below them.
    pub domains: Vec<String>,
    /// Domains that the rule excepts, with all that is below them.
    pub except: Vec<String>,
    /// The browser lifts the block by itself then, whatever became of the daemon.
    pub until_at_ms: i64,
    /// Charged in the running period.
    pub used_ms: u64,
    /// What the rule allows in a period, where it has a budget of time.
    pub budget_ms: Option<u64>,
    /// How often it can be put off today still.
    pub more_left: u32,
    /// For how long it is put off each time.
    pub length_ms: u64,
    /// For the person: which rule, and how much was used.
    pub why: String,
    /// For the person: when it opens again.
    pub opens: String,
}

/// Private, so only how much there is.
impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("domains", &self.domains.len()).finish_non_exhaustive()
    }
}

/// A linked browser, for `dwell browser status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Link {
    /// As in [`Hello`].
    pub program: String,
    /// As in [`Hello`].
    pub browser: String,
    /// As in [`Hello`].
    pub extension: String,
    /// As in [`Hello`].
    pub instance: String,
    /// Since when it is linked.
    pub since_at_ms: i64,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// Blocks that were sent, and are not confirmed yet.
    pub unconfirmed: bool,
    /// What the extension could not do, in its own words.
    pub problem: Option<String>,
}

/// What a host asks of the hub. Private, so it has no `Debug`.
pub enum BrowserRequest {
    /// A link begins, or begins anew.
    Hello(OwnedUniqueName, Hello, Reply<Wishes>),
    /// A browser's state.
    State(OwnedUniqueName, State, Reply<()>),
    /// Blocks were put into effect (or not: the problem).
    Applied(OwnedUniqueName, u64, Option<String>, Reply<()>),
    /// A host has left the bus.
    Left(OwnedUniqueName),
    /// All links.
    Links(Reply<Vec<Link>>),
}

/// Checks what comes from outside.
///
/// # Errors
/// `Invalid`: too long, with control characters, or of a protocol that this daemon does not speak.
pub(crate) fn checked_hello(hello: Hello) -> Result<Hello, Error> {
    let texts = [&hello.program, &hello.browser, &hello.extension, &hello.instance];
    if texts.iter().any(|text| text.len() > 64 || text.chars().any(char::is_control)) {
        return Err(Failure::new(Kind::Invalid, "a browser introduced itself with too long a text").into());
    }
    if hello.protocol != PROTOCOL {
        let (theirs, ours) = (hello.protocol, PROTOCOL);
        let message = format!("the browser's host speaks protocol {theirs}, and this dwelld {ours}");
        let hint = if theirs > ours { "update dwelld, then restart it" } else { "restart the browser" };
        return Err(Failure::new(Kind::Invalid, message).hint(hint).into());
    }
    Ok(hello)
}

/// Checks what comes from outside; see [`checked_hello`].
pub(crate) fn checked_state(state: State) -> Result<State, Error> {
    let audible = state.audible.iter().flatten();
    let too_long = state.domain.iter().chain(audible).any(|domain| domain.len() > 253);
    if too_long || state.audible.as_ref().is_some_and(|audible| audible.len() > MAX_AUDIBLE) {
        return Err(Failure::new(Kind::Invalid, "a browser's state is too long").into());
    }
    Ok(state)
}
