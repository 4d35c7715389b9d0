//! `dwell status --follow`: a line on each change, for bars that would otherwise ask again and again.
//!
//! Lines say minutes, so while time runs there is one a minute, and with every change of what has focus or of a limit one
//! at once; while nobody is there, none. A line that says the same as the one before is not written. A daemon that is away
//! is a line, too: a bar has no place for an error, and goes on by itself when the daemon is back.

use std::pin::pin;
use std::time::Duration;

use dwell_bus::wire;
use tokio::time::{Instant, sleep_until};

use super::live::{Feed, News};
use super::stream::deserted;
use crate::bus::{Bus, Daemon};
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::desktop_bar;

/// Once a minute is full, so that it is in the answer.
const AFTER: u64 = 100;

/// A daemon that answered with an error is asked again then, unless it says something before.
const AGAIN: Duration = Duration::from_secs(60);

/// Writes lines until nobody reads them any more. `show` makes them; `None`: the daemon is away, for the reason given.
///
/// # Errors
/// There is no bus, or it went away. That has been said on standard output by then, too.
pub(super) async fn run(
    console: &mut Console,
    show: impl Fn(Result<&wire::Status, &str>) -> String,
) -> Result<End, Error> {
    let mut told = String::new();
    let mut tell = |console: &mut Console, line: String| {
        if line != told {
            console.say(&line);
            console.flush();
            told = line;
        }
        console.is_closed()
    };
    let (daemon, mut feed) = match Feed::open().await {
        Ok(found) => found,
        Err(why) => {
            tell(console, show(Err(&why.message)));
            return Err(why);
        }
    };
    let mut deserted = pin!(deserted());
    loop {
        let (line, next) = match status(&daemon).await {
            Ok(status) => {
                (show(Ok(&status)), desktop_bar::next_ms(&status).map(|ms| Duration::from_millis(ms + AFTER)))
            }
            Err((why, next)) => (show(Err(&why)), next),
        };
        if tell(console, line) {
            return Ok(End::Well);
        }
        let next = next.map(|wait| Instant::now() + wait);
        let later = async {
            match next {
                Some(then) => sleep_until(then).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            news = feed.next() => match news {
                Some(News::Changed | News::Gone | News::Back) => {}
                None => {
                    let why = daemon.bus().lost();
                    tell(console, show(Err(&why.message)));
                    return Err(why);
                }
            },
            () = later => {}
            () = &mut deserted => return Ok(End::Well),
        }
    }
}

/// The status, or why there is none and when to ask again.
async fn status(daemon: &Daemon) -> Result<wire::Status, (String, Option<Duration>)> {
    daemon.ask(|d| d.status()).await.map_err(|why| {
        if why == daemon.bus().not_running() {
            (away(daemon.bus()), None)
        } else {
            (why.message, Some(AGAIN))
        }
    })
}

fn away(bus: Bus) -> String {
    format!("dwelld is not running\n{}", bus.start())
}
