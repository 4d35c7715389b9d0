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

    /// Totals over a period, in milliseconds. Errors: Invalid (period, grouping, target).
    async fn report(&self, query: wire::Query) -> Result<wire::Report, Error> {
        let lists = query.only.iter().chain(&query.not).flatten();
        for text in query.period.iter().chain(&query.by).chain(lists) {
            checked(text)?;
        }
        self.ask(|reply| Request::Report(query, reply)).await
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

    /// Removes a limit. Errors: NotFound.
    async fn remove_limit(&self, id: &str) -> Result<(), Error> {
        let id = checked(id)?;
        self.ask(|reply| Request::RemoveLimit(id, reply)).await
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
