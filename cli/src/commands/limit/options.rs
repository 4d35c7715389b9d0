//! What makes up a limit on the command line, for `limit set` and `limit try`.

use clap::ValueEnum;
use dwell_bus::wire;
use dwell_core::calendar::CivilDay;
use dwell_core::rules::{Days, Window, WindowError};
use dwell_core::time::Millis;

use crate::usage::BadValue;

/// How much, and when.
#[derive(Debug, clap::Args)]
pub(super) struct Counted {
    /// How much: 90s, 45m, 1h30m, or visits: 5visits, "5 visits"
    #[arg(value_parser = amount, required_unless_present_any = ["blocked", "allowed"])]
    amount: Option<Amount>,
    /// For which period (default: day)
    #[arg(long, value_enum, value_name = "PERIOD", requires = "amount")]
    per: Option<Per>,
    /// Only on these days: mon-fri, sat,sun, weekend
    #[arg(long, value_name = "DAYS", value_parser = days)]
    on: Option<Days>,
    /// Never count or block this (may be repeated)
    #[arg(long, value_name = "TARGET", value_parser = crate::cli::target)]
    except: Vec<String>,
    /// Block it in these hours: 22:00-07:00 (may be repeated)
    #[arg(long, value_name = "RANGE", value_parser = window)]
    blocked: Vec<Window>,
    /// Block it outside of these hours (may be repeated)
    #[arg(long, value_name = "RANGE", value_parser = window, conflicts_with = "blocked")]
    allowed: Vec<Window>,
}

/// What happens then, and how it is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Then {
    /// What happens at the limit (default: block; windows are minimised, web pages covered)
    #[arg(long, value_enum, value_name = "WHAT")]
    at_limit: Option<AtLimit>,
    /// How long before to warn; 0s: not at all (default: 5m, for short limits a fifth of the amount)
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration, requires = "amount")]
    warn: Option<Millis>,
    /// How it is loosened: open (at once), cooling (after 24h, the default), locked-until-2026-12-31
    #[arg(long, value_name = "HOW", value_parser = strict)]
    strict: Option<String>,
    /// The limit's id, where the target has several or is to have another one
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
}

/// An amount of time, or of visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Time(Millis),
    Visits(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Per {
    /// An hour by the clock on the wall
    Hour,
    /// From one day start to the next
    Day,
    /// From Monday
    Week,
    /// A calendar month
    Month,
}

/// From the gentlest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum AtLimit {
    /// Tell, and do nothing
    Notify,
    /// Minimise its windows whenever they come to the front
    Block,
    /// Close its windows
    Close,
    /// Minimise its windows, and freeze the program where that is safe
    Freeze,
    /// Lock the session once; after that as block
    Lock,
}

/// The word by which the daemon knows a value.
pub(in crate::commands) fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl Counted {
    /// The amount of time, zero where there is none, and all the rest.
    pub(super) fn for_the_wire(&self) -> (u64, wire::LimitOptions) {
        let some = |texts: Vec<String>| Some(texts).filter(|texts| !texts.is_empty());
        let texts = |windows: &[Window]| some(windows.iter().map(ToString::to_string).collect());
        let (ms, opens) = match self.amount {
            Some(Amount::Time(time)) => (time.as_ms(), None),
            Some(Amount::Visits(visits)) => (0, Some(visits)),
            None => (0, None),
        };
        let options = wire::LimitOptions {
            per: self.per.map(word),
            opens,
            on: self.on.map(|days| days.to_string()),
            blocked: texts(&self.blocked),
            allowed: texts(&self.allowed),
            except: some(self.except.clone()),
            only_hours: self.amount.is_none().then_some(true),
            ..wire::LimitOptions::default()
        };
        (ms, options)
    }
}

impl Then {
    /// The same options with these.
    pub(super) fn added_to(&self, options: wire::LimitOptions) -> wire::LimitOptions {
        wire::LimitOptions {
            at_limit: self.at_limit.map(word),
            warn_ms: self.warn.map(Millis::as_ms),
            strict: self.strict.clone(),
            id: self.id.clone(),
            ..options
        }
    }
}

/// `45m`, `5visits`, `5 visits`
fn amount(text: &str) -> Result<Amount, BadValue> {
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    if digits > 0 && matches!(unit.trim(), "visit" | "visits") {
        return number.parse().map(Amount::Visits).map_err(|_| {
            BadValue::new(format!("\"{text}\" are more visits than can be counted"), "write 5visits")
        });
    }
    crate::cli::duration(text).map(Amount::Time).map_err(|bad| match unit {
        // A bare number may mean either.
        "" if digits > 0 => BadValue::new(bad.to_string(), format!("write {number}m, or {number}visits")),
        _ => bad,
    })
}

/// DAYS: `mon-fri`, `sat,sun`.
pub(crate) fn days(text: &str) -> Result<Days, BadValue> {
    text.parse().map_err(|_| {
        BadValue::new(format!("\"{text}\" are no days of the week"), "write mon-fri, or sat,sun, or weekend")
    })
}

/// RANGE: `22:00-07:00`.
pub(crate) fn window(text: &str) -> Result<Window, BadValue> {
    let usual = "write it like 22:00-07:00";
    text.parse().map_err(|why| match why {
        WindowError::Form => BadValue::new(format!("\"{text}\" is no stretch of the day"), usual),
        WindowError::Empty => {
            BadValue::new(format!("\"{text}\" starts when it ends"), "write 00:00-24:00 for a whole day")
        }
    })
}

/// `open`, `cooling`, `locked-until-2026-12-31`, as the daemon writes it.
fn strict(text: &str) -> Result<String, BadValue> {
    let bad = || {
        BadValue::new(
            format!("\"{text}\" does not say how a limit is loosened"),
            "write open, cooling or locked-until-2026-12-31",
        )
    };
    match text.trim() {
        known @ ("open" | "cooling") => Ok(known.to_owned()),
        other => {
            let day = other.strip_prefix("locked-until").ok_or_else(bad)?;
            let day: CivilDay = day.trim_start_matches(['-', ' ', '=']).parse().map_err(|_| bad())?;
            Ok(format!("locked-until {day}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: std::fmt::Debug>(end: Result<T, BadValue>) -> String {
        end.map_err(|bad| format!("{bad}; {}", bad.hint)).unwrap_err()
    }

    #[test]
    fn amounts_are_times_or_visits() {
        assert_eq!(amount("45m"), Ok(Amount::Time(Millis::from_mins(45))));
        for visits in ["5visits", "5 visits", " 5 visit", "05visits"] {
            assert_eq!(amount(visits), Ok(Amount::Visits(5)), "{visits}");
        }
        assert_eq!(amount("1 visit"), Ok(Amount::Visits(1)));
        insta::assert_snapshot!(told(amount("5")), @r#""5" is no amount of time: a unit is missing; write 5m, or 5visits"#);
        insta::assert_snapshot!(told(amount("x")), @r#""x" is no amount of time; write 30m, 1h30m or 90s"#);
        insta::assert_snapshot!(told(amount("9999999999visits")), @r#""9999999999visits" are more visits than can be counted; write 5visits"#);
        assert!(amount("").is_err() && amount("-5visits").is_err() && amount("5x").is_err());
    }

    #[test]
    fn strictness_names_a_day_that_exists() {
        assert_eq!(strict("open").as_deref(), Ok("open"));
        for typed in ["locked-until-2026-12-31", "locked-until 2026-12-31", "locked-until=2026-12-31"] {
            assert_eq!(strict(typed).as_deref(), Ok("locked-until 2026-12-31"));
        }
        insta::assert_snapshot!(told(strict("locked-until-2026-02-30")), @r#""locked-until-2026-02-30" does not say how a limit is loosened; write open, cooling or locked-until-2026-12-31"#);
        assert!(strict("locked").is_err() && strict("").is_err());
        insta::assert_snapshot!(told(days("mo")), @r#""mo" are no days of the week; write mon-fri, or sat,sun, or weekend"#);
        insta::assert_snapshot!(told(window("22-7")), @r#""22-7" is no stretch of the day; write it like 22:00-07:00"#);
        insta::assert_snapshot!(told(window("07:00-07:00")), @r#""07:00-07:00" starts when it ends; write 00:00-24:00 for a whole day"#);
    }
}
