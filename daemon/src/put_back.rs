//! `dwelld restore` and `dwelld salvage`: a vault takes the place of the one that is there. Done without the daemon,
//! for a vault that does not open starts none; `dwell vault restore` and `salvage` ask the person first and start this.
//!
//! Standard output has what long work says over the bus: `dwell.progress/1` lines, then one `dwell.done/1` or
//! `dwell.error/1`.

use std::path::{Path, PathBuf};

use dwell_bus::{Failure as Told, Kind, lines};
use dwell_vault::{Places, RestoreError, Restored, SalvageError, SlotKind, Unlock, UnlockError};

use crate::care::{OnProgress, failures, secret, tell, work};
use crate::clock;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::keys::{AtHand, SecretService};
use crate::pipe::Writer;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Order {
    /// From what.
    pub how: How,
    /// A backup, or a damaged database.
    pub file: PathBuf,
    /// Move the vault that is there aside: always done by a salvage, which is of no use otherwise.
    pub put_aside: bool,
    /// What comes on standard input.
    pub secret: Option<Secret>,
    /// Whether the keyring may be asked.
    pub keyrings: SecretService,
}

/// From what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A backup that is whole.
    Restore,
    /// Whatever can still be read.
    Salvage,
}

/// A secret that a person knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A passphrase.
    Passphrase,
    /// A recovery key.
    Recovery,
}

/// Puts a vault back. Returns the exit code; where it is not 0, the line on standard output says why.
///
/// # Errors
/// There is no standard output to say it on.
pub async fn put_back(environment: Environment, order: Order) -> Result<u8, Failure> {
    let writer = Writer::stdout().map_err(|error| Failure::new(error.to_string(), "try again"))?;
    let places = Places::new(&environment.data_dir);
    let keys = match order.secret {
        None => automatic(&places, &environment, order.keyrings).await,
        Some(secret) => typed(secret).await,
    };
    let mut code = 1;
    let done = tell(&writer, |progress| {
        let outcome = keys.and_then(|keys| match order.how {
            How::Restore => restore(&places, &order, &keys),
            How::Salvage => salvage(&places, &order, &keys, progress),
        });
        outcome.inspect_err(|told| code = exit_code(told.kind))
    });
    Ok(if done { 0 } else { code })
}

const fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Denied | Kind::Locked => 4,
        Kind::NotFound | Kind::Invalid => 2,
        Kind::NoData | Kind::ClockUntrusted | Kind::StorageDegraded | Kind::Failed => 1,
    }
}

/// The keys that need no person.
async fn automatic(
    places: &Places,
    environment: &Environment,
    keyrings: SecretService,
) -> Result<Vec<Unlock>, Told> {
    let at_hand = AtHand::gather_all(places, &environment.credentials, keyrings).await;
    let (_, history) = at_hand.map_err(|error| failures::open(&error))?.into_keys();
    if history.is_empty() {
        let told = Told::new(Kind::Locked, "no key is at hand that needs no person");
        return Err(told.hint("give the passphrase or the recovery key of that time"));
    }
    Ok(history)
}

async fn typed(kind: Secret) -> Result<Vec<Unlock>, Told> {
    use std::os::fd::AsFd;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let text = secret::read(stdin.map_err(|error| Told::new(Kind::Failed, error.to_string()))?).await?;
    Ok(vec![match kind {
        Secret::Passphrase => Unlock::Passphrase(text),
        Secret::Recovery => Unlock::Recovery(text),
    }])
}

fn restore(places: &Places, order: &Order, keys: &[Unlock]) -> Result<lines::Done, Told> {
    let restored = dwell_vault::restore(&order.file, places, keys, order.put_aside);
    Ok(told("restore", restored.map_err(|error| unrestored(&error))?))
}

fn told(name: &str, restored: Restored) -> lines::Done {
    let Restored { vault, verified, aside, .. } = restored;
    vault.close();
    lines::Done {
        days: Some(verified.days),
        spans: Some(verified.spans),
        damaged: verified.damaged.iter().map(ToString::to_string).collect(),
        put_aside: aside.map(|path| path.display().to_string()),
        ..work::done(name)
    }
}

/// Salvages into a folder of its own, and puts that in the vault's place as if it were a backup: one way in.
fn salvage(
    places: &Places,
    order: &Order,
    keys: &[Unlock],
    progress: OnProgress<'_>,
) -> Result<lines::Done, Told> {
    let beside = Places::new(places.data_dir.join("salvage.new"));
    let clear = || match std::fs::remove_dir_all(&beside.data_dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Told::new(Kind::Failed, format!("{} cannot be cleared: {error}", beside.data_dir.display())))
        }
        _ => Ok(()),
    };
    clear()?;
    let salvaged = into(&beside, &order.file, keys, progress).and_then(|backup| {
        let mut own: Vec<Unlock> = Vec::new();
        if beside.keyfile().symlink_metadata().is_ok() {
            own.push(Unlock::Keyfile(beside.keyfile()));
        }
        // Whichever of the keys opened the damaged one opens this one, too.
        let restored = match dwell_vault::restore(&backup, places, &own, true) {
            Err(RestoreError::Locked { .. }) => dwell_vault::restore(&backup, places, keys, true),
            done => done,
        };
        Ok(told("salvage", restored.map_err(|error| unrestored(&error))?))
    });
    let cleared = clear();
    let done = salvaged?;
    cleared?;
    Ok(done)
}

fn into(beside: &Places, file: &Path, keys: &[Unlock], progress: OnProgress<'_>) -> Result<PathBuf, Told> {
    let salvaged = dwell_vault::salvage(file, beside, keys, progress).map_err(|error| match &error {
        SalvageError::Restore(error) => unrestored(error),
        SalvageError::Generation(error) => failures::generation(error),
    })?;
    let mut vault = salvaged.vault;
    tracing::info!(records = salvaged.candidates, "found");
    let backup = beside.data_dir.join("salvaged");
    let written = vault.backup(&backup, clock::now().wall.as_unix_ms());
    vault.close();
    written.map_err(|error| failures::open(&error))?;
    Ok(backup)
}

fn unrestored(error: &RestoreError) -> Told {
    match error {
        RestoreError::Exists { .. } => {
            Told::new(Kind::Invalid, error.to_string()).hint("--put-aside moves it aside; nothing is deleted")
        }
        RestoreError::Locked { refused } => {
            let mistyped = refused.iter().find(|error| !matches!(error, UnlockError::NoSlot { .. }));
            let kind = match refused.as_slice() {
                [UnlockError::Mistyped(_)] => Kind::Invalid,
                _ if typed_wrongly(refused) => Kind::Denied,
                _ => Kind::Locked,
            };
            let why = mistyped.map_or_else(|| error.to_string(), |why| format!("{error}: {why}"));
            Told::new(kind, why).hint("give the passphrase or the recovery key of that time")
        }
        RestoreError::Open(error) => failures::open(error),
        RestoreError::Read(error) => failures::read(error),
    }
}

/// Whether a person typed something that did not fit, rather than a key file being another one's.
fn typed_wrongly(refused: &[UnlockError]) -> bool {
    let typed = |kind: &SlotKind| matches!(kind, SlotKind::Passphrase | SlotKind::Recovery);
    refused.iter().any(|error| matches!(error, UnlockError::Wrong { kind } if typed(kind)))
}
