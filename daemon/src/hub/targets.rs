//! Targets as people type them: with their kind, or bare.

use std::collections::BTreeSet;

use dwell_bus::{Failure, Kind, wire};
use dwell_core::category::Source;
use dwell_core::domain::HostError;
use dwell_core::subject::{AppId, Category, Domain, Subject, Target, TargetError};
use dwell_vault::Subjects;

use super::Hub;
use crate::clock;

/// Nobody looks through more of them in a shell.
const TARGETS_MAX: usize = 500;

/// What became of a text.
pub(super) enum Resolved {
    /// It names this.
    Target(Target),
    /// It is bare, and the known subjects have not been read yet.
    NotYet,
}

impl Hub {
    /// Finds what a text names. Prefixed targets are taken even if never seen; a bare one must match exactly one
    /// known subject.
    pub(super) fn resolve(&self, text: &str) -> Result<Resolved, Failure> {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        if let Some(kept) = self.kept_as_written(text) {
            return Ok(Resolved::Target(kept));
        }
        let no_target = |error: &TargetError| {
            Failure::new(Kind::Invalid, format!("\"{shown}\" is no target: {error}")).hint(error.hint())
        };
        match Target::typed(text) {
            Ok(target) => return Ok(Resolved::Target(target)),
            Err(TargetError::Bare) => {}
            Err(error) => return Err(no_target(&error)),
        }
        let Some(known) = &self.known else { return Ok(Resolved::NotYet) };
        let candidates = self.candidates(known);
        let typed = text.trim();
        let text = typed.to_lowercase();
        if !candidates.iter().any(|candidate| exact(candidate, &text))
            && let Ok(app) = AppId::written(typed)
            && self.config.aliases.apply(&app) != app
        {
            return Ok(Resolved::Target(Target::App(app)));
        }
        for level in [exact, by_name, by_last_word] {
            let found: Vec<&Candidate> = candidates.iter().filter(|c| level(c, &text)).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Resolved::Target(one.target.clone())),
                several => {
                    let list: Vec<String> = several.iter().map(|c| c.target.to_string()).collect();
                    let message = format!("\"{shown}\" could be {}", list.join(", "));
                    return Err(Failure::new(Kind::Invalid, message).hint("write one of these in full"));
                }
            }
        }
        // A host, or an address, of a site that is known.
        match Domain::typed(typed) {
            Ok(site) => {
                let target = Target::Domain(site);
                // Or nobody has been there yet, but it is known what it is.
                if candidates.iter().any(|candidate| candidate.target == target)
                    || self.categories.which(&target, None).1 != Source::None
                {
                    return Ok(Resolved::Target(target));
                }
            }
            Err(HostError::Suffix) if text.contains('.') => return Err(no_target(&HostError::Suffix.into())),
            Err(_) => {}
        }
        let near: Vec<String> = candidates
            .iter()
            .filter(|c| c.id.contains(&text) || strsim::damerau_levenshtein(&c.last_word, &text) <= 2)
            .map(|c| c.target.to_string())
            .take(5)
            .collect();
        let hint = if near.is_empty() {
            format!("a target never seen before needs its kind: app:{shown} or domain:{shown}")
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        Err(Failure::new(Kind::NotFound, format!("nothing called \"{shown}\" is known")).hint(hint))
    }

    /// A domain just as it is written, where a rule or a record from before sites were told apart has it so.
    fn kept_as_written(&self, text: &str) -> Option<Target> {
        let target = text.parse::<Target>().ok()?;
        let Target::Domain(domain) = &target else { return None };
        let recorded = self.known.as_ref().is_some_and(|known| known.domains.contains(domain));
        (recorded || self.book.rules().iter().any(|rule| rule.target == target)).then_some(target)
    }

    /// Finds what several texts name, as it is counted; `None`: the known subjects have to be read first.
    pub(super) fn resolve_all(&self, texts: &[String]) -> Result<Option<Vec<Target>>, Failure> {
        let mut targets = Vec::with_capacity(texts.len());
        for text in texts {
            match self.resolve(text)? {
                Resolved::Target(target) => targets.push(self.counted(target)),
                Resolved::NotYet => return Ok(None),
            }
        }
        Ok(Some(targets))
    }

    /// The target in what is recorded: what is counted as another program, and was never counted by itself, is that one.
    pub(super) fn recorded(&self, target: Target) -> Target {
        let counted = self.counted(target.clone());
        let Some(known) = &self.known else { return target };
        let found = |app: &AppId| target.covers(&Subject::app(app.clone()));
        if counted == target || known.apps.iter().any(found) || self.seen().any(|seen| found(&seen.app)) {
            target
        } else {
            counted
        }
    }

    /// Refuses what nothing was ever recorded of, and names what is like it. Says nothing while nothing is known: an empty
    /// history, or one that is locked away.
    pub(super) fn must_be_seen(&self, target: &Target) -> Result<(), Failure> {
        let Some(known) = self.known.as_ref().filter(|known| !known.apps.is_empty()) else { return Ok(()) };
        let alike = |id: &str, candidate: &Candidate| {
            let (id, last) = (id.to_lowercase(), id.rsplit(['.', '/']).next().unwrap_or(id).to_lowercase());
            let near = |text: &str| strsim::damerau_levenshtein(text, &id) <= 2;
            candidate.id.contains(&id)
                || id.len() > 3
                    && [&candidate.id, &candidate.last_word, &candidate.name].into_iter().any(|t| near(t))
                || candidate.last_word == last
        };
        let (what, id, seen) = match target {
            Target::App(app) => {
                let of = |known: &AppId| app.covers(known);
                ("program", app.as_str(), known.apps.iter().any(of) || self.seen().any(|s| of(&s.app)))
            }
            Target::Domain(domain) => {
                let covers = |subject: &Subject| target.covers(subject);
                let seen = known.domains.iter().any(|d| d.as_str().eq_ignore_ascii_case(domain.as_str()));
                ("domain", domain.as_str(), seen || self.seen().any(|subject| covers(&subject)))
            }
            Target::Category(category) => {
                let listed = self.categories.list();
                let is = |named: &Category| named.as_str().eq_ignore_ascii_case(category.as_str());
                let by_desktop_file =
                    || known.apps.iter().filter_map(|app| self.names.category(app)).any(|c| is(&c));
                if listed.iter().any(|listed| is(&listed.category)) || by_desktop_file() {
                    return Ok(());
                }
                let near = listed.iter().map(|listed| listed.category.as_str());
                let near =
                    near.map(|name| (strsim::damerau_levenshtein(name, category.as_str()), name)).min();
                let failure =
                    Failure::new(Kind::NotFound, format!("there is no category \"{}\"", category.as_str()));
                return Err(match near {
                    Some((0..=2, name)) => failure.hint(format!("did you mean {name}?")),
                    _ => failure.hint("`dwell category list` shows what there is"),
                });
            }
            Target::All => return Ok(()),
        };
        if seen {
            return Ok(());
        }
        let same_kind = |candidate: &&Candidate| {
            std::mem::discriminant(&candidate.target) == std::mem::discriminant(target)
                && alike(id, candidate)
        };
        let near: Vec<String> = self
            .candidates(known)
            .iter()
            .filter(same_kind)
            .filter_map(|candidate| Some(candidate.target.to_string().split_once(':')?.1.to_owned()))
            .take(5)
            .collect();
        let failure = Failure::new(Kind::NotFound, format!("nothing was ever recorded of a {what} \"{id}\""));
        Err(match near.as_slice() {
            [] => failure.hint(format!(
                "`dwell report all --by {}` shows what there is",
                if what == "program" { "app" } else { what }
            )),
            near => failure.hint(format!("did you mean {}?", near.join(", "))),
        })
    }

    /// What was counted lately, or is being counted.
    fn seen(&self) -> impl Iterator<Item = Subject> {
        let charging = self.count.timeline().charging();
        self.count.subjects(clock::now()).cloned().chain(charging)
    }

    fn candidates(&self, known: &Subjects) -> Vec<Candidate> {
        let mut targets: BTreeSet<Target> = known.apps.iter().cloned().map(Target::App).collect();
        targets.extend(known.domains.iter().cloned().map(Target::Domain));
        for subject in self.seen() {
            targets.insert(Target::App(subject.app));
            targets.extend(subject.domain.map(Target::Domain));
        }
        targets.extend(self.book.rules().iter().map(|rule| rule.target.clone()));
        let standing = &self.record.standing;
        let planned = standing.intentions().iter().chain(standing.past_intentions());
        targets.extend(planned.map(|planned| planned.target.clone()));
        targets.into_iter().map(|target| self.candidate(target)).collect()
    }

    /// Known targets for a shell that completes what is typed: today's programs with the most used one first, the
    /// targets of rules, then whatever else was seen. `None`: the known subjects have to be read first.
    pub(super) fn list_targets(&self) -> Result<Option<Vec<wire::KnownTarget>>, Failure> {
        self.rules_must_be_there()?;
        if self.vault.as_str() == "sealed" {
            let failure = Failure::new(Kind::Locked, "what was seen is locked away in the vault");
            return Err(failure.hint("dwell vault unlock"));
        }
        let Some(known) = &self.known else { return Ok(None) };
        let mut told = BTreeSet::new();
        let today = self.count.apps(clock::now()).into_iter().map(|(app, ..)| Target::App(app));
        let of_rules = self.book.rules().iter().map(|rule| rule.target.clone());
        let others = self.candidates(known).into_iter().map(|candidate| candidate.target);
        let all = today.chain(of_rules).chain(others).filter(|target| told.insert(target.clone()));
        let known = |target: Target| wire::KnownTarget {
            name: self.target_name(&target),
            target: target.to_string(),
        };
        Ok(Some(all.take(TARGETS_MAX).map(known).collect()))
    }

    fn candidate(&self, target: Target) -> Candidate {
        let id = match &target {
            Target::App(app) => app.as_str(),
            Target::Domain(domain) => domain.as_str(),
            Target::Category(category) => category.as_str(),
            Target::All => "all",
        }
        .to_lowercase();
        let last_word = match &target {
            Target::App(_) => id.rsplit(['.', '/']).next().unwrap_or(&id).to_owned(),
            Target::Domain(_) | Target::Category(_) | Target::All => id.clone(),
        };
        let name = self.target_name(&target).to_lowercase();
        Candidate { target, id, last_word, name }
    }

    /// A program's name for people.
    pub(super) fn app_name(&self, app: &AppId) -> String {
        self.names.name(app).unwrap_or_else(|| app.as_str().to_owned())
    }

    /// Has the known subjects read; [`Hub::learn`] gets them.
    pub(super) fn look_up_subjects(&self) {
        let learned = self.learned.0.clone();
        self.store.with(move |shelf| {
            // Nothing readable is nothing known: the person then gets told how to name it in full.
            let _ = learned.send(shelf.subjects().unwrap_or_default());
        });
    }

    /// Takes the known subjects, and answers who waited for them.
    pub(super) fn learn(&mut self, known: Subjects) {
        self.known = Some(known);
        while let Some(request) = self.waiting.pop_front() {
            self.request(request);
        }
        // New subjects turn up all the time: next time they are read again.
        self.known = None;
    }
}

struct Candidate {
    target: Target,
    id: String,
    last_word: String,
    name: String,
}

fn exact(candidate: &Candidate, text: &str) -> bool {
    candidate.id == text
}

fn by_name(candidate: &Candidate, text: &str) -> bool {
    candidate.name == text
}

fn by_last_word(candidate: &Candidate, text: &str) -> bool {
    candidate.last_word == text
}
