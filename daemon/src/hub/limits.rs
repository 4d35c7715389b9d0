//! Limits: judging the rules, ordering what follows, and keeping the record of them.

use dwell_bus::{Failure, Reply, wire};
use dwell_core::policy::{
    Action, Away, Bench, Deed, Front, Judged, Plan, Stage, Verdict, Verdicts, judge, plan,
};
use dwell_core::rules::{AtLimit, RuleId};
use dwell_core::standing::{MadeBy, Moment};
use dwell_core::subject::{AppId, Subject, Target};
use dwell_core::time::{Millis, Reading, Wall};
use dwell_desktop::WindowAct;
use dwell_desktop::freezer::{Unit, WhyNot};

use super::Hub;
use crate::clock;
use crate::enforcement::{Order, Thawing};
use crate::record::{HeldBack, Text, Unseen};

/// What is in front again so soon after its rule has put something away was not opened by the person: another window has
/// its turn, or it brings itself back.
const ONE_ACT: Millis = Millis::from_secs(1);

impl Hub {
    /// Takes the rules up again after a start: what the person was told before is not told again.
    pub(super) fn resume(&mut self, now: Reading) {
        self.record.standing.resume_clock(&crate::record::boot_id(), now.boot);
        self.book.stale();
        let today = self.count.today(now);
        let mut verdicts = self.judged(now);
        let told = &self.record.stages;
        verdicts.rules.retain(|judged| told.get(judged.id().as_str()) == Some(&(today, judged.stage)));
        self.verdicts = verdicts;
        // What the last daemon did not live to see.
        self.order_thaw(false);
    }

    /// This moment by all clocks.
    pub(super) fn moment(&self, now: Reading) -> Moment {
        let today = self.count.today(now);
        self.record.standing.moment(now, today, self.calendar().end_of(today))
    }

    /// Judges the rules and orders what has to be done. To be called after every change; `stated` says that a program
    /// was said to have focus just now, be it the same as before.
    pub(super) fn settle(&mut self, now: Reading, stated: bool) {
        self.say_changes(now);
        if self.recounts.under_way() {
            return;
        }
        self.settle_standing(now);
        let front = self.count.timeline().charging();
        let (unseen, look_again) = self.unseen(now);
        self.sees_again(front.as_ref(), unseen);
        let came = front.is_some() && (stated || front != self.front || (unseen && !self.unseen));
        let mut verdicts = self.judged(now);
        verdicts.next_boot = verdicts.next_boot.into_iter().chain(look_again).min();
        let today = self.count.today(now);
        if self.vault.is_there() && self.book.needs_from(today) < self.counted_from {
            // Charges of days before are needed: nothing is decided without them.
            self.recount(self.recounts.wanted(&self.count));
            return;
        }
        let says_terminal = |app: &AppId| self.says_terminal(app);
        // Desktop files are looked up for it, and most people have no rule that asks.
        let asking = front.as_ref().filter(|_| self.book.asks_for_categories());
        let category = asking.and_then(|front| self.category(front));
        let program =
            front.as_ref().filter(|front| front.domain.is_some() && self.book.asks_for_categories());
        let app_category = program.and_then(|front| self.category(&Subject::app(front.app.clone())));
        let in_front = front.as_ref().map(|subject| Front {
            subject,
            category: category.as_ref(),
            app_category: app_category.as_ref(),
            unseen,
            came,
        });
        let back = self.record.held_back.iter().map(|held| Away {
            subject: held.subject.clone(),
            category: held.category.clone(),
            unseen: held.unseen.is_some(),
        });
        let back: Vec<Away> = back.collect();
        let plan = plan(&self.verdicts, &verdicts, in_front, &back, says_terminal);
        self.verdicts = verdicts;
        self.judged_at = now;
        (self.front, self.unseen) = (front, unseen);
        let acted = self.remember_acts(&plan);
        if self.remember_stages(now) || acted {
            // What the person is told must hold after a power loss as well.
            let outcome = self.count.checkpoint(now);
            self.take(outcome);
            self.save_record();
        }
        self.block_pages(now);
        self.carry_out(&plan, now);
        if std::mem::take(&mut self.unsaved) {
            self.save_record();
        }
        self.seal_if_due(now);
    }

    pub(super) fn judged(&mut self, now: Reading) -> Verdicts {
        let moment = self.moment(now);
        let calendar = *self.count.calendar();
        let Self { book, record, count, names, categories, vault, .. } = self;
        let category = |subject: &Subject| categories.of(subject, names.category(&subject.app));
        book.refresh(&record.standing, &moment, &calendar, count.ledger(), category);
        let open = book.open(count.timeline(), now.boot, count.almanac(), category);
        let beside = |id: &RuleId, period: i64| vault.beside(&record.forgotten, id, period);
        let almanac = count.almanac();
        let bench = Bench { meters: book.meters(), open: open.as_ref(), almanac, beside: &beside };
        let mut verdicts = judge(book.held(), &bench, now);
        let (boot, wall) = book.next(&record.standing);
        verdicts.next_boot = verdicts.next_boot.into_iter().chain(boot).min();
        verdicts.next_wall = verdicts.next_wall.into_iter().chain(wall).min();
        verdicts
    }

    fn carry_out(&mut self, Plan(actions): &Plan, now: Reading) {
        let act = |judged: &Judged| {
            actions.iter().find_map(|action| match action {
                Action::Act { deed, by, again: false, unseen, .. } if by.id() == judged.id() => {
                    Some((*deed, *unseen))
                }
                _ => None,
            })
        };
        for action in actions {
            match action {
                Action::Warn(judged) => {
                    self.tell_warning(judged, now);
                    self.say_limit("limit-warning", judged, now);
                }
                Action::Reached(judged) => {
                    match act(judged) {
                        // Told with the act: the browser is not what the limit is about.
                        Some((_, true)) => {}
                        // That a session has begun its owner knows, and with what it blocks.
                        None if self.book.made_by(judged.id()) == MadeBy::Focus => {}
                        done => self.tell_reached(judged, done.map(|(deed, _)| deed), now),
                    }
                    self.say_limit("limit-reached", judged, now);
                }
                Action::Lifted(judged) => {
                    self.order(Order::TakeBack { rule: judged.id().as_str().to_owned() });
                    if judged.snoozed_until.is_none() {
                        self.say_limit("limit-lifted", judged, now);
                    }
                }
                Action::Act { app, deed, by, again, unseen } => {
                    self.act(app, *deed);
                    let before = self.acted_at.insert(by.id().as_str().to_owned(), now.boot);
                    let since = before.and_then(|before| now.boot.since(before));
                    if *unseen {
                        self.tell_unseen(app, by, now);
                    } else if *again && since.is_none_or(|since| since >= ONE_ACT) {
                        self.tell_returned(by, now);
                    }
                }
                Action::Release(_) => {}
            }
        }
        if actions.iter().any(|a| !matches!(a, Action::Act { .. } | Action::Release(_))) {
            self.order(Order::Changed);
        }
    }

    fn act(&self, app: &AppId, deed: Deed) {
        match deed {
            Deed::Minimise => self.order(Order::Window(WindowAct::Minimise(app.clone()))),
            Deed::Close => self.order(Order::Window(WindowAct::Close(app.clone()))),
            Deed::Freeze => {
                self.order(Order::Window(WindowAct::Minimise(app.clone())));
                self.order(Order::Window(WindowAct::FindUnits(app.clone())));
            }
            Deed::Lock => {
                self.order(Order::Window(WindowAct::Minimise(app.clone())));
                self.order(Order::Lock);
            }
            // Every linked browser was told what is blocked.
            Deed::Page => {}
        }
    }

    /// Notes what a program runs in, and has it frozen as soon as that is kept: whatever happens then, it can be undone.
    pub(super) fn units_found(&mut self, app: &AppId, units: Result<Vec<Unit>, WhyNot>) {
        let units = match units {
            Ok(units) => units,
            Err(why) => return tracing::info!("a program is put away and not frozen: {why}"),
        };
        if !self.is_to_be_frozen(app) {
            return;
        }
        let Some(held) = self.record.held_back.iter_mut().find(|held| held.subject.app == *app) else {
            return;
        };
        let new = units.iter().map(|unit| Text(unit.as_str().to_owned()));
        let new: Vec<Text> = new.filter(|unit| !held.frozen.contains(unit)).collect();
        held.frozen.extend(new);
        self.note_counters(clock::now());
        let (app, kept) = (app.clone(), self.to_freeze.0.clone());
        self.store.put_enforcement(self.record.to_bytes(), move |result| {
            if result.is_ok() {
                // The hub is gone only while everything stops.
                let _ = kept.send(app);
            }
        });
    }

    /// Freezes a program that is noted, unless it is not blocked any more.
    pub(super) fn freeze(&self, app: &AppId) {
        let Some(held) = self.record.held_back.iter().find(|held| held.subject.app == *app) else { return };
        if self.is_to_be_frozen(app) {
            self.order(Order::Freeze(held.units().collect()));
        }
    }

    fn is_to_be_frozen(&self, app: &AppId) -> bool {
        let subject = Subject::app(app.clone());
        let category = self.category(&subject);
        let freezes =
            |judged: &Judged| judged.verdict == Verdict::Blocked && judged.rule.at_limit == AtLimit::Freeze;
        let mut freezing = self.verdicts.rules.iter().filter(|judged| freezes(judged));
        freezing.any(|judged| judged.rule.covers(&subject, category.as_ref()))
    }

    /// Gives back everything that was put away or frozen.
    pub(super) fn release_all(&mut self) {
        for held in std::mem::take(&mut self.record.held_back) {
            self.release(held);
        }
    }

    /// Undoes what was done to a program. What was frozen stays noted until it is known to run again.
    fn release(&mut self, held: HeldBack) {
        let units: Vec<Unit> = held.units().collect();
        let restore = Order::Window(WindowAct::Restore(held.subject.app.clone()));
        if !units.is_empty() {
            self.order(Order::Thaw { units, again: false });
            self.record.thawing.push(held);
        }
        self.order(restore);
    }

    /// Has everything thawed that is still to be.
    fn order_thaw(&self, again: bool) {
        let units: Vec<Unit> = self.record.thawing.iter().flat_map(HeldBack::units).collect();
        if !units.is_empty() {
            self.order(Order::Thaw { units, again });
        }
    }

    /// Something became of what was to be thawed.
    pub(super) fn thawing(&mut self, thawing: Thawing) {
        match thawing {
            Thawing::Run(units) => {
                let runs = |name: &Text| units.iter().any(|unit| unit.as_str() == name.0);
                self.record.thawing.iter_mut().for_each(|held| held.frozen.retain(|name| !runs(name)));
                self.record.thawing.retain(|held| !held.frozen.is_empty());
                self.save_record();
            }
            // Only what no limit holds again by now.
            Thawing::SystemdCame => self.order_thaw(true),
        }
    }

    /// What is to be thawed of a program that is to be frozen again: it stays as it is.
    fn keep_frozen(&mut self, app: &AppId) -> Vec<Text> {
        let (again, other) = std::mem::take(&mut self.record.thawing)
            .into_iter()
            .partition::<Vec<_>, _>(|held| held.subject.app == *app);
        self.record.thawing = other;
        again.into_iter().flat_map(|held| held.frozen).collect()
    }

    /// Whether a program says of itself that it is a terminal.
    pub(super) fn says_terminal(&self, app: &AppId) -> bool {
        self.names.category(app).is_some_and(|category| category.as_str() == "terminal")
    }

    /// A target's name for people.
    pub(super) fn target_name(&self, target: &Target) -> String {
        match target {
            Target::App(app) => self.app_name(app),
            Target::Domain(domain) => domain.as_str().to_owned(),
            Target::Category(category) => category.as_str().to_owned(),
            Target::All => self.texts.everything(),
        }
    }

    /// Notes how far each rule has come; says whether that is news.
    fn remember_stages(&mut self, now: Reading) -> bool {
        let today = self.count.today(now);
        let staged = self.verdicts.rules.iter().filter(|judged| judged.stage != Stage::Within);
        let told = staged.map(|j| (j.id().as_str().to_owned(), (today, j.stage))).collect();
        let news = self.record.stages != told;
        self.record.stages = told;
        news
    }

    /// Notes what is about to be done to programs, before it is done: whatever happens then, it can be undone.
    fn remember_acts(&mut self, Plan(actions): &Plan) -> bool {
        let before = self.record.held_back.clone();
        for action in actions {
            match action {
                Action::Act {
                    app,
                    deed: deed @ (Deed::Minimise | Deed::Freeze | Deed::Lock),
                    unseen,
                    ..
                } => {
                    let linked = self.count.timeline().is_linked(app);
                    let why = if linked { Unseen::Private } else { Unseen::Unlinked };
                    let unseen = unseen.then_some(why);
                    let subject = self.front.clone().filter(|front| front.app == *app);
                    let subject = subject.unwrap_or_else(|| Subject::app(app.clone()));
                    let held = self.record.held_back.iter_mut().find(|held| held.subject == subject);
                    if let Some(held) = held {
                        held.unseen = unseen.or(held.unseen);
                    } else {
                        let category = self.category(&subject);
                        let frozen = if *deed == Deed::Freeze { self.keep_frozen(app) } else { Vec::new() };
                        self.record.held_back.push(HeldBack { subject, category, frozen, unseen });
                    }
                }
                Action::Release(app) => {
                    let (free, held) = std::mem::take(&mut self.record.held_back)
                        .into_iter()
                        .partition::<Vec<_>, _>(|held| held.subject.app == *app);
                    self.record.held_back = held;
                    free.into_iter().for_each(|held| self.release(held));
                }
                _ => {}
            }
        }
        self.record.held_back != before
    }

    /// Keeps the rules and what belongs to them. Not before they were read: nothing may take their place.
    pub(super) fn save_record(&mut self) {
        if !self.vault.is_there() {
            return;
        }
        self.note_counters(clock::now());
        self.store.put_enforcement(self.record.to_bytes(), |_| {});
    }

    /// Keeps the rules, and answers only when they are kept.
    pub(super) fn save_rules_then<T: Send + 'static>(&mut self, reply: Reply<T>, answer: Result<T, Failure>) {
        let Ok(value) = answer else {
            // What did change on the way is kept. Who asked may have left.
            self.save_record();
            let _ = reply.send(answer);
            return;
        };
        self.note_counters(clock::now());
        self.store.put_enforcement(self.record.to_bytes(), move |kept| {
            let answer = kept.map(|()| value).map_err(|why| {
                let message = format!("the change holds for now, but could not be kept: {why}");
                Failure::new(dwell_bus::Kind::StorageDegraded, message)
                    .hint("free some space, then say it again")
            });
            let _ = reply.send(answer);
        });
    }

    /// What the rules say at this moment; also while a recount is under way, when nothing is done about it yet.
    pub(super) fn verdicts_now(&mut self) -> Verdicts {
        let now = clock::now();
        self.tick(now);
        self.judged(now)
    }

    /// All limits as they stand now, where they are known.
    pub(super) fn limits(&mut self) -> Vec<wire::Limit> {
        let verdicts = self.verdicts_now();
        verdicts.rules.iter().map(|judged| self.limit(judged)).collect()
    }

    /// Which rules apply to a target.
    ///
    /// # Errors
    /// The rules could not be read.
    pub(super) fn why(&mut self, target: &Target) -> Result<wire::Why, Failure> {
        self.rules_must_be_there()?;
        let verdicts = self.verdicts_now();
        let mut applying: Vec<&Judged> =
            verdicts.rules.iter().filter(|judged| self.applies(judged, target)).collect();
        applying.sort_by_key(|judged| std::cmp::Reverse((judged.verdict, judged.until, judged.reached())));
        let strictest = applying.first();
        Ok(wire::Why {
            target: target.to_string(),
            verdict: strictest.map_or(Verdict::Allowed, |judged| judged.verdict).as_str().to_owned(),
            until_at_ms: strictest.and_then(|judged| judged.until).map(Wall::as_unix_ms),
            without_extension: strictest
                .filter(|judged| judged.verdict != Verdict::Allowed)
                .is_some_and(|judged| self.applies_unseen(judged, target))
                .then_some(true),
            rules: applying.iter().map(|judged| self.limit(judged)).collect(),
            zone: self.calendar().zone.name().to_owned(),
        })
    }

    /// Whether a target is allowed.
    ///
    /// # Errors
    /// The rules could not be read: "allowed" would then be a guess.
    pub(super) fn check(&mut self, target: &Target) -> Result<wire::Check, Failure> {
        self.rules_must_be_there()?;
        let verdicts = self.verdicts_now();
        let strictest = verdicts.strictest(|judged| self.applies(judged, target));
        let strictest = strictest.filter(|judged| judged.verdict != Verdict::Allowed);
        Ok(wire::Check {
            target: target.to_string(),
            verdict: strictest.map_or(Verdict::Allowed, |judged| judged.verdict).as_str().to_owned(),
            rule: strictest.map(|judged| judged.id().as_str().to_owned()),
            without_extension: strictest
                .is_some_and(|judged| self.applies_unseen(judged, target))
                .then_some(true),
            until_at_ms: strictest.and_then(|j| j.until).map(Wall::as_unix_ms),
            zone: self.calendar().zone.name().to_owned(),
        })
    }

    /// Whether a rule has a say about a target for no other reason than that it is a browser of which no extension can
    /// tell the site.
    fn applies_unseen(&self, judged: &Judged, target: &Target) -> bool {
        let Target::App(app) = target else { return false };
        let subject = Subject::app(app.clone());
        let category = self.category(&subject);
        self.is_unseen(app)
            && !judged.rule.covers(&subject, category.as_ref())
            && judged.rule.covers_unseen(&subject, category.as_ref())
    }

    /// Whether a rule has a say about a target: it covers it, and does not except it.
    pub(super) fn applies(&self, judged: &Judged, target: &Target) -> bool {
        let rule = &judged.rule;
        match target {
            Target::App(app) => {
                let subject = Subject::app(app.clone());
                rule.covers(&subject, self.category(&subject).as_ref()) || self.applies_unseen(judged, target)
            }
            Target::Domain(_) => {
                let (category, _) = self.categories.which(target, None);
                let covers = |own: &Target| match (own, &category) {
                    (Target::Category(own), Some(category)) => {
                        own.as_str().eq_ignore_ascii_case(category.as_str())
                    }
                    (Target::All, _) => true,
                    _ => target.to_string().eq_ignore_ascii_case(&own.to_string()),
                };
                covers(&rule.target) && !rule.except.iter().any(covers)
            }
            Target::Category(_) | Target::All => {
                let same = |other: &Target| target.to_string().eq_ignore_ascii_case(&other.to_string());
                (rule.target == Target::All || same(&rule.target)) && !rule.except.iter().any(same)
            }
        }
    }
}
