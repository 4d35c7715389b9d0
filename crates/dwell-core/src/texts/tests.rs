use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;
use crate::calendar::Calendar;
use crate::rules::AtLimit;
use crate::time::Wall;

const ENGLISH: &str = include_str!("en.ftl");

/// Saturday, 21 November 2026, at this time in UTC.
fn at(days: i64, time: &str) -> Wall {
    let (hours, minutes) = time.split_once(':').unwrap();
    let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
    Wall::from_unix_ms(1_795_219_200_000 + days * 86_400_000 + minutes * 60_000)
}

fn moment(time: &str) -> Moment {
    Moment { calendar: Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap()), now: at(0, time) }
}

const PERIODS: [Per; 4] = [Per::Hour, Per::Day, Per::Week, Per::Month];
const AT_LIMIT: [AtLimit; 5] =
    [AtLimit::Notify, AtLimit::Block, AtLimit::Close, AtLimit::Freeze, AtLimit::Lock];
const DONE: [Done; 7] =
    [Done::Told, Done::Closed, Done::AskedToClose, Done::Kept, Done::Frozen, Done::NotFrozen, Done::Locked];

fn minutes(minutes: u64) -> Millis {
    Millis::from_mins(minutes)
}

fn warning(per: Per, at_limit: AtLimit) -> Warning<'static> {
    let until = at(1, "4:00");
    Warning {
        name: "YouTube",
        left: minutes(5),
        used: minutes(25),
        budget: minutes(30),
        per,
        at_limit,
        until,
    }
}

fn time(budget: u64, per: Per) -> Cause {
    Cause::Time { used: minutes(budget), budget: minutes(budget), per }
}

fn reached(cause: Cause, done: Done) -> Reached<'static> {
    Reached { name: "YouTube", cause, done, until: at(1, "4:00") }
}

/// Everything that there is to say, in every form.
fn all(texts: &Texts, periods: &[Per]) -> Vec<Notice> {
    let now = moment("18:20");
    let line = |line: String| Notice { summary: line, body: String::new() };
    let until = at(1, "4:00");
    let mut said = Vec::new();
    for per in periods.iter().copied() {
        said.extend(AT_LIMIT.map(|at_limit| texts.warning(&now, &warning(per, at_limit))));
    }
    for at_limit in AT_LIMIT {
        said.push(texts.closes(&now, &Closes { name: "YouTube", at: at(0, "22:00"), at_limit, until }));
    }
    let mut causes = vec![Cause::Hours, Cause::Focus, Cause::NotToday];
    for per in periods.iter().copied() {
        causes.extend([time(30, per), time(0, per)]);
        causes.extend([1, 5].map(|visits| Cause::Visits { visits, per }));
    }
    for cause in causes {
        said.extend(DONE.map(|done| texts.reached(&now, &reached(cause, done))));
        said.extend(
            [Done::Told, Done::Closed]
                .map(|done| texts.because(&now, "evening-video", &reached(cause, done))),
        );
        said.push(line(texts.digest(&now, "YouTube", cause, now.now)));
        said.push(line(texts.heading("YouTube", Some(cause), until)));
    }
    let two_hundred_seconds = Millis::from_secs(200);
    said.extend([Some(until), None].map(|until| texts.returned(&now, "YouTube", until)));
    said.extend([Some(until), None].map(|until| texts.unseen(&now, "Firefox", "YouTube", until)));
    for sentence in [None, Some("youtube.com")] {
        said.push(texts.snooze_waits(&now, "YouTube", two_hundred_seconds, now.now, sentence, None));
    }
    let still = Some(("bedtime", Some(until)));
    for sentence in [None, Some("youtube.com")] {
        said.push(texts.snooze_waits(&now, "YouTube", minutes(5), now.now, sentence, still));
    }
    for left in [0, 1, 2] {
        let snoozed = Snoozed { name: "YouTube", length: minutes(5), until: at(0, "21:35"), left };
        said.push(texts.snoozed(&now, &snoozed, None));
        let still = [Some(until), None].map(|until| Some(("evening-video", until)));
        said.extend(still.map(|still| texts.snoozed(&now, &snoozed, still)));
    }
    said.push(texts.snooze_over(&now, "YouTube", Some(until)));
    said.push(texts.no_snooze(&now, "YouTube", Some(until)));
    said.extend(prompt(texts, periods).into_iter().map(line));
    said.extend([texts.close(), texts.why()].map(line));
    said.push(texts.focus_over(minutes(50)));
    said.extend(["", "find X"].map(|to| texts.intention_over("YouTube", minutes(15), to)));
    said.extend([texts.pause_over(), texts.exit_over(), texts.reset_over()]);
    said.push(texts.exit_holds(&now, until));
    said.push(texts.change_ready("YouTube", "youtube-2"));
    said.push(line(texts.everything()));
    said.extend(week(texts).into_iter().map(line));
    said.push(texts.week_ready("/home/anna/week.html"));
    for days in 0..40 {
        let when = at(days, "23:00");
        said.extend([texts.at(&now, when), texts.until(&now, when)].map(line));
    }
    said
}

/// Everything that the summary of a week says.
fn week(texts: &Texts) -> Vec<String> {
    let moved = |before, now| crate::report::Moved { whose: (), before: minutes(before), now: minutes(now) };
    let mut said = vec![texts.week_total::<()>(minutes(1880), None)];
    said.extend(
        [(2130, 1880), (1700, 1880)]
            .map(|(then, now)| texts.week_total(minutes(now), Some(&moved(then, now)))),
    );
    let both = [(60, 90), (90, 60), (0, 60), (60, 0)];
    said.extend(both.map(|(then, now)| texts.week_moved("YouTube", &moved(then, now))));
    said.extend([1, 5].map(|times| texts.week_planned(times, minutes(75), minutes(58))));
    said.extend([1, 4].map(|sessions| texts.week_focus(sessions, minutes(200), minutes(170))));
    said.extend(texts.week_headings());
    said
}

/// Everything that the window says.
fn prompt(texts: &Texts, periods: &[Per]) -> Vec<String> {
    let (now, until) = (moment("18:20"), at(1, "4:00"));
    let mut said = vec![
        texts.heading("YouTube", None, until),
        texts.opens_again(&now, until),
        texts.also(&["Firefox".to_owned(), "news".to_owned()]),
        texts.another_sentence(),
        texts.sentence_field(),
        texts.asks_sentence(minutes(5), "I want this"),
        texts.close_does("YouTube"),
        texts.why_does(),
        texts.rules_that_apply(),
        texts.used_bar(),
        texts.nobody(),
        texts.category("video"),
        texts.used_visits(5, 5),
        texts.used_visits(1, 1),
    ];
    for (used, budget) in
        [(30 * 60, 30 * 60), (60, 60), (61 * 60, 3600), (1, 40), (20, 1800), (0, 5 * 3600 + 120)]
    {
        said.push(texts.used_time(Millis::from_secs(used), Millis::from_secs(budget)));
    }
    for wait in [1, 12, 90] {
        said.push(texts.more_in(minutes(5), Millis::from_secs(wait)));
        said.push(texts.more_waits(Millis::from_ms(wait * 1000 - 400)));
    }
    for still in [None, Some(("evening-video", Some(until))), Some(("evening-video", None))] {
        said.extend([1, 3].map(|left| texts.more_left(&now, left, still)));
    }
    let rule = RuleLine {
        name: "Everything in “video”",
        used: None,
        per: Per::Day,
        days: None,
        hours: None,
        state: RuleState::Open,
    };
    for per in periods.iter().copied() {
        let rule = RuleLine { used: Some("30 of 45 minutes".to_owned()), per, ..rule.clone() };
        let hours =
            RuleLine { days: Some("mon-wed,fri"), hours: Some("blocked 22:00-07:00"), ..rule.clone() };
        said.extend([&rule, &hours].map(|rule| texts.rule_line(&now, rule)));
    }
    let states = [RuleState::Suspended, RuleState::PutOff(until), RuleState::Blocks(until), RuleState::Never];
    for state in states {
        let rule = RuleLine { hours: Some("allowed 09:00-17:00"), state, ..rule.clone() };
        said.push(texts.rule_line(&now, &rule));
    }
    said
}

/// The ids in a Fluent file (`warning.summary`), each with the variables that its text names.
fn messages(file: &str) -> Vec<(String, BTreeSet<&str>)> {
    let mut found: Vec<(String, BTreeSet<&str>)> = Vec::new();
    let mut message = "";
    for line in file.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let attribute = line.strip_prefix("    .").and_then(|rest| rest.split_once(" ="));
        if let Some((attribute, _)) = attribute {
            found.push((format!("{message}.{attribute}"), BTreeSet::new()));
        } else if let Some((id, _)) =
            line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            message = id;
            if !line.ends_with('=') {
                found.push((id.to_owned(), BTreeSet::new()));
            }
        }
        let variables = line.split('$').skip(1);
        let names = variables.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap());
        if let Some((_, known)) = found.last_mut() {
            known.extend(names);
        }
    }
    found
}

/// A language whose every message says its own id and all of its variables.
fn babel(messages: &[(String, BTreeSet<&str>)]) -> String {
    let mut file = String::new();
    let mut last = "";
    for (id, variables) in messages {
        let (message, attribute) = id.split_once('.').unwrap_or((id, ""));
        let variables: String = variables.iter().map(|name| format!(" {{ ${name} }}")).collect();
        let text = format!("[{id}]{variables}");
        match attribute {
            "" => writeln!(file, "{message} = {text}"),
            _ if message == last => writeln!(file, "    .{attribute} = {text}"),
            _ => writeln!(file, "{message} =\n    .{attribute} = {text}"),
        }
        .unwrap();
        last = message;
    }
    file
}

#[test]
fn every_message_is_asked_for_and_every_one_asked_for_is_there() {
    let known = messages(ENGLISH);
    assert!(known.len() > 80, "the file is not read well: {}", known.len());
    for (tag, file) in LOCALES {
        if let Err((_, errors)) = FluentResource::try_new((*file).to_owned()) {
            panic!("{tag}: {errors:?}");
        }
        let ids = messages(file);
        assert!(
            ids.iter().all(|(id, _)| known.iter().any(|(known, _)| known == id)),
            "{tag} has a stray message"
        );
        let distinct: BTreeSet<_> = ids.iter().map(|(id, _)| id).collect();
        assert_eq!(distinct.len(), ids.len(), "{tag} has a message twice");
        for Notice { summary, body } in all(&Texts::among(LOCALES, tag), &PERIODS) {
            let said = format!("{summary} {body}");
            assert!(!said.contains(['⟦', '{', '$']), "{tag}: {said}");
        }
    }
    // The same in a language that shows which message was asked for, and asks for all of its variables at once.
    let babel = babel(&known);
    let texts = Texts::among(&[("xx", &babel)], "xx");
    let said: String =
        all(&texts, &PERIODS).into_iter().map(|Notice { summary, body }| summary + &body).collect();
    assert!(!said.contains('⟦'), "asked for and not there, or without one of its variables: {said}");
    let unused: Vec<_> = known.iter().filter(|(id, _)| !said.contains(&format!("[{id}]"))).collect();
    assert!(unused.is_empty(), "never asked for: {unused:?}");
}

#[test]
fn a_partial_language_falls_back_message_by_message() {
    let greek = "warning =\n    .summary = { $name }: απομένουν { $left }\n\
                 pause-over =\n    .summary = { $nobody } τέλος\n\
                 this is no message\n";
    let known = [
        ("en", ENGLISH),
        ("el", greek),
        ("pt-BR", "everything = Tempo de tela\n"),
        ("pt", "everything = Ecrã\n"),
    ];
    let texts = Texts::among(&known, "el_GR.UTF-8");
    let warning = texts.warning(&moment("18:20"), &warning(Per::Day, AtLimit::Notify));
    assert_eq!(warning.summary, "YouTube: απομένουν 5m");
    assert_eq!(warning.body, "25m of 30m used. You will be told when it is used up.");
    // One that asks for a variable which there is not is as good as none.
    assert_eq!(texts.pause_over().summary, "The pause is over");
    let everything = |locale: &str| Texts::among(&known, locale).everything();
    assert_eq!(["pt_BR.UTF-8", "pt_PT@euro", "pt"].map(everything), ["Tempo de tela", "Ecrã", "Ecrã"]);
    for locale in ["", "C", "POSIX", "en_GB.UTF-8", "tlh", "../../etc", "_", "el"] {
        assert_eq!(everything(locale), "Screen time", "{locale}");
    }
}

#[test]
fn nothing_is_loud_or_long() {
    let said = ENGLISH.lines().filter(|line| !line.starts_with('#'));
    assert!(!said.into_iter().any(|line| line.contains(['!', '\'', '"'])), "loud, or quoted by a typewriter");
    for Notice { summary, body } in all(&Texts::new(""), &PERIODS) {
        if body.is_empty() {
            continue;
        }
        // mako and dunst show some forty characters a line, GNOME and Plasma fewer of a summary.
        assert!(summary.chars().count() <= 50, "{summary}");
        assert!(body.chars().count() <= 120, "{body}");
        assert!(!summary.ends_with('.') && body.chars().all(|c| c != '\n'), "{summary}: {body}");
    }
}

#[test]
fn names_and_words_of_a_person_are_taken_as_they_are() {
    let texts = Texts::new("en");
    let notice = texts.intention_over("{ $to } <b>&", minutes(15), "read \u{201c}{name}\u{201d}");
    assert_eq!(notice.summary, "{ $to } <b>&: 15m are over");
    assert!(notice.body.contains("“read “{name}””"), "{}", notice.body);
}

#[test]
fn notices_are_not_printed() {
    let notice = Texts::new("en").pause_over();
    assert_eq!(format!("{notice:?}"), "Notice(‹redacted›)");
    assert_eq!(
        format!("{:?}", Texts::new("el_GR")),
        "[LanguageIdentifier { language: Language(Some(\"en\")), script: None, region: None, variants: None }]"
    );
}

#[test]
fn an_instant_is_named_as_one_would_say_it() {
    let texts = Texts::new("en");
    let named = |now: &str, days, time| texts.at(&moment(now), at(days, time));
    assert_eq!(named("18:20", 0, "22:00"), "at 22:00");
    assert_eq!(named("18:20", 1, "4:00"), "tomorrow at 04:00");
    assert_eq!(named("18:20", 2, "4:00"), "on Monday at 04:00");
    assert_eq!(named("18:20", 7, "4:00"), "on 28 November at 04:00");
    // At one in the morning, "tomorrow" is the day that has begun already.
    assert_eq!(named("1:00", 0, "4:00"), "at 04:00");
    assert_eq!(named("1:00", 1, "4:00"), "on Sunday at 04:00");
    assert_eq!(texts.until(&moment("1:00"), at(1, "4:00")), "until Sunday at 04:00");
}

#[test]
fn the_sentences() {
    let mut shown = String::new();
    let mut seen = BTreeSet::new();
    for Notice { summary, body } in all(&Texts::new("en"), &[Per::Day]) {
        let line = if body.is_empty() { summary } else { format!("{summary} | {body}") };
        // Instants have a test of their own.
        if !line.ends_with("at 23:00") && !line.ends_with("until 23:00") && seen.insert(line.clone()) {
            writeln!(shown, "{line}").unwrap();
        }
    }
    insta::assert_snapshot!(shown, @r#"
    YouTube: 5m left today | 25m of 30m used. You will be told when it is used up.
    YouTube: 5m left today | 25m of 30m used. After that it is closed until tomorrow at 04:00.
    YouTube: 5m left today | 25m of 30m used. After that it is asked to close: a good moment to save your work.
    YouTube: 5m left today | 25m of 30m used. After that it is frozen until tomorrow at 04:00: a good moment to save your work.
    YouTube: 5m left today | 25m of 30m used. After that the screen is locked: a good moment to save your work.
    YouTube: your hours end at 22:00 | They begin again tomorrow at 04:00.
    YouTube closes at 22:00 | It opens again tomorrow at 04:00.
    YouTube closes at 22:00 | It is asked to close then: a good moment to save your work. It opens again tomorrow at 04:00.
    YouTube closes at 22:00 | It is frozen then: a good moment to save your work. It goes on tomorrow at 04:00.
    YouTube closes at 22:00 | The screen is locked then: a good moment to save your work. It opens again tomorrow at 04:00.
    YouTube: outside your hours | You had not planned it for this time.
    YouTube is closed now | These are not its hours. It opens again tomorrow at 04:00.
    YouTube is closed now | These are not its hours. It was asked to close, and opens again tomorrow at 04:00.
    YouTube is closed now | These are not its hours. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube is closed now | These are not its hours. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube is closed now | These are not its hours. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube is closed now | These are not its hours. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | You had not planned it for this time. That is your rule “evening-video”.
    Why YouTube is closed | These are not its hours. That is your rule “evening-video”. It opens again tomorrow at 04:00.
    YouTube: outside its hours at 18:20
    YouTube is closed now
    YouTube is closed now | A focus session runs.
    YouTube is closed now | A focus session runs. It opens again tomorrow at 04:00.
    YouTube is closed now | A focus session runs. It was asked to close, and opens again tomorrow at 04:00.
    YouTube is closed now | A focus session runs. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube is closed now | A focus session runs. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube is closed now | A focus session runs. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube is closed now | A focus session runs. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | A focus session runs.
    Why YouTube is closed | A focus session runs. It opens again tomorrow at 04:00.
    YouTube: opened at 18:20, in a focus session
    YouTube is closed | There is no time for it today.
    YouTube is closed | There is no time for it today. It opens again tomorrow at 04:00.
    YouTube is closed | There is no time for it today. It was asked to close, and opens again tomorrow at 04:00.
    YouTube is closed | There is no time for it today. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube is closed | There is no time for it today. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube is closed | There is no time for it today. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube is closed | There is no time for it today. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | There is no time for it today. That is your rule “evening-video”.
    Why YouTube is closed | There is no time for it today. That is your rule “evening-video”. It opens again tomorrow at 04:00.
    YouTube: opened at 18:20, outside your plan
    YouTube is closed
    YouTube: that was today’s time | You had planned 30m for today.
    YouTube: that was today’s time | Today’s 30m are used. It opens again tomorrow at 04:00.
    YouTube: that was today’s time | Today’s 30m are used. It was asked to close, and opens again tomorrow at 04:00.
    YouTube: that was today’s time | Today’s 30m are used. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube: that was today’s time | Today’s 30m are used. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube: that was today’s time | Today’s 30m are used. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube: that was today’s time | Today’s 30m are used. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | You had planned 30m for today. That is your rule “evening-video”.
    Why YouTube is closed | Today’s 30m are used. That is your rule “evening-video”. It opens again tomorrow at 04:00.
    YouTube: its 30m were used by 18:20
    YouTube: that was today’s time
    YouTube is closed | There is no time for it in your plan.
    About YouTube | There is no time for it in your plan. That is your rule “evening-video”.
    Why YouTube is closed | There is no time for it in your plan. That is your rule “evening-video”.
    YouTube: that was today’s visit | You had planned one visit for today.
    YouTube: that was today’s visit | Today’s visit is used. It opens again tomorrow at 04:00.
    YouTube: that was today’s visit | Today’s visit is used. It was asked to close, and opens again tomorrow at 04:00.
    YouTube: that was today’s visit | Today’s visit is used. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube: that was today’s visit | Today’s visit is used. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube: that was today’s visit | Today’s visit is used. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube: that was today’s visit | Today’s visit is used. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | You had planned one visit for today. That is your rule “evening-video”.
    Why YouTube is closed | Today’s visit is used. That is your rule “evening-video”. It opens again tomorrow at 04:00.
    YouTube: its one visit was used by 18:20
    YouTube: that was today’s visit
    YouTube: those were today’s visits | You had planned 5 visits for today.
    YouTube: those were today’s visits | Today’s 5 visits are used. It opens again tomorrow at 04:00.
    YouTube: those were today’s visits | Today’s 5 visits are used. It was asked to close, and opens again tomorrow at 04:00.
    YouTube: those were today’s visits | Today’s 5 visits are used. It still holds work, so it was only put away. It opens again tomorrow at 04:00.
    YouTube: those were today’s visits | Today’s 5 visits are used. It is frozen, and goes on tomorrow at 04:00 as you left it.
    YouTube: those were today’s visits | Today’s 5 visits are used. It cannot be frozen safely, so it was put away. It opens again tomorrow at 04:00.
    YouTube: those were today’s visits | Today’s 5 visits are used. The screen was locked. It opens again tomorrow at 04:00.
    About YouTube | You had planned 5 visits for today. That is your rule “evening-video”.
    Why YouTube is closed | Today’s 5 visits are used. That is your rule “evening-video”. It opens again tomorrow at 04:00.
    YouTube: its 5 visits were used by 18:20
    YouTube: those were today’s visits
    YouTube is still closed | It opens again tomorrow at 04:00.
    YouTube is still closed | There is no time for it in your plan.
    Firefox was put away | YouTube is closed until tomorrow at 04:00, and dwell cannot see what is open here.
    Firefox was put away | YouTube is closed, and dwell cannot see what is open here.
    YouTube: 3m 20s more from 18:20:00 | It opens by itself then, until 18:23.
    YouTube: 3m 20s more from 18:20:00 | From then on, type your sentence: dwell snooze youtube.com
    YouTube: 5 more minutes from 18:20:00 | Another rule of yours, “bedtime”, keeps it closed until tomorrow at 04:00.
    YouTube: 5 more minutes from 18:20:00 | From then on, type your sentence: dwell snooze youtube.com
    YouTube: 5 more minutes | Open until 21:35, for the last time today.
    YouTube: 5 more minutes | Another rule of yours, “evening-video”, keeps it closed until tomorrow at 04:00.
    YouTube: 5 more minutes | Another rule of yours, “evening-video”, keeps it closed.
    YouTube: 5 more minutes | Open until 21:35. After that, once more today.
    YouTube: 5 more minutes | Open until 21:35. After that, 2 more times today.
    YouTube: the extra time is over | It opens again tomorrow at 04:00.
    YouTube: no more extra time today | It opens again tomorrow at 04:00.
    YouTube: a moment to look up
    It opens again tomorrow at 04:00.
    Also at the limit: Firefox, news.
    That is not the sentence yet. Commas and full stops count as well.
    Your sentence
    For 5 more minutes, type: “I want this”
    Asks the windows of YouTube to close.
    Shows the rules that apply.
    The rules that apply
    Used
    dwell does not answer. It may be starting anew.
    Everything in “video”
    5 of 5 visits
    1 of 1 visit
    30 of 30 minutes
    1 of 1 minute
    1 hour 1 minute of 1 hour
    1 second of 40 seconds
    20 seconds of 30 minutes
    0 seconds of 5 hours 2 minutes
    5 more minutes, in 1 s
    Can be pressed after 1 second.
    5 more minutes, in 12 s
    Can be pressed after 12 seconds.
    5 more minutes, in 1:30
    Can be pressed after 90 seconds.
    Once more today.
    3 times left today.
    Once more today. Another rule of yours, “evening-video”, keeps it closed until tomorrow at 04:00.
    3 times left today. Another rule of yours, “evening-video”, keeps it closed until tomorrow at 04:00.
    Once more today. Another rule of yours, “evening-video”, keeps it closed.
    3 times left today. Another rule of yours, “evening-video”, keeps it closed.
    Everything in “video”: 30 of 45 minutes today
    Everything in “video”: 30 of 45 minutes today; blocked 22:00–07:00; only mon–wed, fri
    Everything in “video”: allowed 09:00–17:00; off for now
    Everything in “video”: allowed 09:00–17:00; put off until tomorrow at 04:00
    Everything in “video”: allowed 09:00–17:00; opens again tomorrow at 04:00
    Everything in “video”: allowed 09:00–17:00; closed, for it allows no time
    Close
    Why
    The focus session is over | It lasted 50m. Everything is open again as your rules have it.
    YouTube: 15m are over | You opened YouTube for 15m. That time is over.
    YouTube: 15m are over | You opened YouTube for 15m to “find X”. That time is over.
    The pause is over | Your rules hold again.
    Your rules hold again | A new day has begun.
    The reset week is over | Your own rules are back, unchanged.
    Your rules are off | They hold again tomorrow at 04:00.
    YouTube: the change can be made now | To make it: dwell limit confirm youtube-2. Otherwise everything stays as it is.
    Screen time
    31h 20m of screen time.
    31h 20m of screen time, 4h 10m less than the week before.
    31h 20m of screen time, 3h more than the week before.
    YouTube: 1h 30m, 30m more than the week before.
    YouTube: 1h, 30m less than the week before.
    YouTube: 1h; the week before none.
    YouTube: none; the week before 1h.
    Planned once: 1h 15m, of which 58m were used.
    Planned 5 times: 1h 15m together, of which 58m were used.
    One focus session, planned for 3h 20m: it lasted 2h 50m.
    4 focus sessions, planned for 3h 20m together: they lasted 2h 50m.
    The week
    More than the week before
    Less than the week before
    Limits
    Planned
    Your week is ready to read | It is in /home/anna/week.html, which only you can read.
    "#);
}

#[test]
fn a_focus_session_is_named_and_ends() {
    let (texts, now) = (Texts::new("en"), moment("18:20"));
    let focus = reached(Cause::Focus, Done::Closed);
    assert_eq!(texts.reached(&now, &focus).body, "A focus session runs. It opens again tomorrow at 04:00.");
    // It is no rule that they wrote.
    assert_eq!(texts.because(&now, "focus", &focus).body, texts.reached(&now, &focus).body);
    let (why, opens) = texts.blocked_page(&now, "focus", &focus);
    assert_eq!(
        (why.as_str(), opens.as_str()),
        ("A focus session runs.", "It opens again tomorrow at 04:00.")
    );
}

#[test]
fn nothing_on_some_days_opens_again_on_others() {
    let (texts, now) = (Texts::new("en"), moment("18:20"));
    let today = reached(Cause::NotToday, Done::Closed);
    let body = texts.reached(&now, &today).body;
    assert_eq!(body, "There is no time for it today. It opens again tomorrow at 04:00.");
}
