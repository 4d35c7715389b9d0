//! What is in force beside the rules: snoozes, pauses, the exit, focus sessions, intentions, the reset week.

use dwell_bus::{Failure, Kind, Reply, wire};
use dwell_core::category::nearest;
use dwell_core::policy::{Judged, Verdict, Verdicts};
use dwell_core::rules::Rule;
use dwell_core::standing::{Ended, Intention, Moment, SnoozeError};
use dwell_core::subject::{Subject, Target};
use dwell_core::time::{Millis, Reading, Wall};
use dwell_desktop::WindowAct;

use super::Hub;
use crate::clock;
use crate::enforcement::Order;

/// The days from which a reset week takes what is usual.
const USUAL_DAYS: i32 = 7;

impl Hub {
    /// Drops what is over, and says so.
    pub(super) fn settle_standing(&mut self, now: Reading) {
        if !self.vault.is_there() {
            return;
        }
        let moment = self.moment(now);
        let ended = self.record.standing.settle(&moment);
        if ended.is_empty() {
            return;
        }
        self.book.stale();
        for ended in ended {
            if let Ended::Intention(intention) = &ended {
                let actual = self.used_since(intention, &moment);
                self.record.standing.set_actual(intention.id, actual);
            }
            self.say_ended(&ended, &moment);
        }
        self.save_record();
        self.order(Order::Changed);
    }

    /// For how long the target of an intention has had attention since it was stated.
    pub(super) fn used_since(&self, intention: &Intention, moment: &Moment) -> Millis {
        let open = self.count.timeline().open_span(moment.now.boot);
        let covers = |subject: &Subject| intention.target.covers_in(subject, self.category(subject).as_ref());
        self.count.ledger().since(intention.at, open.as_ref(), covers)
    }

    /// Begins the wait before a snooze.
    pub(super) fn ask_snooze(&mut self, named: &Named) -> Result<wire::Snooze, Failure> {
        self.rules_must_be_there()?;
        let verdicts = self.verdicts_now();
        let moment = self.moment(clock::now());
        let judged = match named {
            Named::Rule(id) => verdicts.rules.iter().find(|judged| judged.id().as_str() == id),
            Named::Target(target) => self.blocking(&verdicts.rules, target),
        };
        let Some(judged) = judged.filter(|judged| judged.reached() && !judged.suspended) else {
            return Err(Failure::new(
                Kind::Denied,
                "no limit is reached there, so there is nothing to put off",
            )
            .hint("see `dwell why TARGET`"));
        };
        let rule = judged.rule.clone();
        let asked = self.record.standing.ask_snooze(&rule, &moment).map_err(no_snooze)?;
        self.book.stale();
        let still = self.still_blocking(&rule, &verdicts);
        Ok(wire::Snooze {
            still_by: still.map(|other| other.id().as_str().to_owned()),
            still_until_at_ms: still.and_then(|other| self.opens_at(other)).map(Wall::as_unix_ms),
            rule: rule.id.as_str().to_owned(),
            target: rule.target.to_string(),
            name: self.target_name(&rule.target),
            wait_ms: asked.wait_left.as_ms(),
            length_ms: rule.snooze.length.as_ms(),
            sentence: rule.snooze.sentence.clone(),
            left: asked.left,
            zone: self.calendar().zone.name().to_owned(),
        })
    }

    /// Puts a rule off.
    pub(super) fn snooze(&mut self, id: &str, typed: &str) -> Result<wire::Limit, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        let rule =
            self.book.held().iter().find(|held| held.rule.id.as_str() == id).map(|held| held.rule.clone());
        let rule = rule.ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no limit \"{id}\""))
                .hint("`dwell limit list` shows the ids")
        })?;
        self.record.standing.snooze(&rule, typed, &moment).map_err(no_snooze)?;
        self.standing_changed();
        let verdicts = self.verdicts_now();
        let judged = verdicts.rules.iter().find(|judged| *judged.id() == rule.id);
        let judged = judged.ok_or_else(|| Failure::new(Kind::Failed, "the rule is gone"))?;
        let still = self.still_blocking(&rule, &verdicts);
        Ok(wire::Limit {
            still_by: still.map(|other| other.id().as_str().to_owned()),
            still_until_at_ms: still.and_then(|other| self.opens_at(other)).map(Wall::as_unix_ms),
            ..self.limit(judged)
        })
    }

    /// Another rule that blocks what a rule is about, or something of it that was put away: the one that does so longest.
    pub(super) fn still_blocking<'a>(&self, rule: &Rule, verdicts: &'a Verdicts) -> Option<&'a Judged> {
        let away = &self.record.held_back;
        let away = || away.iter().filter(|held| held.is_of(rule));
        let blocking = verdicts.rules.iter().filter(|other| {
            let covers = || away().any(|held| held.is_of(&other.rule));
            other.verdict == Verdict::Blocked
                && other.rule.id != rule.id
                && (self.applies(other, &rule.target) || covers())
        });
        blocking.max_by_key(|other| (self.is_never(other), other.until))
    }

    /// Asks a target's windows to close that a limit has put away or is about to; those that hold work stay put away.
    pub(super) fn close_target(&mut self, target: &Target) -> Result<(), Failure> {
        let covers = |subject: &Subject| target.covers_in(subject, self.category(subject).as_ref());
        let front = self.count.timeline().charging().filter(covers).filter(|front| self.is_blocked(front));
        let back = self.record.held_back.iter().map(|held| held.subject.clone()).filter(covers);
        let mut apps: Vec<_> = front.into_iter().chain(back).map(|subject| subject.app).collect();
        apps.sort();
        apps.dedup();
        if apps.is_empty() {
            return Err(Failure::new(Kind::NotFound, "no limit has put anything of that away")
                .hint("close it by hand"));
        }
        for app in apps {
            let works = dwell_core::policy::holds_work(&app) || self.says_terminal(&app);
            if !works && !dwell_core::policy::is_exempt(&app) {
                self.order(Order::Window(WindowAct::Close(app)));
            }
        }
        Ok(())
    }

    fn is_blocked(&self, subject: &Subject) -> bool {
        let category = self.category(subject);
        let mut blocked = self.verdicts.rules.iter().filter(|judged| judged.verdict == Verdict::Blocked);
        let category = category.as_ref();
        let unseen = self.is_unseen(&subject.app);
        blocked.any(|judged| {
            judged.rule.covers(subject, category) || (unseen && judged.rule.covers_unseen(subject, category))
        })
    }

    /// Suspends open rules.
    pub(super) fn pause(&mut self, length: Millis) -> Result<wire::Standing, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        self.record
            .standing
            .pause(length, &moment)
            .map_err(|error| Failure::new(Kind::Invalid, error.to_string()).hint("write it like 3d or 2h"))?;
        self.standing_changed();
        Ok(self.standing())
    }

    /// Ends a pause (`pause`), a focus session (`focus`), or both (an empty text).
    pub(super) fn end_pause(&mut self, what: &str) -> Result<wire::Standing, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        let standing = &mut self.record.standing;
        let (ended, none, hint) = match what {
            "pause" => {
                let hint = match standing.focus(&moment) {
                    Some(_) => "a focus session ends with `dwell focus stop`",
                    None => "nothing was changed",
                };
                (standing.resume(), "no pause runs", hint)
            }
            "focus" => {
                (standing.stop_focus(&moment), "no focus session runs", "start one with `dwell focus 50m`")
            }
            "" => {
                let paused = standing.resume();
                let none = "there is neither a pause nor a focus session";
                (standing.stop_focus(&moment) || paused, none, "nothing was changed")
            }
            _ => {
                return Err(Failure::new(Kind::Invalid, "only a pause or a focus session can be ended")
                    .hint("a pause ends with `dwell resume`, a focus session with `dwell focus stop`"));
            }
        };
        if !ended {
            return Err(Failure::new(Kind::NotFound, none).hint(hint));
        }
        self.standing_changed();
        Ok(self.standing())
    }

    /// Begins the emergency exit, or takes it back.
    pub(super) fn exit(&mut self, cancel: bool) -> Result<wire::Standing, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        if cancel {
            if !self.record.standing.cancel_exit() {
                return Err(
                    Failure::new(Kind::NotFound, "there is no exit to take back").hint("nothing was changed")
                );
            }
        } else {
            self.record.standing.ask_exit(&moment);
        }
        self.standing_changed();
        Ok(self.standing())
    }

    /// Begins a focus session.
    pub(super) fn focus(&mut self, length: Millis, targets: Vec<Target>) -> Result<wire::Standing, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        self.nothing_mistyped(&targets)?;
        self.record.standing.start_focus(length, targets, &moment).map_err(|error| {
            Failure::new(Kind::Invalid, error.to_string()).hint("write it like 50m, 12h at most")
        })?;
        self.standing_changed();
        Ok(self.standing())
    }

    /// Refuses categories in which nothing is: nothing would be blocked.
    fn nothing_mistyped(&self, targets: &[Target]) -> Result<(), Failure> {
        for target in targets {
            let Target::Category(category) = target else { continue };
            let known = self.categories.known_names();
            if let Some(near) = nearest(category.as_str(), known) {
                let message = format!("nothing is in {target}");
                return Err(Failure::new(Kind::Invalid, message).hint(format!("did you mean {near}?")));
            }
            if !self.categories.known_names().iter().any(|name| name.eq_ignore_ascii_case(category.as_str()))
            {
                let message = format!("nothing is in {target}, so nothing would be blocked");
                return Err(
                    Failure::new(Kind::Invalid, message).hint("`dwell category list` shows what there is")
                );
            }
        }
        Ok(())
    }

    /// States an intention.
    pub(super) fn intend(
        &mut self,
        target: Target,
        length: Millis,
        to: &str,
    ) -> Result<wire::Standing, Failure> {
        self.rules_must_be_there()?;
        self.tick(clock::now());
        let moment = self.moment(clock::now());
        let to = Some(to.to_owned()).filter(|to| !to.trim().is_empty());
        self.record.standing.intend(target, length, to, &moment).map_err(|error| {
            Failure::new(Kind::Invalid, error.to_string()).hint("write it like --for 15m")
        })?;
        self.standing_changed();
        Ok(self.standing())
    }

    /// Starts or stops a reset week, or says how it stands.
    pub(super) fn reset_week(&mut self, what: &str, reply: Reply<wire::ResetWeek>) {
        if let Err(failure) = self.rules_must_be_there() {
            let _ = reply.send(Err(failure));
            return;
        }
        let now = clock::now();
        let moment = self.moment(now);
        match what {
            "status" => {}
            "stop" => {
                if !self.record.standing.stop_reset_week() {
                    let none =
                        Failure::new(Kind::NotFound, "no reset week runs").hint("dwell reset-week start");
                    let _ = reply.send(Err(none));
                    return;
                }
                self.standing_changed();
                let week = self.reset_week_now();
                return self.save_rules_then(reply, Ok(week));
            }
            "start" => {
                // What is usual is read first.
                return self.with_days_from(
                    moment.today.plus(-USUAL_DAYS),
                    Box::new(move |hub| {
                        let moment = hub.moment(clock::now());
                        let days = (1..=USUAL_DAYS).map(|ago| moment.today.plus(-ago));
                        let used = days.map(|day| hub.count.ledger().used(day, &Target::All, None));
                        let used: Vec<Millis> = used.filter(|used| !used.is_zero()).collect();
                        let all = used.iter().map(|used| used.as_ms()).sum::<u64>();
                        let mean = all.checked_div(used.len() as u64).map(Millis::from_ms);
                        hub.record.standing.start_reset_week(mean, &moment);
                        hub.standing_changed();
                        let week = hub.reset_week_now();
                        hub.save_rules_then(reply, Ok(week));
                    }),
                );
            }
            _ => {
                let wrong = Failure::new(Kind::Invalid, "there is start, status and stop");
                let _ = reply.send(Err(wrong.hint("dwell reset-week status")));
                return;
            }
        }
        let week = self.reset_week_now();
        let _ = reply.send(Ok(week));
    }

    /// Something in force beside the rules is another one: it holds at once. Whoever answers for it keeps it.
    fn standing_changed(&mut self) {
        self.book.stale();
        self.tick(clock::now());
        self.order(Order::Changed);
    }
}

/// What a person wants to put off.
pub(super) enum Named {
    /// A rule, by its id.
    Rule(String),
    /// Whatever blocks this.
    Target(Target),
}

/// Why there is no snooze, and the next step.
fn no_snooze(error: SnoozeError) -> Failure {
    let (kind, hint) = match &error {
        SnoozeError::Sentence => (Kind::Invalid, "type it as it stands in the rule"),
        SnoozeError::NotAsked => (Kind::Denied, "ask first: `dwell snooze TARGET`"),
        SnoozeError::TooEarly { .. } => (Kind::Denied, "wait for it to be over"),
        _ => (Kind::Denied, "it opens again by itself; `dwell exit` is there in an emergency"),
    };
    Failure::new(kind, error.to_string()).hint(hint)
}
