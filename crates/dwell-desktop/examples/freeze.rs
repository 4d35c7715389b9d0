//! Freezes and thaws units of the person's own systemd: a tool for the tests on throwaway machines.
//!
//! `freeze find APP PID…` prints the units, or why not; `freeze on|off|state UNIT` prints what came of it. The exit status
//! is 1 where it could not be done.
#![expect(clippy::print_stdout, reason = "printing is its purpose")]

use std::process::ExitCode;

use dwell_core::subject::AppId;
use dwell_desktop::freezer::{self, Unit};
use dwell_desktop::{AppNames, Surroundings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = match words.as_slice() {
        ["find", app, pids @ ..] => find(app, pids),
        [verb, unit] => change(verb, unit).await,
        _ => Err("freeze find APP PID… | on UNIT | off UNIT | state UNIT".to_owned()),
    };
    println!("{}", said.as_ref().unwrap_or_else(|why| why));
    if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(app: &str, pids: &[&str]) -> Result<String, String> {
    let app = AppId::new(app).map_err(|error| error.to_string())?;
    let names = AppNames::new(&Surroundings::new(std::env::vars()));
    let pids = pids.iter().filter_map(|pid| pid.parse().ok());
    let units = freezer::find(&app, pids, &names).map_err(|why| format!("{why:?}"))?;
    Ok(units.iter().map(Unit::as_str).collect::<Vec<_>>().join(" "))
}

async fn change(verb: &str, unit: &str) -> Result<String, String> {
    let session = zbus::Connection::session().await.map_err(|error| error.to_string())?;
    let unit = Unit::new(unit).ok_or("no name of a unit")?;
    let done = match verb {
        "on" => freezer::freeze(&session, &unit).await,
        "off" => freezer::thaw(&session, &unit).await,
        _ => Ok(()),
    };
    done.map_err(|why| format!("{why:?}"))?;
    freezer::state(&session, &unit).await.map(|state| format!("{state:?}")).map_err(|why| format!("{why:?}"))
}
