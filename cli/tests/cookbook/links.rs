//! Where a link of the book or the README leads, there is something.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::book::{self, project};

/// All pages of the book, and those beside it.
fn pages() -> Vec<PathBuf> {
    let beside = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "THREAT-MODEL.md"];
    book::pages().into_iter().chain(beside.map(|page| project().join(page))).collect()
}

/// The text without code, in which brackets mean something else.
fn prose(markdown: &str) -> String {
    let mut prose = String::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for (part, code) in line.split('`').zip([false, true].into_iter().cycle()) {
                prose.push_str(if code { "code" } else { part });
            }
        }
        prose.push('\n');
    }
    prose
}

/// What stands in the round brackets behind square ones, and in `src` and `href`.
fn links(markdown: &str) -> Vec<String> {
    let prose = prose(markdown);
    let mut links = Vec::new();
    for (sign, end) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
        for (at, _) in prose.match_indices(sign) {
            let rest = &prose[at + sign.len()..];
            links.extend(rest.find(end).map(|end| rest[..end].to_owned()));
        }
    }
    links
}

/// The anchors of a page's headings, as mdBook and code hosts make them: small letters, dashes for spaces, no signs; a
/// second one of the same name ends with `-1`.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut seen = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in markdown.lines() {
        fenced ^= line.starts_with("```");
        let Some(title) =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#') && !fenced)
        else {
            continue;
        };
        let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase();
        let times = seen.entry(name.clone()).or_insert(0);
        anchors.insert(if *times == 0 { name } else { format!("{name}-{times}") });
        *times += 1;
    }
    anchors
}

/// A page as mdBook reads it: with the files in it that it includes.
fn whole(page: &Path) -> String {
    let text = std::fs::read_to_string(page).unwrap();
    match text.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
        Some(file) => std::fs::read_to_string(page.parent().unwrap().join(file)).unwrap(),
        None => text,
    }
}

/// Where a link leads to nothing: why.
fn dead(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !target.exists() {
        return Some("no such file".to_owned());
    }
    if file.starts_with("../") && page.starts_with(project().join("docs")) {
        return Some("the rendered book ends at docs".to_owned());
    }
    let docs = project().join("docs");
    if let Ok(in_book) = page.strip_prefix(&docs).and(target.strip_prefix(&docs))
        && in_book.extension().is_some_and(|ending| ending == "md")
    {
        let inside = target.canonicalize().unwrap();
        let listed = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
        if !links(&listed).iter().any(|entry| docs.join(entry).canonicalize().is_ok_and(|at| at == inside)) {
            return Some("the rendered book has only what is in its summary".to_owned());
        }
        // mdBook writes a README as index.html, and has links lead there unless they go on to a heading.
        if anchor.is_some() && target != *page && target.ends_with("README.md") {
            return Some("mdBook does not find a heading of a README".to_owned());
        }
    }
    let anchor = anchor?;
    let there = anchors(&whole(&target));
    (!there.contains(anchor)).then(|| format!("no such heading; there are {there:?}"))
}

#[test]
fn every_link_leads_somewhere() {
    let (mut followed, mut failures) = (0, Vec::new());
    for page in pages() {
        for link in links(&whole(&page)) {
            followed += 1;
            if let Some(why) = dead(&page, &link) {
                let page = page.strip_prefix(project()).unwrap().display();
                failures.push(format!("{page}: ({link}): {why}"));
            }
        }
    }
    assert!(followed > 50, "only {followed} links were found");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// mdBook shows the pages that stand in its summary, and no others.
#[test]
fn every_page_is_in_the_summary() {
    let docs = project().join("docs");
    let listed: BTreeSet<_> =
        links(&std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap()).into_iter().collect();
    for page in pages().iter().filter_map(|page| page.strip_prefix(&docs).ok()) {
        let page = page.to_str().unwrap();
        assert!(page == "SUMMARY.md" || listed.contains(page), "{page} is not in docs/SUMMARY.md");
    }
}

#[test]
fn dead_links_are_found() {
    let page = project().join("docs/limits.md");
    assert_eq!(dead(&page, "#first-days"), None);
    assert_eq!(dead(&page, "categories.md#names"), None);
    assert_eq!(dead(&page, "https://example.org/x"), None);
    assert!(dead(&page, "#first-day").is_some() && dead(&page, "categorie.md").is_some());
    assert_eq!(dead(&page, "schemas/README.md"), None);
    assert!(dead(&page, "schemas/README.md#of-bars").is_some() && dead(&page, "SUMMARY.md").is_some());
    assert!(dead(&page, "categories.md#name").is_some() && dead(&page, "../README.md").is_some());
    assert_eq!(dead(&project().join("README.md"), "docs/THREAT-MODEL.md#tampering"), None);
    assert_eq!(links("a [b](c.md) `[d](e.md)` ![f](g.png)\n```\n[h](i.md)\n```\n"), ["c.md", "g.png"]);
    let anchors = anchors("# Who, and `what` they get\n```\n# no\n```\n## 1. A b\n## A-b\n## A-b\n");
    assert_eq!(anchors.into_iter().collect::<Vec<_>>(), ["1-a-b", "a-b", "a-b-1", "who-and-what-they-get"]);
}
