//! `dwell-prompt`: parse, open the display, take the name, run.
#![forbid(unsafe_code)]

mod app;
mod arguments;
mod bus;
mod face;
mod shown;
mod window;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use arguments::Arguments;
use dwell_core::texts::Texts;

/// By what a desktop knows the window: the name of its desktop file.
const APP_ID: &str = "org.dwell.Prompt1";

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "help, version and the one line of why it ended"
)]
fn main() -> ExitCode {
    match Arguments::parse(std::env::args_os()) {
        Ok(Arguments::Help) => print!("{}", arguments::HELP),
        Ok(Arguments::Version) => println!("dwell-prompt {}", env!("CARGO_PKG_VERSION")),
        Ok(Arguments::Run { lingers }) => {
            if let Err(why) = run(lingers) {
                eprintln!("dwell-prompt: {why}");
                return ExitCode::FAILURE;
            }
        }
        Err(why) => {
            eprintln!("dwell-prompt: {why}; see `dwell-prompt --help`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What GTK draws with: chosen in the environment, and nowhere else.
const RENDERER: &str = "GSK_RENDERER";

/// Starts this program anew, drawing in memory; returns where that was chosen already, or failed.
///
/// For a window of three buttons the graphics card costs more than it gives: with it, the first window took 1.2 s and
/// the program 200 MB (Debian 12, Mesa in software), without 0.1 s and 35 MB. GTK reads its environment alone, and a
/// program cannot safely change its own.
fn draw_in_memory() {
    if std::env::var_os(RENDERER).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut anew = Command::new(program);
    anew.args(std::env::args_os().skip(1)).env(RENDERER, "cairo");
    // The same word under the two names that it has had.
    if gtk::minor_version() < 16 {
        anew.env("GDK_DEBUG", "gl-disable");
    } else {
        anew.env("GDK_DISABLE", "gl,vulkan");
    }
    // It returns only where it failed; with the graphics card it works as well.
    let _ = anew.exec();
}

/// The locale of what is said, as LC_ALL, LC_MESSAGES or LANG has it (locale(7): the first one that says anything).
fn locale() -> String {
    let said = |name| std::env::var(name).ok().filter(|said: &String| !said.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(said).unwrap_or_default()
}

fn run(lingers: std::time::Duration) -> Result<(), String> {
    draw_in_memory();
    gtk::glib::set_prgname(Some(APP_ID));
    // Before the name: where there is no display, whoever calls hears of it at once.
    gtk::init().map_err(|_| "there is no display; in your desktop session, run: dwelld attach".to_owned())?;
    match bus::Bus::start() {
        Ok(bus) => app::App::run(bus, lingers, Texts::new(&locale())),
        Err(bus::BusError::Taken) => {}
        Err(why) => return Err(why.to_string()),
    }
    Ok(())
}
