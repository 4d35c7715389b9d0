//! Which category a subject has, when a person's own entries and the built-in ones are taken together.
//!
//! An entry of the person's for a domain holds for all below it and goes before the whole catalogue; one for a program
//! holds for what runs in it (`foot` for `foot/vim`). In a browser the domain says more than the program, so the
//! program's entry counts only where the domain has no category.
//!
//! It lacks desktop files: they are read outside, and what they say comes in as an argument.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{self, above};
use super::{NAMES, named};
use crate::subject::{AppId, Category, Domain, Subject, Target};

/// Who says which category something has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The person.
    Own,
    /// The built-in catalogue of domains.
    Catalogue,
    /// The program's desktop file.
    DesktopFile,
    /// Nobody: it has none.
    None,
}

impl Source {
    /// The word that scripts rely on.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Catalogue => "catalogue",
            Self::DesktopFile => "desktop-file",
            Self::None => "none",
        }
    }
}

/// A category and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub category: Category,
    /// How many domains the catalogue has there.
    pub built_in: usize,
    /// What the person puts there, in the order of targets.
    pub own: Vec<Target>,
}

/// The catalogue, and before it the person's own entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// In [`ascii_order`], each id once.
    apps: Vec<(AppId, Category)>,
    /// In lower case and in order, each domain once.
    domains: Vec<(Domain, Category)>,
}

impl Categories {
    /// The catalogue with these own entries. Only programs and domains can have a category: other targets are left out.
    /// Of ids that differ in their case alone the first in the order of targets counts.
    pub fn new(own: &BTreeMap<Target, Category>) -> Self {
        let mut categories = Self::default();
        for (target, category) in own {
            match target {
                Target::App(app) => categories.apps.push((app.clone(), category.clone())),
                Target::Domain(domain) => {
                    let domain = Domain::new(folded(domain.as_str())).unwrap_or_else(|_| domain.clone());
                    categories.domains.push((domain, category.clone()));
                }
                Target::Category(_) | Target::All => {}
            }
        }
        // Sorting keeps the order of what is equal.
        categories.apps.sort_by(|(a, _), (b, _)| ascii_order(a.as_str(), b.as_str()));
        categories.apps.dedup_by(|(a, _), (b, _)| a.as_str().eq_ignore_ascii_case(b.as_str()));
        categories.domains.sort_by(|(a, _), (b, _)| a.cmp(b));
        categories.domains.dedup_by(|(a, _), (b, _)| a == b);
        categories
    }

    /// The category of a subject; `by_desktop_file` is the one of its program (see [`super::of_desktop_file`]).
    pub fn of(&self, subject: &Subject, by_desktop_file: Option<Category>) -> Option<Category> {
        let by_domain = subject.domain.as_ref().and_then(|domain| self.of_domain(domain).0);
        by_domain.or_else(|| self.of_app(&subject.app, by_desktop_file).0)
    }

    /// The category of a program or a domain, and who says so; other targets have none. `by_desktop_file` is what the
    /// desktop file says of a program.
    pub fn which(&self, target: &Target, by_desktop_file: Option<Category>) -> (Option<Category>, Source) {
        match target {
            Target::App(app) => self.of_app(app, by_desktop_file),
            Target::Domain(domain) => self.of_domain(domain),
            Target::Category(_) | Target::All => (None, Source::None),
        }
    }

    /// The domains of a category, each meaning all that is below it, in order.
    pub fn domains_in(&self, category: &Category) -> Vec<Domain> {
        let own = self.domains.iter().filter(|(_, of)| of == category).map(|(domain, _)| domain.clone());
        let is_still = |name: &&str| {
            let own = above(name)
                .find_map(|name| self.domains.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok());
            own.is_none()
        };
        let listed = catalogue::domains_in(category.as_str()).filter(is_still);
        let mut all: Vec<Domain> = own.chain(listed.filter_map(|name| Domain::new(name).ok())).collect();
        all.sort();
        all
    }

    /// Every name that is in use, built in or the person's own, in order: what a mistyped one may have meant.
    pub fn known_names(&self) -> BTreeSet<&str> {
        let own = self.apps.iter().map(|(_, category)| category);
        let own = own.chain(self.domains.iter().map(|(_, category)| category));
        NAMES.iter().copied().chain(own.map(Category::as_str)).collect()
    }

    /// Every category and what is in it, in the order of names.
    pub fn list(&self) -> Vec<Listed> {
        let apps = self.apps.iter().map(|(app, category)| (Target::App(app.clone()), category));
        let domains =
            self.domains.iter().map(|(domain, category)| (Target::Domain(domain.clone()), category));
        let own: Vec<_> = apps.chain(domains).collect();
        let listed = |name| {
            let category = named(name).ok()?;
            let own = own.iter().filter(|(_, of)| of.as_str() == name);
            let own = own.map(|(target, _)| target.clone()).collect();
            Some(Listed { category, built_in: catalogue::size(name), own })
        };
        self.known_names().into_iter().filter_map(listed).collect()
    }

    fn of_domain(&self, domain: &Domain) -> (Option<Category>, Source) {
        let domain = folded(domain.as_str());
        let own = |name| self.domains.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok();
        let own = above(&domain).find_map(own).and_then(|at| self.domains.get(at));
        if let Some((_, category)) = own {
            return (Some(category.clone()), Source::Own);
        }
        match catalogue::category(&domain).and_then(|name| Category::new(name).ok()) {
            Some(category) => (Some(category), Source::Catalogue),
            None => (None, Source::None),
        }
    }

    fn of_app(&self, app: &AppId, by_desktop_file: Option<Category>) -> (Option<Category>, Source) {
        let own = |id| self.apps.binary_search_by(|(own, _)| ascii_order(own.as_str(), id)).ok();
        let own = own(app.as_str()).or_else(|| own(app.parts().0)).and_then(|at| self.apps.get(at));
        match (own, by_desktop_file) {
            (Some((_, category)), _) => (Some(category.clone()), Source::Own),
            (None, Some(category)) => (Some(category), Source::DesktopFile),
            (None, None) => (None, Source::None),
        }
    }
}

/// A domain in lower case. Domains come like that as good as always, and are then neither copied nor compared by letters.
fn folded(domain: &str) -> Cow<'_, str> {
    match domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(domain.to_ascii_lowercase()),
        false => Cow::Borrowed(domain),
    }
}

/// The order of two ids without regard to ASCII case: desktop files' ids have capitals.
fn ascii_order(a: &str, b: &str) -> Ordering {
    let [a, b] = [a, b].map(|text| text.bytes().map(|byte| byte.to_ascii_lowercase()));
    a.cmp(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn categories(own: &[(&str, &str)]) -> Categories {
        let own = own.iter().map(|(target, category)| (target.parse().unwrap(), named(category).unwrap()));
        Categories::new(&own.collect())
    }

    /// `app domain`, or `app` alone.
    fn subject(text: &str) -> Subject {
        let (app, domain) = text.split_once(' ').map_or((text, None), |(app, domain)| (app, Some(domain)));
        Subject { app: AppId::new(app).unwrap(), domain: domain.map(|d| Domain::new(d).unwrap()) }
    }

    #[test]
    fn the_domains_of_a_category_are_those_that_have_it() {
        let own =
            [("domain:example.org", "video"), ("domain:youtube.com", "office"), ("domain:z.example", "news")];
        let categories = categories(&own);
        let video = categories.domains_in(&named("video").unwrap());
        assert!(video.len() > 20 && video.is_sorted(), "{}", video.len());
        let has = |name: &str| video.contains(&Domain::new(name).unwrap());
        assert!(has("example.org") && has("vimeo.com") && !has("youtube.com") && !has("z.example"));
        for domain in &video {
            let found = categories.which(&Target::Domain(domain.clone()), None).0;
            assert_eq!(found, Some(named("video").unwrap()), "{}", domain.as_str());
        }
        assert_eq!(categories.domains_in(&named("nothing of the kind").unwrap()), []);
    }

    #[test]
    fn the_persons_word_goes_first_and_the_domains_before_the_programs() {
        let own = categories(&[
            ("app:Firefox", "internet"),
            ("app:foot", "garden"),
            ("app:foot/mutt", "mail"),
            ("domain:youtube.com", "learning"),
            ("domain:example.org", "garden"),
            ("domain:www.example.org", "games"),
        ]);
        let of = |text, file: Option<&str>| {
            let file = file.map(|name| Category::new(name).unwrap());
            own.of(&subject(text), file).map(String::from)
        };
        for (text, file, category) in [
            // Own entries for domains, and what is below them.
            ("firefox youtube.com", Some("browser"), Some("education")),
            ("firefox YouTube.com", Some("browser"), Some("education")),
            ("firefox music.youtube.com", Some("browser"), Some("education")),
            ("firefox example.org", None, Some("garden")),
            ("firefox a.www.example.org", None, Some("games")),
            // The catalogue goes before what is said of the browser.
            ("firefox x.com", Some("browser"), Some("social")),
            ("chromium music.apple.com", Some("browser"), Some("music")),
            // A domain without a category leaves it to the program.
            ("firefox example.net", Some("browser"), Some("internet")),
            ("chromium example.net", Some("browser"), Some("browser")),
            ("chromium example.net", None, None),
            // Programs, and what runs in them.
            ("FIREFOX", Some("browser"), Some("internet")),
            ("mpv", Some("video"), Some("video")),
            ("mpv", None, None),
            ("foot/vim", Some("terminal"), Some("garden")),
            ("foot/Mutt", Some("terminal"), Some("mail")),
            ("footage", Some("video"), Some("video")),
        ] {
            assert_eq!(of(text, file).as_deref(), category, "{text}");
        }
    }

    #[test]
    fn who_says_so() {
        let own = categories(&[("app:mpv", "video"), ("domain:example.org", "garden")]);
        let which = |target: &str, file: Option<&str>| {
            let file = file.map(|name| Category::new(name).unwrap());
            let (category, source) = own.which(&target.parse().unwrap(), file);
            (category.map_or_else(String::new, String::from), source.word())
        };
        assert_eq!(which("app:mpv", Some("music")), ("video".into(), "own"));
        assert_eq!(which("app:code", Some("development")), ("development".into(), "desktop-file"));
        assert_eq!(which("app:code", None), (String::new(), "none"));
        assert_eq!(which("domain:www.example.org", None), ("garden".into(), "own"));
        assert_eq!(which("domain:youtu.be", None), ("video".into(), "catalogue"));
        // A desktop file says nothing of a domain.
        assert_eq!(which("domain:example.net", Some("browser")), (String::new(), "none"));
        assert_eq!(which("category:video", None), (String::new(), "none"));
        assert_eq!(which("all", None), (String::new(), "none"));
    }

    #[test]
    fn own_names_stand_among_the_known_ones() {
        let own =
            categories(&[("app:mpv", "garden"), ("app:foot", "video"), ("domain:example.org", "garden")]);
        let names = own.known_names();
        assert_eq!(names.len(), NAMES.len() + 1);
        assert!(names.contains("garden") && names.contains("video"));
        let list = own.list();
        assert!(list.is_sorted_by(|a, b| a.category < b.category));
        assert_eq!(list.len(), names.len());
        let of = |name: &str| {
            let listed = list.iter().find(|listed| listed.category.as_str() == name).unwrap();
            (listed.built_in, listed.own.iter().map(Target::to_string).collect::<Vec<_>>())
        };
        assert_eq!(of("garden"), (0, vec!["app:mpv".into(), "domain:example.org".into()]));
        assert_eq!(of("video"), (catalogue::size("video"), vec!["app:foot".into()]));
        assert_eq!(of("terminal"), (0, vec![]));
        let all: usize = list.iter().map(|listed| listed.built_in).sum();
        assert_eq!(all, NAMES.iter().map(|name| catalogue::size(name)).sum::<usize>());
    }

    #[test]
    fn own_entries_are_private() {
        let shown = format!("{:?}", categories(&[("app:secret", "secret"), ("domain:secret.org", "x")]));
        assert!(!shown.contains("secret"), "{shown}");
    }

    proptest! {
        /// Lookup by halves finds what looking at every entry finds, however the ids are written.
        #[test]
        fn every_own_entry_is_found(
            own in proptest::collection::btree_map("[a-cA-C._]{1,4}", "[a-c]{1,3}", 0..12),
            asked in "[a-cA-C._]{1,4}",
        ) {
            let target = |id: &str| Target::App(AppId::new(id).unwrap());
            let map: BTreeMap<_, _> =
                own.iter().map(|(id, name)| (target(id), Category::new(name.as_str()).unwrap())).collect();
            let expected = map.iter().find(|(other, _)| {
                other.to_string().eq_ignore_ascii_case(&target(&asked).to_string())
            });
            let found = Categories::new(&map).which(&target(&asked), None).0;
            prop_assert_eq!(found.as_ref(), expected.map(|(_, category)| category));
        }

        /// What is said of a program or a domain by itself is what counts where it is the subject.
        #[test]
        fn which_and_of_say_the_same(domain in "(www\\.)?(youtube\\.com|x\\.com|a\\.org|b\\.org)", app in "[a-b]") {
            let own = categories(&[("domain:a.org", "garden"), ("domain:www.x.com", "chat"), ("app:a", "games")]);
            let file = || Category::new("browser").ok();
            let domain = Domain::new(domain).unwrap();
            let app = AppId::new(app).unwrap();
            let (by_domain, _) = own.which(&Target::Domain(domain.clone()), None);
            let (by_app, _) = own.which(&Target::App(app.clone()), file());
            let both = Subject { app: app.clone(), domain: Some(domain) };
            prop_assert_eq!(own.of(&both, file()), by_domain.or_else(|| by_app.clone()));
            prop_assert_eq!(own.of(&Subject::app(app), file()), by_app);
        }
    }
}
