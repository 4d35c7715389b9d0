//! The names of a part's journal rows. A name is said once in a part, in or before the first row that needs it, and
//! rows refer to it by number: one more than the ordinal of the row that says it, or begins to. A row that is lost
//! thus never gives another row a wrong name, only none.

use std::collections::BTreeMap;

use dwell_core::span::Span;
use dwell_core::subject::{APP_MAX, AppId, DOMAIN_MAX, Domain};
use zeroize::Zeroizing;

use crate::activity;
use crate::journal::{Bare, Said};
use crate::row::Row;

/// The names that a part's rows have said so far, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) apps: BTreeMap<AppId, u32>,
    pub(crate) domains: BTreeMap<Domain, u32>,
}

impl Numbers {
    /// Takes what further rows have said.
    pub(crate) fn extend(&mut self, more: Self) {
        self.apps.extend(more.apps);
        self.domains.extend(more.domains);
    }
}

/// Which kind of name a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    App,
    Domain,
}

impl Which {
    /// The longest name of the kind.
    pub(crate) const fn longest(self) -> usize {
        match self {
            Self::App => APP_MAX,
            Self::Domain => DOMAIN_MAX,
        }
    }
}

/// A row refers to a name that no row before it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nameless;

/// A name whose last piece has not come yet.
struct Begun {
    which: Which,
    /// The ordinal of its first row, and of the next one.
    first: u32,
    next: u32,
    text: Zeroizing<Vec<u8>>,
}

/// What the rows read so far have said.
#[derive(Default)]
pub(crate) struct Names {
    apps: BTreeMap<u32, AppId>,
    domains: BTreeMap<u32, Domain>,
    begun: Option<Begun>,
}

impl Names {
    /// Takes the next row of a part, in order of their ordinals; gives it back with its names, if it is a span's.
    pub(crate) fn read(&mut self, ordinal: u32, said: &Said) -> Result<Option<Row>, Nameless> {
        match said {
            Said::Span(bare) => {
                self.begun = None;
                self.row(ordinal, bare).map(Some)
            }
            Said::Piece { which, piece, length, text } => {
                let mut begun = match self.begun.take() {
                    _ if *piece == 0 => {
                        Begun { which: *which, first: ordinal, next: ordinal, text: Zeroizing::default() }
                    }
                    Some(begun) if begun.next == ordinal && begun.which == *which => begun,
                    _ => return Err(Nameless),
                };
                begun.text.extend_from_slice(&text[..]);
                begun.next = ordinal.saturating_add(1);
                if begun.text.len() < which.longest() {
                    self.begun = Some(begun);
                    return Ok(None);
                }
                let text = begun.text.get(..usize::from(*length));
                let text = text.and_then(|text| std::str::from_utf8(text).ok()).ok_or(Nameless)?;
                self.learn(*which, begun.first, text).map(|()| None)
            }
        }
    }

    fn row(&mut self, ordinal: u32, bare: &Bare) -> Result<Row, Nameless> {
        let [app, domain] = &bare.says;
        for (which, text) in [(Which::App, app), (Which::Domain, domain)] {
            if let Some(text) = text {
                self.learn(which, ordinal, text)?;
            }
        }
        fn named<T: Clone>(names: &BTreeMap<u32, T>, number: u32) -> Result<Option<T>, Nameless> {
            if number == 0 { Ok(None) } else { names.get(&number).cloned().map(Some).ok_or(Nameless) }
        }
        let (app, domain) = (named(&self.apps, bare.app)?, named(&self.domains, bare.domain)?);
        let activity = activity::of(bare.code, app, domain).ok_or(Nameless)?;
        let span = Span { start: bare.start, length: bare.length, activity };
        Ok(if bare.checkpoint { Row::Checkpoint(span) } else { Row::Span(span) })
    }

    fn learn(&mut self, which: Which, ordinal: u32, text: &str) -> Result<(), Nameless> {
        let number = ordinal.saturating_add(1);
        match which {
            Which::App => drop(self.apps.insert(number, AppId::new(text).map_err(|_| Nameless)?)),
            Which::Domain => drop(self.domains.insert(number, Domain::new(text).map_err(|_| Nameless)?)),
        }
        Ok(())
    }

    /// The same the other way round, to go on writing with.
    pub(crate) fn numbers(self) -> Numbers {
        Numbers {
            apps: self.apps.into_iter().map(|(number, app)| (app, number)).collect(),
            domains: self.domains.into_iter().map(|(number, domain)| (domain, number)).collect(),
        }
    }
}
