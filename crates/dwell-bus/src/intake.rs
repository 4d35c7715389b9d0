//! `org.dwell.Dwell1.Intake`: the door for sensors outside the daemon.
#![expect(
    missing_docs,
    reason = "the interface macro makes a trait for the signals without a place to document it"
)]

use std::collections::HashMap;

use dwell_core::browser::{LinkId, Shown, Told};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::Boot;
use tokio::sync::mpsc;
use zbus::message::Header;
use zbus::names::OwnedUniqueName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedValue, Value};

use crate::Request;
use crate::browser::{self, BrowserRequest, MAX_AUDIBLE};
use crate::error::{Error, Failure, Kind};
use crate::own::{ask, checked};

/// A sample on the wire: the boot-clock instant in milliseconds, the fact's name, its details.
///
/// | fact | details |
/// |---|---|
/// | `focus` | `app` s; absent: no window has focus |
/// | `focus-unknown`, `active` | |
/// | `idle-since` | `since_boot_ms` t |
/// | `locked`, `session-active`, `asleep` | `on` b |
/// | `browser-linked` | `link` t, `apps` as |
/// | `browser-shows` | `link` t, `focused` b, `domain` s (absent: none), `audible` as |
/// | `browser-gone` | `link` t |
pub type WireSample = (u64, String, HashMap<String, OwnedValue>);

/// At most this many samples in one message.
pub const MAX_SAMPLES: usize = 1024;

/// A sample as it travels.
pub fn to_wire(sample: &Sample) -> WireSample {
    let mut details: HashMap<String, OwnedValue> = HashMap::new();
    let mut put = |key: &str, value: Value<'_>| {
        // Owning a value fails for file descriptors only, and there is none here.
        if let Ok(value) = value.try_into() {
            details.insert(key.to_owned(), value);
        }
    };
    let name = match &sample.fact {
        Fact::Focus(app) => {
            if let Some(app) = app {
                put("app", Value::from(app.as_str()));
            }
            "focus"
        }
        Fact::FocusUnknown => "focus-unknown",
        Fact::IdleSince(since) => {
            put("since_boot_ms", Value::from(since.as_ms()));
            "idle-since"
        }
        Fact::Active => "active",
        Fact::Locked(on) => {
            put("on", Value::from(*on));
            "locked"
        }
        Fact::SessionActive(on) => {
            put("on", Value::from(*on));
            "session-active"
        }
        Fact::Asleep(on) => {
            put("on", Value::from(*on));
            "asleep"
        }
        Fact::Browser(link, told) => {
            put("link", Value::from(link.0));
            match told {
                Told::Linked(apps) => {
                    put("apps", Value::from(apps.iter().map(AppId::as_str).collect::<Vec<_>>()));
                    "browser-linked"
                }
                Told::Shows(shown) => {
                    put("focused", Value::from(shown.focused));
                    if let Some(domain) = &shown.domain {
                        put("domain", Value::from(domain.as_str()));
                    }
                    put("audible", Value::from(shown.audible.iter().map(Domain::as_str).collect::<Vec<_>>()));
                    "browser-shows"
                }
                Told::Gone => "browser-gone",
            }
        }
    };
    (sample.at.as_ms(), name.to_owned(), details)
}

/// Reads a sample from the wire.
///
/// # Errors
/// `Invalid` with what is wrong; never with the value itself, which is private.
pub fn from_wire((at, name, mut details): WireSample) -> Result<Sample, Failure> {
    let bad = |what: &str| Failure::new(Kind::Invalid, format!("a sample is unreadable: {what}"));
    if let Some(told) = name.strip_prefix("browser-") {
        let fact = browser_fact(told, &mut details).map_err(bad)?;
        return Ok(Sample::new(Boot::from_ms(at), fact));
    }
    let mut flag = || {
        details.remove("on").and_then(|v| bool::try_from(v).ok()).ok_or_else(|| bad("\"on\" is no boolean"))
    };
    let fact = match name.as_str() {
        "focus" => Fact::Focus(match details.remove("app") {
            None => None,
            Some(value) => {
                let text = String::try_from(value).map_err(|_| bad("\"app\" is no string"))?;
                Some(AppId::new(text).map_err(|why| bad(&format!("\"app\": {why}")))?)
            }
        }),
        "focus-unknown" => Fact::FocusUnknown,
        "idle-since" => {
            let since = details.remove("since_boot_ms").and_then(|v| u64::try_from(v).ok());
            let since = Boot::from_ms(since.ok_or_else(|| bad("\"since_boot_ms\" is no 64-bit number"))?);
            if since > Boot::from_ms(at) {
                return Err(bad("idle since a later instant than it was noticed"));
            }
            Fact::IdleSince(since)
        }
        "active" => Fact::Active,
        "locked" => Fact::Locked(flag()?),
        "session-active" => Fact::SessionActive(flag()?),
        "asleep" => Fact::Asleep(flag()?),
        _ => return Err(bad("unknown kind of fact")),
    };
    Ok(Sample::new(Boot::from_ms(at), fact))
}

fn browser_fact(told: &str, details: &mut HashMap<String, OwnedValue>) -> Result<Fact, &'static str> {
    let link = details.remove("link").and_then(|v| u64::try_from(v).ok()).ok_or("\"link\" is no number")?;
    let mut texts = |key: &str| {
        let texts = details.remove(key).map(Vec::<String>::try_from).transpose();
        texts.map(Option::unwrap_or_default).ok().filter(|texts| texts.len() <= MAX_AUDIBLE)
    };
    let told = match told {
        "linked" => {
            let apps = texts("apps").ok_or("\"apps\" are no texts, or too many")?;
            let apps = apps.into_iter().map(AppId::new).collect::<Result<_, _>>();
            Told::Linked(apps.map_err(|_| "one of \"apps\" is no id")?)
        }
        "shows" => {
            let audible = texts("audible").ok_or("\"audible\" are no texts, or too many")?;
            let audible = audible.into_iter().map(Domain::new).collect::<Result<_, _>>();
            let domain = details.remove("domain").map(String::try_from).transpose();
            let domain = domain.map_err(|_| "\"domain\" is no string")?.map(Domain::new).transpose();
            let focused = details.remove("focused").and_then(|v| bool::try_from(v).ok());
            Told::Shows(Shown {
                focused: focused.ok_or("\"focused\" is no boolean")?,
                domain: domain.map_err(|_| "\"domain\" is none")?,
                audible: audible.map_err(|_| "one of \"audible\" is no domain")?,
            })
        }
        "gone" => Told::Gone,
        _ => return Err("unknown kind of fact"),
    };
    Ok(Fact::Browser(LinkId(link), told))
}

/// The served object: a channel to the hub, and no logic.
#[derive(Clone, Debug)]
pub struct Intake {
    hub: mpsc::Sender<Request>,
}

impl Intake {
    /// An object that passes everything to `hub`.
    pub const fn new(hub: mpsc::Sender<Request>) -> Self {
        Self { hub }
    }
}

/// The door for sensors outside the daemon: the agent in each session, the browser host.
#[zbus::interface(
    name = "org.dwell.Dwell1.Intake",
    proxy(default_service = "org.dwell.Dwell1", default_path = "/org/dwell/Dwell1", gen_blocking = false)
)]
impl Intake {
    /// Takes facts in order, at most 1024 at once, all or none. Boot instants are milliseconds of CLOCK_BOOTTIME.
    /// Errors: Denied (the daemon has its own sensors), Invalid (unreadable, or from the future).
    async fn submit(&self, samples: Vec<WireSample>) -> Result<(), Error> {
        if samples.len() > MAX_SAMPLES {
            return Err(
                Failure::new(Kind::Invalid, format!("more than {MAX_SAMPLES} samples at once")).into()
            );
        }
        let samples = samples.into_iter().map(from_wire).collect::<Result<Vec<_>, _>>()?;
        ask(&self.hub, |reply| Request::Intake(samples, reply)).await
    }

    /// Links a browser's extension to the daemon, until the caller leaves the bus; said again, it begins anew. What it
    /// blocks is told by `BrowserRules` right after. Errors: Invalid (another protocol), Denied (too many links).
    #[zbus(proxy(no_autostart))]
    async fn browser_hello(
        &self,
        hello: browser::Hello,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<browser::Wishes, Error> {
        let (sender, hello) = (sender(&header)?, browser::checked_hello(hello)?);
        ask(&self.hub, |reply| Request::Browser(BrowserRequest::Hello(sender, hello, reply))).await
    }

    /// Says what a linked browser shows. Errors: Invalid (unreadable, or from the future), Denied (not linked).
    #[zbus(proxy(no_autostart))]
    async fn browser_state(
        &self,
        state: browser::State,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (sender, state) = (sender(&header)?, browser::checked_state(state)?);
        ask(&self.hub, |reply| Request::Browser(BrowserRequest::State(sender, state, reply))).await
    }

    /// Confirms the blocks of a `BrowserRules`, by its number; `problem`: what did not work, empty where all did.
    /// Errors: Invalid, Denied (not linked).
    #[zbus(proxy(no_autostart))]
    async fn browser_applied(
        &self,
        generation: u64,
        problem: &str,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (sender, problem) = (sender(&header)?, checked(problem)?);
        let problem = Some(problem).filter(|problem| !problem.is_empty());
        ask(&self.hub, |reply| Request::Browser(BrowserRequest::Applied(sender, generation, problem, reply)))
            .await
    }

    /// The browsers that are linked.
    #[zbus(proxy(no_autostart))]
    async fn browser_links(&self) -> Result<Vec<browser::Link>, Error> {
        ask(&self.hub, |reply| Request::Browser(BrowserRequest::Links(reply))).await
    }

    /// To one host: everything that is blocked from now on, in place of what was; to be confirmed by its number.
    #[zbus(signal)]
    pub async fn browser_rules(
        emitter: &SignalEmitter<'_>,
        generation: u64,
        blocks: Vec<browser::Block>,
    ) -> zbus::Result<()>;

    /// To one host: its browser came to the front, and should say its state.
    #[zbus(signal)]
    pub async fn browser_report(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

fn sender(header: &Header<'_>) -> Result<OwnedUniqueName, Error> {
    let nobody = || Failure::new(Kind::Invalid, "the message names no sender");
    Ok(header.sender().ok_or_else(nobody)?.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Sample> {
        let app = AppId::new("org.example.Editor").ok();
        let domain = |text: &str| Domain::new(text).unwrap();
        let shown = Shown {
            focused: true,
            domain: Some(domain("example.org")),
            audible: vec![domain("a.example"), domain("b.example")],
        };
        [
            Fact::Browser(LinkId(7), Told::Linked(dwell_core::browser::apps_of("chromium"))),
            Fact::Browser(LinkId(7), Told::Shows(shown)),
            Fact::Browser(LinkId(7), Told::Shows(Shown::default())),
            Fact::Browser(LinkId(7), Told::Gone),
            Fact::Focus(app),
            Fact::Focus(None),
            Fact::FocusUnknown,
            Fact::IdleSince(Boot::from_ms(3)),
            Fact::Active,
            Fact::Locked(true),
            Fact::SessionActive(false),
            Fact::Asleep(true),
        ]
        .into_iter()
        .map(|fact| Sample::new(Boot::from_ms(5), fact))
        .collect()
    }

    #[test]
    fn every_fact_survives_the_wire() {
        for sample in samples() {
            assert_eq!(from_wire(to_wire(&sample)), Ok(sample));
        }
    }

    #[test]
    fn bad_samples_are_refused_without_their_values() {
        let bad = |name: &str, key: &str, value: Value<'_>| {
            let details = HashMap::from([(key.to_owned(), value.try_into().unwrap())]);
            from_wire((5, name.to_owned(), details)).unwrap_err()
        };
        let too_long = bad("focus", "app", Value::from("canary".repeat(40)));
        assert!(!too_long.message.contains("canary"), "{too_long}");
        assert_eq!(bad("focus", "app", Value::from(5_u32)).kind, Kind::Invalid);
        assert_eq!(bad("idle-since", "since_boot_ms", Value::from(6_u64)).kind, Kind::Invalid);
        assert_eq!(bad("locked", "on", Value::from("yes")).kind, Kind::Invalid);
        assert_eq!(bad("browser-gone", "link", Value::from("one")).kind, Kind::Invalid);
        assert_eq!(bad("browser-shows", "link", Value::from(1_u64)).kind, Kind::Invalid);
        assert_eq!(bad("secret-fact", "", Value::from(1_u8)).kind, Kind::Invalid);
    }
}
