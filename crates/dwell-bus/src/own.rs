//! `org.dwell.Dwell1.Self`: a person's own data and rules.
#![expect(
    missing_docs,
    reason = "the interface macro makes a trait for the signal without a place to document it"
)]

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};
use zbus::zvariant::OwnedFd;

use crate::error::{Error, Failure, Kind};
use crate::{Reply, Request, wire};

/// The served object: a channel to the hub, and no logic.
#[derive(Clone, Debug)]
pub struct Own {
    hub: mpsc::Sender<Request>,
}

impl Own {
    /// An object that passes everything to `hub`.
    pub const fn new(hub: mpsc::Sender<Request>) -> Self {
        Self { hub }
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        ask(&self.hub, request).await
    }
}

/// Longer than any id that is kept, with its kind.
const TEXT_MAX: usize = 300;

/// A text from the caller: short enough to be compared with all that is known, and of one line.
pub(crate) fn checked(text: &str) -> Result<String, Error> {
    if text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        let failure = Failure::new(
            Kind::Invalid,
            format!("a text is longer than {TEXT_MAX} bytes or has control characters"),
        );
        return Err(failure.hint("check what was pasted").into());
    }
    Ok(text.to_owned())
}

/// See [`checked`].
fn texts_of(query: &wire::Query) -> Result<(), Error> {
    let lists = query.only.iter().chain(&query.not).flatten();
    for text in query.period.iter().chain(&query.by).chain(lists) {
        checked(text)?;
    }
    Ok(())
}

/// Longer than any text of rules that is kept, in bytes.
pub const RULES_MAX: usize = 256 << 10;

fn rules_text(text: &str) -> Result<String, Error> {
    if text.len() > RULES_MAX {
        let failure = Failure::new(Kind::Invalid, format!("the rules are longer than {RULES_MAX} bytes"));
        return Err(failure.hint("check what was given").into());
    }
    Ok(text.to_owned())
}

/// A sentence in the person's own words.
fn sentence_of(text: &str) -> Result<String, Error> {
    if text.len() > 4 * TEXT_MAX || text.chars().any(char::is_control) {
        let failure = Failure::new(Kind::Invalid, "the sentence is too long, or has control characters");
        return Err(failure.hint("write at most 200 characters, in one line").into());
    }
    Ok(text.to_owned())
}

pub(crate) async fn ask<T>(
    hub: &mpsc::Sender<Request>,
    request: impl FnOnce(Reply<T>) -> Request,
) -> Result<T, Error> {
    let stopping = || Error::from(Failure::new(Kind::Failed, "the daemon is stopping").hint("try again"));
    let (reply, answer) = oneshot::channel();
    hub.send(request(reply)).await.map_err(|_| stopping())?;
    Ok(answer.await.map_err(|_| stopping())??)
}

/// A person's own data and rules. Errors are `org.dwell.Error.*`: the first line says what and why, the second,
/// where there is one, the next step.
#[zbus::interface(
    name = "org.dwell.Dwell1.Self",
    proxy(default_service = "org.dwell.Dwell1", default_path = "/org/dwell/Dwell1", gen_blocking = false)
)]
impl Own {
    /// Now, today, limits and health.
    #[zbus(proxy(no_autostart))]
    async fn status(&self) -> Result<wire::Status, Error> {
        self.ask(Request::Status).await
    }

    /// Totals over a period, in milliseconds, in one message: a row takes some 250 bytes, so the ten thousand programs or
    /// sites of a long life take 2.5 MB, and a message may have 128 MiB. Only what grows with every change of a window goes
    /// through a pipe: see `Spans`. Errors: Invalid (period, grouping, target), NoData (a period in the future), NotFound
    /// (a target, where it must be known).
    async fn report(&self, query: wire::Query) -> Result<wire::Report, Error> {
        texts_of(&query)?;
        self.ask(|reply| Request::Report(query, reply)).await
    }

    /// What charts show of a period, in milliseconds: by weekday and hour, categories over time, of a single day which
    /// programs were used when, and how often limits were kept. Of the query, grouping and number of rows mean nothing.
    /// Errors: Invalid (period, target), NoData.
    async fn picture(&self, query: wire::Query) -> Result<wire::Picture, Error> {
        texts_of(&query)?;
        self.ask(|reply| Request::Picture(query, reply)).await
    }

    /// The timeline of a period through a pipe: a `dwell.span/1` JSON object a line, and at the end one `dwell.end/1`;
    /// where that is missing the reader was cut off. Errors: Invalid (period).
    async fn spans(&self, period: &str) -> Result<OwnedFd, Error> {
        let period = checked(period)?;
        Ok(self.ask(|reply| Request::Spans(period, reply)).await?.into())
    }

    /// All limits with their use in the running period.
    async fn list_limits(&self) -> Result<Vec<wire::Limit>, Error> {
        self.ask(Request::ListLimits).await
    }

    /// Makes a limit of `amount_ms` milliseconds, or changes the one simple rule of that target.
    /// Errors: Invalid (target, amount, option).
    async fn set_limit(
        &self,
        target: &str,
        amount_ms: u64,
        options: wire::LimitOptions,
    ) -> Result<wire::Limit, Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::SetLimit(target, amount_ms, options, reply)).await
    }

    /// Removes a limit. Looser, so it may have to wait: see `Change`. Errors: NotFound.
    async fn remove_limit(&self, id: &str) -> Result<wire::Change, Error> {
        let id = checked(id)?;
        self.ask(|reply| Request::RemoveLimit(id, reply)).await
    }

    /// On which days of a period a limit would have been reached. Errors: Invalid, NotFound, NoData, Locked.
    async fn try_limit(
        &self,
        target: &str,
        amount_ms: u64,
        options: wire::LimitOptions,
        period: &str,
    ) -> Result<wire::Trial, Error> {
        let (target, period) = (checked(target)?, checked(period)?);
        self.ask(|reply| Request::TryLimit(target, amount_ms, options, period, reply)).await
    }

    /// The rules as text: TOML, with the person's comments.
    async fn export_rules(&self) -> Result<String, Error> {
        self.ask(Request::ExportRules).await
    }

    /// Reads a text of rules and says what taking it over would mean; changes nothing. Errors: Invalid, with line and
    /// column.
    async fn check_rules(&self, text: &str) -> Result<wire::Change, Error> {
        let text = rules_text(text)?;
        self.ask(|reply| Request::CheckRules(text, reply)).await
    }

    /// Takes a text of rules in place of those that there are. Errors: Invalid, with line and column; the old rules
    /// then stay.
    async fn import_rules(&self, text: &str) -> Result<wire::Change, Error> {
        let text = rules_text(text)?;
        self.ask(|reply| Request::ImportRules(text, reply)).await
    }

    /// Changes that wait.
    async fn list_pending(&self) -> Result<Vec<wire::Pending>, Error> {
        self.ask(Request::ListPending).await
    }

    /// Makes a change that has waited. Errors: NotFound, Denied (it has not waited long enough).
    async fn confirm(&self, id: &str) -> Result<wire::Change, Error> {
        let id = checked(id)?;
        self.ask(|reply| Request::Confirm(id, reply)).await
    }

    /// Gives up a change that waits. Errors: NotFound.
    async fn cancel(&self, id: &str) -> Result<(), Error> {
        let id = checked(id)?;
        self.ask(|reply| Request::Cancel(id, reply)).await
    }

    /// Begins the wait before a snooze of the strictest rule that blocks a target (a rule's id is taken as well), and
    /// says what it asks for. Asked again, the wait goes on. Errors: Invalid, NotFound, Denied (none left today, or
    /// nothing is blocked).
    async fn ask_snooze(&self, target: &str) -> Result<wire::Snooze, Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::AskSnooze(target, reply)).await
    }

    /// Puts a rule off after its wait; `sentence` is what the person typed. Errors: NotFound, Denied (too early, none
    /// left), Invalid (another sentence).
    async fn snooze(&self, rule: &str, sentence: &str) -> Result<wire::Limit, Error> {
        let (rule, sentence) = (checked(rule)?, sentence_of(sentence)?);
        self.ask(|reply| Request::Snooze(rule, sentence, reply)).await
    }

    /// Asks the windows of a target that is in front to close; those that hold work are minimised. Errors: NotFound.
    async fn close_target(&self, target: &str) -> Result<(), Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::CloseTarget(target, reply)).await
    }

    /// Suspends the person's own rules that are `open` for a while. Errors: Invalid (longer than 31 days).
    async fn pause(&self, for_ms: u64) -> Result<wire::Standing, Error> {
        self.ask(|reply| Request::Pause(for_ms, reply)).await
    }

    /// Ends a pause (`what`: `pause`), a focus session (`focus`), or both (empty). Errors: NotFound (it does not run),
    /// Invalid.
    async fn resume(&self, what: &str) -> Result<wire::Standing, Error> {
        let what = checked(what)?;
        self.ask(|reply| Request::Resume(what, reply)).await
    }

    /// The emergency exit: begins its wait, or says how long it lasts still; after it the person's own rules are off
    /// until the next day starts. `cancel`: takes it back.
    async fn exit(&self, cancel: bool) -> Result<wire::Standing, Error> {
        self.ask(|reply| Request::Exit(cancel, reply)).await
    }

    /// Blocks targets for a while; none: everything but what a terminal runs. Errors: Invalid, NotFound.
    async fn focus(&self, for_ms: u64, block: Vec<String>) -> Result<wire::Standing, Error> {
        let block = block.iter().map(|target| checked(target)).collect::<Result<_, _>>()?;
        self.ask(|reply| Request::Focus(for_ms, block, reply)).await
    }

    /// States what a target is opened for, and for how long; said once when that time is over.
    async fn intend(&self, target: &str, for_ms: u64, to: &str) -> Result<wire::Standing, Error> {
        let (target, to) = (checked(target)?, sentence_of(to)?);
        self.ask(|reply| Request::Intend(target, for_ms, to, reply)).await
    }

    /// The reset week: `start`, `status` or `stop`.
    async fn reset_week(&self, what: &str) -> Result<wire::ResetWeek, Error> {
        let what = checked(what)?;
        self.ask(|reply| Request::ResetWeek(what, reply)).await
    }

    /// Pause, exit, focus session, intentions and reset week, as they are now.
    async fn standing(&self) -> Result<wire::Standing, Error> {
        self.ask(Request::Standing).await
    }

    /// Programs and domains that were seen, and the targets of rules: those of today first, the most used one leading. At
    /// most 500, for a shell that completes what is typed. Errors: Locked (what was seen is locked away).
    #[zbus(proxy(no_autostart))]
    async fn list_targets(&self) -> Result<Vec<wire::KnownTarget>, Error> {
        self.ask(Request::ListTargets).await
    }

    /// Every category that there is, with the person's own additions.
    async fn list_categories(&self) -> Result<Vec<wire::CategoryInfo>, Error> {
        self.ask(Request::ListCategories).await
    }

    /// The category of an app or a domain, and who says so. Errors: Invalid, NotFound.
    async fn which_category(&self, target: &str) -> Result<wire::Classified, Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::WhichCategory(target, reply)).await
    }

    /// Gives an app or a domain a category (empty: the built-in one again). Errors: Invalid, NotFound.
    async fn set_category(&self, target: &str, category: &str) -> Result<wire::Change, Error> {
        let (target, category) = (checked(target)?, checked(category)?);
        self.ask(|reply| Request::SetCategory(target, category, reply)).await
    }

    /// Which rules apply to a target, what is used and left, and what changes next. Errors: Invalid, NotFound.
    async fn why(&self, target: &str) -> Result<wire::Why, Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::Why(target, reply)).await
    }

    /// Whether a target is allowed right now. Errors: Invalid, NotFound.
    #[zbus(proxy(no_autostart))]
    async fn check(&self, target: &str) -> Result<wire::Check, Error> {
        let target = checked(target)?;
        self.ask(|reply| Request::Check(target, reply)).await
    }

    /// Changes from now on through a pipe: a `dwell.event/1` JSON object a line. A reader that stalls is dropped.
    #[zbus(proxy(no_autostart))]
    async fn watch(&self) -> Result<OwnedFd, Error> {
        Ok(self.ask(Request::Watch).await?.into())
    }

    /// The health of every part.
    #[zbus(proxy(no_autostart))]
    async fn doctor(&self) -> Result<Vec<wire::Part>, Error> {
        self.ask(Request::Doctor).await
    }

    /// Tells the daemon environment variables (DISPLAY, WAYLAND_DISPLAY, …) under which a display may be found.
    async fn attach(&self, environment: HashMap<String, String>) -> Result<(), Error> {
        self.ask(|reply| Request::Attach(environment, reply)).await
    }

    /// Reads the configuration again. Errors: Invalid; the old configuration then stays.
    async fn reload(&self) -> Result<(), Error> {
        self.ask(Request::Reload).await
    }

    /// Something changed. Carries nothing on purpose: ask, or watch.
    #[zbus(signal)]
    pub async fn changed(emitter: &zbus::object_server::SignalEmitter<'_>) -> zbus::Result<()>;
}
