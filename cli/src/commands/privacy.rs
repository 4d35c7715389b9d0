//! `dwell privacy`: what is stored, where, and who can read it.

use dwell_bus::wire;

use super::page;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::vault_json::Privacy;
use crate::output::{json, privacy};

/// Asks and shows.
pub(crate) async fn run(console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let mut told = daemon.care(|vault| vault.privacy()).await?;
    // The daemon has no part in it: this program has written it.
    told.places.extend(page::kept().map(|page| {
        wire::Place {
            path: page.display().to_string(),
            holds:
                "the page of a week, of `dwell report --save` or dwell-weekly.timer, readable by you alone"
                    .to_owned(),
            encrypted: false,
        }
    }));
    console.say(&if console.json {
        json::line(&Privacy::new(&told))
    } else {
        privacy::screen(&told, console.look)
    });
    Ok(End::Well)
}
