//! Browsers: what their extensions say, and for which programs they speak.
//!
//! The compositor is the authority on which program has the focus; an extension only says which page that program
//! shows. Private windows are none of what an extension sees, so a browser that is in front while its extension says
//! that no window of it has the focus shows a private one (or one of the browser's own).
//!
//! A browser may have several links, one for each profile that has the extension.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::subject::{AppId, Domain, Subject};
use crate::time::Boot;

/// One extension in one profile, as long as it is linked. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub u64);

/// What is told by, or of, an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It is linked, and speaks for the windows of these programs.
    Linked(Vec<AppId>),
    /// What its browser shows.
    Shows(Shown),
    /// It is not linked any more.
    Gone,
}

/// What a browser shows, as its extension sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    /// Whether a window that the extension may see has the focus.
    pub focused: bool,
    /// The domain of that window's active tab; `None`: a page without one.
    pub domain: Option<Domain>,
    /// Domains that are heard.
    pub audible: Vec<Domain>,
}

/// The page of the program in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page<'a> {
    /// Nobody speaks for this program, or has spoken since it came to the front.
    Untold,
    /// A window that no extension may see.
    Elsewhere,
    /// A page, with its domain where it has one.
    At(Option<&'a Domain>),
}

#[derive(Clone, Debug)]
struct Link {
    apps: Vec<AppId>,
    /// The one of them that was in front last: what is heard is heard of it, and of none before there is one.
    app: Option<AppId>,
    shown: Option<(Boot, Shown)>,
}

/// Whether a subject is a browser of which no site is known: in what is recorded that is one without its extension, a private
/// window, or a page that has none.
pub fn has_no_site(subject: &Subject) -> bool {
    subject.domain.is_none() && name_of(&subject.app).is_some()
}

/// All that is linked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(BTreeMap<LinkId, Link>);

impl Links {
    /// Takes in what was told at an instant. Whether somebody has to be asked anew, who is not believed any more.
    pub(crate) fn take(&mut self, id: LinkId, told: &Told, at: Boot) -> bool {
        match told {
            Told::Linked(apps) => {
                self.0.insert(id, Link { apps: apps.clone(), app: None, shown: None });
                true
            }
            Told::Shows(shown) => {
                let Some(link) = self.0.get_mut(&id) else { return false };
                let before = link.shown.replace((at, shown.clone()));
                let lost = before.filter(|(_, before)| before.focused && !shown.focused);
                let apps = link.apps.clone();
                lost.is_some_and(|(had, _)| self.doubt(id, &apps, had))
            }
            Told::Gone => {
                self.0.remove(&id);
                false
            }
        }
    }

    /// One profile has lost the focus that it had since `had`. Another that said before that that it has it did not say
    /// that it lost it, as some browsers do not: whether it has it again is not known.
    fn doubt(&mut self, id: LinkId, apps: &[AppId], had: Boot) -> bool {
        let mut doubted = false;
        for (_, other) in self.0.iter_mut().filter(|(other, _)| **other != id) {
            let same = other.apps.iter().any(|app| apps.contains(app));
            if same && other.shown.as_ref().is_some_and(|(at, shown)| shown.focused && *at < had) {
                other.shown = None;
                doubted = true;
            }
        }
        doubted
    }

    /// A program has come to the front.
    pub(crate) fn in_front(&mut self, app: &AppId) {
        for link in self.0.values_mut() {
            if link.apps.iter().any(|own| own.covers(app)) {
                link.app = Some(app.clone());
            }
        }
    }

    /// What is heard, in which browser.
    pub(crate) fn heard(&self) -> impl Iterator<Item = Subject> + '_ {
        self.0.values().flat_map(|link| {
            let domains = link.shown.iter().flat_map(|(_, shown)| &shown.audible);
            let subject =
                |domain: &Domain| Some(Subject { app: link.app.clone()?, domain: Some(domain.clone()) });
            domains.filter_map(subject)
        })
    }

    /// Who speaks for a program.
    pub(crate) fn of<'a>(&'a self, app: &'a AppId) -> impl Iterator<Item = LinkId> + 'a {
        self.speaking_for(app).map(|(id, _)| *id)
    }

    /// What a program shows that came to the front at `since`: what was told before may be long over.
    pub(crate) fn page<'a>(&'a self, app: &'a AppId, since: Boot) -> Page<'a> {
        let (mut newest, mut untold, mut any) = (None, false, false);
        for (_, link) in self.speaking_for(app) {
            any = true;
            match &link.shown {
                Some((at, shown)) if *at >= since => {
                    if shown.focused && newest.is_none_or(|(other, _)| other <= *at) {
                        newest = Some((*at, shown.domain.as_ref()));
                    }
                }
                _ => untold = true,
            }
        }
        match newest {
            Some((_, domain)) => Page::At(domain),
            None if any && !untold => Page::Elsewhere,
            None => Page::Untold,
        }
    }

    fn speaking_for<'a>(&'a self, app: &'a AppId) -> impl Iterator<Item = (&'a LinkId, &'a Link)> {
        self.0.iter().filter(|(_, link)| link.apps.iter().any(|own| own.covers(app)))
    }
}

/// What is known of a browser: its name for people, the programs that it is started by, the ids of its windows.
struct Known {
    name: &'static str,
    programs: &'static [&'static str],
    apps: &'static [&'static str],
}

/// Browsers in which the extension runs, with the desktop-file ids and window classes that their packages are known to
/// have. Seen by test are Debian's Chromium and Firefox ESR, the others are from general knowledge; a browser that is missing here goes by its program's name.
const BROWSERS: &[Known] = &[
    Known {
        name: "Firefox",
        programs: &["firefox", "firefox-esr", "firefox-bin"],
        apps: &["firefox", "firefox-esr", "org.mozilla.firefox", "firefox_firefox", "Navigator"],
    },
    Known {
        name: "Chromium",
        programs: &["chromium", "chromium-browser"],
        apps: &["chromium", "chromium-browser", "org.chromium.Chromium", "chromium_chromium"],
    },
    Known {
        name: "Google Chrome",
        programs: &["chrome", "google-chrome", "google-chrome-stable"],
        apps: &["google-chrome", "com.google.Chrome", "google-chrome-beta", "google-chrome-unstable"],
    },
    Known {
        name: "Brave",
        programs: &["brave", "brave-browser"],
        apps: &["brave-browser", "com.brave.Browser", "brave"],
    },
    Known {
        name: "Microsoft Edge",
        programs: &["msedge", "microsoft-edge"],
        apps: &["microsoft-edge", "com.microsoft.Edge", "microsoft-edge-beta", "microsoft-edge-dev"],
    },
    Known {
        name: "Vivaldi",
        programs: &["vivaldi-bin", "vivaldi"],
        apps: &["vivaldi-stable", "vivaldi", "com.vivaldi.Vivaldi"],
    },
    Known { name: "Opera", programs: &["opera"], apps: &["opera", "com.opera.Opera"] },
    Known {
        name: "LibreWolf",
        programs: &["librewolf", "librewolf-bin"],
        apps: &["librewolf", "io.gitlab.librewolf-community"],
    },
    Known {
        name: "Waterfox",
        programs: &["waterfox", "waterfox-bin"],
        apps: &["waterfox", "net.waterfox.waterfox"],
    },
    Known { name: "Zen Browser", programs: &["zen", "zen-bin"], apps: &["zen", "app.zen_browser.zen"] },
];

/// The ids of the windows for which the extension in a browser speaks, by the name of the browser's program.
pub fn apps_of(program: &str) -> Vec<AppId> {
    let known =
        BROWSERS.iter().find(|known| known.programs.iter().any(|own| own.eq_ignore_ascii_case(program)));
    let own = [program];
    let ids = known.map_or(&own[..], |known| known.apps);
    // What is no id is no window's.
    ids.iter().filter_map(|id| AppId::new(*id).ok()).collect()
}

/// The ids by which [`name_of`] knows browsers.
#[cfg(test)]
pub(crate) fn known_ids() -> impl Iterator<Item = &'static str> {
    BROWSERS.iter().flat_map(|known| known.apps.iter().copied())
}

/// A browser's name for people, by the id of a window: whether the program is one in which the extension could run.
pub fn name_of(app: &AppId) -> Option<&'static str> {
    let is = |known: &&Known| known.apps.iter().any(|id| app.as_str().eq_ignore_ascii_case(id));
    BROWSERS.iter().find(is).map(|known| known.name)
}

/// A browser's name for people, by whatever a program that watches windows calls it: the id of a window, the name of its
/// program (`msedge.exe` as well), or that name itself.
pub fn name_in(text: &str) -> Option<&'static str> {
    let end = text.len().saturating_sub(4);
    let is_exe = text.get(end..).is_some_and(|end| end.eq_ignore_ascii_case(".exe"));
    let text = if is_exe { text.get(..end)? } else { text };
    let same = |own: &&str| own.eq_ignore_ascii_case(text);
    let is = |known: &&Known| same(&known.name) || known.apps.iter().chain(known.programs).any(same);
    BROWSERS.iter().find(is).map(|known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(id: &str) -> AppId {
        AppId::new(id).unwrap()
    }
    fn shows(focused: bool, domain: Option<&str>) -> Told {
        let domain = domain.map(|domain| Domain::new(domain).unwrap());
        Told::Shows(Shown { focused, domain, audible: Vec::new() })
    }
    fn links(told: &[(u64, Told, u64)]) -> Links {
        let mut links = Links::default();
        for (id, told, at) in told {
            let _ = links.take(LinkId(*id), told, Boot::from_ms(*at));
        }
        links
    }
    fn page(links: &Links, id: &str, since: u64) -> String {
        match links.page(&app(id), Boot::from_ms(since)) {
            Page::Untold => "untold".to_owned(),
            Page::Elsewhere => "elsewhere".to_owned(),
            Page::At(domain) => domain.map_or("no domain", Domain::as_str).to_owned(),
        }
    }

    #[test]
    fn a_program_is_known_by_its_name_and_its_windows() {
        assert!(apps_of("firefox-esr").contains(&app("org.mozilla.firefox")));
        assert_eq!(apps_of("surf"), [app("surf")]);
        assert_eq!(apps_of(""), []);
        assert_eq!(name_of(&app("Firefox-esr")), Some("Firefox"));
        assert_eq!(name_of(&app("foot")), None);
        for text in ["firefox", "Navigator", "Firefox.EXE", "FIREFOX-bin"] {
            assert_eq!(name_in(text), Some("Firefox"), "{text}");
        }
        assert_eq!(
            (name_in("Google Chrome"), name_in("msedge.exe")),
            (Some("Google Chrome"), Some("Microsoft Edge"))
        );
        assert_eq!(
            (name_in("foot"), name_in(".exe"), name_in(""), name_in("ä.exe")),
            (None, None, None, None)
        );
        // No window is of two browsers.
        let ids: Vec<_> = BROWSERS.iter().flat_map(|known| known.apps).collect();
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), ids.len());
        assert!(ids.iter().all(|id| AppId::new(**id).is_ok()));
    }

    #[test]
    fn only_what_was_told_since_it_came_to_the_front_counts() {
        let linked = (1, Told::Linked(apps_of("chromium")), 0);
        let told = [linked.clone(), (1, shows(true, Some("example.org")), 10)];
        assert_eq!(page(&links(&told[..1]), "chromium", 0), "untold");
        assert_eq!(page(&links(&told), "chromium", 5), "example.org");
        assert_eq!(page(&links(&told), "chromium", 11), "untold");
        assert_eq!(page(&links(&told), "firefox", 5), "untold");
        assert_eq!(page(&links(&[linked.clone(), (1, shows(true, None), 1)]), "chromium", 0), "no domain");
        let gone = [linked, (1, shows(true, Some("example.org")), 10), (1, Told::Gone, 12)];
        assert_eq!(page(&links(&gone), "chromium", 5), "untold");
    }

    #[test]
    fn of_two_profiles_the_one_with_the_focus_speaks() {
        let two = |first: Told, second: Told| {
            let linked = || Told::Linked(apps_of("firefox"));
            links(&[(1, linked(), 0), (2, linked(), 0), (1, first, 20), (2, second, 21)])
        };
        let a = two(shows(true, Some("a.example")), shows(false, Some("b.example")));
        assert_eq!(page(&a, "firefox-esr", 5), "a.example");
        let none = two(shows(false, Some("a.example")), shows(false, None));
        assert_eq!(page(&none, "firefox-esr", 5), "elsewhere");
        // One has not answered yet: that none has the focus is not known.
        assert_eq!(page(&none, "firefox-esr", 21), "untold");
        // The second has lost it; that the first one, which never said that it lost it, has it again is not known.
        let mut left = two(shows(true, Some("a.example")), shows(true, Some("b.example")));
        assert!(left.take(LinkId(2), &shows(false, None), Boot::from_ms(30)), "somebody is to be asked");
        assert_eq!(page(&left, "firefox-esr", 5), "untold");
        assert!(!left.take(LinkId(1), &shows(false, None), Boot::from_ms(31)));
        assert_eq!(page(&left, "firefox-esr", 5), "elsewhere");
        // Both say so: the one that said it last.
        let both = two(shows(true, Some("a.example")), shows(true, Some("b.example")));
        assert_eq!(page(&both, "firefox-esr", 5), "b.example");
    }
}
