//! Aliases: programs that the person wants counted as another one.
//!
//! An alias is a whole id (`crx_abc`), or the beginning of ids (`steam_app_*`), and the id that stands for it. A whole id
//! goes before a beginning, a longer beginning before a shorter one. What an alias leads to is not looked up again, so
//! there are no chains and no circles. Ids are the person's own choice; they are private, and `Debug` shows none.

use std::fmt;

use crate::policy::{guarded, is_exempt, is_terminal};
use crate::subject::{AppId, IdError};

/// Why a text cannot be an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// What is to be counted as another program is no id.
    #[error("this is no program's id: {0}")]
    From(IdError),
    /// A star that is not the last character.
    #[error("\"*\" can only be the last character")]
    Star,
    /// A star alone.
    #[error("\"*\" alone would make every program the same one")]
    Everything,
    /// The id that stands for it is none.
    #[error("the program that it is counted as is no id: {0}")]
    To(IdError),
    /// The id that stands for it has a star.
    #[error("the program that it is counted as cannot have a \"*\"")]
    ToStar,
    /// It is counted as itself.
    #[error("a program cannot be an alias of itself")]
    Itself,
    /// It would make a limit act on the desktop's own programs, which limits leave alone.
    #[error("the desktop's own programs are left alone by limits, and cannot count as another program")]
    Desktop,
    /// It would make a limit on everything act on a terminal, in which limits can be changed.
    #[error("a terminal, and what runs in one, can only count as a terminal: no limit closes one")]
    Terminal,
    /// It would make a program one of the desktop's own, which no limit acts on.
    #[error("no program can count as one of the desktop's own, which limits leave alone")]
    ToDesktop,
    /// It would make a program a terminal, which a limit on everything leaves alone and no limit closes.
    #[error("only a terminal that is named in full can count as a terminal: limits treat those otherwise")]
    ToTerminal,
    /// There is one for the same ids: case makes no difference.
    #[error("there is an alias for this already; upper and lower case are the same")]
    Twice,
}

impl AliasError {
    /// Whether what it is counted as is wrong, rather than what is counted.
    pub const fn is_about_target(self) -> bool {
        matches!(self, Self::To(_) | Self::ToStar | Self::ToDesktop | Self::ToTerminal | Self::Itself)
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Alias {
    /// Without the star.
    from: AppId,
    beginning: bool,
    to: AppId,
}

/// All aliases, the one that goes before others first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Aliases(Vec<Alias>);

impl Aliases {
    /// Adds one.
    ///
    /// # Errors
    /// See [`AliasError`].
    pub fn add(&mut self, from: &str, to: &str) -> Result<(), AliasError> {
        let (id, beginning) = from.strip_suffix('*').map_or((from, false), |id| (id, true));
        if beginning && id.is_empty() {
            return Err(AliasError::Everything);
        }
        if id.contains('*') {
            return Err(AliasError::Star);
        }
        // `foot/*` is all that runs in it.
        let whole = if beginning && id.ends_with('/') { &format!("{id}*") } else { id };
        AppId::written(whole).map_err(AliasError::From)?;
        let id = AppId::new(id).map_err(AliasError::From)?;
        if to.contains('*') {
            return Err(AliasError::ToStar);
        }
        let to = AppId::written(to).map_err(AliasError::To)?;
        if !beginning && is_same(&id, &to) {
            return Err(AliasError::Itself);
        }
        let (desktop, terminal) =
            if beginning { guarded(id.as_str()) } else { (is_exempt(&id), is_terminal(&id)) };
        if desktop {
            return Err(AliasError::Desktop);
        }
        if is_exempt(&to) {
            return Err(AliasError::ToDesktop);
        }
        // A terminal that is in no list is known as one by what runs in it.
        let (host, inner) = id.parts();
        let to_terminal = is_terminal(&to) || inner.is_some() && host.eq_ignore_ascii_case(to.as_str());
        if terminal && !to_terminal {
            return Err(AliasError::Terminal);
        }
        // What else begins like a terminal nobody can know.
        if to_terminal && (!terminal || beginning && inner.is_none()) {
            return Err(AliasError::ToTerminal);
        }
        if self.0.iter().any(|other| other.beginning == beginning && is_same(&other.from, &id)) {
            return Err(AliasError::Twice);
        }
        self.0.push(Alias { from: id, beginning, to });
        self.0.sort_by_key(|alias| (alias.beginning, std::cmp::Reverse(alias.from.as_str().len())));
        Ok(())
    }

    /// The program that `app` is counted as. A program in a terminal (`foot/vim`) is looked up as it is; else its
    /// terminal is, and it stays in it.
    pub fn apply(&self, app: &AppId) -> AppId {
        if let Some(to) = self.find(app.as_str()) {
            return to.clone();
        }
        match app.parts() {
            (host, Some(program)) => self.find(host).map_or_else(|| app.clone(), |to| to.with(program)),
            (_, None) => app.clone(),
        }
    }

    fn find(&self, id: &str) -> Option<&AppId> {
        let matches = |alias: &&Alias| {
            let from = alias.from.as_str().as_bytes();
            let start = id.as_bytes().get(..from.len());
            // A beginning of programs is none of what runs in them: that stays in it, so that it is still known as
            // something in a terminal.
            let kind = alias.from.parts().1.is_some() || !id.contains('/');
            let length = if alias.beginning { kind } else { id.len() == from.len() };
            length && start.is_some_and(|s| s.eq_ignore_ascii_case(from))
        };
        self.0.iter().find(matches).map(|alias| &alias.to)
    }

    /// What is counted, with its star, and as what: in the order in which they are looked up.
    pub fn iter(&self) -> impl Iterator<Item = (String, &AppId)> {
        self.0.iter().map(|alias| {
            (format!("{}{}", alias.from.as_str(), if alias.beginning { "*" } else { "" }), &alias.to)
        })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_same(a: &AppId, b: &AppId) -> bool {
    a.as_str().eq_ignore_ascii_case(b.as_str())
}

impl fmt::Debug for Aliases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} aliases", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn aliases(list: &[(&str, &str)]) -> Aliases {
        let mut aliases = Aliases::default();
        list.iter().for_each(|(from, to)| aliases.add(from, to).unwrap());
        aliases
    }

    #[test]
    fn the_most_specific_alias_holds_and_is_not_looked_up_again() {
        let aliases = aliases(&[
            ("steam_app_*", "games"),
            ("steam_app_6*", "six"),
            ("steam_app_620", "org.valve.Portal2"),
            ("crx_abc", "org.example.App"),
            ("org.example.App", "elsewhere"),
            ("xterm", "foot"),
            ("foot/vim", "foot/vi"),
            ("kitty/*", "foot/other"),
            ("newterm/vim", "newterm"),
            ("other*", "x"),
        ]);
        for (app, counted) in [
            ("steam_app_7", "games"),
            ("steam_app_61", "six"),
            ("STEAM_APP_620", "org.valve.Portal2"),
            ("steam_app", "steam_app"),
            ("crx_abc", "org.example.App"),
            ("crx_abcd", "crx_abcd"),
            ("org.example.app", "elsewhere"),
            ("xterm/make", "foot/make"),
            ("xterm/vim", "foot/vim"),
            ("foot/vim", "foot/vi"),
            ("foot/vi", "foot/vi"),
            ("kitty", "kitty"),
            ("kitty/make", "foot/other"),
            ("newterm/vim", "newterm"),
            ("otherterm/vim", "x/vim"),
        ] {
            assert_eq!(aliases.apply(&AppId::new(app).unwrap()).as_str(), counted, "{app}");
        }
        assert!(!format!("{aliases:?}").contains("foot"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut aliases = aliases(&[("crx_abc", "x"), ("games*", "games")]);
        for (from, to, error) in [
            ("", "x", AliasError::From(IdError::Empty)),
            (" a", "x", AliasError::From(IdError::BadCharacter)),
            ("*", "x", AliasError::Everything),
            ("a*b", "x", AliasError::Star),
            ("a**", "x", AliasError::Star),
            ("a", "", AliasError::To(IdError::Empty)),
            ("a", "b*", AliasError::ToStar),
            ("a", "A", AliasError::Itself),
            ("Sway", "x", AliasError::Desktop),
            ("org.gnome.*", "x", AliasError::Desktop),
            ("foot", "x", AliasError::Terminal),
            ("Konsol*", "x", AliasError::Terminal),
            // What runs in a terminal goes with its window, which no limit may close.
            ("foot/vim", "vim", AliasError::Terminal),
            ("foot/*", "work", AliasError::Terminal),
            ("foot/v*", "work", AliasError::Terminal),
            ("newterm/*", "work", AliasError::Terminal),
            ("foo*", "work", AliasError::Terminal),
            // Nothing gets out of limits by counting as what they leave alone.
            ("chat", "Sway", AliasError::ToDesktop),
            ("foot", "sway", AliasError::ToDesktop),
            ("chat", "foot", AliasError::ToTerminal),
            ("chat", "foot/vim", AliasError::ToTerminal),
            ("chat", "newterm/vim", AliasError::ToTerminal),
            ("chat*", "foot", AliasError::ToTerminal),
            ("xter*", "foot", AliasError::ToTerminal),
            ("foot/", "foot", AliasError::From(IdError::Within)),
            ("/*", "foot", AliasError::From(IdError::Within)),
            ("a/b/*", "foot", AliasError::From(IdError::Within)),
            ("xterm", "foot/", AliasError::To(IdError::Within)),
            ("CRX_abc", "y", AliasError::Twice),
            ("Games*", "y", AliasError::Twice),
        ] {
            assert_eq!(aliases.add(from, to), Err(error), "{from} {to}");
        }
    }

    proptest! {
        /// Whatever the aliases, one application of them is all that happens, in any case of the letters.
        #[test]
        fn each_id_is_what_one_alias_says(
            list in prop::collection::vec(("[ab]{1,3}\\*?", "[ab]{1,3}"), 0..6),
            app in "[abAB]{1,4}",
        ) {
            let mut aliases = Aliases::default();
            let kept: Vec<_> = list.iter().filter(|(from, to)| aliases.add(from, to).is_ok()).collect();
            let app = AppId::new(app).unwrap();
            let counted = aliases.apply(&app);
            let lower = app.as_str().to_ascii_lowercase();
            let matching = |from: &str| from.strip_suffix('*').map_or(lower == from, |start| lower.starts_with(start));
            if kept.iter().any(|(from, _)| matching(from)) {
                prop_assert!(kept.iter().any(|(from, to)| matching(from) && counted.as_str() == to));
            } else {
                prop_assert_eq!(&counted, &app);
            }
        }
    }
}
