//! Who or what gets attention: programs, web domains, categories, and the targets that rules name.
//!
//! Values of these types are private: they never reach a log. Their `Debug` prints `‹redacted›`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::HostError;

/// Longest app id that is kept, in bytes. Longer ids are cut by the sensor's edge (see [`AppId::new`]).
pub const APP_MAX: usize = 128;
/// Longest domain name, in bytes (RFC 1035, 2.3.4, as text).
pub const DOMAIN_MAX: usize = 253;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// More bytes than the record format keeps.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// A control character, or white space at an end.
    #[error("it has a character that an id cannot have")]
    BadCharacter,
    /// A `/` too many, or with nothing before or behind it.
    #[error("\"/\" can only stand once, between a terminal and what runs in it")]
    Within,
}

/// Makes an id type whose value never reaches a log.
macro_rules! private_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and takes an id.
            ///
            /// # Errors
            /// Empty, too long, or with control characters or white space at an end.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::subject::IdError> {
                let text = text.into();
                if text.is_empty() {
                    return Err($crate::subject::IdError::Empty);
                }
                if text.len() > $max {
                    return Err($crate::subject::IdError::TooLong($max));
                }
                if text.chars().any(char::is_control) || text.trim() != text {
                    return Err($crate::subject::IdError::BadCharacter);
                }
                Ok(Self(text.into()))
            }

            /// The id's text. Private: for storage, for the person, never for a log.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("‹redacted›")
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::subject::IdError;
            fn try_from(text: String) -> Result<Self, $crate::subject::IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

pub(crate) use private_id;

private_id! {
    /// A program's canonical id: its desktop-file id (`org.mozilla.firefox`), or what stands in for one.
    AppId, APP_MAX
}
private_id! {
    /// A registrable web domain in its ASCII form (`example.org`).
    Domain, DOMAIN_MAX
}
private_id! {
    /// A category of programs and domains (`video`).
    Category, 64
}

/// What stands between a terminal's id and that of a program in it: `foot/vim`. In no other id.
const WITHIN: char = '/';
/// Longest name of a program within a terminal, in bytes.
const INNER_MAX: usize = 63;

impl AppId {
    /// Whether attention to `other` is attention to this program: it is the same one, or one that runs in it
    /// (`foot` covers `foot/vim`). Without regard to ASCII case. Everything that asks "is this that program?" asks here.
    pub fn covers(&self, other: &Self) -> bool {
        let (own, other) = (self.0.as_bytes(), other.0.as_bytes());
        other.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own))
            && other.get(own.len()).is_none_or(|next| char::from(*next) == WITHIN)
    }

    /// The id of a program that runs in this one, a terminal. A name of which nothing can be kept is this id alone.
    #[must_use]
    pub fn with(&self, program: &str) -> Self {
        let name: String = program.chars().filter(|c| !c.is_control() && *c != WITHIN).collect();
        let room = APP_MAX.saturating_sub(self.0.len() + WITHIN.len_utf8()).min(INNER_MAX);
        let name = name.trim();
        let cut = (0..=room.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        let name = name.get(..cut).unwrap_or("").trim_end();
        if name.is_empty() { self.clone() } else { Self(format!("{}{WITHIN}{name}", self.0).into()) }
    }

    /// Checks and takes an id as a person writes it: a program, or `TERMINAL/PROGRAM`. [`AppId::new`] also takes what was
    /// recorded by versions to which `/` meant nothing.
    ///
    /// # Errors
    /// Those of [`AppId::new`], and a `/` that is not between two parts.
    pub fn written(text: &str) -> Result<Self, IdError> {
        let id = Self::new(text)?;
        let (host, inner) = id.parts();
        let part = |part: &str| !part.is_empty() && part.trim() == part && !part.contains(WITHIN);
        if part(host) && inner.is_none_or(part) { Ok(id) } else { Err(IdError::Within) }
    }

    /// The program that is started and closed as a whole, and the name of the one that runs in it: `foot`, `vim`.
    pub fn parts(&self) -> (&str, Option<&str>) {
        self.0.split_once(WITHIN).map_or((&*self.0, None), |(host, inner)| (host, Some(inner)))
    }
}

/// What has the person's attention: a program, and within a browser the domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The program.
    pub app: AppId,
    /// The domain, where the program is a browser that told it.
    pub domain: Option<Domain>,
}

impl Subject {
    /// A program without a domain.
    pub const fn app(app: AppId) -> Self {
        Self { app, domain: None }
    }
}

/// What a rule or a question is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// `app:ID`; with what runs in it, where it is a terminal.
    App(AppId),
    /// `domain:D`
    Domain(Domain),
    /// `category:C`
    Category(Category),
    /// `all`
    All,
}

impl Target {
    /// Whether attention to `subject`, of this category, counts for this target. Ids compare without regard to ASCII case.
    pub fn covers_in(&self, subject: &Subject, category: Option<&Category>) -> bool {
        match self {
            Self::Category(own) => {
                category.is_some_and(|category| category.as_str().eq_ignore_ascii_case(own.as_str()))
            }
            _ => self.covers(subject),
        }
    }

    /// Whether attention to `subject` counts for this target, as far as the subject alone tells: categories cover
    /// nothing here (see [`Target::covers_in`]). Ids compare without regard to ASCII case.
    pub fn covers(&self, subject: &Subject) -> bool {
        match self {
            Self::App(app) => app.covers(&subject.app),
            Self::Domain(domain) => {
                subject.domain.as_ref().is_some_and(|d| d.as_str().eq_ignore_ascii_case(domain.as_str()))
            }
            Self::Category(_) => false,
            Self::All => true,
        }
    }
}

/// The form that is typed and stored: `app:firefox`, `domain:example.org`, `category:video`, `all`. Private.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(app) => write!(f, "app:{}", app.as_str()),
            Self::Domain(domain) => write!(f, "domain:{}", domain.as_str()),
            Self::Category(category) => write!(f, "category:{}", category.as_str()),
            Self::All => f.write_str("all"),
        }
    }
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A bare word: it must be looked up among the known subjects.
    #[error("it names no kind of target (app:, domain:, category:, all)")]
    Bare,
    /// A kind that does not exist.
    #[error("\"{0}:\" is no kind of target (app:, domain:, category:, all)")]
    UnknownKind(String),
    /// The id behind the kind is bad.
    #[error("the id is bad: {0}")]
    Id(#[from] IdError),
    /// What should be a domain is none: see [`Target::typed`].
    #[error("{0}")]
    Host(#[from] HostError),
}

impl TargetError {
    /// The next step, for people.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Host(HostError::Suffix) => "name one of the sites: domain:example.co.uk",
            Self::Host(HostError::Scheme | HostError::Malformed) => "write it like domain:example.org",
            Self::Bare | Self::UnknownKind(_) | Self::Id(_) => "write app:ID, domain:D, category:C or all",
        }
    }
}

/// A target as a person writes it.
impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let target = Self::stored(text.trim())?;
        if let Self::App(app) = &target {
            AppId::written(app.as_str())?;
        }
        Ok(target)
    }
}

impl Target {
    /// What a person means: as the text says, a domain by the site that it belongs to (`domain:www.youtube.com` is
    /// `domain:youtube.com`), and an address pasted from a browser as well. Texts that are kept are not read by this: what
    /// was a target once is one still.
    ///
    /// # Errors
    /// Those of a text that is no target, and a domain that is no site.
    pub fn typed(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        // The path of an address may be longer than any id.
        if let Some(host) = text.strip_prefix("domain:") {
            return Ok(Self::Domain(Domain::typed(host)?));
        }
        match text.parse() {
            // Nothing but an address has "://", and no kind has a dot.
            Err(TargetError::UnknownKind(kind)) if text.contains("://") || kind.contains('.') => {
                Ok(Self::Domain(Domain::typed(text)?))
            }
            target => target,
        }
    }

    /// A target that was once kept: whatever was a target then is one still.
    fn stored(text: &str) -> Result<Self, TargetError> {
        if text == "all" {
            return Ok(Self::All);
        }
        match text.split_once(':') {
            None => Err(TargetError::Bare),
            Some(("app", id)) => Ok(Self::App(AppId::new(id)?)),
            Some(("domain", id)) => Ok(Self::Domain(Domain::new(id.to_ascii_lowercase())?)),
            Some(("category", id)) => Ok(Self::Category(crate::category::named(id)?)),
            Some((kind, _)) => Err(TargetError::UnknownKind(kind.to_owned())),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;
    fn try_from(text: String) -> Result<Self, TargetError> {
        Self::stored(&text)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn targets_read_back_as_written() {
        for text in ["app:org.mozilla.firefox", "app:foot/vim", "domain:example.org", "category:video", "all"]
        {
            assert_eq!(text.parse::<Target>().map(|t| t.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("firefox".parse::<Target>(), Err(TargetError::Bare));
        assert_eq!("aap:x".parse::<Target>(), Err(TargetError::UnknownKind("aap".into())));
        assert_eq!("app:".parse::<Target>(), Err(TargetError::Id(IdError::Empty)));
        for bad in ["app:foot/", "app:/vim", "app:foot/vim/x", "app:foot//vim", "app:foot/ vim", "app:/"] {
            assert_eq!(bad.parse::<Target>(), Err(TargetError::Id(IdError::Within)), "{bad}");
            // What an older version may have kept is still read.
            assert_eq!(Target::try_from(bad.to_owned()).map(|t| t.to_string()), Ok(bad.to_owned()));
        }
    }

    #[test]
    fn debug_never_shows_an_id() {
        let subject = Subject {
            app: AppId::new("secret-app").unwrap(),
            domain: Some(Domain::new("secret.example").unwrap()),
        };
        let target = Target::App(subject.app.clone());
        let shown = format!("{subject:?} {target:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("‹redacted›"));
    }

    fn id(text: &str) -> AppId {
        AppId::new(text).unwrap()
    }

    #[test]
    fn a_terminal_covers_what_runs_in_it() {
        for (own, other, covers) in [
            ("foot", "foot", true),
            ("foot", "FOOT/vim", true),
            ("foot/vim", "foot/vim", true),
            ("foot/vim", "foot", false),
            ("foot/vim", "foot/vimdiff", false),
            ("foot", "footclient", false),
            ("foot", "footclient/vim", false),
            ("vim", "foot/vim", false),
        ] {
            assert_eq!(id(own).covers(&id(other)), covers, "{own} {other}");
        }
        assert_eq!(id("foot").with("a/b\n").as_str(), "foot/ab");
        assert_eq!(id("foot").with("/ "), id("foot"));
        assert_eq!(id("foot/vim").parts(), ("foot", Some("vim")));
        assert_eq!(id("foot").parts(), ("foot", None));
    }

    proptest! {
        #[test]
        fn covering_is_an_order(host in "[a-c.]{1,3}", other in "[a-cA-C./]{1,5}", inner in "\\PC{0,90}") {
            let (host, other) = (id(&host), id(&other));
            let within = host.with(&inner);
            prop_assert!(within.as_str().len() <= APP_MAX);
            prop_assert_eq!(within.parts().0, host.as_str());
            // Reflexive; and of two that cover each other both are the same but for their case.
            prop_assert!(host.covers(&host) && host.covers(&within));
            prop_assert_eq!(within.covers(&host), within == host);
            if host.covers(&other) && other.covers(&host) {
                prop_assert!(host.as_str().eq_ignore_ascii_case(other.as_str()));
            }
            // Transitive: who covers the terminal covers what runs in it, and who covers only that does not cover it.
            prop_assert!(!other.covers(&host) || other.covers(&within));
            // A target, of which everything else is asked, says the same.
            let target = Target::App(other.clone());
            prop_assert_eq!(target.covers(&Subject::app(within.clone())), other.covers(&within));
        }

        #[test]
        fn a_long_terminal_leaves_room_or_stands_alone(length in 100_usize..=APP_MAX, inner in "[a-zä]{1,80}") {
            let host = id(&"h".repeat(length));
            let within = host.with(&inner);
            prop_assert!(within.as_str().len() <= APP_MAX && host.covers(&within));
        }
    }

    #[test]
    fn ids_are_bounded() {
        assert_eq!(AppId::new("a".repeat(129)), Err(IdError::TooLong(128)));
        assert_eq!(AppId::new("a\nb"), Err(IdError::BadCharacter));
        assert_eq!(AppId::new(" a"), Err(IdError::BadCharacter));
        assert!(AppId::new("ünïcode app").is_ok());
    }
}
