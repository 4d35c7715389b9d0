//! Planning: from what the rules said and say to what must be done.

use super::exempt::{holds_work, is_exempt, is_terminal};
use super::verdict::{Judged, Stage, Verdict, Verdicts};
use crate::rules::{AtLimit, Rule};
use crate::subject::{AppId, Category, Subject, Target};

/// What is done to a program at a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Its windows are minimised.
    Minimise,
    /// Its windows are asked to close.
    Close,
    /// Its windows are minimised and it is frozen.
    Freeze,
    /// The session is locked, and its windows are minimised.
    Lock,
    /// The browser shows another page in place of it: that is the extension's to do, which knows what is blocked.
    Page,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell the person that a limit is near.
    Warn(Judged),
    /// Tell the person that a limit is reached.
    Reached(Judged),
    /// A limit no longer holds: take its notice back.
    Lifted(Judged),
    /// Act on a program.
    Act {
        /// The program.
        app: AppId,
        /// What to do.
        deed: Deed,
        /// The rule that asks for it.
        by: Judged,
        /// The person was told before, and the program has come back.
        again: bool,
        /// Only because it is a browser of which no extension can tell the site.
        unseen: bool,
    },
    /// Nothing blocks this program any more: undo what was done to it.
    Release(AppId),
}

/// Things to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan(pub Vec<Action>);

/// What has focus.
#[derive(Clone, Copy, Debug)]
pub struct Front<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// Its category.
    pub category: Option<&'a Category>,
    /// The category of its program, whatever the domain.
    pub app_category: Option<&'a Category>,
    /// It is a browser of which no extension can tell the site.
    pub unseen: bool,
    /// It has just come there, so that a blocked program is acted on again each time.
    pub came: bool,
}

/// Something that was acted on and not released yet.
#[derive(Clone, Debug)]
pub struct Away {
    /// What was in front then.
    pub subject: Subject,
    /// Its category then.
    pub category: Option<Category>,
    /// It is a browser of which no extension can tell the site, or could then.
    pub unseen: bool,
}

impl Away {
    /// One that was put away for being unseen stays so as long as the rule blocks: nobody asks a hidden window again.
    fn is_of(&self, rule: &Rule) -> bool {
        let (subject, category) = (&self.subject, self.category.as_ref());
        rule.covers(subject, category) || (self.unseen && rule.covers_unseen(subject, category))
    }
}

impl Front<'_> {
    fn is_of(&self, rule: &Rule) -> bool {
        rule.covers(self.subject, self.category) || self.is_only_unseen(rule)
    }

    /// Whether a rule is about it for no other reason than that no site is known of it.
    fn is_only_unseen(&self, rule: &Rule) -> bool {
        self.unseen
            && rule.covers_unseen(self.subject, self.category)
            && !rule.covers(self.subject, self.category)
    }

    /// Which of two rules acts: the one about the whole browser, then the stricter one. One that is only about its being
    /// unseen puts away, whatever it says.
    fn weight(&self, judged: &Judged) -> (bool, AtLimit) {
        let most = if self.is_only_unseen(&judged.rule) { AtLimit::Block } else { AtLimit::Lock };
        (!self.is_a_page_of(judged), judged.rule.at_limit.min(most))
    }

    /// Whether a rule that covers it is about its domain, and not about the whole browser.
    fn is_a_page_of(&self, judged: &Judged) -> bool {
        let program = Subject::app(self.subject.app.clone());
        self.subject.domain.is_some()
            && judged.rule.at_limit != AtLimit::Lock
            && !judged.rule.covers(&program, self.app_category)
    }
}

/// What must be done to get from `before` to `after`.
///
/// `says_terminal` asks whether a program says of itself that it is a terminal, which is enough to be treated as one;
/// `held_back` is what was acted on and not released yet.
pub fn plan(
    before: &Verdicts,
    after: &Verdicts,
    front: Option<Front<'_>>,
    held_back: &[Away],
    says_terminal: impl Fn(&AppId) -> bool,
) -> Plan {
    let mut actions = Vec::new();
    let mut act: Option<(&Judged, bool)> = None;
    for judged in &after.rules {
        let was = before.find(judged.id());
        let told = was.map_or(Stage::Within, |was| was.stage);
        match (told, judged.stage) {
            (from, Stage::Reached) if from < Stage::Reached => actions.push(Action::Reached(judged.clone())),
            (from, Stage::Warned(_)) if from < judged.stage => actions.push(Action::Warn(judged.clone())),
            (Stage::Reached, Stage::Within | Stage::Warned(_)) | (Stage::Warned(_), Stage::Within) => {
                actions.push(Action::Lifted(judged.clone()));
            }
            _ => {}
        }
        let Some(front) = front else { continue };
        let was_blocked = was.is_some_and(|was| was.verdict == Verdict::Blocked);
        if judged.verdict == Verdict::Blocked
            && front.is_of(&judged.rule)
            && (front.came || !was_blocked)
            && act.is_none_or(|(strictest, _)| front.weight(judged) > front.weight(strictest))
        {
            act = Some((judged, told == Stage::Reached));
        }
    }
    for was in &before.rules {
        if was.stage != Stage::Within && after.find(was.id()).is_none() {
            actions.push(Action::Lifted(was.clone()));
        }
    }
    if let (Some((judged, again)), Some(front)) = (act, front) {
        // A rule about a terminal is about all its windows, whatever runs in the one in front.
        let app = if let Target::App(app) = &judged.rule.target { app } else { &front.subject.app };
        let terminal = is_terminal(app) || says_terminal(app);
        let acted = held_back.iter().any(|away| away.subject.app == *app);
        let unseen = front.is_only_unseen(&judged.rule);
        let deed = if front.is_a_page_of(judged) {
            // Shown once more, it is on its way to the page that is shown instead.
            (!again).then_some(Deed::Page)
        } else if unseen {
            // What it shows may be something else: nothing is closed or frozen for that.
            (!is_exempt(app)).then_some(Deed::Minimise)
        } else {
            deed(judged, acted, app, terminal)
        };
        if let Some(deed) = deed {
            actions.push(Action::Act { app: app.clone(), deed, by: judged.clone(), again, unseen });
        }
    }
    let blocking = after.rules.iter().filter(|judged| judged.verdict == Verdict::Blocked);
    let free = held_back.iter().filter(|away| !blocking.clone().any(|judged| away.is_of(&judged.rule)));
    actions.extend(free.map(|away| Action::Release(away.subject.app.clone())));
    Plan(actions)
}

/// What is done to a program that is blocked and in front; `acted`: something was done to it already.
fn deed(judged: &Judged, acted: bool, app: &AppId, terminal: bool) -> Option<Deed> {
    // A limit on everything must leave a way to change it: the terminal in which `dwell` is typed.
    if is_exempt(app) || (judged.rule.target == Target::All && terminal) {
        return None;
    }
    let works = terminal || holds_work(app);
    match judged.rule.at_limit {
        AtLimit::Notify => None,
        AtLimit::Block => Some(Deed::Minimise),
        AtLimit::Close | AtLimit::Freeze if works => Some(Deed::Minimise),
        AtLimit::Close => Some(Deed::Close),
        AtLimit::Freeze => Some(Deed::Freeze),
        // Once: a screen that locks again as soon as it is unlocked could not be used to change the rule.
        AtLimit::Lock if acted => Some(Deed::Minimise),
        AtLimit::Lock => Some(Deed::Lock),
    }
}
