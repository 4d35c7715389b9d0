//! The daemon at the other end: where it is, what it sends, and what is asked of it.
//!
//! Calls go to the unique name of whoever owns dwell's name, so none can start it, and only signals from there are
//! listened to: anybody on the bus may send one that looks like it.

use dwell_bus::browser::{Block, PROTOCOL, Wishes};
use dwell_bus::{Error, IntakeProxy, NAME, OwnProxy, PATH, browser, wire};
use dwell_core::subject::Domain;
use rustix::time::ClockId;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::names::{BusName, OwnedUniqueName, WellKnownName};
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::said::{Hello, State};
use crate::told::{Failed, Still, Terms, Told};

/// Which bus the daemon is on: `DWELL_BUS`, as everywhere.
fn builder() -> Result<zbus::connection::Builder<'static>, Failed> {
    let builder = match std::env::var("DWELL_BUS").as_deref() {
        Err(std::env::VarError::NotPresent) | Ok("" | "session") => zbus::connection::Builder::session(),
        Ok("system") => zbus::connection::Builder::system(),
        _ => {
            return Err(Failed::new(
                "DWELL_BUS names no bus that there is",
                "set it to session or system, or not at all",
            ));
        }
    };
    builder.map_err(|why| no_bus(&why))
}

fn no_bus(why: &zbus::Error) -> Failed {
    let why = why.to_string();
    let why = why.strip_prefix("Failed to connect to address ").unwrap_or(&why);
    let why = why.split(" (os error").next().unwrap_or(why).replace('`', "");
    Failed::new(
        format!("there is no bus to reach dwell on ({why})"),
        "start the browser inside your desktop session",
    )
}

/// The bus, and who is the daemon there.
pub(crate) struct Bus {
    connection: Connection,
    /// Everything that comes. Signals to us alone need no subscription, so none can be missed after a greeting.
    pub(crate) messages: MessageStream,
    pub(crate) owner: Option<OwnedUniqueName>,
}

impl Bus {
    pub(crate) async fn connect() -> Result<Self, Failed> {
        let connection = builder()?.build().await.map_err(|why| no_bus(&why))?;
        let messages = MessageStream::from(&connection);
        let owner = Self::owner(&connection).await.map_err(|why| no_bus(&why))?;
        Ok(Self { connection, messages, owner })
    }

    /// Asks to hear of every change of the owner, then who it is.
    async fn owner(connection: &Connection) -> Result<Option<OwnedUniqueName>, zbus::Error> {
        let bus = DBusProxy::builder(connection).cache_properties(CacheProperties::No).build().await?;
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, NAME)?
            .build();
        bus.add_match_rule(rule).await?;
        match bus.get_name_owner(BusName::WellKnown(WellKnownName::try_from(NAME)?)).await {
            Ok(owner) => Ok(Some(owner)),
            Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
            Err(why) => Err(why.into()),
        }
    }
}

/// Something that the bus brought.
pub(crate) enum News {
    /// Another owner of dwell's name, or none.
    Owner(Option<OwnedUniqueName>),
    /// Everything that is blocked from now on, with its number.
    Rules(u64, Vec<Block>),
    /// The extension should say its state.
    Report,
}

impl News {
    /// What a message says, if it is from one who may say so.
    pub(crate) fn of(message: &Message, owner: Option<&OwnedUniqueName>) -> Option<Self> {
        if message.message_type() != Type::Signal {
            return None;
        }
        let header = message.header();
        let (sender, member) = (header.sender()?.as_str(), header.member()?.as_str());
        let interface = header.interface()?.as_str();
        if (sender, interface, member) == ("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged")
        {
            let (name, _, new): (String, String, String) = message.body().deserialize().ok()?;
            return (name == NAME).then(|| Self::Owner(OwnedUniqueName::try_from(new).ok()));
        }
        let from_daemon = owner.is_some_and(|owner| owner.as_str() == sender);
        if !from_daemon || header.path()?.as_str() != PATH || interface != "org.dwell.Dwell1.Intake" {
            return None;
        }
        match member {
            "BrowserRules" => {
                let (generation, blocks) = message.body().deserialize().ok()?;
                Some(Self::Rules(generation, blocks))
            }
            "BrowserReport" => Some(Self::Report),
            _ => None,
        }
    }
}

/// The daemon, as it is known by its unique name.
#[derive(Clone)]
pub(crate) struct Daemon {
    pub(crate) owner: OwnedUniqueName,
    own: OwnProxy<'static>,
    intake: IntakeProxy<'static>,
}

impl Daemon {
    /// Calls nobody.
    pub(crate) async fn new(bus: &Bus, owner: OwnedUniqueName) -> Result<Self, zbus::Error> {
        let own = OwnProxy::builder(&bus.connection).destination(owner.clone())?;
        let intake = IntakeProxy::builder(&bus.connection).destination(owner.clone())?;
        let own = own.cache_properties(CacheProperties::No).build().await?;
        let intake = intake.cache_properties(CacheProperties::No).build().await?;
        Ok(Self { owner, own, intake })
    }

    /// Introduces the extension.
    pub(crate) async fn hello(self, hello: browser::Hello) -> Result<Wishes, Failed> {
        self.intake.browser_hello(hello).await.map_err(failed)
    }

    /// Says what the browser shows.
    pub(crate) async fn state(self, state: browser::State) -> Result<(), Untaken> {
        self.intake.browser_state(state).await.map_err(Untaken::from)
    }

    /// Confirms blocks.
    pub(crate) async fn applied(self, generation: u64, problem: String) -> Result<(), Untaken> {
        self.intake.browser_applied(generation, &problem).await.map_err(Untaken::from)
    }

    /// Today on a site.
    pub(crate) async fn usage(self, site: Domain, why: Option<String>) -> Told {
        let target = format!("domain:{}", site.as_str());
        let query = wire::Query {
            by: Some("domain".to_owned()),
            only: Some(vec![target.clone()]),
            ..wire::Query::default()
        };
        let (rules, report) = tokio::join!(self.own.why(&target), self.own.report(query));
        let (rules, failed) = match rules {
            Ok(rules) => (rules, None),
            Err(why) => (wire::Why::default(), Some(failed(why))),
        };
        let used = match &report {
            Ok(report) => report.total_ms,
            // History may be locked while the rules are not: what they have counted is of today as well.
            Err(_) => rules.rules.iter().map(|rule| rule.used_ms).max().unwrap_or_default(),
        };
        let blocked = rules.verdict == "blocked";
        Told::Usage {
            d: String::from(site),
            used_ms: used,
            left_ms: rules.rules.iter().filter_map(|rule| rule.left_ms).min(),
            blocked,
            why: why.filter(|_| blocked),
            failed,
        }
    }

    /// Begins the wait before a snooze.
    pub(crate) async fn more(self, site: Domain) -> Told {
        let asked = self.own.ask_snooze(&format!("domain:{}", site.as_str())).await;
        let terms = asked.map_or_else(|why| Terms::Refused(failed(why)), Terms::from);
        Told::More { d: String::from(site), terms }
    }

    /// Puts a rule off.
    pub(crate) async fn snooze(self, site: Domain, rule: String, sentence: String) -> Told {
        let d = String::from(site);
        match self.own.snooze(&rule, &sentence).await {
            Ok(limit) => {
                let message = put_off(&limit);
                let still = Still { by: limit.still_by, until: limit.still_until_at_ms };
                Told::Snoozed { d, ok: true, message, hint: None, still }
            }
            Err(why) => {
                let Failed { error: message, hint } = failed(why);
                Told::Snoozed { d, ok: false, message, hint, still: Still::default() }
            }
        }
    }
}

/// Why the daemon did not take a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// It knows of no greeting of ours.
    Unlinked,
    /// Anything else: it would be the same again.
    Refused,
}

impl From<Error> for Untaken {
    fn from(why: Error) -> Self {
        if matches!(why, Error::Denied(_)) { Self::Unlinked } else { Self::Refused }
    }
}

/// `Open for 5 more minutes; 2 more left today`
fn put_off(limit: &wire::Limit) -> String {
    let now = rustix::time::clock_gettime(ClockId::Realtime);
    let now_ms = now.tv_sec * 1000 + now.tv_nsec / 1_000_000;
    let length = limit.snoozed_until_at_ms.map(|until| until.saturating_sub(now_ms).max(0));
    // Another rule goes on closing it: only this one is out of the way.
    let open = if limit.still_by.is_some() { "The limit is put off" } else { "Open" };
    let open = match length.map(|ms| (ms + 30_000) / 60_000) {
        Some(0) => format!("{open} for a moment"),
        Some(1) => format!("{open} for a minute"),
        Some(minutes) => format!("{open} for {minutes} minutes"),
        None => open.to_owned(),
    };
    match limit.snoozes_left {
        Some(0) => format!("{open}. It was the last time today."),
        Some(1) => format!("{open}. Once more is left today."),
        Some(left) => format!("{open}. {left} times more are left today."),
        None => format!("{open}."),
    }
}

/// The state as it travels.
pub(crate) fn to_wire(state: &State, at_boot_ms: u64) -> browser::State {
    browser::State {
        at_boot_ms,
        focused: state.focused,
        domain: state.site.as_ref().map(|site| site.as_str().to_owned()),
        audible: Some(state.audible.iter().map(|site| site.as_str().to_owned()).collect()),
    }
}

/// The greeting as it travels.
pub(crate) fn introduction(hello: &Hello, program: Option<&str>) -> browser::Hello {
    browser::Hello {
        // Where nobody can be seen above us, what the extension runs in is the best that is known.
        program: program.unwrap_or(&hello.browser).to_owned(),
        browser: hello.browser.clone(),
        extension: hello.extension.clone(),
        instance: hello.instance.clone(),
        protocol: PROTOCOL,
    }
}

/// Milliseconds of the boot clock.
pub(crate) fn boot_ms() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or_default()
}

/// The daemon is not there.
pub(crate) fn away() -> Failed {
    Failed::new("dwell is not running", "start it with: systemctl --user start dwelld")
}

/// What a failed call means for the person.
fn failed(why: Error) -> Failed {
    let why = match why.into_failure() {
        Ok(failure) => return failure.into(),
        Err(why) => why,
    };
    let name = match &why {
        zbus::Error::MethodError(name, ..) => name.as_str(),
        zbus::Error::FDO(fdo) => return failed_by(zbus::DBusError::name(fdo.as_ref()).as_str()),
        _ => "",
    };
    failed_by(name)
}

fn failed_by(name: &str) -> Failed {
    match name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(name) {
        "ServiceUnknown" | "NameHasNoOwner" | "NoReply" | "Disconnected" => away(),
        "UnknownMethod" | "UnknownInterface" | "UnknownObject" | "InvalidArgs" => Failed::new(
            "dwell's daemon is of another version than its part for browsers",
            "restart it with: systemctl --user restart dwelld",
        ),
        _ => Failed::new("dwell's daemon could not be asked", "see what is wrong with: dwell doctor"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bus_errors_are_told_in_words() {
        assert_eq!(failed_by("org.freedesktop.DBus.Error.NoReply").error, "dwell is not running");
        let old = failed_by("org.freedesktop.DBus.Error.UnknownMethod");
        assert_eq!(old.hint.as_deref(), Some("restart it with: systemctl --user restart dwelld"));
        assert_eq!(failed_by("org.example.Odd").error, "dwell's daemon could not be asked");
    }

    #[test]
    fn how_a_rule_was_put_off() {
        let now = rustix::time::clock_gettime(ClockId::Realtime);
        let of = |until: Option<i64>, left| {
            let until = until.map(|minutes| now.tv_sec * 1000 + minutes * 60_000 + 5000);
            put_off(&wire::Limit { snoozed_until_at_ms: until, snoozes_left: left, ..wire::Limit::default() })
        };
        assert_eq!(of(Some(5), Some(2)), "Open for 5 minutes. 2 times more are left today.");
        assert_eq!(of(Some(1), Some(1)), "Open for a minute. Once more is left today.");
        assert_eq!(of(Some(-5), Some(0)), "Open for a moment. It was the last time today.");
        assert_eq!(of(None, None), "Open.");
        let other = wire::Limit { still_by: Some("bedtime".into()), ..wire::Limit::default() };
        assert_eq!(put_off(&other), "The limit is put off.");
    }
}
