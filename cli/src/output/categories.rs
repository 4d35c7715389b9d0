//! Categories: the table of all, the category of one thing, and their documents.

use dwell_bus::wire;
use serde::Serialize;

use super::look::{Ink, Look};
use super::phrase::count;
use super::text::{left, plain, right, width, wrap};

/// Columns of the heading over the numbers of built-in domains.
const NUMBERS: usize = "built in".len();
/// The person's own entries get at least this many columns, or lines of their own.
const OWN: usize = 24;

/// All categories, how many domains are built in, and what the person put there.
pub(crate) fn table(all: &[wire::CategoryInfo], look: Look) -> String {
    let names = all.iter().map(|one| width(&plain(&one.category))).max().unwrap_or(0).clamp(8, 24);
    let before = names + 2 + NUMBERS + 2;
    let mut lines = Vec::new();
    if before + OWN > look.width {
        for one in all {
            lines.extend(wrap(&plain(&one.category), look.width, 2));
            if one.built_in > 0 {
                let domains = format!("  {} built in", count(one.built_in.into(), "domain"));
                lines.extend(wrap(&domains, look.width, 4));
            }
            lines.extend(one.own.iter().flat_map(|own| wrap(&format!("  {}", plain(own)), look.width, 4)));
        }
    } else {
        let heading = format!("{}  built in  yours", left("category", names));
        lines.push(look.ink(Ink::Faint, &heading));
        for one in all {
            // Where only desktop files lead, a nought would look as if nothing could be in it.
            let number = if one.built_in > 0 { one.built_in.to_string() } else { "–".to_owned() };
            let start = format!("{}  {}", left(&plain(&one.category), names), right(&number, NUMBERS));
            let own: Vec<_> = one.own.iter().map(|own| plain(own)).collect();
            if own.is_empty() {
                lines.push(start);
            } else {
                lines.extend(wrap(&format!("{start}  {}", own.join(", ")), look.width, before));
            }
        }
    }
    lines.push(String::new());
    let note = "Built in are domains; programs have theirs from their desktop files. Change one with `dwell \
                category set TARGET CATEGORY`";
    lines.extend(wrap(note, look.width, 0));
    lines.join("\n")
}

/// `domain:youtu.be is in video, by the built-in catalogue`
pub(crate) fn which(which: &wire::Classified, look: Look) -> String {
    let target = plain(&which.target);
    let text = match &which.category {
        Some(category) => {
            let by = match which.source.as_str() {
                "own" => ", as you said",
                "catalogue" => ", by the built-in catalogue",
                "desktop-file" => ", by its desktop file",
                _ => "",
            };
            format!("{target} is in {}{by}", plain(category))
        }
        None => {
            format!("{target} is in no category. Put it into one: `dwell category set {target} CATEGORY`")
        }
    };
    wrap(&text, look.width, 2).join("\n")
}

/// `dwell.categories/1`
#[derive(Debug, Serialize)]
pub(crate) struct Categories<'a> {
    schema: &'static str,
    categories: Vec<Listed<'a>>,
}

#[derive(Debug, Serialize)]
struct Listed<'a> {
    category: &'a str,
    built_in: u32,
    own: &'a [String],
}

impl<'a> Categories<'a> {
    /// The document of all categories.
    pub(crate) fn new(all: &'a [wire::CategoryInfo]) -> Self {
        let listed = |one: &'a wire::CategoryInfo| Listed {
            category: &one.category,
            built_in: one.built_in,
            own: &one.own,
        };
        Self { schema: "dwell.categories/1", categories: all.iter().map(listed).collect() }
    }
}

/// `dwell.category/1`
#[derive(Debug, Serialize)]
pub(crate) struct Which<'a> {
    schema: &'static str,
    target: &'a str,
    category: Option<&'a str>,
    source: &'a str,
}

impl<'a> Which<'a> {
    /// The document of one thing's category.
    pub(crate) fn new(which: &'a wire::Classified) -> Self {
        Self {
            schema: "dwell.category/1",
            target: &which.target,
            category: which.category.as_deref(),
            source: &which.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json;

    const PLAIN: Look = Look { width: 80, color: false };

    fn all() -> Vec<wire::CategoryInfo> {
        let one = |category: &str, built_in, own: &[&str]| wire::CategoryInfo {
            category: category.into(),
            built_in,
            own: own.iter().map(|own| (*own).to_owned()).collect(),
        };
        let many = ["app:org.gnome.Calculator", "app:org.gnome.clocks", "domain:example.org"];
        vec![one("garden", 0, &many), one("terminal", 0, &[]), one("video", 267, &["app:m\u{1b}pv"])]
    }

    fn classified(target: &str, category: Option<&str>, source: &str) -> wire::Classified {
        wire::Classified {
            target: target.into(),
            category: category.map(str::to_owned),
            source: source.into(),
        }
    }

    #[test]
    fn tables() {
        insta::assert_snapshot!(table(&all(), PLAIN), @r"
        category  built in  yours
        garden           –  app:org.gnome.Calculator, app:org.gnome.clocks,
                            domain:example.org
        terminal         –
        video          267  app:m\u{1b}pv

        Built in are domains; programs have theirs from their desktop files. Change one
        with `dwell category set TARGET CATEGORY`
        ");
        insta::assert_snapshot!(table(&all()[1..], Look { width: 20, color: false }), @r"
        terminal
        video
          267 domains built
            in
          app:m\u{1b}pv

        Built in are
        domains; programs
        have theirs from
        their desktop files.
        Change one with
        `dwell category set
        TARGET CATEGORY`
        ");
        for line in table(&all(), Look { width: 20, color: false }).lines() {
            assert!(width(line) <= 20, "{line}");
        }
    }

    #[test]
    fn one_category() {
        let said = |target, category, source| which(&classified(target, category, source), PLAIN);
        insta::assert_snapshot!(said("domain:youtu.be", Some("video"), "catalogue"), @"domain:youtu.be is in video, by the built-in catalogue");
        insta::assert_snapshot!(said("app:mpv", Some("video"), "desktop-file"), @"app:mpv is in video, by its desktop file");
        insta::assert_snapshot!(said("app:mpv", Some("garden"), "own"), @"app:mpv is in garden, as you said");
        insta::assert_snapshot!(said("app:mpv", Some("garden"), "of-tomorrow"), @"app:mpv is in garden");
        insta::assert_snapshot!(said("app:mpv", None, "none"), @"
        app:mpv is in no category. Put it into one: `dwell category set app:mpv
          CATEGORY`
        ");
    }

    #[test]
    fn documents() {
        insta::assert_snapshot!(json::line(&Categories::new(&all()[1..])), @r#"{"schema":"dwell.categories/1","categories":[{"category":"terminal","built_in":0,"own":[]},{"category":"video","built_in":267,"own":["app:m\u001bpv"]}]}"#);
        insta::assert_snapshot!(json::line(&Which::new(&classified("app:mpv", Some("video"), "own"))), @r#"{"schema":"dwell.category/1","target":"app:mpv","category":"video","source":"own"}"#);
        insta::assert_snapshot!(json::line(&Which::new(&classified("app:mpv", None, "none"))), @r#"{"schema":"dwell.category/1","target":"app:mpv","category":null,"source":"none"}"#);
    }
}
