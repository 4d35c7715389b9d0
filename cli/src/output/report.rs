//! A report as people read it: a table with bars, what the numbers do not hold, and tables for other programs.

use dwell_bus::wire;
use dwell_core::calendar::CivilDay;

use super::instant::Zone;
use super::look::{Ink, Look};
use super::text::{bar, glance, left, plain, right, width, wrap};
use super::{csv, json, standing};

/// What a row is called on a screen.
pub(crate) fn label(row: &wire::Row) -> String {
    let name = match (row.name.as_str(), row.key.as_str()) {
        ("", "") => "(other)".into(),
        ("", key) => plain(key),
        (name, _) => plain(name),
    };
    match row.kind.as_str() {
        "private" if !row.key.is_empty() => format!("{name} (private)"),
        "audible" => format!("{name} (audible)"),
        _ => name.into_owned(),
    }
}

/// Labels of all rows; programs of the same name get their id, hours look like times of day.
pub(crate) fn labels(rows: &[wire::Row], by: &str) -> Vec<String> {
    let hour = |row: &wire::Row| row.key.parse::<u8>().ok().filter(|_| by == "hour");
    let named = |row| hour(row).map_or_else(|| label(row), |hour| format!("{hour:02}:00"));
    let names: Vec<_> = rows.iter().map(named).collect();
    let twice = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    rows.iter()
        .zip(&names)
        .map(|(row, name)| {
            if twice(name) && !row.key.is_empty() && row.key != row.name {
                format!("{name} [{}]", plain(&row.key))
            } else {
                name.clone()
            }
        })
        .collect()
}

/// The whole screen: title, table, notes.
pub(crate) fn screen(report: &wire::Report, look: Look) -> String {
    let mut lines: Vec<_> =
        wrap(&title(report), look.width, 2).iter().map(|line| look.ink(Ink::Strong, line)).collect();
    lines.push(String::new());
    lines.extend(table(report, look));
    for (title, texts) in [("Limits", digest(report)), ("Planned", plans(report))] {
        if !texts.is_empty() {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(texts.iter().flat_map(|text| wrap(&format!("  {text}"), look.width, 4)));
        }
    }
    let notes = notes(report);
    if !notes.is_empty() {
        lines.push(String::new());
    }
    for note in notes {
        lines.extend(wrap(&note, look.width, 2).iter().map(|line| look.ink(Ink::Faint, line)));
    }
    lines.join("\n")
}

/// `2026-11-15 to 2026-11-21, by app`
fn title(report: &wire::Report) -> String {
    let (first, last) = Zone::new(&report.zone).days(report.from_at_ms, report.to_at_ms);
    let by = plain(&report.by);
    let beside = report.compare.as_ref().map_or_else(String::new, |before| beside(report, before));
    match (first, last) {
        (CivilDay::MIN, last) => format!("Everything up to {last}, by {by}{beside}"),
        (first, last) if first == last => format!("{first}, by {by}{beside}"),
        (first, last) => format!("{first} to {last}, by {by}{beside}"),
    }
}

/// `, beside 2026-11-20 until 22:05`
fn beside(report: &wire::Report, before: &wire::Compared) -> String {
    format!(", beside {}", compared(report, before))
}

/// `2026-11-20 until 22:05`: what a report is compared with.
pub(crate) fn compared(report: &wire::Report, before: &wire::Compared) -> String {
    let zone = Zone::new(&report.zone);
    let (first, last) = zone.days(before.from_at_ms, before.to_at_ms);
    let days = if first == last { first.to_string() } else { format!("{first} to {last}") };
    // Days start at one time of day: what ends at another was cut there.
    let (from, to) = (zone.clock(before.from_at_ms), zone.clock(before.to_at_ms));
    if from == to { days } else { format!("{days} until {to}") }
}

/// How much more or less there was than before: `+12m`, `−1h 05m`, `same`.
pub(crate) fn change(ms: u64, before_ms: u64) -> String {
    match ms.abs_diff(before_ms) {
        less if less < 1000 => "same".to_owned(),
        more if ms > before_ms => format!("+{}", glance(more)),
        less => format!("−{}", glance(less)),
    }
}

/// Aligned rows and the total: name, time, share, bar, visits, as far as the width allows.
fn table(report: &wire::Report, look: Look) -> Vec<String> {
    let names = labels(&report.rows, &report.by);
    let times: Vec<_> = report.rows.iter().map(|row| glance(row.ms)).collect();
    let total = glance(report.total_ms);
    let time_columns = times.iter().chain([&total]).map(|time| width(time)).max().unwrap_or(0);
    let most = report.rows.iter().map(|row| row.ms).max().unwrap_or(0);
    let with_opens = look.width >= 60 && report.rows.iter().any(|row| row.opens > 0);
    let opens: Vec<_> = report
        .rows
        .iter()
        .map(|row| match row.opens {
            0 => String::new(),
            1 => "1 visit".to_owned(),
            n => format!("{n} visits"),
        })
        .collect();
    let opens_columns = if with_opens { opens.iter().map(|text| width(text)).max().unwrap_or(0) } else { 0 };
    let before = report.compare.as_ref().filter(|_| look.width >= 30);
    let changes: Vec<_> = match before {
        Some(_) => report.rows.iter().map(|row| change(row.ms, row.before_ms.unwrap_or(0))).collect(),
        None => Vec::new(),
    };
    let total_change = before.map_or_else(String::new, |before| change(report.total_ms, before.total_ms));
    let change_columns = changes.iter().chain([&total_change]).map(|text| width(text)).max().unwrap_or(0);
    let indent = if look.width < 40 { 0 } else { 2 };
    let share_columns = if look.width < if before.is_some() { 40 } else { 30 } { 0 } else { 4 };
    let gap = |columns: usize| if columns > 0 { columns + 2 } else { 0 };
    let fixed = indent + gap(time_columns) + gap(change_columns) + gap(share_columns) + gap(opens_columns);
    let widest = names.iter().map(|name| width(name)).chain([5]).max().unwrap_or(5);
    let bar_columns = match look.width.saturating_sub(fixed + 2 + widest.min(look.width / 2)) {
        room if look.width < 40 || room < 6 => 0,
        room => room.min(30),
    };
    let name_columns = widest.min(look.width.saturating_sub(fixed + gap(bar_columns))).max(4);
    let line = |name: &str, time: &str, change: &str| {
        let line =
            format!("{}{}  {}", " ".repeat(indent), left(name, name_columns), right(time, time_columns));
        if change_columns > 0 { format!("{line}  {}", right(change, change_columns)) } else { line }
    };
    let mut lines = Vec::with_capacity(report.rows.len() + 2);
    for (i, row) in report.rows.iter().enumerate() {
        let mut text = line(&names[i], &times[i], changes.get(i).map_or("", String::as_str));
        if share_columns > 0 {
            text.push_str(&format!("  {}", right(&percent(row.ms, report.total_ms), share_columns)));
        }
        if opens_columns > 0 {
            text.push_str(&format!("  {}", look.ink(Ink::Faint, &right(&opens[i], opens_columns))));
        }
        if bar_columns > 0 {
            text.push_str(&format!("  {}", look.ink(Ink::Bar, &bar(row.ms, most, bar_columns))));
        }
        lines.push(text.trim_end().to_owned());
    }
    lines.push(look.ink(Ink::Strong, &line("Total", &total, &total_change)));
    lines
}

pub(crate) fn percent(ms: u64, total_ms: u64) -> String {
    match (u128::from(ms) * 100 + u128::from(total_ms) / 2).checked_div(u128::from(total_ms)) {
        Some(0) if ms > 0 => "<1%".to_owned(),
        Some(percent) => format!("{percent}%"),
        None => String::new(),
    }
}

/// What limits did, beside what the person was told at once.
pub(crate) fn digest(report: &wire::Report) -> Vec<String> {
    report.digest.iter().flatten().map(|line| plain(line).into_owned()).collect()
}

/// What was planned, and what became of it.
pub(crate) fn plans(report: &wire::Report) -> Vec<String> {
    let sessions = standing::sessions(report.focus_sessions.as_deref().unwrap_or_default());
    report.intentions.iter().flatten().map(standing::intention).chain(sessions).collect()
}

/// What the numbers do not hold.
pub(crate) fn notes(report: &wire::Report) -> Vec<String> {
    let mut notes = Vec::new();
    // Less than a minute is the switching between programs, not a gap.
    if report.unobserved_ms >= 60_000 {
        notes.push(format!("{} of session time was not observed.", glance(report.unobserved_ms)));
    }
    if report.sealed_ms > 0 {
        notes.push(format!("{} more cannot be read while the vault is sealed.", glance(report.sealed_ms)));
    }
    match report.damaged.as_slice() {
        [] => {}
        [day] => notes.push(format!("Records of {} are damaged, and missing here.", plain(day))),
        days => {
            let shown: Vec<_> = days.iter().take(5).map(|day| plain(day)).collect();
            let more = days.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more days") } else { String::new() };
            notes.push(format!("Records of {}{more} are damaged, and missing here.", shown.join(", ")));
        }
    }
    notes
}

/// Comma-separated values with a header, a record a line. A comparison has one column more.
pub(crate) fn records(report: &json::Report<'_>) -> Vec<String> {
    let with_before = report.compare.is_some();
    let record = |fields: [&str; 7], before: &str| {
        let fields = fields.into_iter().chain(with_before.then_some(before));
        csv::record(fields)
    };
    let header = ["key", "name", "kind", "category", "seconds", "share", "opens"];
    let header = record(header, "before_seconds");
    let rows = report.rows.iter().map(|row| {
        let fields = [
            row.key,
            row.name,
            row.kind,
            row.category.unwrap_or_default(),
            &row.seconds.to_string(),
            &format!("{:.4}", row.share),
            &row.opens.to_string(),
        ];
        record(fields, &row.before_seconds.unwrap_or(0).to_string())
    });
    std::iter::once(header).chain(rows).collect()
}

/// A foreign text within Markdown: what would end a cell of a table, begin a tag or an entity, or change how the text
/// looks is escaped. Brackets alone do nothing, and names with an id in them stay readable.
pub(crate) fn markdown_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let link = c == ']' && matches!(chars.peek(), Some('(' | '[' | ':'));
        if link || matches!(c, '\\' | '|' | '<' | '&' | '*' | '_' | '`' | '~') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A Markdown table.
pub(crate) fn markdown(rows: &[wire::Row], report: &json::Report<'_>) -> String {
    let ms = |seconds: u64| seconds.saturating_mul(1000);
    let mut lines = match report.compare {
        None => vec!["| name | time | share | visits |".to_owned(), "|---|---:|---:|---:|".to_owned()],
        Some(_) => vec![
            "| name | time | before | change | share | visits |".to_owned(),
            "|---|---:|---:|---:|---:|---:|".to_owned(),
        ],
    };
    for (row, name) in report.rows.iter().zip(labels(rows, report.by)) {
        let mut time = glance(ms(row.seconds));
        if report.compare.is_some() {
            let before = ms(row.before_seconds.unwrap_or(0));
            time = format!("{time} | {} | {}", glance(before), change(ms(row.seconds), before));
        }
        let name = markdown_text(&name);
        lines.push(format!("| {name} | {time} | {:.1}% | {} |", row.share * 100.0, row.opens));
    }
    lines.join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const NOW: i64 = 1_795_291_500_000; // 2026-11-21T22:05:00+02:00
    const MINUTE: u64 = 60_000;

    fn row(key: &str, name: &str, kind: &str, ms: u64, opens: u64) -> wire::Row {
        wire::Row {
            key: key.into(),
            name: name.into(),
            kind: kind.into(),
            category: None,
            ms,
            opens,
            before_ms: None,
        }
    }

    pub(crate) fn report() -> wire::Report {
        let rows = vec![
            row("firefox", "Firefox", "focus", 100 * MINUTE + 400, 12),
            row("code", "Code, \"the\" editor", "focus", 55 * MINUTE + 400, 1),
            row("firefox", "Firefox", "private", 20 * MINUTE + 400, 3),
            row("xterm", "Terminal", "focus", 9 * MINUTE, 40),
            row("foot", "Terminal", "focus", MINUTE, 2),
            row("evil", "a|b\x1b[2J", "focus", 900, 1),
        ];
        let total = rows.iter().map(|row| row.ms).sum();
        wire::Report {
            from_at_ms: NOW - 18 * 3_600_000 - 300_000,
            to_at_ms: NOW,
            zone: "Europe/Athens".into(),
            by: "app".into(),
            total_ms: total,
            observed_ms: total,
            unobserved_ms: 12 * MINUTE,
            sealed_ms: 0,
            damaged: vec!["2026-11-19".into()],
            rows,
            digest: None,
            intentions: None,
            focus_sessions: None,
            compare: None,
        }
    }

    /// The same beside the day before, which had something else in it as well.
    fn compared() -> wire::Report {
        let mut report = report();
        let before = [40, 55, 21, 0, 0, 0].map(|minutes| minutes * MINUTE);
        report.rows.iter_mut().zip(before).for_each(|(row, before)| row.before_ms = Some(before));
        report.rows.push(wire::Row { before_ms: Some(65 * MINUTE), ..row("gone", "Gone", "focus", 0, 0) });
        let total_ms = 181 * MINUTE;
        let (from_at_ms, to_at_ms) = (report.from_at_ms - 86_400_000, report.to_at_ms - 86_400_000);
        report.compare = Some(wire::Compared { from_at_ms, to_at_ms, total_ms });
        wire::Report { damaged: vec![], unobserved_ms: 0, ..report }
    }

    fn shown(width: usize) -> String {
        screen(&report(), Look { width, color: false })
    }

    #[test]
    fn screens() {
        insta::assert_snapshot!(shown(80), @r#"
        2026-11-21, by app

          Firefox             1h 40m   54%  12 visits  ██████████████████████████████
          Code, "the" editor     55m   30%    1 visit  ████████████████▋
          Firefox (private)      20m   11%   3 visits  ██████▏
          Terminal [xterm]        9m    5%  40 visits  ██▊
          Terminal [foot]         1m    1%   2 visits  ▍
          a|b\u{1b}[2J            0s   <1%    1 visit  ▏
          Total               3h 05m

        12m of session time was not observed.
        Records of 2026-11-19 are damaged, and missing here.
        "#);
        insta::assert_snapshot!(shown(50), @r#"
        2026-11-21, by app

          Firefox             1h 40m   54%  ██████████████
          Code, "the" editor     55m   30%  ███████▊
          Firefox (private)      20m   11%  ██▉
          Terminal [xterm]        9m    5%  █▍
          Terminal [foot]         1m    1%  ▎
          a|b\u{1b}[2J            0s   <1%  ▏
          Total               3h 05m

        12m of session time was not observed.
        Records of 2026-11-19 are damaged, and missing
          here.
        "#);
        insta::assert_snapshot!(shown(20), @r#"
        2026-11-21, by app

        Firefox       1h 40m
        Code, "the"…     55m
        Firefox (pr…     20m
        Terminal [x…      9m
        Terminal [f…      1m
        a|b\u{1b}[2J      0s
        Total         3h 05m

        12m of session time
          was not observed.
        Records of
          2026-11-19 are
          damaged, and
          missing here.
        "#);
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for columns in 16..=120 {
            let beside = screen(&compared(), Look { width: columns, color: false });
            for line in shown(columns).lines().chain(beside.lines()) {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn beside_the_period_before() {
        let report = compared();
        let shown = |width| screen(&report, Look { width, color: false });
        insta::assert_snapshot!(shown(80), @r#"
        2026-11-21, by app, beside 2026-11-20 until 22:05

          Firefox             1h 40m      +1h   54%  12 visits  ████████████████████████
          Code, "the" editor     55m     same   30%    1 visit  █████████████▎
          Firefox (private)      20m     −59s   11%   3 visits  ████▉
          Terminal [xterm]        9m      +9m    5%  40 visits  ██▎
          Terminal [foot]         1m      +1m    1%   2 visits  ▎
          a|b\u{1b}[2J            0s     same   <1%    1 visit  ▏
          Gone                    0s  −1h 05m    0%
          Total               3h 05m  +4m 02s
        "#);
        insta::assert_snapshot!(shown(34), @r#"
        2026-11-21, by app, beside
          2026-11-20 until 22:05

        Firefox            1h 40m      +1h
        Code, "the" edit…     55m     same
        Firefox (private)     20m     −59s
        Terminal [xterm]       9m      +9m
        Terminal [foot]        1m      +1m
        a|b\u{1b}[2J           0s     same
        Gone                   0s  −1h 05m
        Total              3h 05m  +4m 02s
        "#);
        insta::assert_snapshot!(records(&json::Report::new(&report)).join("\n"), @r#"
        key,name,kind,category,seconds,share,opens,before_seconds
        firefox,Firefox,focus,,6001,0.5405,12,2400
        code,"Code, ""the"" editor",focus,,3300,0.2973,1,3300
        firefox,Firefox,private,,1200,0.1081,3,1260
        xterm,Terminal,focus,,540,0.0486,40,0
        foot,Terminal,focus,,60,0.0054,2,0
        evil,a|b\u{1b}[2J,focus,,1,0.0001,1,0
        gone,Gone,focus,,0,0.0000,0,3900
        "#);
        insta::assert_snapshot!(markdown(&report.rows, &json::Report::new(&report)), @r#"
        | name | time | before | change | share | visits |
        |---|---:|---:|---:|---:|---:|
        | Firefox | 1h 40m | 40m | +1h | 54.0% | 12 |
        | Code, "the" editor | 55m | 55m | same | 29.7% | 1 |
        | Firefox (private) | 20m | 21m | −1m | 10.8% | 3 |
        | Terminal [xterm] | 9m | 0s | +9m | 4.9% | 40 |
        | Terminal [foot] | 1m | 0s | +1m | 0.5% | 2 |
        | a\|b\\u{1b}[2J | 1s | 0s | +1s | 0.0% | 1 |
        | Gone | 0s | 1h 05m | −1h 05m | 0.0% | 0 |
        "#);
        let document = json::line(&json::Report::new(&report));
        assert!(
            document.contains(r#""seconds":0,"share":0.0,"opens":0,"before_seconds":3900}]"#),
            "{document}"
        );
        let (_, tail) = document.split_once("\"intentions\":").unwrap();
        insta::assert_snapshot!(tail, @r#"[],"focus_sessions":[],"compare":{"from":"2026-11-20T04:00:00.000+02:00","to":"2026-11-20T22:05:00.000+02:00","total_seconds":10860}}"#);
        // Days start at 04:00: what ends then was not cut.
        let whole = wire::Compared { to_at_ms: report.from_at_ms, ..report.compare.clone().unwrap() };
        assert_eq!(beside(&report, &whole), ", beside 2026-11-20");
    }

    #[test]
    fn titles_and_notes() {
        let week = wire::Report {
            from_at_ms: NOW - (6 * 24 + 18) * 3_600_000 - 300_000,
            by: "day".into(),
            ..report()
        };
        insta::assert_snapshot!(title(&week), @"2026-11-15 to 2026-11-21, by day");
        let all = wire::Report { from_at_ms: 0, zone: "UTC".into(), ..report() };
        insta::assert_snapshot!(title(&all), @"Everything up to 2026-11-21, by app");
        let days = (1..=9).map(|day| format!("2026-11-0{day}")).collect();
        let bad = wire::Report { damaged: days, sealed_ms: 90 * MINUTE, unobserved_ms: 59_999, ..report() };
        insta::assert_snapshot!(notes(&bad).join("\n"), @"
        1h 30m more cannot be read while the vault is sealed.
        Records of 2026-11-01, 2026-11-02, 2026-11-03, 2026-11-04, 2026-11-05 and 4 more days are damaged, and missing here.
        ");
    }

    #[test]
    fn hours_look_like_times() {
        let rows = vec![row("4", "4", "period", MINUTE, 1), row("22", "22", "period", MINUTE, 1)];
        assert_eq!(labels(&rows, "hour"), ["04:00", "22:00"]);
        assert_eq!(labels(&rows, "app"), ["4", "22"]);
    }

    #[test]
    fn documents() {
        let report = report();
        insta::assert_snapshot!(json::line(&json::Report::new(&report)), @r#"{"schema":"dwell.report/1","from":"2026-11-21T04:00:00.000+02:00","to":"2026-11-21T22:05:00.000+02:00","zone":"Europe/Athens","by":"app","total_seconds":11102,"coverage":{"observed_seconds":11102,"unobserved_seconds":720,"sealed_seconds":0},"rows":[{"key":"firefox","name":"Firefox","kind":"focus","category":null,"seconds":6001,"share":0.5405,"opens":12},{"key":"code","name":"Code, \"the\" editor","kind":"focus","category":null,"seconds":3300,"share":0.2973,"opens":1},{"key":"firefox","name":"Firefox","kind":"private","category":null,"seconds":1200,"share":0.1081,"opens":3},{"key":"xterm","name":"Terminal","kind":"focus","category":null,"seconds":540,"share":0.0486,"opens":40},{"key":"foot","name":"Terminal","kind":"focus","category":null,"seconds":60,"share":0.0054,"opens":2},{"key":"evil","name":"a|b\u001b[2J","kind":"focus","category":null,"seconds":1,"share":0.0001,"opens":1}],"digest":[],"intentions":[],"focus_sessions":[]}"#);
        insta::assert_snapshot!(records(&json::Report::new(&report)).join("\n"), @r#"
        key,name,kind,category,seconds,share,opens
        firefox,Firefox,focus,,6001,0.5405,12
        code,"Code, ""the"" editor",focus,,3300,0.2973,1
        firefox,Firefox,private,,1200,0.1081,3
        xterm,Terminal,focus,,540,0.0486,40
        foot,Terminal,focus,,60,0.0054,2
        evil,a|b\u{1b}[2J,focus,,1,0.0001,1
        "#);
        insta::assert_snapshot!(markdown(&report.rows, &json::Report::new(&report)), @r#"
        | name | time | share | visits |
        |---|---:|---:|---:|
        | Firefox | 1h 40m | 54.0% | 12 |
        | Code, "the" editor | 55m | 29.7% | 1 |
        | Firefox (private) | 20m | 10.8% | 3 |
        | Terminal [xterm] | 9m | 4.9% | 40 |
        | Terminal [foot] | 1m | 0.5% | 2 |
        | a\|b\\u{1b}[2J | 1s | 0.0% | 1 |
        "#);
        let row = json::Report::new(&report).rows.remove(1);
        insta::assert_snapshot!(json::line(&json::RowLine::new(row)), @r#"{"schema":"dwell.row/1","key":"code","name":"Code, \"the\" editor","kind":"focus","category":null,"seconds":3300,"share":0.2973,"opens":1}"#);
    }

    #[test]
    fn names_do_nothing_in_markdown() {
        let shown = markdown_text("a|b <script>x</script> *y* _z_ `c` ~~d~~ &lt; \\ [x] [y](z) #1");
        insta::assert_snapshot!(shown, @r#"a\|b \<script>x\</script> \*y\* \_z\_ \`c\` \~\~d\~\~ \&lt; \\ [x] [y\](z) #1"#);
    }

    #[test]
    fn what_limits_did_and_what_was_planned() {
        let report = wire::Report {
            digest: Some(vec!["app:game reached its 30m at 21:10\x1b[31m".into(), "3 snoozes".into()]),
            intentions: Some(vec![standing::tests::plan(true)]),
            focus_sessions: Some(standing::tests::focus_sessions()),
            unobserved_ms: 0,
            damaged: vec![],
            rows: report().rows.into_iter().take(1).collect(),
            ..report()
        };
        insta::assert_snapshot!(screen(&report, Look { width: 50, color: false }), @r"
        2026-11-21, by app

          Firefox  1h 40m   54%  █████████████████████████
          Total    3h 05m

        Limits
          app:game reached its 30m at 21:10\u{1b}[31m
          3 snoozes

        Planned
          YouTube: 15m planned, 4m used (find the lecture)
          2 focus sessions: 1h 40m planned, lasted 1h 20m
        ");
        let document = json::line(&json::Report::new(&report));
        let (_, tail) = document.split_once("],\"digest\":").unwrap();
        insta::assert_snapshot!(tail, @r#"["app:game reached its 30m at 21:10\u001b[31m","3 snoozes"],"intentions":[{"target":"domain:youtube.com","name":"YouTube","at":"2026-11-21T22:01:00.000+02:00","planned_seconds":900,"actual_seconds":240,"to":"find the lecture","over":true}],"focus_sessions":[{"at":"2026-11-21T20:05:00.000+02:00","planned_seconds":3000,"lasted_seconds":3000},{"at":"2026-11-21T21:05:00.000+02:00","planned_seconds":3000,"lasted_seconds":1800}]}"#);
    }

    #[test]
    fn the_seconds_add_up() {
        let report = report();
        let document = json::Report::new(&report);
        let total: u64 = document.rows.iter().map(|row| row.seconds).sum();
        assert_eq!(total, (report.total_ms + 500) / 1000);
    }
}
