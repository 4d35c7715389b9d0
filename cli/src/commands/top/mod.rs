//! `dwell top`: today as it goes by, on a whole terminal.
//!
//! It sleeps until the daemon says that something changed, a key is pressed or, while time runs for something, the next
//! second begins; then it asks for the status, a small answer. The reports behind the lists are asked for when something
//! changed, and every half minute while time runs. While nobody is there it does not wake up at all, but for the start of
//! the next day.
//!
//! The terminal is given back on every way out: keys, signals, errors, a panic. A daemon that goes away is none of them.

mod keys;
mod screen;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use dwell_bus::wire;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::keys::Wish;
use self::screen::Screen;
use super::live::{Feed, News};
use super::stream::deserted;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::dashboard::{Board, Facts, Pen, Reports};

/// Between two answers for the running clock.
const SECOND: Duration = Duration::from_secs(1);

/// Between two rounds of reports while time runs.
const REPORTS: Duration = Duration::from_secs(30);

/// A flurry of changes is one: nobody sees faster.
const FLURRY: Duration = Duration::from_millis(150);

/// Rows of a list: more than anybody scrolls through.
const ROWS: u32 = 500;

/// Shows until it is told to stop.
pub(crate) async fn run(console: &mut Console) -> Result<End, Error> {
    let pen = Pen { color: console.look.color, unicode: unicode() };
    suitable(console)?;
    let (daemon, mut feed) = Feed::open().await?;
    let mut top = Top {
        board: Board { facts: facts(&daemon).await?, ..Board::default() },
        daemon,
        asking: None,
        wanted: None,
        reports_at: Instant::now(),
    };
    let failed = |why: io::Error| Error::new(Kind::Failed, format!("the terminal failed: {}", reason(&why)));
    let mut stops = Stops::new().map_err(failed)?;
    let mut deserted = pin!(deserted());
    let mut screen = Screen::enter().map_err(failed)?;
    let mut typed = keys::listen();
    loop {
        screen.draw(&mut top.board, pen).map_err(failed)?;
        let next = top.next();
        tokio::select! {
            key = typed.recv() => match key {
                None => return Ok(End::Well),
                Some(Wish::Stop) => screen.stop().map_err(failed)?,
                Some(Wish::Anew) => screen.clear().map_err(failed)?,
                Some(wish) => if keys::obey(&mut top.board, wish) { return Ok(End::Well) },
            },
            news = feed.next() => match news {
                Some(News::Gone) => top.gone(),
                Some(News::Changed | News::Back) => top.want(Instant::now() + FLURRY),
                None => return Err(top.daemon.bus().lost()),
            },
            answer = answered(&mut top.asking) => top.take(answer),
            () = sleep_until(next) => top.ask(),
            () = stops.told() => return Ok(End::Well),
            () = &mut deserted => return Ok(End::Well),
        }
    }
}

/// Says why this is no place for a dashboard, and what is.
fn suitable(console: &Console) -> Result<(), Error> {
    let instead = "use `dwell watch` for a stream of changes, or `dwell status`";
    let unfit = |message: &str| Err(Error::new(Kind::Usage, message).hint(instead));
    if console.json {
        return unfit("dwell top is for people, and has no --json");
    }
    if !console.is_seen() || !io::IsTerminal::is_terminal(&io::stdin()) {
        return unfit("dwell top needs a terminal to draw on and to read keys from");
    }
    if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return unfit("this terminal cannot be drawn on (TERM is dumb, or not set)");
    }
    Ok(())
}

/// Whether the locale's characters go beyond ASCII. Nothing said counts as yes: every terminal of today does.
fn unicode() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.is_none_or(|locale| beyond_ascii(&locale))
}

fn beyond_ascii(locale: &str) -> bool {
    let charset = locale.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or(""));
    charset.replace('-', "").eq_ignore_ascii_case("utf8")
}

/// What came of a question.
enum Answer {
    Status(Box<wire::Status>),
    Everything(Box<Facts>),
}

/// The board, and the question that is under way.
struct Top {
    board: Board,
    daemon: Arc<Daemon>,
    /// Asked beside the screen, so that keys work while a daemon hangs.
    asking: Option<JoinHandle<Result<Answer, Error>>>,
    /// When to ask for everything, because of news.
    wanted: Option<Instant>,
    /// When the reports were last asked for.
    reports_at: Instant,
}

impl Top {
    /// When to ask next, unless something happens before.
    fn next(&self) -> Instant {
        let now = Instant::now();
        if self.asking.is_some() {
            return now + Duration::from_secs(3600);
        }
        let facts = &self.board.facts;
        let clock = if self.board.is_counting() {
            now + until_next_second(&facts.status)
        } else if self.board.trouble.is_some() {
            now + Duration::from_secs(3600)
        } else {
            let left = facts.reports.hours.from_at_ms + 86_400_000 - facts.status.now_at_ms;
            // Days of 25 hours are asked about once more.
            now + Duration::from_millis(u64::try_from(left).unwrap_or(0)).max(REPORTS * 20)
        };
        self.wanted.map_or(clock, |at| at.min(clock))
    }

    fn want(&mut self, at: Instant) {
        self.wanted = Some(self.wanted.map_or(at, |before| before.min(at)));
    }

    /// Asks for what is due.
    fn ask(&mut self) {
        if self.asking.is_some() {
            return;
        }
        let due = self.reports_at.elapsed() >= REPORTS || !self.board.is_counting();
        // A second that comes before the end of a flurry is not held up by it.
        let wanted = self.wanted.take_if(|at| *at <= Instant::now()).is_some();
        let everything = due || wanted;
        let daemon = Arc::clone(&self.daemon);
        self.asking = Some(if everything {
            self.reports_at = Instant::now();
            tokio::spawn(async move { facts(&daemon).await.map(|facts| Answer::Everything(Box::new(facts))) })
        } else {
            tokio::spawn(async move {
                daemon.ask(|d| d.status()).await.map(|status| Answer::Status(Box::new(status)))
            })
        });
    }

    fn take(&mut self, answer: Result<Answer, Error>) {
        self.asking = None;
        match answer {
            Ok(Answer::Everything(facts)) => {
                self.board.facts = *facts;
                self.board.trouble = None;
            }
            Ok(Answer::Status(status)) => {
                // Another day, or something else in focus: the lists are no longer those of this status.
                let before = &self.board.facts.status;
                let other = status.total_ms < before.total_ms || status.active != before.active;
                self.board.facts.status = *status;
                self.board.trouble = None;
                if other {
                    self.want(Instant::now());
                }
            }
            Err(why) if why == self.daemon.bus().not_running() => self.gone(),
            Err(why) => {
                let hint = why.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                self.board.trouble = Some(format!("{}{hint}", why.message));
                // It may pass, and no news may tell of it.
                self.want(Instant::now() + REPORTS);
            }
        }
    }

    /// The daemon is not there. Its coming will be told.
    fn gone(&mut self) {
        let start = self.daemon.bus().start();
        self.board.trouble = Some(format!("dwelld is not reachable; this goes on when it is back ({start})"));
        self.wanted = None;
    }
}

/// The clock on the screen shows whole seconds, so the next answer is wanted when the next one is full.
fn until_next_second(status: &wire::Status) -> Duration {
    let since = status.active.as_ref().map_or(0, |active| status.now_at_ms - active.since_at_ms);
    let into = u64::try_from(since.rem_euclid(1000)).unwrap_or(0);
    SECOND.saturating_sub(Duration::from_millis(into)).max(SECOND / 5)
}

/// The answer that is under way; never, where nothing was asked.
async fn answered(asking: &mut Option<JoinHandle<Result<Answer, Error>>>) -> Result<Answer, Error> {
    match asking {
        None => std::future::pending().await,
        Some(task) => task.await.unwrap_or_else(|_| {
            Err(Error::new(Kind::Failed, "the question to the daemon was broken off").hint("try again"))
        }),
    }
}

/// Everything, at one moment or nearly so.
async fn facts(daemon: &Daemon) -> Result<Facts, Error> {
    let report = async |period: &str, by: &str| {
        let query = wire::Query {
            period: Some(period.to_owned()),
            by: Some(by.to_owned()),
            top: matches!(by, "app" | "domain" | "category").then_some(ROWS),
            ..wire::Query::default()
        };
        daemon.ask(|d| d.report(query)).await
    };
    let status = daemon.ask(|d| d.status()).await?;
    let reports = Reports {
        programs: report("today", "app").await?,
        sites: report("today", "domain").await?,
        categories: report("today", "category").await?,
        week: report("7d", "day").await?,
        hours: report("today", "hour").await?,
    };
    Ok(Facts { status, reports })
}

/// Signals that ask a program to end.
struct Stops(mpsc::Receiver<()>);

impl Stops {
    fn new() -> io::Result<Self> {
        let (tell, told) = mpsc::channel(1);
        for kind in
            [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()]
        {
            let (mut signals, tell) = (signal(kind)?, tell.clone());
            tokio::spawn(async move {
                signals.recv().await;
                // Once is enough.
                let _ = tell.try_send(());
            });
        }
        Ok(Self(told))
    }

    async fn told(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for yes in ["en_GB.UTF-8", "C.UTF-8", "de_DE.utf8@euro"] {
            assert!(beyond_ascii(yes), "{yes}");
        }
        for no in ["C", "POSIX", "en_GB", "en_GB.ISO-8859-1", "de_DE@euro"] {
            assert!(!beyond_ascii(no), "{no}");
        }
    }
}
