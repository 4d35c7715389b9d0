//! `dwell-browser-host`: confine, then serve the browser.
#![forbid(unsafe_code)]

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use dwell_browser_host::serve;

/// For a person who starts it.
const HELP: &str = "\
dwell-browser-host: a browser starts it for dwell's extension, and talks to it through pipes.
Nobody else has to. `dwell browser install` tells browsers where it is, `dwell browser status` how they are.
";

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "help, version and the one line of why it ended"
)]
fn main() -> ExitCode {
    let first = std::env::args().nth(1);
    match first.as_deref() {
        Some("--version" | "-V") => println!("dwell-browser-host {}", env!("CARGO_PKG_VERSION")),
        Some("--help" | "-h") => print!("{HELP}"),
        // Browsers name the extension, or its manifest; which may start us is theirs to check.
        _ if std::io::stdin().is_terminal() => print!("{HELP}"),
        _ => {
            return run().unwrap_or_else(|why| {
                eprintln!("dwell-browser-host: {why}");
                ExitCode::FAILURE
            });
        }
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the one line of why it ended")]
fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    dwell_confine::confine()?;
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    let end = serve(input, output)?;
    if let Some(why) = end.why() {
        eprintln!("dwell-browser-host: {why}");
    }
    Ok(ExitCode::from(end.code()))
}
