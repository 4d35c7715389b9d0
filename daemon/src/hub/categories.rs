//! Categories: the built-in ones, those of desktop files, and the person's own.

use dwell_bus::{Failure, Kind, wire};
use dwell_core::category::{Categories, named};
use dwell_core::rules::{Edit, RuleSet};
use dwell_core::subject::{Category, Subject, Target};

use super::Hub;
use crate::clock;

impl Hub {
    /// Programs and domains belong to other categories from now on.
    pub(super) fn categories_changed(&mut self) {
        self.categories = Categories::new(&self.book.set().categories);
        self.browsers.stale();
        let mut held_back = std::mem::take(&mut self.record.held_back);
        held_back.iter_mut().for_each(|held| held.category = self.category(&held.subject));
        self.record.held_back = held_back;
        self.book.stale();
    }

    /// The category of a subject: the person's own, else the catalogue's, else the desktop file's.
    pub(super) fn category(&self, subject: &Subject) -> Option<Category> {
        self.categories.of(subject, self.names.category(&subject.app))
    }

    /// All categories.
    pub(super) fn list_categories(&self) -> Result<Vec<wire::CategoryInfo>, Failure> {
        self.rules_must_be_there()?;
        let listed = self.categories.list().into_iter().map(|listed| wire::CategoryInfo {
            category: listed.category.into(),
            built_in: u32::try_from(listed.built_in).unwrap_or(u32::MAX),
            own: listed.own.iter().map(ToString::to_string).collect(),
        });
        Ok(listed.collect())
    }

    /// The category of a target, and who says so.
    pub(super) fn which_category(&self, target: &Target) -> Result<wire::Classified, Failure> {
        let by_desktop_file = match target {
            Target::App(app) => self.names.category(app),
            Target::Domain(_) => None,
            Target::Category(_) | Target::All => return Err(no_one(target)),
        };
        let (category, source) = self.categories.which(target, by_desktop_file);
        Ok(wire::Classified {
            target: target.to_string(),
            category: category.map(String::from),
            source: source.word().to_owned(),
        })
    }

    /// Gives a target a category, or with an empty text the built-in one again.
    pub(super) fn set_category(&mut self, target: Target, category: &str) -> Result<wire::Change, Failure> {
        self.rules_must_be_there()?;
        if matches!(target, Target::Category(_) | Target::All) {
            return Err(no_one(&target));
        }
        let category = Some(category.trim()).filter(|category| !category.is_empty());
        let category = category.map(named).transpose().map_err(|error| {
            Failure::new(Kind::Invalid, format!("this is no category: {error}"))
                .hint("write one word, like video")
        })?;
        self.tick(clock::now());
        self.change(&Edit::Category(target, category))
    }

    /// What a change of a category does, for people: from the one that holds now, whoever says so; `None`: nothing.
    pub(super) fn category_lines(
        &self,
        target: &Target,
        category: Option<&Category>,
        new: &RuleSet,
    ) -> Option<Vec<String>> {
        let by_desktop_file = || match target {
            Target::App(app) => self.names.category(app),
            _ => None,
        };
        let (from, _) = self.categories.which(target, by_desktop_file());
        let (to, _) = Categories::new(&new.categories).which(target, by_desktop_file());
        let name = |category: Option<&Category>| category.map_or("none", Category::as_str).to_owned();
        let to = name(category.or(to.as_ref()));
        (self.book.set().categories != new.categories)
            .then(|| vec![format!("category of {target}: {} → {to}", name(from.as_ref()))])
    }
}

fn no_one(target: &Target) -> Failure {
    Failure::new(Kind::Invalid, format!("{target} has no category of its own"))
        .hint("name a program or a domain: app:ID, domain:D")
}
