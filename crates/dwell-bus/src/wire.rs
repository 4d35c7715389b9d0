//! The structures on the wire: all `a{sv}`, so that fields can be added.

use zbus::zvariant::{DeserializeDict, SerializeDict, Type};

/// Now, today, limits and health.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Status {
    /// When this was true.
    pub now_at_ms: i64,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// `active`, `idle`, `locked`, `asleep`, `inactive` or `unobserved`.
    pub state: String,
    /// Whether rules are paused.
    pub paused: bool,
    /// What has the person's attention; absent when nothing has.
    pub active: Option<Active>,
    /// Charged today.
    pub total_ms: u64,
    /// Today's programs, most used first, at most five.
    pub top: Vec<Row>,
    /// All limits.
    pub limits: Vec<Limit>,
    /// Parts' health.
    pub health: Vec<Part>,
    /// `open` or `sealed`.
    pub vault: String,
}

/// What has attention.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Active {
    /// App id.
    pub app: String,
    /// Name for people.
    pub name: String,
    /// Registrable domain in a browser.
    pub domain: Option<String>,
    /// Since when.
    pub since_at_ms: i64,
}

/// One line of a report.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Row {
    /// The group's key: app id, domain, day, hour …
    pub key: String,
    /// Name for people.
    pub name: String,
    /// `focus`, `private`, `audible`, or for groups over time `period`.
    pub kind: String,
    /// Category, where one is known.
    pub category: Option<String>,
    /// Time charged.
    pub ms: u64,
    /// Visits begun.
    pub opens: u64,
}

/// What a report is asked for.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Query {
    /// `today`, `lastweek`, `7d`, `2026-11-01..2026-11-20` …; absent: today.
    pub period: Option<String>,
    /// `app` (the default), `domain`, `category`, `hour`, `day`, `week` or `month`.
    pub by: Option<String>,
    /// Only these targets; empty: all.
    pub only: Option<Vec<String>>,
    /// Not these targets.
    pub not: Option<Vec<String>>,
    /// At most this many rows, the rest summed up in a row with the key `others`.
    pub top: Option<u32>,
}

/// Totals over a period.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Report {
    /// First instant of the period.
    pub from_at_ms: i64,
    /// End of the period (exclusive); now, if the period goes on.
    pub to_at_ms: i64,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// The grouping.
    pub by: String,
    /// Sum of the rows.
    pub total_ms: u64,
    /// Time that was observed and charged, before any filter.
    pub observed_ms: u64,
    /// Session time that no sensor saw.
    pub unobserved_ms: u64,
    /// Charged time that cannot be read while the vault is sealed.
    pub sealed_ms: u64,
    /// Days (`2026-11-21`) of which records are damaged and missing from the rows.
    pub damaged: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A limit and its use.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Limit {
    /// The rule's id.
    pub id: String,
    /// `app:ID`, `domain:D`, `category:C` or `all`.
    pub target: String,
    /// Used in the running period.
    pub used_ms: u64,
    /// Allowed in a period.
    pub budget_ms: Option<u64>,
    /// Left in the running period.
    pub left_ms: Option<u64>,
    /// `allowed`, `warn` or `blocked`.
    pub verdict: String,
    /// When the verdict ends by itself.
    pub until_at_ms: Option<i64>,
    /// `day`.
    pub per: String,
    /// `notify`, `block` or `close`.
    pub at_limit: String,
    /// How long before the limit a warning is given.
    pub warn_ms: u64,
    /// When the running period ends and the budget is whole again.
    pub renews_at_ms: i64,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// Options of a limit.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct LimitOptions {
    /// `day`, the default.
    pub per: Option<String>,
    /// `block`, the default, or `notify` or `close`.
    pub at_limit: Option<String>,
    /// How long before the limit to warn; absent: the smaller of 5 minutes and a fifth of the amount.
    pub warn_ms: Option<u64>,
}

/// Which rules apply to a target.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Why {
    /// The target as it was understood.
    pub target: String,
    /// The strictest verdict.
    pub verdict: String,
    /// When that ends by itself.
    pub until_at_ms: Option<i64>,
    /// The rules that apply.
    pub rules: Vec<Limit>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// Whether a target is allowed.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Check {
    /// The target as it was understood.
    pub target: String,
    /// The strictest verdict.
    pub verdict: String,
    /// The id of the rule that gives it, if any.
    pub rule: Option<String>,
    /// When it ends by itself.
    pub until_at_ms: Option<i64>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// The health of one part.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Part {
    /// `focus`, `idle`, `lock`, `vault`, `notifications` …
    pub part: String,
    /// Whether it works.
    pub ok: bool,
    /// One line: what is in use, or what is wrong.
    pub message: String,
    /// The one command that mends it.
    pub fix: Option<String>,
}
