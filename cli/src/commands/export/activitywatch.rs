//! The timeline as a bucket export of ActivityWatch, the form that its servers and their tools read.
//!
//! Three buckets: programs, sites, and when the person was there. A bucket is one stretch of the file, and spans come in
//! the order of time, so the timeline is asked for once a bucket; that is cheaper than holding years of it.
//!
//! It has no titles and no addresses, because dwell has none: the title is empty, and a site's address is its own. What
//! was heard in the background and what nobody saw have no place there and are left out. The host name is a constant:
//! whose machine it was is nobody's business.

use dwell_bus::lines::Span;
use serde::Serialize;

use super::progress::Progress;
use crate::bus::Daemon;
use crate::commands::timeline::{self, Timeline, Told};
use crate::console::Console;
use crate::error::Error;
use crate::output::{instant, json};

/// Stands where ActivityWatch has the machine's name.
const HOST: &str = "dwell";

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bucket {
    Window,
    Web,
    Afk,
}

impl Bucket {
    const ALL: [Self; 3] = [Self::Window, Self::Web, Self::Afk];

    const fn id(self) -> &'static str {
        match self {
            Self::Window => "aw-watcher-window_dwell",
            Self::Web => "aw-watcher-web_dwell",
            Self::Afk => "aw-watcher-afk_dwell",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Window => "currentwindow",
            Self::Web => "web.tab.current",
            Self::Afk => "afkstatus",
        }
    }
}

#[derive(Debug, Serialize)]
struct Event<'a> {
    timestamp: &'a str,
    /// Seconds.
    duration: f64,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Window { app: &'a str, title: &'a str },
    Web { url: String, title: &'a str, audible: bool, incognito: bool },
    Afk { status: &'a str },
}

/// Asks for the timeline once a bucket, and writes them; `None` where nobody reads any more.
///
/// All are of the same days and end at the same instant, whenever the later ones are asked for.
pub(super) async fn write(
    daemon: &Daemon,
    period: &str,
    console: &mut Console,
) -> Result<Option<Told>, Error> {
    let days = timeline::days(daemon, period).await?;
    let period = format!("{}..{}", days.0, days.1);
    let mut progress = Progress::new(days, Bucket::ALL.len() as u64, console);
    let mut whole = Told { spans: 0, missing: None };
    let (mut created, mut until) = (None::<String>, i64::MIN);
    for (nth, bucket) in Bucket::ALL.into_iter().enumerate() {
        let mut timeline = Timeline::of(daemon, &period).await?;
        let mut open = Open { bucket, events: 0, present: None };
        if let Some(created) = &created {
            console.write(b",\n");
            open.begin(created, console);
        }
        while let Some(span) = timeline.span().await? {
            let (start, end) = instant::ends(&span)?;
            if nth == 0 {
                until = until.max(end);
                if created.is_none() {
                    console.write(b"{\"buckets\":{");
                    open.begin(created.insert(span.start.clone()), console);
                }
            }
            // What is still going on has grown since.
            if nth == 0 || start < until {
                open.take(&span, (start, end.min(until)), console);
            }
            if console.is_closed() {
                return Ok(None);
            }
            progress.at(&span.start);
        }
        let told = timeline.told()?;
        whole.missing = whole.missing.or(told.missing);
        if created.is_none() {
            console.say("{\"buckets\":{}}");
            return Ok(Some(whole));
        }
        open.end(console);
        whole.spans = whole.spans.max(told.spans);
        progress.next_pass();
    }
    console.say("}}");
    Ok(Some(whole))
}

/// A bucket that is being written.
struct Open {
    bucket: Bucket,
    events: u64,
    /// Since when, and until when so far, the person was there: Unix milliseconds, and the first as text.
    present: Option<(String, i64, i64)>,
}

impl Open {
    fn begin(&self, created: &str, console: &mut Console) {
        let (id, kind) = (self.bucket.id(), self.bucket.kind());
        let head = json::line(&Head { id, kind, client: "dwell", hostname: HOST, created });
        // The events go into the same object, so its end waits.
        let head = head.strip_suffix('}').unwrap_or(&head);
        console.write(format!("\"{id}\":{head},\"data\":{{}},\"events\":[").as_bytes());
    }

    /// Takes a span from `start` to `end`, in Unix milliseconds. Private windows are time of their browser, which has no
    /// site then: there is no kind of event that tells them apart, and nobody needs to.
    fn take(&mut self, span: &Span, (start, end): (i64, i64), console: &mut Console) {
        let (Some(app), "focus" | "private") = (&span.app, span.kind.as_str()) else { return };
        match (self.bucket, &span.domain) {
            (Bucket::Window, _) => {
                self.put(&span.start, end - start, Data::Window { app, title: "" }, console);
            }
            (Bucket::Web, Some(domain)) => {
                let url = format!("https://{domain}/");
                let data = Data::Web { url, title: "", audible: false, incognito: false };
                self.put(&span.start, end - start, data, console);
            }
            (Bucket::Web, None) => {}
            (Bucket::Afk, _) => match &mut self.present {
                Some((_, _, until)) if *until == start => *until = end,
                _ => {
                    self.was_present(console);
                    self.present = Some((span.start.clone(), start, end));
                }
            },
        }
    }

    fn was_present(&mut self, console: &mut Console) {
        if let Some((at, start, end)) = self.present.take() {
            self.put(&at, end - start, Data::Afk { status: "not-afk" }, console);
        }
    }

    fn put(&mut self, timestamp: &str, ms: i64, data: Data<'_>, console: &mut Console) {
        #[expect(clippy::cast_precision_loss, reason = "a span is far below 2^53 ms")]
        let duration = ms as f64 / 1000.0;
        console.write(if self.events == 0 { b"\n" } else { b",\n" });
        console.write(json::line(&Event { timestamp, duration, data }).as_bytes());
        self.events += 1;
    }

    fn end(&mut self, console: &mut Console) {
        self.was_present(console);
        console.write(b"]}");
    }
}

/// A bucket before its events.
#[derive(Debug, Serialize)]
struct Head<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    client: &'a str,
    hostname: &'a str,
    created: &'a str,
}
