//! Limits: judging the rules, ordering what follows, and keeping the record of them.

use dwell_bus::{Failure, Kind, Reply, wire};
use dwell_core::policy::{Action, Judged, Plan, Stage, Verdict, Verdicts, judge, plan};
use dwell_core::rules::{AtLimit, MAX_RULES, Per, Rule, RuleError, new_id};
use dwell_core::subject::{AppId, Subject, Target};
use dwell_core::time::{Millis, Reading};
use dwell_desktop::WindowAct;

use super::Hub;
use super::aliases::Idle;
use crate::enforcement::Order;
use crate::{clock, texts};

impl Hub {
    /// Takes the rules up again after a start: what the person was told before is not told again.
    pub(super) fn resume(&mut self, now: Reading) {
        let today = self.count.today(now);
        let mut verdicts = self.judged(now);
        let told = &self.record.told;
        verdicts.rules.retain(|judged| told.get(judged.rule.as_str()) == Some(&(today, judged.stage())));
        self.verdicts = verdicts;
    }

    /// Judges the rules and orders what has to be done. To be called after every change; `stated` says that a program
    /// was said to have focus just now, be it the same as before.
    pub(super) fn settle(&mut self, now: Reading, stated: bool) {
        self.say_changes(now);
        if self.recounts.under_way() {
            return;
        }
        let front = self.count.timeline().charging();
        let came_to_front = front.is_some() && (stated || front != self.front);
        let verdicts = self.judged(now);
        let says_terminal =
            |app: &AppId| self.names.category(app).is_some_and(|category| category.as_str() == "terminal");
        let plan = plan(&self.verdicts, &verdicts, front.as_ref(), came_to_front, says_terminal);
        self.verdicts = verdicts;
        self.front = front;
        if self.remember_stages(now) {
            // What the person is told must hold after a power loss as well.
            let outcome = self.count.checkpoint(now);
            self.take(outcome);
            self.save_record();
        }
        self.carry_out(&plan, now);
        self.seal_if_due(now);
    }

    fn judged(&self, now: Reading) -> Verdicts {
        let used = |target: &Target| self.used(target, now);
        judge(&self.rules, used, self.count.timeline().charging().as_ref(), now, self.calendar())
    }

    fn carry_out(&mut self, Plan(actions): &Plan, now: Reading) {
        for action in actions {
            match action {
                Action::Warn(judged) => {
                    let notice = texts::warning(&self.target_name(&judged.target), judged);
                    self.tell(judged, notice, false);
                    self.say_limit("limit-warning", judged, now);
                }
                Action::Reached(judged) => {
                    self.tell_reached(judged);
                    self.say_limit("limit-reached", judged, now);
                }
                Action::Lifted(judged) => {
                    self.order(Order::TakeBack { rule: judged.rule.as_str().to_owned() });
                    self.say_limit("limit-lifted", judged, now);
                }
                Action::Minimise { app, by, again } => {
                    self.order(Order::Window(WindowAct::Minimise(app.clone())));
                    if *again {
                        self.tell_reached(by);
                    }
                }
                Action::Close { app, by, again } => {
                    self.order(Order::Window(WindowAct::Close(app.clone())));
                    if *again {
                        self.tell_reached(by);
                    }
                }
            }
        }
        if actions.iter().any(|a| !matches!(a, Action::Minimise { .. } | Action::Close { .. })) {
            self.order(Order::Changed);
        }
    }

    fn tell_reached(&self, judged: &Judged) {
        let notice = texts::reached(&self.target_name(&judged.target), judged, self.calendar());
        self.tell(judged, notice, judged.at_limit != AtLimit::Notify);
    }

    fn tell(&self, judged: &Judged, notice: texts::Notice, urgent: bool) {
        self.order(Order::Tell { rule: judged.rule.as_str().to_owned(), notice, urgent });
    }

    /// A target's name for people.
    pub(super) fn target_name(&self, target: &Target) -> String {
        match target {
            Target::App(app) => self.app_name(app),
            Target::Domain(domain) => domain.as_str().to_owned(),
            Target::Category(category) => category.as_str().to_owned(),
            Target::All => "Screen time".to_owned(),
        }
    }

    /// Notes how far each rule has come; says whether that is news.
    fn remember_stages(&mut self, now: Reading) -> bool {
        let today = self.count.today(now);
        let staged = self.verdicts.rules.iter().filter(|judged| judged.stage() != Stage::Within);
        let told = staged.map(|j| (j.rule.as_str().to_owned(), (today, j.stage()))).collect();
        let news = self.record.told != told;
        self.record.told = told;
        news
    }

    /// Keeps the rules and what belongs to them. Not before they were read: nothing may take their place.
    pub(super) fn save_record(&mut self) {
        if !self.vault.is_there() {
            return;
        }
        self.record.rules.clone_from(&self.rules);
        self.note_counters(clock::now());
        self.store.put_enforcement(self.record.to_bytes(), |_| {});
    }

    /// Keeps the rules, and answers only when they are kept.
    pub(super) fn save_rules_then<T: Send + 'static>(&mut self, reply: Reply<T>, answer: Result<T, Failure>) {
        let Ok(value) = answer else {
            // Who asked may have left.
            let _ = reply.send(answer);
            return;
        };
        self.record.rules.clone_from(&self.rules);
        self.note_counters(clock::now());
        self.store.put_enforcement(self.record.to_bytes(), move |kept| {
            let answer = kept.map(|()| value).map_err(|why| {
                let message = format!("the change holds for now, but could not be kept: {why}");
                Failure::new(Kind::StorageDegraded, message).hint("free some space, then say it again")
            });
            let _ = reply.send(answer);
        });
    }

    /// All limits as they stand now, where they are known.
    pub(super) fn limits(&mut self) -> Vec<wire::Limit> {
        self.verdicts_now().rules.iter().map(|judged| self.limit(judged)).collect()
    }

    /// What the rules say at this moment; also while a recount is under way, when nothing is done about it yet.
    fn verdicts_now(&mut self) -> Verdicts {
        let now = clock::now();
        self.tick(now);
        self.judged(now)
    }

    fn limit(&self, judged: &Judged) -> wire::Limit {
        let rule = self.rules.iter().find(|rule| rule.id == judged.rule);
        wire::Limit {
            id: judged.rule.as_str().to_owned(),
            target: judged.target.to_string(),
            alias: None,
            used_ms: judged.used.as_ms(),
            budget_ms: Some(judged.budget.as_ms()),
            left_ms: Some(judged.left().as_ms()),
            verdict: judged.verdict.as_str().to_owned(),
            until_at_ms: judged.until.map(dwell_core::time::Wall::as_unix_ms),
            per: rule.map_or(Per::Day, |rule| rule.per).to_string(),
            at_limit: judged.at_limit.to_string(),
            warn_ms: rule.map_or(0, |rule| rule.warning().as_ms()),
            renews_at_ms: self.calendar().end_of(self.count.today(clock::now())).as_unix_ms(),
            zone: self.calendar().zone.name().to_owned(),
        }
    }

    /// Makes a rule, or changes the one that the target has.
    pub(super) fn set_limit(
        &mut self,
        target: &Target,
        amount: Millis,
        options: &wire::LimitOptions,
    ) -> Result<wire::Limit, Failure> {
        self.rules_must_be_there()?;
        if self.idleness(target) == Some(Idle::Within) {
            let message = format!("{target} never counts: terminals count as a whole");
            return Err(Failure::new(Kind::Invalid, message)
                .hint("set terminal-programs = true in the configuration first"));
        }
        let per: Option<Per> = options.per.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let at_limit: Option<AtLimit> =
            options.at_limit.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let warn = options.warn_ms.map(Millis::from_ms);
        let same = |rule: &Rule| rule.target.to_string().eq_ignore_ascii_case(&target.to_string());
        let place = self.rules.iter().position(same);
        let mut rule = match place.and_then(|place| self.rules.get(place)) {
            Some(rule) => rule.clone(),
            None if self.rules.len() >= MAX_RULES => return Err(wrong(RuleError::TooMany)),
            None => Rule {
                id: new_id(target, &self.rules).map_err(wrong)?,
                target: target.clone(),
                amount,
                per: Per::default(),
                warn: None,
                at_limit: AtLimit::default(),
            },
        };
        rule.amount = amount;
        rule.per = per.unwrap_or(rule.per);
        rule.at_limit = at_limit.unwrap_or(rule.at_limit);
        // A warning that the person once chose stays, as long as it fits.
        rule.warn = warn.or(rule.warn.filter(|chosen| *chosen < amount));
        rule.check().map_err(wrong)?;
        let id = rule.id.clone();
        match place.and_then(|place| self.rules.get_mut(place)) {
            Some(old) => *old = rule,
            None => self.rules.push(rule),
        }
        self.rules_changed();
        let verdicts = self.verdicts_now();
        let judged = verdicts.rules.iter().find(|judged| judged.rule == id);
        judged
            .map(|judged| self.limit(judged))
            .ok_or_else(|| Failure::new(Kind::Failed, "the rule was not kept"))
    }

    /// Removes a rule.
    pub(super) fn remove_limit(&mut self, id: &str) -> Result<(), Failure> {
        self.rules_must_be_there()?;
        let Some(place) = self.rules.iter().position(|rule| rule.id.as_str() == id) else {
            let near = self.rules.iter().map(|rule| rule.id.as_str()).min_by_key(|known| distance(known, id));
            let hint = match near.filter(|known| distance(known, id) <= 3) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "`dwell limit list` shows the ids".to_owned(),
            };
            return Err(Failure::new(Kind::NotFound, format!("there is no limit \"{id}\"")).hint(hint));
        };
        self.rules.remove(place);
        self.rules_changed();
        Ok(())
    }

    fn rules_changed(&mut self) {
        let now = clock::now();
        self.say_rules_changed(now);
        self.tick(now);
        self.order(Order::Changed);
    }

    /// Which rules apply to a target.
    ///
    /// # Errors
    /// The rules could not be read, or the target is one on which there are no rules.
    pub(super) fn why(&mut self, target: &Target) -> Result<wire::Why, Failure> {
        self.rules_must_be_there()?;
        limitable(target)?;
        let verdicts = self.verdicts_now();
        let strictest = verdicts.strictest(|judged| applies(judged, target));
        let (verdict, until) = strictest.map_or((Verdict::Allowed, None), |j| (j.verdict, j.until));
        let applying = verdicts.rules.iter().filter(|judged| applies(judged, target));
        Ok(wire::Why {
            target: target.to_string(),
            verdict: verdict.as_str().to_owned(),
            until_at_ms: until.map(dwell_core::time::Wall::as_unix_ms),
            rules: applying.map(|judged| self.limit(judged)).collect(),
            zone: self.calendar().zone.name().to_owned(),
        })
    }

    /// Whether a target is allowed.
    ///
    /// # Errors
    /// The rules could not be read ("allowed" would then be a guess), or the target is one on which there are no rules.
    pub(super) fn check(&mut self, target: &Target) -> Result<wire::Check, Failure> {
        self.rules_must_be_there()?;
        limitable(target)?;
        let verdicts = self.verdicts_now();
        let strictest = verdicts.strictest(|judged| applies(judged, target));
        let strictest = strictest.filter(|judged| judged.verdict != Verdict::Allowed);
        Ok(wire::Check {
            target: target.to_string(),
            verdict: strictest.map_or(Verdict::Allowed, |judged| judged.verdict).as_str().to_owned(),
            rule: strictest.map(|judged| judged.rule.as_str().to_owned()),
            until_at_ms: strictest.and_then(|j| j.until).map(dwell_core::time::Wall::as_unix_ms),
            zone: self.calendar().zone.name().to_owned(),
        })
    }
}

/// A rule that cannot be, and the next step.
fn wrong(error: RuleError) -> Failure {
    let hint = match error {
        RuleError::BudgetTooLong => "choose 24h or less",
        RuleError::WarningTooEarly => "choose a warning shorter than the amount",
        RuleError::Category => "name programs or domains: app:ID, domain:D",
        RuleError::TooMany => "remove one: `dwell limit list`, `dwell limit remove ID`",
        RuleError::UnknownWord { .. } | RuleError::Id(_) => "see `dwell limit set --help`",
    };
    Failure::new(Kind::Invalid, error.to_string()).hint(hint)
}

/// Whether a rule has a say about a target: it names it, or everything.
fn applies(judged: &Judged, target: &Target) -> bool {
    match (target, &judged.target) {
        (_, Target::All) => true,
        (Target::App(app), rule) => rule.covers(&Subject::app(app.clone())),
        (target, rule) => target.to_string().eq_ignore_ascii_case(&rule.to_string()),
    }
}

/// A question about limits on something that can have none has no answer.
fn limitable(target: &Target) -> Result<(), Failure> {
    if matches!(target, Target::Category(_)) { Err(wrong(RuleError::Category)) } else { Ok(()) }
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(a, &b.to_ascii_lowercase())
}
