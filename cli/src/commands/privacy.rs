//! `dwell privacy`: what is stored, where, and who can read it.

use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::vault_json::Privacy;
use crate::output::{json, privacy};

/// Asks and shows.
pub(crate) async fn run(console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let told = daemon.care(|vault| vault.privacy()).await?;
    console.say(&if console.json {
        json::line(&Privacy::new(&told))
    } else {
        privacy::screen(&told, console.look)
    });
    Ok(End::Well)
}
