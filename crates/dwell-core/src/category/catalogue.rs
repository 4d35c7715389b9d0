//! The built-in catalogue: which category public web domains belong to.
//!
//! The lines are in `domains.txt`, which says where they come from; it is part of the program, and nothing is fetched. A
//! domain that is not listed belongs where the nearest domain above it does, if that is listed.

use std::sync::LazyLock;

const TEXT: &str = include_str!("domains.txt");

/// Domains and their categories, in the order of the domains' bytes.
static TABLE: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let mut table: Vec<_> = lines(TEXT).collect();
    table.sort_unstable();
    table
});

/// Each domain with its category, in the order of the text.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut category = "";
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(move |line| match line
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(name) => {
            category = name;
            None
        }
        None => Some((line, category)),
    })
}

/// The category of a domain in lower case, or of the nearest one above it.
pub(crate) fn category(domain: &str) -> Option<&'static str> {
    let table: &[(&'static str, &'static str)] = &TABLE;
    above(domain).find_map(|domain| {
        let at = table.binary_search_by(|(listed, _)| (*listed).cmp(domain)).ok()?;
        table.get(at).map(|(_, category)| *category)
    })
}

/// The categories of what is listed below a domain in lower case, other than the domain itself.
pub(crate) fn below(domain: &str) -> impl Iterator<Item = &'static str> {
    let is_below = move |listed: &str| listed.strip_suffix(domain).is_some_and(|front| front.ends_with('.'));
    TABLE.iter().filter(move |(listed, _)| is_below(listed)).map(|(_, category)| *category)
}

/// The domains that are listed in a category, in order.
pub(super) fn domains_in<'a>(category: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    TABLE.iter().filter(move |(_, of)| *of == category).map(|(domain, _)| *domain)
}

/// How many domains are listed in a category.
pub(super) fn size(category: &str) -> usize {
    TABLE.iter().filter(|(_, of)| *of == category).count()
}

/// A domain and the ones above it, the nearest first: `a.b.org`, `b.org`, `org`.
pub(crate) fn above(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::NAMES;

    /// The domains of each category, as they stand in the text.
    fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
        let mut groups: Vec<(_, Vec<_>)> = Vec::new();
        for (domain, category) in lines(TEXT) {
            match groups.last_mut().filter(|(last, _)| *last == category) {
                Some((_, domains)) => domains.push(domain),
                None => groups.push((category, vec![domain])),
            }
        }
        groups
    }

    /// Two labels or more of what the DNS and browsers take, and a top-level domain that is no number.
    fn is_domain(text: &str) -> bool {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = text.rsplit('.').next().unwrap();
        text.contains('.')
            && text.len() <= 253
            && text.split('.').all(label)
            && (last.starts_with("xn--") || last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase()))
    }

    #[test]
    fn the_text_has_its_form() {
        let groups = groups();
        assert!(groups.is_sorted_by(|(a, _), (b, _)| a < b), "categories stand once each, in order");
        for (category, domains) in &groups {
            assert!(NAMES.contains(category), "[{category}] is no category");
            for domain in domains {
                assert!(is_domain(domain), "{domain} in [{category}] is no domain");
            }
            for pair in domains.windows(2) {
                assert!(pair[0] < pair[1], "{} stands before {} in [{category}]", pair[0], pair[1]);
            }
        }
        for pair in TABLE.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "it is in [{}] and in [{}]", pair[0].1, pair[1].1);
        }
        assert!(TABLE.len() >= 300, "{}", TABLE.len());
        let headings = TEXT.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(headings, groups.len(), "a category is empty");
    }

    #[test]
    fn a_part_has_a_line_only_where_it_differs() {
        for (domain, own) in TABLE.iter() {
            let (_, rest) = domain.split_once('.').unwrap();
            assert_ne!(category(rest), Some(*own), "{domain} needs no line");
        }
    }

    #[test]
    fn known_sites_are_found_with_their_other_domains_and_parts() {
        for (domain, expected) in [
            ("youtube.com", "video"),
            ("youtu.be", "video"),
            ("www.youtube.com", "video"),
            ("music.youtube.com", "music"),
            ("a.b.music.youtube.com", "music"),
            ("x.com", "social"),
            ("twitter.com", "social"),
            ("redd.it", "social"),
            ("old.reddit.com", "social"),
            ("google.com", "search"),
            ("mail.google.com", "mail"),
            ("docs.google.com", "office"),
            ("meet.google.com", "chat"),
            ("maps.google.com", "travel"),
            ("bilibili.com", "video"),
            ("naver.com", "search"),
            ("wildberries.ru", "shopping"),
            ("flipkart.com", "shopping"),
            ("nicovideo.jp", "video"),
            ("globo.com", "news"),
            ("spiegel.de", "news"),
            ("lichess.org", "games"),
        ] {
            assert_eq!(category(domain), Some(expected), "{domain}");
        }
        for unknown in
            ["example.org", "com", "", ".", "youtube.com.", "notyoutube.com", "youtube.com.example.org"]
        {
            assert_eq!(category(unknown), None, "{unknown}");
        }
    }
}
