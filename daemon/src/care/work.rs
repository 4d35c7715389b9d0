//! Long work on the vault: done on the store's thread, told through a pipe, and stopped by closing it.

use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use dwell_bus::{Failure, Reply, lines};
use dwell_vault::Progress;
use serde::Serialize;

use crate::pipe::{Writer, pipe};
use crate::store::{Shelf, Store};

/// What hears how far work has come, and says whether to go on.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Has long work done once the vault is known to be open, and calls `after` whatever came of it.
pub(super) fn long(
    store: &Store,
    reply: Reply<OwnedFd>,
    work: impl FnOnce(&mut Shelf, OnProgress<'_>) -> Result<lines::Done, Failure> + Send + 'static,
    after: impl FnOnce() + Send + 'static,
) {
    store.with(move |shelf| {
        let piped = shelf.open_vault().map(|_| ()).and_then(|()| {
            let no_pipe =
                |error| Failure::new(dwell_bus::Kind::Failed, format!("the system gives no pipe: {error}"));
            pipe().map_err(no_pipe)
        });
        let (read, writer) = match piped {
            Ok(ends) => ends,
            Err(failure) => {
                let _ = reply.send(Err(failure));
                return after();
            }
        };
        if reply.send(Ok(read)).is_err() {
            // Who asked has left already: that is a stop as well.
            return after();
        }
        let _ = tell(&writer, |progress| work(shelf, progress));
        after();
    });
}

/// Does work and writes its lines. Whether it was done.
pub fn tell(writer: &Writer, work: impl FnOnce(OnProgress<'_>) -> Result<lines::Done, Failure>) -> bool {
    let mut last = 0;
    let outcome = work(&mut |progress: Progress| {
        if writer.is_closed() {
            return ControlFlow::Break(());
        }
        // A hundred lines at most: more than that nobody sees, and they must fit into the pipe.
        let percent = progress.done.saturating_mul(100) / progress.total.max(1);
        if percent > last {
            last = percent;
            let schema = lines::PROGRESS.to_owned();
            line(writer, &lines::Progress { schema, done: progress.done, total: progress.total });
        }
        ControlFlow::Continue(())
    });
    match outcome {
        Ok(done) => {
            line(writer, &done);
            true
        }
        Err(failure) => {
            let hint = (!failure.hint.is_empty()).then_some(failure.hint);
            let (kind, message) = (failure.kind.as_str().to_owned(), failure.message);
            line(writer, &lines::Failed { schema: lines::ERROR.to_owned(), kind, message, hint });
            false
        }
    }
}

fn line(writer: &Writer, document: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(document) {
        // Who does not read it does not want it.
        let _ = writer.line(&text);
    }
}

/// A result with nothing but its name.
pub(crate) fn done(work: &str) -> lines::Done {
    lines::Done { schema: lines::DONE.to_owned(), work: work.to_owned(), ..lines::Done::default() }
}
