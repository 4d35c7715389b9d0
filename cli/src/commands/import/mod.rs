//! `dwell import`: history that another program has recorded.
//!
//! The files are read here, event by event; what they mean goes through a pipe to the daemon, which names programs, keeps
//! what it has recorded itself, and takes the rest in one step. It is asked twice: what it would take, and then to take it.

mod form;
mod hosts;
mod merge;
mod read;
mod told;

use std::cell::Cell;
use std::io::{BufWriter, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use dwell_bus::lines::{self, Done, Foreign};
use zbus::zvariant::Fd;

use self::merge::Account;
use super::now_ms;
use super::work::{self, Worker};
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::json;
use crate::output::text::wrap;

/// Take in what another program has recorded
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = false)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Activitywatch(Files),
}

/// Below the help text.
const HELP: &str = "\
Give all files in one go: the afk bucket says when somebody was there, and only that time counts of
the window bucket; the web buckets say which site a browser showed. Titles and addresses are
dropped, and what was shown in private windows. What dwell has recorded itself stays as it is, so
the same files can be given again. Days that are not over take nothing: give the files again
tomorrow. Nor do days that are older than `keep-detail` says. Days that you forget later come back
if you give the same files again.";

/// Take in bucket exports of ActivityWatch
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
struct Files {
    /// Exports of buckets (JSON); each may hold several
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Take the buckets of this host only, where the files are of several
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Show what would be taken, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Reads the files, says what would be taken, asks, and has it taken.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let From::Activitywatch(args) = &args.from;
    let daemon = Daemon::find().await?;
    let account = Arc::new(read(args, console)?);
    if account.is_empty() {
        return Err(Error::new(Kind::NoData, "these files hold no time in any window")
            .hint("export all buckets in ActivityWatch, under Raw Data"));
    }
    let would = give(&daemon, &account, true, "Comparing", console).await?;
    let takes = would.seconds.unwrap_or_default() > 0;
    let summary = |taken: &Done, verb| told::summary(verb, &account, taken);
    if args.dry_run || !takes {
        if console.json {
            console.say(&json::line(&told::Document::new(&account, &would, args.dry_run)));
        } else if args.dry_run || !console.quiet {
            say(console, &summary(&would, "Would take"));
            say(console, &["Nothing has changed".to_owned()]);
        }
        return Ok(End::Well);
    }
    let what = summary(&would, "This is taken in");
    ask::consent_or_stop(console, "take this in", &what, args.yes).await?;
    let done = give(&daemon, &account, false, "Taking in", console).await?;
    if console.json {
        console.say(&json::line(&told::Document::new(&account, &done, false)));
    } else if !console.quiet {
        say(console, &summary(&done, "Taken in"));
    }
    Ok(End::Well)
}

fn say(console: &mut Console, sentences: &[String]) {
    let width = console.look.width;
    sentences.iter().flat_map(|sentence| wrap(sentence, width, 2)).for_each(|line| console.say(&line));
}

/// All files, in order.
fn read(args: &Files, console: &Console) -> Result<Account, Error> {
    let size = |path: &PathBuf| path.metadata().map_or(0, |about| about.len());
    let total = args.files.iter().map(size).sum::<u64>() >> 20;
    let since = Cell::new(0);
    let mut reading = read::Reading::new(now_ms(), &since);
    let mut bar = work::Bar::new("Reading", console);
    let (mut before, mut shown) = (0, 0);
    for path in &args.files {
        reading.file(path, &mut |done| {
            let done = (before + done) >> 20;
            if done > shown {
                shown = done;
                bar.show_of(done, total.max(done), "MiB");
            }
        })?;
        before += size(path);
    }
    Ok(Account::of(reading.finish(args.host.as_deref())?))
}

/// Gives everything to the daemon, for it to say what it takes, or to take it.
async fn give(
    daemon: &Daemon,
    account: &Arc<Account>,
    dry_run: bool,
    doing: &str,
    console: &Console,
) -> Result<Done, Error> {
    let no_pipe = |why: std::io::Error| Error::new(Kind::Failed, format!("no pipe: {}", reason(&why)));
    let (read, write) = std::io::pipe().map_err(no_pipe)?;
    let giving = Arc::clone(account);
    let giver = std::thread::Builder::new().name("giver".to_owned()).spawn(move || {
        // Where the daemon takes no more, it says why; and the pipe ends with the program.
        let _ = write_spans(&giving, BufWriter::with_capacity(64 << 10, write));
    });
    giver.map_err(no_pipe)?;
    let spans = Fd::from(OwnedFd::from(read));
    let begun = async { Ok(daemon.care(|vault| vault.import(spans, dry_run)).await?.into()) };
    let worker = if dry_run { Worker::Reader } else { Worker::Importer };
    work::follow(begun, worker, doing, console).await
}

fn write_spans(account: &Account, mut to: impl Write) -> std::io::Result<()> {
    let mut count = 0;
    for span in account.spans() {
        let app = account.apps.text(span.app).into();
        let domain = span.site.map(|site| account.sites.text(site).into());
        serde_json::to_writer(&mut to, &Foreign { at: span.at, ms: span.ms, app, domain })?;
        to.write_all(b"\n")?;
        count += 1;
    }
    let schema = lines::END.to_owned();
    serde_json::to_writer(&mut to, &lines::End { schema, spans: count, ..lines::End::default() })?;
    to.write_all(b"\n")?;
    to.flush()
}
