//! dwell's D-Bus contract, declared once for both sides.
//!
//! The served objects hold a channel to the hub and no logic: each method becomes one [`Request`] with a place for
//! the answer. The same declarations generate the client proxies.
//!
//! Units on the wire: durations are `t` in milliseconds with the suffix `ms`, instants are `x` in Unix milliseconds
//! with the suffix `_at_ms`, boot-clock instants are `t` in milliseconds since boot with the suffix `_boot_ms`.
//! Extensible structures are `a{sv}`; unknown keys are ignored, absent ones mean "none". Long answers go through a
//! pipe that the daemon makes: one JSON document a line ([`lines`]), closed by the daemon at the end.
//!
//! Broadcast signals carry nothing: everybody on the bus can hear them, and must not learn what is in focus.
#![forbid(unsafe_code)]

pub mod browser;
pub mod error;
pub mod extension;
pub mod fixes;
pub mod intake;
pub mod lines;
pub mod own;
pub mod prompt;
pub mod serve;
pub mod vault;
pub mod wire;

pub use browser::BrowserRequest;
pub use error::{Error, Failure, Kind};
pub use intake::{Intake, IntakeProxy};
pub use own::{Own, OwnProxy};
pub use prompt::{Prompt, PromptProxy};
pub use vault::{Vault, VaultProxy};

/// The well-known bus name.
pub const NAME: &str = "org.dwell.Dwell1";
/// The object path of everything dwell serves.
pub const PATH: &str = "/org/dwell/Dwell1";

use std::os::fd::OwnedFd;

use tokio::sync::oneshot;

/// Where a request's answer goes. Dropping it without an answer tells the caller that the daemon is stopping.
pub type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// One question or order from the bus to the hub. Private, so it has no `Debug`.
pub enum Request {
    /// Now, today, limits, health.
    Status(Reply<wire::Status>),
    /// Totals over a period.
    Report(wire::Query, Reply<wire::Report>),
    /// What charts show of a period.
    Picture(wire::Query, Reply<wire::Picture>),
    /// The timeline of a period, a [`lines::Span`] a line.
    Spans(String, Reply<OwnedFd>),
    /// All limits with their use.
    ListLimits(Reply<Vec<wire::Limit>>),
    /// Make or change a limit: target, amount in milliseconds, options.
    SetLimit(String, u64, wire::LimitOptions, Reply<wire::Limit>),
    /// Remove a limit by its id.
    RemoveLimit(String, Reply<wire::Change>),
    /// Try a limit on the past: target, amount, options, period.
    TryLimit(String, u64, wire::LimitOptions, String, Reply<wire::Trial>),
    /// The rules as text.
    ExportRules(Reply<String>),
    /// What a text of rules would change.
    CheckRules(String, Reply<wire::Change>),
    /// Take a text of rules.
    ImportRules(String, Reply<wire::Change>),
    /// Changes that wait.
    ListPending(Reply<Vec<wire::Pending>>),
    /// Make a change that has waited.
    Confirm(String, Reply<wire::Change>),
    /// Give up a change that waits.
    Cancel(String, Reply<()>),
    /// Begin the wait before a snooze of a target, or of a rule by its id.
    AskSnooze(String, Reply<wire::Snooze>),
    /// Put a rule off: id, sentence.
    Snooze(String, String, Reply<wire::Limit>),
    /// Ask a target's windows to close.
    CloseTarget(String, Reply<()>),
    /// Suspend open rules for so many milliseconds.
    Pause(u64, Reply<wire::Standing>),
    /// End a pause (`pause`), a focus session (`focus`), or both (empty).
    Resume(String, Reply<wire::Standing>),
    /// The emergency exit, or its cancellation.
    Exit(bool, Reply<wire::Standing>),
    /// A focus session: milliseconds, targets.
    Focus(u64, Vec<String>, Reply<wire::Standing>),
    /// An intention: target, milliseconds, words.
    Intend(String, u64, String, Reply<wire::Standing>),
    /// The reset week: `start`, `status` or `stop`.
    ResetWeek(String, Reply<wire::ResetWeek>),
    /// Pause, exit, focus and the rest.
    Standing(Reply<wire::Standing>),
    /// Targets that are known, the most used first.
    ListTargets(Reply<Vec<wire::KnownTarget>>),
    /// All categories.
    ListCategories(Reply<Vec<wire::CategoryInfo>>),
    /// The category of a target.
    WhichCategory(String, Reply<wire::Classified>),
    /// Give a target a category.
    SetCategory(String, String, Reply<wire::Change>),
    /// Which rules apply to a target, and what changes next.
    Why(String, Reply<wire::Why>),
    /// Whether a target is allowed right now.
    Check(String, Reply<wire::Check>),
    /// A stream of changes, a [`lines::Event`] a line, until the reader closes its end.
    Watch(Reply<OwnedFd>),
    /// Every part's health.
    Doctor(Reply<Vec<wire::Part>>),
    /// More places where a display may be found, as environment variables.
    Attach(std::collections::HashMap<String, String>, Reply<()>),
    /// Read the configuration again.
    Reload(Reply<()>),
    /// Facts from a sensor outside the daemon.
    Intake(Vec<dwell_core::sample::Sample>, Reply<()>),
    /// Browsers' extensions.
    Browser(BrowserRequest),
    /// The care of the vault.
    Vault(VaultRequest),
}

/// What [`Vault`] is asked for; see there. File descriptors are secrets coming in, or pipes going out.
pub enum VaultRequest {
    /// What the vault is.
    Info(Reply<wire::VaultInfo>),
    /// The keys that open it.
    ListKeys(Reply<Vec<wire::Key>>),
    /// Add a key of a kind that needs no person.
    AddKey(String, Reply<wire::Key>),
    /// Add a passphrase.
    AddPassphrase(OwnedFd, Reply<wire::Key>),
    /// Add a recovery key; its text goes through the pipe.
    AddRecovery(Reply<(wire::Key, OwnedFd)>),
    /// Remove a key by number.
    RemoveKey(u8, Reply<OwnedFd>),
    /// Give everything new keys.
    RotateKeys(Reply<OwnedFd>),
    /// Open the vault: kind, secret, for how many milliseconds.
    Unlock(String, OwnedFd, u64, Reply<()>),
    /// Put its key out of memory.
    Lock(Reply<()>),
    /// Read and check everything.
    Verify(Reply<OwnedFd>),
    /// Write a backup to an absolute path.
    Backup(String, Reply<OwnedFd>),
    /// Take history as it is.
    Accept(Reply<()>),
    /// What forgetting would take.
    WouldForget(wire::Selection, Reply<wire::Forgotten>),
    /// Forget for good.
    Forget(wire::Selection, Reply<OwnedFd>),
    /// Take in what another program has recorded; or, dry, say what would be taken.
    Import(OwnedFd, bool, Reply<OwnedFd>),
    /// What is stored, where, and who can read it.
    Privacy(Reply<wire::Privacy>),
}
