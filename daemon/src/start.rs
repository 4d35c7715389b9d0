//! Starting: confinement first, then logging, then one thread's runtime.

use std::future::Future;
use std::path::Path;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::put_back::Order;
use crate::roles::{attach, sweep, user};
use dwell_confine::confine;

/// Runs the daemon.
///
/// # Errors
/// Why it cannot run, with the next step.
pub fn run(options: user::Options) -> Result<(), Failure> {
    confine_or_fail()?;
    log();
    let environment = Environment::read()?;
    block_on(user::run(environment, options))
}

/// Tells the running daemon where the display is.
///
/// # Errors
/// Why it could not be told.
pub fn attach() -> Result<(), Failure> {
    confine_or_fail()?;
    block_on(attach::attach())
}

/// Lets what a daemon that is gone had frozen run again.
///
/// # Errors
/// Why that could not be found out.
pub fn sweep() -> Result<(), Failure> {
    confine_or_fail()?;
    log();
    let environment = Environment::read()?;
    block_on(sweep::sweep(environment))
}

/// Connects to a compositor for the daemon, which is at the other end of standard input. This process holds no secrets,
/// and it must let the compositor see which program it is: so it is the one that does not close its memory. The
/// daemon's system-call filter holds for it as well.
///
/// # Errors
/// Nobody listens there, or it was not started by the daemon.
pub fn connect(socket: &Path) -> Result<(), Failure> {
    dwell_desktop::connect_for_parent(socket)
        .map_err(|error| Failure::new(error.to_string(), "this word is for dwelld's own use"))
}

/// Puts a vault in the place of the one that is there; see [`crate::put_back`]. Returns the exit code.
///
/// # Errors
/// Why that could not even be tried, with the next step.
pub fn put_back(order: Order) -> Result<u8, Failure> {
    confine_or_fail()?;
    log();
    let environment = Environment::read()?;
    block_on(crate::put_back::put_back(environment, order))
}

fn confine_or_fail() -> Result<(), Failure> {
    confine().map_err(|error| {
        Failure::new(error.to_string(), "dwelld does not run where it could open a network connection")
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Connecting to a bus borrows a thread for a moment; it need not linger.
    // Our own deadlines are timerfds; the keyring's library bounds its calls by the runtime's timers.
    builder.enable_io().enable_time().thread_keep_alive(std::time::Duration::from_millis(1));
    let runtime = builder.build();
    let runtime = runtime.map_err(|error| {
        Failure::new(format!("the system gives no event queue: {error}"), "start dwelld again")
    })?;
    runtime.block_on(work)
}

/// Logs go to standard error; the journal adds time and priority. Only our own crates speak: what libraries log
/// about their messages could hold names of programs.
fn log() {
    let level = std::env::var("DWELL_LOG").ok().and_then(|l| l.parse::<LevelFilter>().ok());
    let level = level.unwrap_or(LevelFilter::INFO);
    let ours = ["dwell_daemon", "dwell_core", "dwell_desktop", "dwell_vault", "dwell_bus"];
    let targets = Targets::new().with_targets(ours.map(|target| (target, level)));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false);
    // A second subscriber could only be set by a test of this crate; then the first one stays.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
}
