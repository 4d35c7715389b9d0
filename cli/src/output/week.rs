//! A week in words: what rose, what fell, what was planned. Facts; what changed less than a person would notice is not
//! said, and nothing is said of what that is worth.

use std::collections::BTreeMap;

use dwell_bus::wire;
use dwell_core::report::Moved;
use dwell_core::texts::Texts;
use dwell_core::time::Millis;

use super::report::{digest, label, markdown_text};

/// At most so many things that rose, and as many that fell.
const MOST: usize = 5;

/// A heading with sentences below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) heading: String,
    pub(crate) lines: Vec<String>,
}

/// What comes before the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// None of them is empty.
    pub(crate) parts: Vec<Part>,
}

/// A week, by program, by site and by category.
pub(crate) struct Week {
    pub(crate) apps: wire::Report,
    pub(crate) sites: wire::Report,
    pub(crate) categories: wire::Report,
}

impl Week {
    /// Whether another week can be compared with this one: something is known of it, and all of it.
    fn is_whole(&self) -> bool {
        self.apps.observed_ms > 0 && self.apps.sealed_ms == 0 && self.apps.damaged.is_empty()
    }
}

/// The words for a week and the one before.
pub(crate) fn summary(texts: &Texts, now: &Week, before: &Week) -> Summary {
    let comparable = now.is_whole() && before.is_whole();
    let (rose, fell) = if comparable { moves(texts, now, before) } else { Default::default() };
    let total = moved((), before.apps.total_ms, now.apps.total_ms);
    let whole = texts
        .week_total(minutes(now.apps.total_ms), Some(&total).filter(|m| comparable && m.is_noticeable()));
    let plans = now.apps.intentions.as_deref().unwrap_or_default();
    let planned = (!plans.is_empty()).then(|| {
        let sum = |of: fn(&wire::Intention) -> u64| minutes(plans.iter().map(of).sum());
        texts.week_planned(plans.len() as u64, sum(|plan| plan.planned_ms), sum(|plan| plan.actual_ms))
    });
    let sessions = now.apps.focus_sessions.as_deref().unwrap_or_default();
    let focused = (!sessions.is_empty()).then(|| {
        let sum = |of: fn(&wire::FocusSession) -> u64| minutes(sessions.iter().map(of).sum());
        let (planned, lasted) = (sum(|session| session.planned_ms), sum(|session| session.lasted_ms));
        texts.week_focus(sessions.len() as u64, planned, lasted)
    });
    let lines = [vec![whole], rose, fell, digest(&now.apps), planned.into_iter().chain(focused).collect()];
    let parts = texts.week_headings().into_iter().zip(lines);
    let parts = parts.map(|(heading, lines)| Part { heading, lines });
    Summary { parts: parts.filter(|part| !part.lines.is_empty()).collect() }
}

/// The same as Markdown.
pub(crate) fn markdown(summary: &Summary) -> String {
    let mut text = String::new();
    for Part { heading, lines } in &summary.parts {
        text.push_str(&format!("## {}\n\n", markdown_text(heading)));
        lines.iter().for_each(|line| text.push_str(&format!("- {}\n", markdown_text(line))));
        text.push('\n');
    }
    text
}

/// What rose and what fell, the most first.
fn moves(texts: &Texts, now: &Week, before: &Week) -> (Vec<String>, Vec<String>) {
    let mut all = pairs(&now.categories, &before.categories, |row| texts.category(&label(row)));
    all.extend(pairs(&now.apps, &before.apps, label));
    all.extend(pairs(&now.sites, &before.sites, label));
    all.retain(Moved::is_noticeable);
    all.sort_by(|a, b| b.by().cmp(&a.by()).then_with(|| a.whose.cmp(&b.whose)));
    let told = |rose: bool| {
        let those = all.iter().filter(|moved| moved.rose() == rose);
        those.take(MOST).map(|moved| texts.week_moved(&moved.whose, moved)).collect()
    };
    (told(true), told(false))
}

/// Each row of either week, with both times. What has no name of its own (no site, no category) is left out.
fn pairs(
    now: &wire::Report,
    before: &wire::Report,
    name: impl Fn(&wire::Row) -> String,
) -> Vec<Moved<String>> {
    let mut rows: BTreeMap<(&str, &str), (String, u64, u64)> = BTreeMap::new();
    for (report, is_now) in [(before, false), (now, true)] {
        for row in report.rows.iter().filter(|row| !row.key.is_empty() && row.kind != "others") {
            let (named, then, at) = rows.entry((&row.key, &row.kind)).or_default();
            *named = name(row);
            *if is_now { at } else { then } += row.ms;
        }
    }
    rows.into_values().map(|(name, before, now)| moved(name, before, now)).collect()
}

fn moved<T>(whose: T, before: u64, now: u64) -> Moved<T> {
    Moved { whose, before: minutes(before), now: minutes(now) }
}

/// Nobody counts a week in seconds.
const fn minutes(ms: u64) -> Millis {
    Millis::from_mins(ms / 60_000)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::output::standing::tests::{focus_sessions, plan};

    const MINUTE: u64 = 60_000;

    fn report(by: &str, rows: &[(&str, u64)]) -> wire::Report {
        let row = |(key, minutes): &(&str, u64)| wire::Row {
            key: (*key).into(),
            name: (*key).into(),
            kind: "focus".into(),
            category: None,
            ms: minutes * MINUTE + 1_234,
            opens: 1,
            before_ms: None,
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        let total = rows.iter().map(|row| row.ms).sum();
        wire::Report { by: by.into(), total_ms: total, observed_ms: total, rows, ..wire::Report::default() }
    }

    fn week(apps: &[(&str, u64)], sites: &[(&str, u64)], categories: &[(&str, u64)]) -> Week {
        let (apps, sites) = (report("app", apps), report("domain", sites));
        Week { apps, sites, categories: report("category", categories) }
    }

    pub(crate) fn example() -> Summary {
        let before =
            week(&[("Firefox", 600), ("code", 900), ("Game", 50)], &[("a.example", 100)], &[("video", 100)]);
        let mut now = week(
            &[("Firefox", 800), ("code", 905), ("*Mail* <b>", 30)],
            &[("a.example", 40)],
            &[("video", 400), ("", 500)],
        );
        now.apps.intentions = Some(vec![plan(true), plan(true)]);
        now.apps.focus_sessions = Some(focus_sessions());
        now.apps.digest = Some(vec!["YouTube: its 30m were used by 21:10".into()]);
        summary(&Texts::new("C"), &now, &before)
    }

    #[test]
    fn a_week_in_words() {
        insta::assert_snapshot!(markdown(&example()), @r#"
        ## The week

        - 28h 55m of screen time, 3h 05m more than the week before.

        ## More than the week before

        - Everything in “video”: 6h 40m, 5h more than the week before.
        - Firefox: 13h 20m, 3h 20m more than the week before.
        - \*Mail\* \<b>: 30m; the week before none.

        ## Less than the week before

        - a.example: 40m, 1h less than the week before.
        - Game: none; the week before 50m.

        ## Limits

        - YouTube: its 30m were used by 21:10

        ## Planned

        - Planned 2 times: 30m together, of which 8m were used.
        - 2 focus sessions, planned for 1h 40m together: they lasted 1h 20m.
        "#);
    }

    #[test]
    fn what_is_as_it_was_is_not_said() {
        let same = || week(&[("Firefox", 600), ("code", 900)], &[], &[]);
        let near = week(&[("Firefox", 614), ("code", 820)], &[], &[]);
        insta::assert_snapshot!(markdown(&summary(&Texts::new("C"), &near, &same())), @r#"
        ## The week

        - 23h 54m of screen time.
        "#);
    }

    #[test]
    fn nothing_is_compared_with_what_is_not_known() {
        let now = || week(&[("Firefox", 600)], &[], &[]);
        for change in [
            (|report: &mut wire::Report| report.observed_ms = 0) as fn(&mut wire::Report),
            |report| report.sealed_ms = 1,
            |report| report.damaged = vec!["2026-11-03".into()],
        ] {
            let mut before = week(&[("code", 600)], &[], &[]);
            change(&mut before.apps);
            let words = markdown(&summary(&Texts::new("C"), &now(), &before));
            assert_eq!(words, "## The week\n\n- 10h of screen time.\n\n");
        }
    }
}
