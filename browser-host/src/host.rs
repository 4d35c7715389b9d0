//! The host itself: one loop over the browser's frames, the bus's messages and the answers to what was asked.
//!
//! Nothing here grows with what comes: of states and confirmations only the last one waits while one is on its way,
//! a few questions are asked at once, and a browser that does not read ends the host.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use dwell_bus::browser::Wishes;
use dwell_core::subject::Domain;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use zbus::names::OwnedUniqueName;

use crate::daemon::{Bus, Daemon, News, Untaken, away, boot_ms, introduction, to_wire};
use crate::frame::FrameError;
use crate::pause::pause;
use crate::pipes::{Input, Output, Stalled};
use crate::said::{Applied, Hello, Page, Said, SaidError, Snooze, State};
use crate::told::{Blocks, Failed, Still, Terms, Told};

/// Questions that are asked of the daemon at once.
const ASKED_MAX: usize = 8;
/// How long it waits before it greets a daemon once more that did not take the greeting: at first, and at most. Each wait
/// is twice as long as the one before it.
const GREET_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why the host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The browser closed its end.
    Closed,
    /// The browser does not read.
    Stalled,
    /// What came are no frames.
    Frame(FrameError),
    /// A frame says nothing that can be read.
    Said(SaidError),
    /// The first frame is no greeting, or a later one is.
    Order,
}

impl End {
    /// The exit code: 2 where the extension said what it must not.
    pub const fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Stalled => 1,
            Self::Frame(_) | Self::Said(_) | Self::Order => 2,
        }
    }

    /// The one line of why, with nothing of what was said; none where all is well.
    pub fn why(self) -> Option<String> {
        match self {
            Self::Closed => None,
            Self::Stalled => Some("the browser does not read what it is told".to_owned()),
            Self::Frame(why) => Some(why.to_string()),
            Self::Said(why) => Some(why.to_string()),
            Self::Order => Some("the browser did not begin with one greeting".to_owned()),
        }
    }
}

impl From<Stalled> for End {
    fn from(_: Stalled) -> Self {
        Self::Stalled
    }
}

/// What became of something that was asked.
enum Done {
    Connected(Result<Bus, Failed>),
    Linked(OwnedUniqueName, Result<Wishes, Failed>),
    /// It is time to greet a daemon once more.
    Greet(OwnedUniqueName),
    /// The daemon has taken a word, or not.
    Sent(OwnedUniqueName, Word, Result<(), Untaken>),
    Answered(Told),
}

/// What is only ever said in its latest form.
#[derive(Clone, Copy)]
enum Word {
    State,
    Confirmation,
}

type Asked = FuturesUnordered<Pin<Box<dyn Future<Output = Done>>>>;

/// The last word of a kind: while one is on its way, a newer one takes the place of what waits.
struct Latest<T> {
    sending: bool,
    waits: Option<T>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { sending: false, waits: None }
    }
}

impl<T> Latest<T> {
    /// What is to be sent now, if anything.
    fn next(&mut self) -> Option<T> {
        if self.sending {
            return None;
        }
        let next = self.waits.take();
        self.sending = next.is_some();
        next
    }
}

/// The daemon, and what is on its way there.
struct Link {
    daemon: Daemon,
    /// It has taken our greeting.
    linked: bool,
    /// A greeting is on its way, or will be.
    greeting: bool,
    /// How long to wait before the next greeting, if that is not taken.
    wait: Duration,
    refusal_said: bool,
    states: Latest<dwell_bus::browser::State>,
    confirmations: Latest<(u64, String)>,
}

/// One browser profile's host.
pub(crate) struct Host {
    input: Input,
    output: Output,
    program: Option<String>,
    bus: Option<Bus>,
    link: Option<Link>,
    asked: Asked,
    /// How many of what is asked are the extension's questions.
    questions: usize,
    /// The last state, for a daemon that comes later.
    last: Option<State>,
    blocks: Blocks,
    /// The list of blocks that did not fit into a frame.
    cut: Option<u64>,
    /// How the link was last told: said once is enough.
    told: Option<Vec<u8>>,
    unknown_said: bool,
}

impl Host {
    pub(crate) fn new(input: Input, output: Output, program: Option<String>) -> Self {
        Self {
            input,
            output,
            program,
            bus: None,
            link: None,
            asked: Asked::new(),
            questions: 0,
            last: None,
            blocks: Blocks::default(),
            cut: None,
            told: None,
            unknown_said: false,
        }
    }

    /// Serves until one end is gone.
    pub(crate) async fn run(mut self) -> End {
        match self.serve().await {
            Ok(()) => End::Closed,
            Err(end) => end,
        }
    }

    async fn serve(&mut self) -> Result<(), End> {
        let Some(frame) = self.input.next().await.map_err(End::Frame)? else { return Ok(()) };
        let hello = match Said::read(&frame).map_err(End::Said)? {
            Said::Hello(hello) => hello,
            Said::Foreign(version) => return self.refuse(version).await,
            _ => return Err(End::Order),
        };
        drop(frame);
        self.ask(async { Done::Connected(Bus::connect().await) });
        loop {
            // What is ready is chosen by chance, so a flood at one side never keeps the others waiting.
            tokio::select! {
                frame = self.input.next() => {
                    let at = boot_ms();
                    let Some(frame) = frame.map_err(End::Frame)? else { return Ok(()) };
                    self.said(Said::read(&frame).map_err(End::Said)?, at)?;
                }
                Some(done) = self.asked.next() => self.done(done, &hello).await?,
                message = next_message(&mut self.bus) => {
                    let owner = self.link.as_ref().map(|link| &link.daemon.owner);
                    match message {
                        Some(Ok(message)) => {
                            if let Some(news) = News::of(&message, owner) {
                                self.heard(news, &hello).await?;
                            }
                        }
                        Some(Err(_)) | None => self.without_bus(lost())?,
                    }
                }
                drained = self.output.drain(), if self.output.is_behind() => {
                    // Nobody reads any more: the browser has ended.
                    if drained.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// An extension of another version: it is told so, and left to wait, since a browser would start the next host at
    /// once if this one ended.
    async fn refuse(&mut self, version: u64) -> Result<(), End> {
        let ours = u64::from(dwell_bus::browser::PROTOCOL);
        let hint =
            if version > ours { "update dwell, then restart the browser" } else { "update the extension" };
        self.tell(&Told::Link {
            ok: false,
            message: format!("the extension speaks version {version}, and dwell's part for browsers {ours}"),
            hint: Some(hint.to_owned()),
            audible: false,
            refused: Some("version"),
        })?;
        self.input.outlast().await;
        Ok(())
    }

    /// Takes a frame of the extension that was read at an instant of the boot clock.
    fn said(&mut self, said: Said, at_boot_ms: u64) -> Result<(), End> {
        match said {
            Said::Hello(_) | Said::Foreign(_) => return Err(End::Order),
            Said::State(state) => {
                if let Some(link) = &mut self.link {
                    link.states.waits = Some(to_wire(&state, at_boot_ms));
                }
                self.last = Some(state);
                self.send();
            }
            Said::Applied(Applied { generation, problem }) => {
                let cut = (self.cut == Some(generation)).then_some(TOO_MANY);
                let problem = problem.unwrap_or_else(|| cut.unwrap_or_default().to_owned());
                if let Some(link) = &mut self.link {
                    link.confirmations.waits = Some((generation, problem));
                }
                self.send();
            }
            Said::Query(page) => {
                let why = match &page {
                    Page::Of(site) => self.blocks.why(site),
                    Page::Other(_) => None,
                };
                let refuse = |d, failed| Told::Usage {
                    d,
                    used_ms: 0,
                    left_ms: None,
                    blocked: false,
                    why: None,
                    failed: Some(failed),
                };
                self.question(page, |daemon, site| daemon.usage(site, why), refuse)?;
            }
            Said::More(page) => {
                let refuse = |d, failed| Told::More { d, terms: Terms::Refused(failed) };
                self.question(page, Daemon::more, refuse)?;
            }
            Said::Snooze(Snooze { page, rule, sentence }) => {
                let refuse = |d, Failed { error: message, hint }| Told::Snoozed {
                    d,
                    ok: false,
                    message,
                    hint,
                    still: Still::default(),
                };
                self.question(page, |daemon, site| daemon.snooze(site, rule, sentence), refuse)?;
            }
            Said::Unknown => {
                if !std::mem::replace(&mut self.unknown_said, true) {
                    complain("the extension says what only a later version knows; that is passed over");
                }
            }
        }
        Ok(())
    }

    /// Asks the daemon about a page, or answers at once why that cannot be.
    fn question<F>(
        &mut self,
        page: Page,
        ask: impl FnOnce(Daemon, Domain) -> F,
        refuse: impl FnOnce(String, Failed) -> Told,
    ) -> Result<(), End>
    where
        F: Future<Output = Told> + 'static,
    {
        let site = match page {
            Page::Of(site) => site,
            Page::Other(asked) => {
                return self.tell(&refuse(asked, Failed::new("this page is of no site", "")));
            }
        };
        let Some(link) = &self.link else { return self.tell(&refuse(site.into(), away())) };
        if self.questions >= ASKED_MAX {
            return self.tell(&refuse(site.into(), Failed::new("dwell is busy", "try again in a moment")));
        }
        self.questions += 1;
        let answer = ask(link.daemon.clone(), site);
        self.ask(async { Done::Answered(answer.await) });
        Ok(())
    }

    /// Takes what the bus brought.
    async fn heard(&mut self, news: News, hello: &Hello) -> Result<(), End> {
        match news {
            News::Owner(owner) if self.link.as_ref().map(|link| &link.daemon.owner) == owner.as_ref() => {
                Ok(())
            }
            News::Owner(owner) => self.owned(owner, hello).await,
            News::Rules(generation, blocks) => {
                let (frame, whole) = self.blocks.replace(generation, blocks);
                self.cut = (!whole).then_some(generation);
                self.output.tell(&frame.unwrap_or_default())?;
                Ok(())
            }
            News::Report => self.tell(&Told::Report {}),
        }
    }

    /// The daemon is another, or away.
    async fn owned(&mut self, owner: Option<OwnedUniqueName>, hello: &Hello) -> Result<(), End> {
        self.link = None;
        let (Some(bus), Some(owner)) = (&self.bus, owner) else { return self.tell_link(away()) };
        let Ok(daemon) = Daemon::new(bus, owner.clone()).await else { return self.without_bus(lost()) };
        let (states, confirmations) = (Latest::default(), Latest::default());
        self.link = Some(Link {
            daemon,
            linked: false,
            greeting: false,
            wait: GREET_AGAIN.0,
            refusal_said: false,
            states,
            confirmations,
        });
        self.greet(&owner, hello);
        Ok(())
    }

    /// Introduces the extension to the daemon, if it is still the same.
    fn greet(&mut self, owner: &OwnedUniqueName, hello: &Hello) {
        let Some(link) = self.link.as_mut().filter(|link| link.daemon.owner == *owner) else { return };
        link.greeting = true;
        let (daemon, owner) = (link.daemon.clone(), owner.clone());
        let introduction = introduction(hello, self.program.as_deref());
        self.ask(async { Done::Linked(owner, daemon.hello(introduction).await) });
    }

    /// The daemon does not know us, though it is there: as many as it takes may be linked, and one of them leave.
    fn greet_later(&mut self) {
        let Some(link) = &mut self.link else { return };
        if std::mem::replace(&mut link.greeting, true) {
            return;
        }
        link.linked = false;
        let (owner, wait) = (link.daemon.owner.clone(), link.wait);
        link.wait = longer(wait);
        self.ask(async move {
            match pause(wait).await {
                Ok(()) => Done::Greet(owner),
                // A system that has no timer to give: the daemon that comes next is greeted.
                Err(_) => std::future::pending().await,
            }
        });
    }

    /// Takes the end of something that was asked.
    async fn done(&mut self, done: Done, hello: &Hello) -> Result<(), End> {
        match done {
            Done::Connected(Ok(mut bus)) => {
                let owner = bus.owner.take();
                self.bus = Some(bus);
                self.owned(owner, hello).await
            }
            Done::Connected(Err(why)) => self.without_bus(why),
            Done::Linked(owner, end) => {
                let Some(link) = self.link.as_mut().filter(|link| link.daemon.owner == owner) else {
                    return Ok(());
                };
                link.greeting = false;
                match end {
                    Ok(wishes) => {
                        link.linked = true;
                        if link.states.waits.is_none() {
                            // It is what the browser shows still: a change would have been said. The daemon that takes
                            // it now may know nothing of the time at which it began.
                            link.states.waits = self.last.as_ref().map(|last| to_wire(last, boot_ms()));
                        }
                        self.send();
                        self.linked(&wishes)
                    }
                    Err(why) => {
                        self.greet_later();
                        self.tell_link(why)
                    }
                }
            }
            Done::Greet(owner) => {
                self.greet(&owner, hello);
                Ok(())
            }
            Done::Sent(owner, word, end) => {
                if let Some(link) = self.link.as_mut().filter(|link| link.daemon.owner == owner) {
                    match word {
                        Word::State => link.states.sending = false,
                        Word::Confirmation => link.confirmations.sending = false,
                    }
                    match end {
                        // Whoever is linked is heard: the next time is the first one again.
                        Ok(()) => link.wait = GREET_AGAIN.0,
                        Err(Untaken::Unlinked) => {
                            self.greet_later();
                            return Ok(());
                        }
                        Err(Untaken::Refused) => {}
                    }
                    // Once for each daemon: it would be the same again, with every tab.
                    if end.is_err() && !std::mem::replace(&mut link.refusal_said, true) {
                        complain(
                            "dwelld does not take what the browser says; see what is wrong with: dwell doctor",
                        );
                    }
                }
                self.send();
                Ok(())
            }
            Done::Answered(told) => {
                self.questions = self.questions.saturating_sub(1);
                self.tell(&told)
            }
        }
    }

    /// Sends what waits, once the daemon has taken the greeting.
    fn send(&mut self) {
        let Some(link) = self.link.as_mut().filter(|link| link.linked) else { return };
        let owner = &link.daemon.owner;
        if let Some(state) = link.states.next() {
            let (daemon, owner) = (link.daemon.clone(), owner.clone());
            self.asked
                .push(Box::pin(async move { Done::Sent(owner, Word::State, daemon.state(state).await) }));
        }
        if let Some((generation, problem)) = link.confirmations.next() {
            let (daemon, owner) = (link.daemon.clone(), owner.clone());
            self.asked.push(Box::pin(async move {
                Done::Sent(owner, Word::Confirmation, daemon.applied(generation, problem).await)
            }));
        }
    }

    fn ask(&mut self, what: impl Future<Output = Done> + 'static) {
        self.asked.push(Box::pin(what));
    }

    fn tell(&mut self, told: &Told) -> Result<(), End> {
        // Only blocks could be too long for a frame, and these are cut.
        Ok(self.output.tell(&told.frame().unwrap_or_default())?)
    }

    fn linked(&mut self, wishes: &Wishes) -> Result<(), End> {
        self.tell_once(&Told::Link {
            ok: true,
            message: "dwell counts the time on this browser's sites".to_owned(),
            hint: None,
            audible: wishes.audible,
            refused: None,
        })
    }

    fn tell_link(&mut self, why: Failed) -> Result<(), End> {
        self.tell_once(&Told::unlinked(why))
    }

    fn tell_once(&mut self, told: &Told) -> Result<(), End> {
        let frame = told.frame();
        if frame == self.told {
            return Ok(());
        }
        self.told = frame;
        self.tell(told)
    }

    /// Goes on without any daemon. It does not end: the extension would start the next one at once, which would find no
    /// bus either, and a session's bus does not come back.
    fn without_bus(&mut self, why: Failed) -> Result<(), End> {
        (self.bus, self.link) = (None, None);
        self.tell_link(why)
    }
}

/// The wait after this one.
fn longer(wait: Duration) -> Duration {
    wait.saturating_mul(2).min(GREET_AGAIN.1)
}

/// What the daemon hears of a list of blocks that no frame can hold.
const TOO_MANY: &str = "there are more blocked sites than a browser can be told";

fn lost() -> Failed {
    Failed::new("the bus on which dwell is reached has ended", "log in again")
}

/// The next message of a bus that there is.
async fn next_message(bus: &mut Option<Bus>) -> Option<zbus::Result<zbus::Message>> {
    match bus {
        Some(bus) => bus.messages.next().await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::print_stderr, reason = "the browser keeps what its host says there, and people can look")]
fn complain(line: &str) {
    eprintln!("dwell-browser-host: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_minute() {
        let waits = std::iter::successors(Some(GREET_AGAIN.0), |wait| Some(longer(*wait)));
        let seconds: Vec<_> = waits.take(9).map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
