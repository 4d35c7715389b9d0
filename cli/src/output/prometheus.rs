//! The text format of Prometheus, for the textfile collector of its node exporter.
//!
//! Gauges of one period. Programs, categories and sites are metrics of their own: within each the sum is the whole, and
//! adding up two of them would count time twice. See <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write as _;

use dwell_bus::wire;

use super::text::plain;

/// The metrics. `sites` only where the person asked for them; without them private windows are time of their browser like
/// any other, for that there were any says as much of a person as a site does.
pub(crate) fn metrics(
    apps: &wire::Report,
    categories: &wire::Report,
    sites: Option<&wire::Report>,
) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, samples: &[(String, String)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        samples.iter().for_each(|(labels, value)| _ = writeln!(text, "{name}{labels} {value}"));
    };
    let one = |value: String| vec![(String::new(), value)];
    metric("dwell_period_start_timestamp_seconds", "When the period began.", &one(instant(apps.from_at_ms)));
    metric(
        "dwell_period_end_timestamp_seconds",
        "When the period ended, or now.",
        &one(instant(apps.to_at_ms)),
    );
    metric(
        "dwell_observed_seconds",
        "Attention that was observed, before any filter.",
        &one(seconds(apps.observed_ms)),
    );
    metric("dwell_unobserved_seconds", "Session time that no sensor saw.", &one(seconds(apps.unobserved_ms)));
    metric(
        "dwell_sealed_seconds",
        "Attention that is locked away in the vault.",
        &one(seconds(apps.sealed_ms)),
    );
    metric("dwell_seconds", "Attention in the period.", &one(seconds(apps.total_ms)));
    let rows =
        |report: &wire::Report, label: &str, value: fn(&wire::Row) -> String| -> Vec<(String, String)> {
            let labels = |row: &wire::Row| {
                let name = if row.key == row.name { "" } else { &row.name };
                format!(
                    "{{{label}=\"{}\",kind=\"{}\",name=\"{}\"}}",
                    escaped(&row.key),
                    escaped(&row.kind),
                    escaped(name)
                )
            };
            let shown = if sites.is_some() { report.rows.clone() } else { together(&report.rows) };
            let mut rows: Vec<_> = shown.iter().map(|row| (labels(row), value(row))).collect();
            // Always in the same order, so that only what changed is a difference.
            rows.sort();
            rows
        };
    let time: fn(&wire::Row) -> String = |row| seconds(row.ms);
    metric("dwell_app_seconds", "Attention by program.", &rows(apps, "app", time));
    metric("dwell_app_visits", "Visits begun by program.", &rows(apps, "app", |row| row.opens.to_string()));
    metric("dwell_category_seconds", "Attention by category.", &rows(categories, "category", time));
    if let Some(sites) = sites {
        metric("dwell_domain_seconds", "Attention by site.", &rows(sites, "domain", time));
    }
    text
}

/// Rows in which private windows are not told apart.
fn together(rows: &[wire::Row]) -> Vec<wire::Row> {
    let (private, mut rows): (Vec<_>, Vec<_>) = rows.iter().cloned().partition(|row| row.kind == "private");
    for row in private {
        match rows.iter_mut().find(|other| other.key == row.key && other.kind == "focus") {
            Some(open) => {
                open.ms += row.ms;
                open.opens += row.opens;
            }
            None => rows.push(wire::Row { kind: "focus".to_owned(), ..row }),
        }
    }
    rows
}

/// `3600.25`
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn instant(at_ms: i64) -> String {
    format!("{}.{:03}", at_ms.div_euclid(1000), at_ms.rem_euclid(1000))
}

/// A label's value: backslash, quote and line feed are the only ones that mean anything to the format. What would steer a
/// terminal is escaped before, as everywhere.
fn escaped(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::output::report::tests::report;

    /// A metric's samples: labels and value.
    type Samples = Vec<(BTreeMap<String, String>, f64)>;

    /// Reads the format strictly, as it is described; by metric.
    fn read(text: &str) -> BTreeMap<String, Samples> {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        let (mut metrics, mut helped, mut typed) =
            (BTreeMap::<String, Samples>::new(), BTreeSet::new(), None);
        for line in text.lines() {
            assert!(!line.is_empty() && line.trim() == line, "{line}");
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()) && !words.is_empty(), "{line}");
            } else if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of.split_once(' ').unwrap();
                assert!(kind == "gauge" && helped.contains(name), "{line}");
                assert!(metrics.insert(name.to_owned(), Vec::new()).is_none(), "twice: {line}");
                typed = Some(name.to_owned());
            } else {
                let (name, labels, value) = sample(line);
                assert_eq!(Some(&name), typed.as_ref(), "samples stand below their type");
                let samples = metrics.get_mut(&name).unwrap();
                assert!(samples.iter().all(|(other, _)| *other != labels), "twice: {line}");
                samples.push((labels, value));
            }
        }
        metrics
    }

    fn is_name(name: &str) -> bool {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
        let end = line.find(['{', ' ']).unwrap();
        let (name, mut rest) = line.split_at(end);
        assert!(is_name(name), "{line}");
        let mut labels = BTreeMap::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            loop {
                let (label, value) = rest.split_once("=\"").unwrap();
                assert!(is_name(label), "{line}");
                let (mut text, mut chars) = (String::new(), value.char_indices());
                let end = loop {
                    match chars.next().unwrap() {
                        (at, '"') => break at,
                        (_, '\\') => text.push(match chars.next().unwrap().1 {
                            'n' => '\n',
                            c @ ('\\' | '"') => c,
                            c => panic!("\\{c} means nothing: {line}"),
                        }),
                        (_, c) => text.push(c),
                    }
                };
                assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
                rest = &value[end + 1..];
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break rest = rest.strip_prefix('}').unwrap(),
                }
            }
        }
        (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().parse().unwrap())
    }

    #[test]
    fn private_windows_are_told_apart_only_beside_sites() {
        let row = |key: &str, kind: &str, ms| wire::Row {
            key: key.into(),
            name: key.into(),
            kind: kind.into(),
            ms,
            opens: 1,
            ..wire::Row::default()
        };
        let rows =
            vec![row("firefox", "focus", 2000), row("firefox", "private", 500), row("tor", "private", 70)];
        let apps = wire::Report { rows, total_ms: 2570, ..report() };
        let none = wire::Report { rows: vec![], ..report() };
        let shown = metrics(&apps, &none, None);
        assert!(!shown.contains("private"), "{shown}");
        let samples = read(&shown);
        let sum = |samples: &Samples| samples.iter().map(|(_, value)| value).sum::<f64>();
        assert_eq!((samples["dwell_app_seconds"].len(), sum(&samples["dwell_app_seconds"])), (2, 2.57));
        assert_eq!(sum(&samples["dwell_app_visits"]), 3.0);
        assert!(shown.contains("dwell_app_seconds{app=\"firefox\",kind=\"focus\",name=\"\"} 2.500"));
        let shown = metrics(&apps, &none, Some(&none));
        assert!(shown.contains("dwell_app_seconds{app=\"firefox\",kind=\"private\",name=\"\"} 0.500"));
        let _ = read(&shown);
    }

    #[test]
    fn what_a_strict_reader_finds() {
        let mut apps = report();
        let evil = "back\\slash \"quote\" {brace}, line\nfeed é";
        apps.rows[0].key = evil.to_owned();
        let categories = wire::Report { by: "category".into(), rows: apps.rows[1..3].to_vec(), ..report() };
        let text = metrics(&apps, &categories, None);
        let found = read(&text);
        assert_eq!(found["dwell_app_seconds"].len(), apps.rows.len());
        let sum: f64 = found["dwell_app_seconds"].iter().map(|(_, value)| value).sum();
        assert!((sum - found["dwell_seconds"][0].1).abs() < 0.001);
        let said = evil.replace('\n', "\\n");
        assert!(found["dwell_app_seconds"].iter().any(|(labels, _)| labels["app"] == said));
        assert!(!found.contains_key("dwell_domain_seconds"));
        let sites = wire::Report { by: "domain".into(), ..report() };
        assert!(read(&metrics(&apps, &categories, Some(&sites))).contains_key("dwell_domain_seconds"));
        // The order of rows says nothing.
        apps.rows.reverse();
        assert_eq!(metrics(&apps, &categories, None), text);
    }

    #[test]
    fn the_text() {
        let rows = report().rows.into_iter().take(2).collect::<Vec<_>>();
        let apps = wire::Report { rows: rows.clone(), ..report() };
        let categories = wire::Report {
            rows: vec![wire::Row { key: String::new(), name: "(no category)".into(), ..rows[0].clone() }],
            ..report()
        };
        insta::assert_snapshot!(metrics(&apps, &categories, None), @r#"
        # HELP dwell_period_start_timestamp_seconds When the period began.
        # TYPE dwell_period_start_timestamp_seconds gauge
        dwell_period_start_timestamp_seconds 1795226400.000
        # HELP dwell_period_end_timestamp_seconds When the period ended, or now.
        # TYPE dwell_period_end_timestamp_seconds gauge
        dwell_period_end_timestamp_seconds 1795291500.000
        # HELP dwell_observed_seconds Attention that was observed, before any filter.
        # TYPE dwell_observed_seconds gauge
        dwell_observed_seconds 11102.100
        # HELP dwell_unobserved_seconds Session time that no sensor saw.
        # TYPE dwell_unobserved_seconds gauge
        dwell_unobserved_seconds 720.000
        # HELP dwell_sealed_seconds Attention that is locked away in the vault.
        # TYPE dwell_sealed_seconds gauge
        dwell_sealed_seconds 0.000
        # HELP dwell_seconds Attention in the period.
        # TYPE dwell_seconds gauge
        dwell_seconds 11102.100
        # HELP dwell_app_seconds Attention by program.
        # TYPE dwell_app_seconds gauge
        dwell_app_seconds{app="code",kind="focus",name="Code, \"the\" editor"} 3300.400
        dwell_app_seconds{app="firefox",kind="focus",name="Firefox"} 6000.400
        # HELP dwell_app_visits Visits begun by program.
        # TYPE dwell_app_visits gauge
        dwell_app_visits{app="code",kind="focus",name="Code, \"the\" editor"} 1
        dwell_app_visits{app="firefox",kind="focus",name="Firefox"} 12
        # HELP dwell_category_seconds Attention by category.
        # TYPE dwell_category_seconds gauge
        dwell_category_seconds{category="",kind="focus",name="(no category)"} 6000.400
        "#);
    }
}
