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
    /// Pause, exit, focus session, intentions and reset week.
    pub standing: Option<Standing>,
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
    /// `focus`, `private`, or for groups over time `period`, for a summed-up rest `others`; by domain also `untold`: a
    /// browser's time of which no extension told a domain.
    pub kind: String,
    /// Category, where one is known.
    pub category: Option<String>,
    /// Time charged.
    pub ms: u64,
    /// Visits begun.
    pub opens: u64,
    /// Time charged in the period that this one is compared with; only where a comparison was asked for.
    pub before_ms: Option<u64>,
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
    /// Say of each row what it had in the period before of equal kind, up to the same time of day where this one goes on:
    /// yesterday, last week, the seven days before. `all` has none.
    pub compare: Option<bool>,
    /// Refuse targets that nothing was ever recorded of, and say what is like them; else they are simply not there.
    pub must_be_known: Option<bool>,
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
    /// What limits did in the period, beside what the person was told at once; one line each, for people.
    pub digest: Option<Vec<String>>,
    /// What was planned in the period and what became of it.
    pub intentions: Option<Vec<Intention>>,
    /// The focus sessions that began in the period.
    pub focus_sessions: Option<Vec<FocusSession>>,
    /// The period before; only where a comparison was asked for.
    pub compare: Option<Compared>,
}

/// The earlier period that a report's rows are compared with.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Compared {
    /// Its first instant.
    pub from_at_ms: i64,
    /// Its end (exclusive), which may be within its last day.
    pub to_at_ms: i64,
    /// Sum of what the rows had in it, in milliseconds.
    pub total_ms: u64,
}

/// What charts show of a period: how its time lay over the week, the hours and the categories.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Picture {
    /// First day, `2026-11-01`; of all time, the first that has data.
    pub first: String,
    /// Last day.
    pub last: String,
    /// When a day starts: `04:00`.
    pub day_start: String,
    /// Charged in the period, as far as it was asked for.
    pub total_ms: u64,
    /// Days of the period with anything recorded.
    pub days: u32,
    /// Charged by weekday and hour: 24 hours of the clock from `00` for each of seven weekdays from Monday.
    pub hours_ms: Vec<u64>,
    /// What `buckets` are: `hour`, `day`, `week` or `month`.
    pub bucket: String,
    /// `04`, `2026-11-21` (of a week, its Monday) or `2026-11`, in the order of time.
    pub buckets: Vec<String>,
    /// The categories' share of each, the largest first, what is summed up last.
    pub categories: Vec<Series>,
    /// How long a slot is in which the programs of a single day are told.
    pub slot_ms: Option<u64>,
    /// The programs' share of each slot, from the start of the day; the largest first.
    pub lanes: Option<Vec<Series>>,
    /// Limits with a budget for each day.
    pub kept: Vec<Kept>,
}

/// Somebody's time in each of several stretches.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Series {
    /// App id or category; empty for what has none, and for others.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// `one`, `none` or `others`.
    pub kind: String,
    /// In the order of time.
    pub parts_ms: Vec<u64>,
}

/// On how many days a limit's budget was enough.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Kept {
    /// The rule's id.
    pub id: String,
    /// What it is about: a name for people.
    pub name: String,
    /// The rule as it is now, for people: `YouTube: 30m a day`.
    pub rule: String,
    /// Days on which it would have held and anything at all was recorded.
    pub days: u32,
    /// Those of them on which no more was used than its budget, but for the moment that a limit takes to act.
    pub within: u32,
}

/// A limit and its use.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Limit {
    /// The rule's id.
    pub id: String,
    /// `app:ID`, `domain:D`, `category:C` or `all`.
    pub target: String,
    /// What was named when it was set, where an alias of the person's leads from there to the target.
    pub alias: Option<String>,
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
    /// `hour`, `day`, `week` or `month`; also where the rule has no budget: `day`.
    pub per: String,
    /// `notify`, `block`, `close`, `freeze` or `lock`.
    pub at_limit: String,
    /// How long before the limit the first warning is given.
    pub warn_ms: u64,
    /// When the running period ends and the budget is whole again.
    pub renews_at_ms: i64,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// Visits allowed in a period, where the budget is one of visits.
    pub budget_opens: Option<u32>,
    /// Visits in the running period.
    pub used_opens: Option<u32>,
    /// The days on which it holds, where these are not all: `mon-fri`.
    pub days: Option<String>,
    /// `blocked 22:00-07:00` or `allowed 09:00-17:00, 19:00-20:00`, where it has hours.
    pub hours: Option<String>,
    /// Why it says what it says: `budget`, `opens`, `hours`; absent while it allows.
    pub because: Option<String>,
    /// `open`, `cooling` or `locked-until 2026-12-31`.
    pub strict: Option<String>,
    /// What is never charged to it nor blocked by it.
    pub except: Option<Vec<String>>,
    /// Who made it: absent for the person's own rules, else `focus` or `reset-week`.
    pub made_by: Option<String>,
    /// Put off until then.
    pub snoozed_until_at_ms: Option<i64>,
    /// Snoozes that are left today; absent where the rule has none.
    pub snoozes_left: Option<u32>,
    /// It is suspended (pause, exit) and blocks nothing.
    pub suspended: Option<bool>,
    /// A change of it that waits.
    pub pending: Option<Pending>,
    /// The id of another rule that goes on blocking what it is about, where it was put off just now.
    pub still_by: Option<String>,
    /// When that one's block ends by itself.
    pub still_until_at_ms: Option<i64>,
    /// In a reset week: the part of its budget that is left today, in percent.
    pub reset_percent: Option<u32>,
    /// What is odd about it, though it can be kept, where it was made or changed just now: one line each, for people.
    pub warnings: Option<Vec<String>>,
}

/// What became of a change to the rules.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Change {
    /// `same`, `tighter`, `looser` or `mixed`.
    pub is: String,
    /// It holds from now on; else it waits, or was only looked at.
    pub applied: bool,
    /// Where it has to wait.
    pub pending: Option<Pending>,
    /// What changes, one line each, for people.
    pub lines: Vec<String>,
    /// What is odd about the rules, though they can be kept: one line each, for people.
    pub warnings: Vec<String>,
    /// How many rules there are then.
    pub rules: u32,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// A change that waits.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Pending {
    /// Its id, for `confirm` and `cancel`.
    pub id: String,
    /// What changes, one line each, for people.
    pub lines: Vec<String>,
    /// When it was asked for.
    pub asked_at_ms: i64,
    /// How long it waits still, in time with the machine on; 0: it can be confirmed.
    pub waits_ms: u64,
    /// How long after that it can be confirmed, in time with the machine on.
    pub lapses_ms: u64,
    /// Not before the start of this day (`2026-12-31`), whatever was waited.
    pub locked_until: Option<String>,
}

/// What a snooze asks for.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Snooze {
    /// The rule that would be put off.
    pub rule: String,
    /// What the rule is about.
    pub target: String,
    /// Name for people.
    pub name: String,
    /// How long the wait lasts still.
    pub wait_ms: u64,
    /// For how long the rule is put off.
    pub length_ms: u64,
    /// The sentence to type.
    pub sentence: Option<String>,
    /// Snoozes that are left today, this one included.
    pub left: u32,
    /// The id of another rule that blocks what it is about as well, and goes on doing so.
    pub still_by: Option<String>,
    /// When that one's block ends by itself.
    pub still_until_at_ms: Option<i64>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// What is in force beside the rules.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Standing {
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// Open rules are suspended until then.
    pub paused_until_at_ms: Option<i64>,
    /// How long the emergency exit waits still.
    pub exit_waits_ms: Option<u64>,
    /// All own rules are off until then.
    pub exit_until_at_ms: Option<i64>,
    /// A focus session lasts until then.
    pub focus_until_at_ms: Option<i64>,
    /// What it blocks.
    pub focus_blocks: Option<Vec<String>>,
    /// What is planned at the moment.
    pub intentions: Option<Vec<Intention>>,
    /// The reset week's day, 1 to 7.
    pub reset_day: Option<u32>,
}

/// What something was opened for.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Intention {
    /// The target.
    pub target: String,
    /// Name for people.
    pub name: String,
    /// When it was stated.
    pub at_ms: i64,
    /// How long it was to last.
    pub planned_ms: u64,
    /// How long the target had attention since, within that day.
    pub actual_ms: u64,
    /// What for, in the person's words.
    pub to: Option<String>,
    /// It is over.
    pub over: bool,
}

/// A focus session.
#[derive(Clone, Copy, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct FocusSession {
    /// When it began.
    pub at_ms: i64,
    /// How long it was to last.
    pub planned_ms: u64,
    /// How long it lasted, or has until now.
    pub lasted_ms: u64,
}

/// The reset week.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct ResetWeek {
    /// Whether one runs.
    pub running: bool,
    /// Its day, 1 to 7.
    pub day: Option<u32>,
    /// What part of each budget is left today, in percent.
    pub percent: Option<u32>,
    /// When it ends by itself.
    pub until_at_ms: Option<i64>,
    /// What holds today, one line each, for people.
    pub lines: Vec<String>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// A target that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct KnownTarget {
    /// As it is typed: `app:firefox`, `domain:example.org`.
    pub target: String,
    /// Its name for people.
    pub name: String,
}

/// A category.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct CategoryInfo {
    /// Its name.
    pub category: String,
    /// How many domains the built-in catalogue puts there.
    pub built_in: u32,
    /// What the person puts there.
    pub own: Vec<String>,
}

/// The category of a target.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Classified {
    /// The target as it was understood.
    pub target: String,
    /// Its category.
    pub category: Option<String>,
    /// Who says so: `own`, `catalogue`, `desktop-file` or `none`.
    pub source: String,
}

/// A limit tried on the past.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Trial {
    /// What was understood, for people.
    pub rule: String,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
    /// First day, `2026-11-01`.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Days with anything recorded.
    pub days: u32,
    /// The days on which it would have been reached.
    pub hits: Vec<TrialDay>,
    /// What the target took on an ordinary day, the median of the days with any of it.
    pub median_ms: u64,
    /// What the limit would have kept, over all days.
    pub over_ms: u64,
}

/// A day on which a limit would have been reached.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct TrialDay {
    /// `2026-11-01`.
    pub day: String,
    /// What the target took that day.
    pub used_ms: u64,
    /// When it would have been reached, where that is known.
    pub at_ms: Option<i64>,
}

/// Options of a limit.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct LimitOptions {
    /// `hour`, `day` (the default), `week` or `month`.
    pub per: Option<String>,
    /// `block`, the default, or `notify`, `close`, `freeze` or `lock`.
    pub at_limit: Option<String>,
    /// How long before the limit to warn; absent: the smaller of 5 minutes and a fifth of the amount.
    pub warn_ms: Option<u64>,
    /// So many visits, in place of an amount of time.
    pub opens: Option<u32>,
    /// Only on these days: `mon-fri`, `sat,sun`.
    pub on: Option<String>,
    /// `open`, `cooling` (the default) or `locked-until 2026-12-31`.
    pub strict: Option<String>,
    /// No budget, but hours: blocked within these (`22:00-07:00`).
    pub blocked: Option<Vec<String>>,
    /// Hours outside of which the target is blocked.
    pub allowed: Option<Vec<String>>,
    /// Never charged nor blocked.
    pub except: Option<Vec<String>>,
    /// The rule's id, where the target has several rules, or is to have another one.
    pub id: Option<String>,
    /// There is no budget: only hours.
    pub only_hours: Option<bool>,
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
    /// That verdict is about it for no other reason than that it is a browser of which no extension can tell the site.
    pub without_extension: Option<bool>,
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
    /// It gives it for no other reason than that this is a browser of which no extension can tell the site.
    pub without_extension: Option<bool>,
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

/// What the vault is.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct VaultInfo {
    /// `open`, `sealed` (records and enforces, cannot read history) or `waiting` (no key yet: spans are held in memory).
    pub state: String,
    /// Why it is not open, for people; absent when it is.
    pub why: Option<String>,
    /// When it locks by itself.
    pub locks_at_ms: Option<i64>,
    /// Its folder.
    pub path: String,
    /// Hexadecimal; the same in all its generations and backups.
    pub id: String,
    /// Grows with each forgetting and each change of keys.
    pub generation: u64,
    /// First day with data, `2026-11-01`.
    pub first: Option<String>,
    /// Last day with data.
    pub last: Option<String>,
    /// Parts of days that are still in the journal.
    pub journal_parts: u64,
    /// Parts of days that are sealed with every span.
    pub sealed_parts: u64,
    /// Parts of days of which only totals are left.
    pub totals_parts: u64,
    /// Totals of 30 days.
    pub blocks: u64,
    /// The database with its log, in bytes.
    pub bytes: u64,
    /// Days of which records are damaged.
    pub damaged: Vec<String>,
    /// History is older than what was once seen, and nobody has accepted that.
    pub suspect: bool,
    /// There is a weekly copy.
    pub copy: bool,
    /// A newer dwell wrote it: it takes no writes.
    pub read_only: bool,
    /// The keys that open it.
    pub keys: Vec<Key>,
    /// Where the key of rules and counters is: `keyfile`, `keyring` or `credential`.
    pub rules_key: String,
    /// Backups that were made of it, oldest first.
    pub backups: Vec<Backup>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

/// A backup that was made.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Backup {
    /// Where it was written; whether it still is there, nobody knows.
    pub path: String,
    /// When.
    pub at_ms: i64,
    /// Of which generation. One before the vault's own still holds what was forgotten since.
    pub generation: u64,
}

/// A key that opens the vault.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Key {
    /// Its number, 0 to 7.
    pub number: u8,
    /// `keyfile`, `keyring`, `credential`, `passphrase`, `recovery`, or `unknown` to this version.
    pub kind: String,
    /// Where it is, for people: a path, or the name of the keyring's item.
    pub place: Option<String>,
    /// It opens the vault without a person.
    pub automatic: bool,
    /// Where an automatic key cannot be used just now: why.
    pub problem: Option<String>,
}

/// What to forget; exactly one field is there.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Selection {
    /// Everything of the days before this one, `2026-11-01`.
    pub before: Option<String>,
    /// Everything of one day.
    pub day: Option<String>,
    /// Everything of a program: an app id, or what `limit set` takes for one.
    pub app: Option<String>,
    /// Everything of a domain.
    pub domain: Option<String>,
}

/// What goes, or went.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Forgotten {
    /// What was understood: `app:org.mozilla.firefox`, `day 2026-11-01`, `before 2026-11-01`, `domain:example.org`.
    pub what: String,
    /// Days of which something goes.
    pub days: u64,
    /// The first of them.
    pub first: Option<String>,
    /// The last of them.
    pub last: Option<String>,
    /// Spans that go.
    pub spans: u64,
    /// Milliseconds of attention that go with them.
    pub ms: u64,
    /// Notes that go: what was planned, focus sessions, and what limits did.
    pub notes: Option<u64>,
    /// Backups that were made before, and still hold it.
    pub backups: Vec<Backup>,
}

/// What is stored, where, and who can read it.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Privacy {
    /// The kinds of record, as the vault's schema has them.
    pub records: Vec<RecordKind>,
    /// Files and folders.
    pub places: Vec<Place>,
    /// The keys, and what each protects from.
    pub keys: Vec<KeyPrivacy>,
    /// What is never stored, one line each.
    pub never: Vec<String>,
    /// What someone with the disk but no key learns, one line each.
    pub visible: Vec<String>,
}

/// A kind of record.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct RecordKind {
    /// Its name in the schema.
    pub kind: String,
    /// What it holds, for people.
    pub holds: String,
    /// Which key reads it, for people.
    pub readable: String,
    /// How long it is kept, for people.
    pub kept: String,
}

/// A file or folder of dwell's.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct Place {
    /// Where.
    pub path: String,
    /// What it is for.
    pub holds: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// What a key protects from.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zvariant(signature = "a{sv}")]
pub struct KeyPrivacy {
    /// `history`, or `rules` for the key of rules and counters.
    pub opens: String,
    /// See [`Key::kind`].
    pub kind: String,
    /// See [`Key::place`].
    pub place: Option<String>,
    /// From whom it protects.
    pub protects: String,
    /// From whom it does not.
    pub exposed: String,
}
