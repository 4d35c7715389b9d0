//! Telling: which words go with what happened, and whether the person hears them now or reads them in the report.

use dwell_bus::wire;
use dwell_core::ledger::Tally;
use dwell_core::policy::{Because, Deed, Judged};
use dwell_core::rules::{AtLimit, Days};
use dwell_core::standing::{DigestEntry, DigestKind, Ended, MadeBy, Moment};
use dwell_core::subject::{AppId, Target};
use dwell_core::texts;
use dwell_core::texts::{Cause, Closes, Done, Notice, Reached, Snoozed, Warning};
use dwell_core::time::{Millis, Reading, Wall};

use super::Hub;
use crate::enforcement::{Button, Offer, Order};

impl Hub {
    fn said_at(&self, now: Reading) -> texts::Moment {
        texts::Moment { calendar: *self.calendar(), now: now.wall }
    }

    /// A limit is near.
    pub(super) fn tell_warning(&mut self, judged: &Judged, now: Reading) {
        // The final warning of a limit that acts belongs to the act.
        let last = judged.closes.is_some()
            || judged.left().is_none_or(|left| judged.rule.warnings().iter().all(|warning| left <= *warning));
        let acts = last && judged.rule.at_limit != AtLimit::Notify;
        if !self.may_tell(judged, DigestKind::Warned, acts, now) {
            return;
        }
        let (rule, name) = (&judged.rule, self.target_name(&judged.rule.target));
        let moment = self.said_at(now);
        let until = judged.until.unwrap_or(judged.renews);
        let notice = match judged.closes {
            Some(at) => {
                self.texts.closes(&moment, &Closes { name: &name, at, at_limit: rule.at_limit, until })
            }
            None => self.texts.warning(
                &moment,
                &Warning {
                    name: &name,
                    left: judged.left().unwrap_or_default(),
                    used: judged.used.time,
                    budget: judged.budget.unwrap_or_default(),
                    per: rule.per(),
                    at_limit: rule.at_limit,
                    until: judged.renews,
                },
            ),
        };
        self.tell(judged.id().as_str(), notice, false, Vec::new());
    }

    /// A limit is reached, and this is done about it; `None`: nothing of it is in front.
    pub(super) fn tell_reached(&mut self, judged: &Judged, deed: Option<Deed>, now: Reading) {
        let acts = judged.rule.at_limit != AtLimit::Notify;
        if !self.may_tell(judged, DigestKind::Reached, acts, now) {
            return;
        }
        let name = self.target_name(&judged.rule.target);
        let put_off = self.put_off.take_if(|put_off| *put_off == *judged.id()).is_some();
        let notice = if put_off && acts {
            self.texts.snooze_over(&self.said_at(now), &name, self.opens_at(judged))
        } else {
            self.texts.reached(&self.said_at(now), &self.reached(judged, &name, deed))
        };
        let buttons = if acts { self.buttons(judged, now) } else { Vec::new() };
        self.tell(judged.id().as_str(), notice, acts, buttons);
        // What the browser shows instead of a page says the same.
        if deed.is_some_and(|deed| deed != Deed::Page) {
            self.prompt(judged, &judged.rule.target);
        }
    }

    /// What is blocked was opened again.
    pub(super) fn tell_returned(&mut self, judged: &Judged, now: Reading) {
        let name = self.target_name(&judged.rule.target);
        let notice = self.texts.returned(&self.said_at(now), &name, self.opens_at(judged));
        let buttons = self.buttons(judged, now);
        self.tell(judged.id().as_str(), notice, true, buttons);
        self.prompt(judged, &judged.rule.target);
    }

    /// A browser was put away because nobody can tell which site it shows: in place of what is told of a limit that is
    /// reached, or of what was opened again.
    pub(super) fn tell_unseen(&mut self, app: &AppId, judged: &Judged, now: Reading) {
        // This says that the limit acts again.
        self.put_off.take_if(|put_off| *put_off == *judged.id());
        let (browser, name) = (self.app_name(app), self.target_name(&judged.rule.target));
        let notice = self.texts.unseen(&self.said_at(now), &browser, &name, self.opens_at(judged));
        // Nothing is closed for that: what it shows may be something else.
        let offers = self.buttons(judged, now).into_iter().filter(|offer| offer.button != Button::Close);
        self.tell(judged.id().as_str(), notice, true, offers.collect());
        self.prompt(judged, &Target::App(app.clone()));
    }

    /// The person asked why, where nothing else can tell.
    pub(super) fn tell_why(&mut self, judged: &Judged, now: Reading) {
        let name = self.target_name(&judged.rule.target);
        let rule = judged.id().as_str();
        let notice = self.texts.because(&self.said_at(now), rule, &self.reached(judged, &name, None));
        let buttons = self.buttons(judged, now);
        self.tell(rule, notice, true, buttons);
    }

    /// Something ended, or has come, by itself.
    pub(super) fn say_ended(&mut self, ended: &Ended, moment: &Moment) {
        let at = self.said_at(moment.now);
        let notice = match ended {
            // What follows says it: the limit acts again, or it does not.
            Ended::Snooze(rule) => {
                self.put_off = Some(rule.clone());
                return;
            }
            Ended::PendingLapsed(_) => return,
            Ended::Pause => self.texts.pause_over(),
            Ended::ExitBegan => self.texts.exit_holds(&at, moment.day_end),
            Ended::ExitOver => self.texts.exit_over(),
            Ended::Focus(focus) => self.texts.focus_over(focus.length),
            Ended::Intention(intention) => self.texts.intention_over(
                &self.target_name(&intention.target),
                intention.planned,
                intention.to.as_deref().unwrap_or_default(),
            ),
            Ended::ResetWeek => self.texts.reset_over(),
            Ended::PendingReady(pending) => {
                let name = pending.lines.first().cloned().unwrap_or_default();
                self.texts.change_ready(&name, &pending.id)
            }
        };
        // What the person began and asked to hear is no nagging.
        self.tell(&format!("\u{1}{}", kind(ended)), notice, false, Vec::new());
    }

    /// A limit was put off.
    pub(super) fn tell_snoozed(&self, judged: &Judged, still: Option<&Judged>, now: Reading) {
        let moment = self.moment(now);
        let Some(until) = self.record.standing.snoozed_until(judged.id(), &moment) else { return };
        let name = self.target_name(&judged.rule.target);
        let snoozed = Snoozed {
            name: &name,
            length: judged.rule.snooze.length,
            until: moment.wall_of(until),
            left: self.record.standing.snoozes_left(&judged.rule, &moment),
        };
        let still = still.map(|other| self.still(other));
        let still = still.as_ref().map(|(rule, until)| (rule.as_str(), *until));
        let notice = self.texts.snoozed(&self.said_at(now), &snoozed, still);
        self.tell(judged.id().as_str(), notice, false, Vec::new());
    }

    /// A rule that goes on blocking while another one is put off, and until when; `None`: it allows nothing at all.
    fn still(&self, judged: &Judged) -> (String, Option<Wall>) {
        (judged.id().as_str().to_owned(), self.opens_at(judged))
    }

    /// Whether a rule allows nothing on any day, so that it does not open again by itself. That of a focus session ends.
    pub(super) fn is_never(&self, judged: &Judged) -> bool {
        judged.because.is_some_and(|because| because != Because::Hours)
            && (judged.budget == Some(Millis::ZERO) || judged.opens() == Some(0))
            && judged.rule.days == Days::ALL
            && self.book.made_by(judged.id()) != MadeBy::Focus
    }

    /// When a rule opens again; `None`: it does not by itself.
    pub(super) fn opens_at(&self, judged: &Judged) -> Option<Wall> {
        (!self.is_never(judged)).then(|| judged.until.unwrap_or(judged.renews))
    }

    /// A snooze was asked for, and waits.
    pub(super) fn tell_snooze_waits(&mut self, judged: &Judged, asked: &wire::Snooze, now: Reading) {
        let name = self.target_name(&judged.rule.target);
        let at = now.wall + Millis::from_ms(asked.wait_ms);
        let length = Millis::from_ms(asked.length_ms);
        let target = asked.sentence.as_ref().map(|_| asked.target.as_str());
        let until = asked.still_until_at_ms.map(Wall::from_unix_ms);
        let still = asked.still_by.as_deref().map(|rule| (rule, until));
        let notice = self.texts.snooze_waits(&self.said_at(now), &name, length, at, target, still);
        self.tell(judged.id().as_str(), notice, false, Vec::new());
    }

    /// A snooze was asked for, and there is none.
    pub(super) fn tell_no_snooze(&mut self, judged: &Judged, now: Reading) {
        let name = self.target_name(&judged.rule.target);
        let notice = self.texts.no_snooze(&self.said_at(now), &name, self.opens_at(judged));
        self.tell(judged.id().as_str(), notice, false, Vec::new());
    }

    fn buttons(&self, judged: &Judged, now: Reading) -> Vec<Offer> {
        let moment = self.moment(now);
        let snooze = (self.record.standing.snoozes_left(&judged.rule, &moment) > 0)
            .then(|| (Button::Snooze, self.texts.more(judged.rule.snooze.length)));
        let (close, why) = ((Button::Close, self.texts.close()), (Button::Why, self.texts.why()));
        let offers = [Some(close), snooze, Some(why)].into_iter().flatten();
        offers.map(|(button, label)| Offer { button, label }).collect()
    }

    /// Whether a notice is shown, or left for the report: see [`dwell_core::standing::Nag`].
    fn may_tell(&mut self, judged: &Judged, kind: DigestKind, acts: bool, now: Reading) -> bool {
        let today = self.count.today(now);
        let may = self.record.standing.nag_mut().may(today, acts);
        self.unsaved |= !acts;
        // A warning that was not heard says nothing any more once the day is over.
        if !may && kind == DigestKind::Reached {
            let name = self.target_name(&judged.rule.target);
            let cause = self.reached(judged, &name, None).cause;
            let line = self.texts.digest(&self.said_at(now), &name, cause, now.wall);
            let target = Some(judged.rule.target.clone());
            self.record.standing.nag_mut().hold_back(today, DigestEntry { line, target, kind, at: now.wall });
        }
        may
    }

    pub(super) fn tell(&self, about: &str, notice: Notice, urgent: bool, offers: Vec<Offer>) {
        self.order(Order::Tell { rule: about.to_owned(), notice, urgent, offers });
    }

    /// A limit that acts, in the words' terms.
    pub(super) fn reached<'a>(&self, judged: &Judged, name: &'a str, deed: Option<Deed>) -> Reached<'a> {
        let Tally { time: used, .. } = judged.used;
        let per = judged.rule.per();
        let nothing = judged.budget == Some(Millis::ZERO) || judged.opens() == Some(0);
        let cause = match judged.because {
            _ if self.book.made_by(judged.id()) == MadeBy::Focus => Cause::Focus,
            Some(Because::Hours) | None => Cause::Hours,
            // What ends with its days.
            _ if nothing && judged.rule.days != Days::ALL => Cause::NotToday,
            Some(Because::Budget) => Cause::Time { used, budget: judged.budget.unwrap_or(Millis::ZERO), per },
            Some(Because::Opens) => Cause::Visits { visits: judged.opens().unwrap_or_default(), per },
        };
        let done = match (judged.rule.at_limit, deed) {
            (AtLimit::Notify, _) => Done::Told,
            (AtLimit::Close, Some(Deed::Minimise)) => Done::Kept,
            (AtLimit::Freeze, Some(Deed::Minimise)) => Done::NotFrozen,
            (_, Some(Deed::Close)) => Done::AskedToClose,
            (_, Some(Deed::Freeze)) => Done::Frozen,
            (_, Some(Deed::Lock)) => Done::Locked,
            (_, Some(Deed::Minimise | Deed::Page) | None) => Done::Closed,
        };
        Reached { name, cause, done, until: judged.until.unwrap_or(judged.renews) }
    }

    fn prompt(&self, judged: &Judged, target: &Target) {
        self.order(Order::Prompt { target: target.to_string(), rule: judged.id().as_str().to_owned() });
    }
}

const fn kind(ended: &Ended) -> &'static str {
    match ended {
        Ended::Snooze(_) => "snooze",
        Ended::Pause => "pause",
        Ended::ExitBegan | Ended::ExitOver => "exit",
        Ended::Focus(_) => "focus",
        Ended::Intention(_) => "intention",
        Ended::ResetWeek => "reset-week",
        Ended::PendingReady(_) | Ended::PendingLapsed(_) => "pending",
    }
}
