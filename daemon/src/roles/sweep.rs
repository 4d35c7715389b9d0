//! `dwelld sweep`: lets every program run again that a limit had frozen when the daemon went without a word. The service
//! manager calls it after the daemon has stopped, in whatever way (`ExecStopPost=`).
//!
//! Which programs these are stands in the sealed record alone. It is read, and nothing is written: the next daemon sees
//! the vault as it was left.

use chrono_tz::UTC;
use dwell_core::calendar::{Calendar, DayStart};
use dwell_core::time::Millis;
use dwell_desktop::freezer::Unit;
use dwell_vault::{Places, Vault};

use crate::enforcement::Freezer;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::hub::Past;
use crate::keys::{self, SecretService};
use crate::record::HeldBack;
use crate::store::Kept;

/// How long the person's systemd may take to come: less than the service manager gives what follows the daemon's end.
const PATIENCE: Millis = Millis::from_secs(5);

/// Thaws what is frozen.
///
/// # Errors
/// There is no session bus, or the record cannot be read.
pub async fn sweep(environment: Environment) -> Result<(), Failure> {
    let places = Places::new(&environment.data_dir);
    let failed = |error: &dwell_vault::OpenError| Failure::vault(error, &environment.data_dir);
    if !Vault::is_there(&places).map_err(|error| failed(&error))? {
        return Ok(());
    }
    let session = zbus::Connection::session().await.map_err(|error| {
        Failure::new(format!("the session bus is not reachable: {error}"), "start dwelld in a session")
    })?;
    // What days there are does not matter here.
    let calendar = Calendar::new(UTC, DayStart::default());
    let keyring = SecretService::Session;
    let opening = keys::open(&places, &environment.credentials, keyring, &session, &calendar).await;
    let opening = match opening {
        // Another daemon runs, and knows what it has frozen.
        Err(dwell_vault::OpenError::InUse { .. }) => return Ok(()),
        opening => opening.map_err(|error| failed(&error))?,
    };
    let past = Past::of(opening.known);
    match opening.kept {
        Kept::Open(vault) => vault.close(),
        Kept::Sealed(vault, _) => vault.close(),
        Kept::Waiting(_) => {}
    }
    let past = past.map_err(|error| Failure::new(error.to_string(), "install that version again"))?;
    let units = past.record.held_back.iter().chain(&past.record.thawing).flat_map(HeldBack::units);
    let units: Vec<Unit> = units.collect();
    if !units.is_empty() {
        tracing::info!(units = units.len(), "what was frozen is to run again");
        Freezer::new(session).thaw_within(units, PATIENCE).await;
    }
    Ok(())
}
