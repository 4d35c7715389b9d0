//! `dwell status`, and `dwell` alone: today at a glance.

use dwell_bus::wire;

use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::report::label;
use crate::output::text::{bar, glance, left, right, width, wrap};
use crate::output::{desktop_bar, json, limits, phrase, standing};

/// Show now, today, limits and what needs attention
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// In which form (default: plain)
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Go on, with a new line on each change (formats line, waybar, i3, json)
    #[arg(long)]
    follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Plain,
    /// One line of text, for polybar, tmux and other bars
    Line,
    /// For a custom module of waybar (return-type: json)
    Waybar,
    /// For i3blocks (format=json) and other bars with i3bar's blocks
    I3,
    /// One JSON document (followed: one a line)
    Json,
}

/// Asks and shows.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let format = match (args.format, console.json) {
        (None | Some(Format::Json), true) | (Some(Format::Json), false) => Format::Json,
        (Some(Format::Plain), true) => return Err(super::report::two_formats("plain")),
        (Some(Format::Line), true) => return Err(super::report::two_formats("line")),
        (format, _) => format.unwrap_or(Format::Plain),
    };
    if args.follow {
        if format == Format::Plain {
            let message = "--follow goes with --format line, waybar, i3 or json, one line each";
            return Err(Error::new(Kind::Usage, message).hint("for people there is `dwell top`"));
        }
        let look = console.look;
        return super::follow::run(console, move |status| match status {
            Ok(status) => shown(status, format, look),
            Err(why) => away(why, format),
        })
        .await;
    }
    let daemon = Daemon::find().await?;
    let status = daemon.ask(|d| d.status()).await?;
    let look = console.look;
    console.say(&shown(&status, format, look));
    Ok(End::Well)
}

fn shown(status: &wire::Status, format: Format, look: Look) -> String {
    match format {
        Format::Plain => screen(status, look),
        Format::Line => desktop_bar::line(status),
        Format::Waybar => desktop_bar::waybar(status),
        Format::I3 => desktop_bar::i3(status),
        Format::Json => json::line(&json::Status::new(status)),
    }
}

/// The same while nobody answers. There is no such document in JSON but the error's.
fn away(why: &str, format: Format) -> String {
    match format {
        Format::Plain | Format::Line => desktop_bar::AWAY.to_owned(),
        Format::Waybar => desktop_bar::waybar_away(why),
        Format::I3 => desktop_bar::i3_away(),
        Format::Json => Error::new(Kind::Unreachable, why.lines().next().unwrap_or(why)).json(),
    }
}

fn screen(status: &wire::Status, look: Look) -> String {
    let zone = Zone::new(&status.zone);
    let mut lines = Vec::new();
    now(status, zone, look, &mut lines);
    if status.vault == "sealed" {
        lines.extend(wrap("The vault is sealed: only what is counted since then is shown.", look.width, 0));
    }
    let in_force =
        status.standing.as_ref().map(|now| standing::lines(now, status.now_at_ms)).unwrap_or_default();
    if status.paused && status.standing.as_ref().is_none_or(|now| now.paused_until_at_ms.is_none()) {
        lines.extend(wrap("Your rules are paused.", look.width, 0));
    }
    for line in in_force {
        lines.extend(wrap(&line, look.width, 2).iter().map(|line| look.ink(Ink::Soon, line)));
    }
    lines.push(String::new());
    if status.total_ms == 0 && status.top.is_empty() {
        lines.extend(wrap("Today: nothing yet", look.width, 2));
    } else {
        lines.push(format!("Today {}", look.ink(Ink::Strong, &glance(status.total_ms))));
        programs(&status.top, look, &mut lines);
    }
    if !status.limits.is_empty() {
        lines.push(String::new());
        lines.push("Limits".to_owned());
        lines.extend(limits::table(&status.limits, limits::Ids::Hidden, zone, status.now_at_ms, look));
    }
    let problems = phrase::problems(&status.health);
    if !problems.is_empty() {
        lines.push(String::new());
        lines.extend(wrap("Needs attention (see `dwell doctor`)", look.width, 2));
        for problem in problems {
            let text = wrap(&format!("  {problem}"), look.width, 4);
            lines.extend(text.iter().map(|line| look.ink(Ink::Bad, line)));
        }
    }
    lines.join("\n")
}

/// What has attention, and since when.
fn now(status: &wire::Status, zone: Zone, look: Look, lines: &mut Vec<String>) {
    let what = phrase::attention(status);
    let since = match &status.active {
        Some(active) if status.state == "active" => {
            let lasted = u64::try_from(status.now_at_ms.saturating_sub(active.since_at_ms)).unwrap_or(0);
            let since = zone.near(active.since_at_ms, status.now_at_ms);
            format!("since {since}, {}", glance(lasted))
        }
        _ => String::new(),
    };
    if since.is_empty() {
        lines.extend(wrap(&what, look.width, 0).iter().map(|line| look.ink(Ink::Strong, line)));
    } else if width(&what) + 2 + width(&since) <= look.width {
        lines.push(format!("{}  {}", look.ink(Ink::Strong, &what), look.ink(Ink::Faint, &since)));
    } else {
        lines.extend(wrap(&what, look.width, 2).iter().map(|line| look.ink(Ink::Strong, line)));
        lines.extend(wrap(&since, look.width, 2).iter().map(|line| look.ink(Ink::Faint, line)));
    }
}

/// Today's programs with bars; without bars below 40 columns.
fn programs(top: &[wire::Row], look: Look, lines: &mut Vec<String>) {
    let times: Vec<_> = top.iter().map(|row| glance(row.ms)).collect();
    let time_columns = times.iter().map(|time| width(time)).max().unwrap_or(0);
    let names: Vec<_> = top.iter().map(label).collect();
    let indent = if look.width < 40 { 0 } else { 2 };
    let bar_columns = if look.width < 40 { 0 } else { (look.width / 3).min(24) };
    let taken = indent + 2 + time_columns + if bar_columns > 0 { 2 + bar_columns } else { 0 };
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let name_columns = widest.min(look.width.saturating_sub(taken)).max(4);
    let most = top.iter().map(|row| row.ms).max().unwrap_or(0);
    for ((row, name), time) in top.iter().zip(&names).zip(&times) {
        let mut line =
            format!("{}{}  {}", " ".repeat(indent), left(name, name_columns), right(time, time_columns),);
        if bar_columns > 0 {
            line.push_str("  ");
            line.push_str(&look.ink(Ink::Bar, &bar(row.ms, most, bar_columns)));
        }
        lines.push(line);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::output::limits::tests::{NOW, limits};

    fn row(key: &str, name: &str, minutes: u64, extra_ms: u64, opens: u64) -> wire::Row {
        wire::Row {
            key: key.into(),
            name: name.into(),
            kind: "focus".into(),
            category: None,
            ms: minutes * 60_000 + extra_ms,
            opens,
            before_ms: None,
        }
    }

    pub(crate) fn status() -> wire::Status {
        let part = |part: &str, ok, message: &str| wire::Part {
            part: part.into(),
            ok,
            message: message.into(),
            fix: None,
        };
        wire::Status {
            now_at_ms: NOW,
            zone: "Europe/Athens".into(),
            state: "active".into(),
            paused: false,
            active: Some(wire::Active {
                app: "firefox".into(),
                name: "Firefox".into(),
                domain: Some("example.org".into()),
                since_at_ms: NOW - 25 * 60_000,
            }),
            total_ms: 192 * 60_000 + 1500,
            top: vec![
                row("firefox", "Firefox", 100, 600, 12),
                row("code", "Code", 55, 600, 3),
                row("org.example.A-Program-With-A-Very-Long-Id", "日本語の長い名前のプログラム", 37, 300, 1),
            ],
            limits: limits(),
            health: vec![
                part("focus", true, "x11"),
                part("idle", false, "no idle sensor on this desktop\x1b[2J"),
                part("lock", false, "no bus"),
                part("session", false, "no bus"),
            ],
            vault: "open".into(),
            standing: None,
        }
    }

    #[test]
    fn screens() {
        insta::assert_snapshot!(screen(&status(), Look { width: 80, color: false }), @r"
        Firefox (example.org)  since 21:40, 25m

        Today 3h 12m
          Firefox                       1h 40m  ████████████████████████
          Code                             55m  █████████████▎
          日本語の長い名前のプログラム     37m  █████████

        Limits
          app:firefox     ████████    30m of 30m  opens again at 04:00
          category:video  ███████▍    41m of 45m  4m left
          all             ███▎      3h 12m of 8h  4h 48m left

        Needs attention (see `dwell doctor`)
          idle: no idle sensor on this desktop\u{1b}[2J
          lock, session: no bus
        ");
        insta::assert_snapshot!(screen(&status(), Look { width: 40, color: false }), @r"
        Firefox (example.org)  since 21:40, 25m

        Today 3h 12m
          Firefox          1h 40m  █████████████
          Code                55m  ███████▎
          日本語の長い名…     37m  ████▉

        Limits
        app:firefox
          30m of 30m
          opens again at 04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left

        Needs attention (see `dwell doctor`)
          idle: no idle sensor on this
            desktop\u{1b}[2J
          lock, session: no bus
        ");
        insta::assert_snapshot!(screen(&status(), Look { width: 20, color: false }), @r"
        Firefox
          (example.org)
        since 21:40, 25m

        Today 3h 12m
        Firefox       1h 40m
        Code             55m
        日本語の長…      37m

        Limits
        app:firefox
          30m of 30m
          opens again at
          04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left

        Needs attention (see
          `dwell doctor`)
          idle: no idle
            sensor on this
            desktop\u{1b}[2J
          lock, session: no
            bus
        ");
    }

    #[test]
    fn what_is_in_force_stands_on_top() {
        let status = wire::Status {
            standing: Some(standing::tests::standing()),
            paused: true,
            limits: limits::tests::of_every_kind(),
            health: vec![],
            top: vec![],
            ..status()
        };
        insta::assert_snapshot!(screen(&status, Look { width: 80, color: false }), @r"
        Firefox (example.org)  since 21:40, 25m
        In 10m all your own rules are off until the next day starts
        Your open rules are suspended until Tue 22:05
        Focus until 22:55: category:social and app:game\u{1b} are blocked
        Reset week, day 3 of 7
        YouTube: 15m planned, 4m used (find the lecture)

        Today 3h 12m

        Limits
          all                                 not 23:00-07:00  allowed until 23:05
          app:org.example.Game             only 18:00-19:00 …  opens again on Thu 22:05
          category:news                         4 of 5 visits  1 visit left
          app:mail                          1 of 1 visit/hour  the last visit
          domain:youtube.com (reset week)  3h 12m of 10h/week  6h 48m left
          category:social (focus)                3h 12m of 0s  suspended
          category:shopping                3h 12m of 8h/month  put off until 22:10
        ");
        insta::assert_snapshot!(screen(&status, Look { width: 40, color: false }), @r"
        Firefox (example.org)  since 21:40, 25m
        In 10m all your own rules are off until
          the next day starts
        Your open rules are suspended until Tue
          22:05
        Focus until 22:55: category:social and
          app:game\u{1b} are blocked
        Reset week, day 3 of 7
        YouTube: 15m planned, 4m used (find the
          lecture)

        Today 3h 12m

        Limits
        all
          not 23:00-07:00
          allowed until 23:05
        app:org.example.Game
          only 18:00-19:00 …
          opens again on Thu 22:05
        category:news
          4 of 5 visits
          1 visit left
        app:mail
          1 of 1 visit/hour
          the last visit
        domain:youtube.com (reset week)
          3h 12m of 10h/week
          6h 48m left
        category:social (focus)
          3h 12m of 0s
          suspended
        category:shopping
          3h 12m of 8h/month
          put off until 22:10
        ");
        for columns in 16..=100 {
            for line in screen(&status, Look { width: columns, color: false }).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
        let document =
            json::line(&json::Status::new(&wire::Status { paused: false, limits: vec![], ..status }));
        assert!(document.contains("\"paused\":true"), "{document}");
        let (_, tail) = document.split_once("\"standing\":").unwrap();
        insta::assert_snapshot!(tail, @r#"{"paused_until":"2026-11-24T22:05:00.000+02:00","exit_waits_seconds":600,"exit_until":null,"focus_until":"2026-11-21T22:55:00.000+02:00","focus_blocks":["category:social","app:game\u001b"],"intentions":[{"target":"domain:youtube.com","name":"YouTube","at":"2026-11-21T22:01:00.000+02:00","planned_seconds":900,"actual_seconds":240,"to":"find the lecture","over":false},{"target":"domain:youtube.com","name":"YouTube","at":"2026-11-21T22:01:00.000+02:00","planned_seconds":900,"actual_seconds":240,"to":"find the lecture","over":true}],"reset_day":3}}"#);
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for columns in 16..=100 {
            for line in screen(&status(), Look { width: columns, color: false }).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn colours() {
        let shown = screen(&status(), Look { width: 80, color: true }).replace('\x1b', "ESC");
        insta::assert_snapshot!(shown.lines().take(4).collect::<Vec<_>>().join("\n"), @"
        ESC[1mFirefox (example.org)ESC[0m  ESC[2msince 21:40, 25mESC[0m

        Today ESC[1m3h 12mESC[0m
          Firefox                       1h 40m  ESC[36m████████████████████████ESC[0m
        ");
    }

    #[test]
    fn states_in_words() {
        let said = |state: &str| {
            let status = wire::Status {
                state: state.into(),
                active: None,
                limits: vec![],
                health: vec![],
                top: vec![],
                total_ms: 0,
                paused: state == "idle",
                vault: if state == "locked" { "sealed".into() } else { "open".into() },
                ..status()
            };
            screen(&status, Look { width: 80, color: false })
        };
        let all = ["active", "idle", "locked", "asleep", "inactive", "unobserved"].map(said).join("\n--\n");
        insta::assert_snapshot!(all, @"
        No window has focus

        Today: nothing yet
        --
        Away from the keyboard
        Your rules are paused.

        Today: nothing yet
        --
        The session is locked
        The vault is sealed: only what is counted since then is shown.

        Today: nothing yet
        --
        Asleep

        Today: nothing yet
        --
        Another session is in front

        Today: nothing yet
        --
        Nothing can see what has focus

        Today: nothing yet
        ");
    }

    #[test]
    fn documents() {
        insta::assert_snapshot!(json::line(&json::Status::new(&status())), @r#"{"schema":"dwell.status/1","now":"2026-11-21T22:05:00.000+02:00","active":{"app":"firefox","name":"Firefox","domain":"example.org","since":"2026-11-21T21:40:00.000+02:00"},"state":"active","paused":false,"today":{"total_seconds":11522,"top":[{"key":"firefox","name":"Firefox","kind":"focus","category":null,"seconds":6001,"share":0.5208,"opens":12},{"key":"code","name":"Code","kind":"focus","category":null,"seconds":3301,"share":0.2865,"opens":3},{"key":"org.example.A-Program-With-A-Very-Long-Id","name":"日本語の長い名前のプログラム","kind":"focus","category":null,"seconds":2220,"share":0.1927,"opens":1}]},"limits":[{"id":"firefox","target":"app:firefox","used_seconds":1800,"budget_seconds":1800,"left_seconds":0,"verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00","per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":"budget","strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null},{"id":"video","target":"category:video","used_seconds":2460,"budget_seconds":2700,"left_seconds":240,"verdict":"warn","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":"budget","strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null},{"id":"all","target":"all","used_seconds":11520,"budget_seconds":28800,"left_seconds":17280,"verdict":"allowed","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":null,"strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null}],"health":[{"part":"focus","ok":true,"message":"x11"},{"part":"idle","ok":false,"message":"no idle sensor on this desktop\u001b[2J"},{"part":"lock","ok":false,"message":"no bus"},{"part":"session","ok":false,"message":"no bus"}],"vault":"open","standing":null}"#);
        let none = wire::Status {
            active: None,
            limits: vec![],
            health: vec![],
            top: vec![],
            total_ms: 0,
            ..status()
        };
        insta::assert_snapshot!(json::line(&json::Status::new(&none)), @r#"{"schema":"dwell.status/1","now":"2026-11-21T22:05:00.000+02:00","active":null,"state":"active","paused":false,"today":{"total_seconds":0,"top":[]},"limits":[],"health":[],"vault":"open","standing":null}"#);
    }
}
