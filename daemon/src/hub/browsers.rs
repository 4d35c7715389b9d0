//! Browsers whose extension is linked: what they show goes into the count, what is blocked goes to them.
//!
//! A link is a host on the bus, known by its unique name; it ends when the host leaves. The compositor says which program
//! has the focus, and the timeline asks ([`Timeline::to_ask`](dwell_core::timeline::Timeline::to_ask)) those that speak
//! for it what it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dwell_bus::browser::{Block, BrowserRequest, Hello, Link, MAX_LINKS, State, Wishes};
use dwell_bus::{Failure, Kind};
use dwell_core::browser::{self, LinkId, Shown, Told};
use dwell_core::policy::{Held, Judged, Verdict};
use dwell_core::rules::{AtLimit, Rule, WithoutExtension};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::{AppId, Domain, Subject, Target};
use dwell_core::texts;
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_desktop::Health;
use zbus::names::OwnedUniqueName;

use super::Hub;
use crate::clock;
use crate::enforcement::{Order, Page};
use crate::record::{HeldBack, Unseen};

/// The doctor's part.
pub(super) const PART: &str = "browser";
/// A browser that was just started, or a daemon, needs a moment until they are linked: so long may it be in front without.
const UNLINKED: Millis = Millis::from_secs(10);
/// Clocks are read in two processes, one after the other.
const AHEAD: Millis = Millis::from_secs(1);
/// An end that moved by less is the same.
const WOBBLE: Millis = Millis::from_secs(2);

struct Linked {
    id: LinkId,
    hello: Hello,
    /// The ids of the windows that it speaks for.
    apps: Vec<AppId>,
    since: Reading,
    /// The number of the blocks that were sent last, and of those that were confirmed last.
    sent: u64,
    confirmed: u64,
    problem: Option<String>,
}

/// What a rule blocks, as far as it can change without another rule.
struct Blocked {
    rule: Arc<Rule>,
    until: Wall,
    more_left: u32,
}

impl Blocked {
    /// Whether a browser has to be told anew. An end on the boot clock is named by the clock on the wall, which wobbles
    /// and is slewed.
    fn is_as(&self, other: &Self) -> bool {
        let apart = self.until.as_unix_ms().abs_diff(other.until.as_unix_ms());
        (Arc::ptr_eq(&self.rule, &other.rule) || self.rule == other.rule)
            && self.more_left == other.more_left
            && apart <= WOBBLE.as_ms()
    }
}

/// All links.
#[derive(Default)]
pub(super) struct Browsers {
    links: BTreeMap<OwnedUniqueName, Linked>,
    last: u64,
    /// Who was asked in this round.
    asked: (u64, BTreeSet<LinkId>),
    /// What is blocked, and as every browser was told it; `None`: that has to be made out.
    blocked: Option<Vec<Blocked>>,
    blocks: Vec<(Arc<Rule>, Block)>,
    generation: u64,
    /// For how long browsers were in front and not linked, [`UNLINKED`] at most. Being linked pays back as much of that as
    /// it lasts, and nothing else does: whoever starts a browser anew gains no time with it, nor does one who turns the
    /// extension off and on.
    unlinked: BTreeMap<AppId, Millis>,
    /// The one that is so now, and since when that is not noted there.
    in_front: Option<(AppId, Boot)>,
}

impl Browsers {
    /// Whether no browser is linked.
    pub(super) fn are_none(&self) -> bool {
        self.links.is_empty()
    }

    /// The machine slept until now: who was in front was so for nobody.
    pub(super) fn slept(&mut self, now: Boot) {
        if let Some((_, since)) = &mut self.in_front {
            *since = now;
        }
    }

    /// The categories of domains are others from now on: what is blocked is made out anew.
    pub(super) fn stale(&mut self) {
        self.blocked = None;
    }
}

impl Hub {
    pub(super) fn browser_request(&mut self, request: BrowserRequest) {
        // Who asked may have left.
        match request {
            BrowserRequest::Hello(sender, hello, reply) => _ = reply.send(self.link(sender, hello)),
            BrowserRequest::State(sender, state, reply) => _ = reply.send(self.browser_shows(&sender, state)),
            BrowserRequest::Applied(sender, generation, problem, reply) => {
                _ = reply.send(self.blocks_applied(&sender, generation, problem));
            }
            BrowserRequest::Left(sender) => self.unlink(&sender),
            BrowserRequest::Links(reply) => _ = reply.send(Ok(self.links())),
        }
    }

    fn link(&mut self, sender: OwnedUniqueName, hello: Hello) -> Result<Wishes, Failure> {
        let now = clock::now();
        let again = self.browsers.links.contains_key(&sender);
        if !again && self.browsers.links.len() >= MAX_LINKS {
            let message = format!("{MAX_LINKS} browsers are linked already");
            return Err(Failure::new(Kind::Denied, message).hint("close one"));
        }
        self.unlink(&sender);
        self.browsers.last += 1;
        let id = LinkId(self.browsers.last);
        let apps = self.windows_of(&hello.program);
        // What was put away only because nobody spoke for it comes back, unless a rule is about it otherwise.
        for held in &mut self.record.held_back {
            let is_of = apps.iter().any(|app| app.covers(&held.subject.app));
            if is_of && held.unseen == Some(Unseen::Unlinked) {
                held.unseen = None;
                self.unsaved = true;
            }
        }
        tracing::info!(extension = hello.extension, "a browser is linked");
        let told = Told::Linked(apps.clone());
        let linked = Linked { id, hello, apps, since: now, sent: 0, confirmed: 0, problem: None };
        self.browsers.links.insert(sender.clone(), linked);
        if !again {
            self.order(Order::Page(Page::Watch(sender.clone())));
        }
        self.sample(&Sample::new(now.boot, Fact::Browser(id, told)), now);
        // Before anything is judged, what is blocked is not known, and what the browser kept goes on.
        let told = self.browsers.links.get(&sender).is_some_and(|link| link.sent == self.browsers.generation);
        if self.browsers.blocked.is_some() && !told {
            self.send_blocks(&sender);
        }
        self.say_browser_health(now);
        Ok(Wishes { audible: self.config.audible })
    }

    /// The ids of a browser's windows, as they are counted.
    fn windows_of(&self, program: &str) -> Vec<AppId> {
        let mut apps = browser::apps_of(program);
        // The person may count them as another program's.
        let aliased: Vec<AppId> = apps.iter().map(|app| self.config.aliases.apply(app)).collect();
        apps.extend(aliased);
        apps.sort();
        apps.dedup();
        apps
    }

    /// Aliases, or what is recorded of browsers, are others from now on: each begins anew, and is asked what it shows.
    pub(super) fn relink(&mut self) {
        let now = clock::now();
        let all: Vec<(OwnedUniqueName, String)> = self
            .browsers
            .links
            .iter()
            .map(|(name, link)| (name.clone(), link.hello.program.clone()))
            .collect();
        for (sender, program) in all {
            let apps = self.windows_of(&program);
            let Some(linked) = self.browsers.links.get_mut(&sender) else { continue };
            linked.apps.clone_from(&apps);
            let told = Fact::Browser(linked.id, Told::Linked(apps));
            self.sample(&Sample::new(now.boot, told), now);
        }
    }

    fn unlink(&mut self, sender: &OwnedUniqueName) {
        let Some(linked) = self.browsers.links.remove(sender) else { return };
        let now = clock::now();
        let lasted = now.boot.since(linked.since.boot).unwrap_or(Millis::ZERO);
        for (app, spent) in &mut self.browsers.unlinked {
            if linked.apps.iter().any(|own| own.covers(app)) {
                *spent = spent.saturating_sub(lasted);
            }
        }
        self.sample(&Sample::new(now.boot, Fact::Browser(linked.id, Told::Gone)), now);
    }

    fn browser_shows(&mut self, sender: &OwnedUniqueName, state: State) -> Result<(), Failure> {
        let now = clock::now();
        let linked = self.browsers.links.get(sender).ok_or_else(not_linked)?;
        let at = Boot::from_ms(state.at_boot_ms);
        if at > now.boot + AHEAD {
            return Err(Failure::new(Kind::Invalid, "a browser's state is from the future"));
        }
        // The host has done that; whoever else says more than a site is not heard.
        let domain = |text: String| {
            let site = Domain::registrable(&text).ok().filter(|site| site.as_str() == text);
            site.ok_or_else(|| Failure::new(Kind::Invalid, "a browser told something else than a site"))
        };
        let heard = state.audible.unwrap_or_default().into_iter().filter(|_| self.config.audible);
        let audible = heard.map(domain).collect::<Result<_, _>>()?;
        let shown = Shown { focused: state.focused, domain: state.domain.map(domain).transpose()?, audible };
        let told = Fact::Browser(linked.id, Told::Shows(shown));
        self.sample(&Sample::new(at, told), now);
        Ok(())
    }

    fn blocks_applied(
        &mut self,
        sender: &OwnedUniqueName,
        generation: u64,
        problem: Option<String>,
    ) -> Result<(), Failure> {
        let linked = self.browsers.links.get_mut(sender).ok_or_else(not_linked)?;
        let generation = generation.min(linked.sent);
        // What is told late of blocks that others have followed says nothing of these.
        if generation >= linked.confirmed {
            linked.confirmed = generation;
            linked.problem = problem;
        }
        self.say_browser_health(clock::now());
        Ok(())
    }

    fn links(&self) -> Vec<Link> {
        let link = |linked: &Linked| Link {
            program: linked.hello.program.clone(),
            browser: linked.hello.browser.clone(),
            extension: linked.hello.extension.clone(),
            instance: linked.hello.instance.clone(),
            since_at_ms: linked.since.wall.as_unix_ms(),
            zone: self.calendar().zone.name().to_owned(),
            unconfirmed: linked.confirmed < linked.sent,
            problem: linked.problem.clone(),
        };
        self.browsers.links.values().map(link).collect()
    }

    /// Asks what is in front to those that have not told since it came there.
    pub(super) fn ask_browsers(&mut self) {
        if self.browsers.links.is_empty() {
            return;
        }
        let (round, to_ask) = self.count.timeline().to_ask();
        let to_ask: Vec<LinkId> = to_ask.collect();
        if self.browsers.asked.0 != round {
            self.browsers.asked = (round, BTreeSet::new());
        }
        for id in to_ask {
            let asked = self.browsers.links.iter().find(|(_, linked)| linked.id == id);
            if let Some((sender, _)) = asked
                && self.browsers.asked.1.insert(id)
            {
                self.order(Order::Page(Page::Report(sender.clone())));
            }
        }
    }

    /// Tells every linked browser what is blocked, where that has changed.
    pub(super) fn block_pages(&mut self, now: Reading) {
        if self.browsers.links.is_empty() {
            // Made out when there is one.
            self.browsers.stale();
            return;
        }
        let (blocked, fresh) = self.blocked(now);
        if !fresh {
            return;
        }
        let verdicts = std::mem::take(&mut self.verdicts);
        let judged = verdicts.rules.iter().filter(|judged| is_blocked(judged));
        self.browsers.blocks = judged.map(|judged| (judged.rule.clone(), self.block(judged, now))).collect();
        self.verdicts = verdicts;
        self.browsers.blocked = Some(blocked);
        self.browsers.generation += 1;
        let everyone: Vec<OwnedUniqueName> = self.browsers.links.keys().cloned().collect();
        everyone.iter().for_each(|sender| self.send_blocks(sender));
    }

    /// What is blocked, and whether that is other than what was told last.
    fn blocked(&self, now: Reading) -> (Vec<Blocked>, bool) {
        let moment = self.moment(now);
        let blocked = |judged: &Judged| Blocked {
            rule: judged.rule.clone(),
            until: self.lifts_by_itself(judged, now),
            more_left: self.record.standing.snoozes_left(&judged.rule, &moment),
        };
        let all: Vec<Blocked> =
            self.verdicts.rules.iter().filter(|judged| is_blocked(judged)).map(blocked).collect();
        let told = self.browsers.blocked.as_ref().filter(|told| told.len() == all.len());
        let same = told.is_some_and(|told| told.iter().zip(&all).all(|(told, now)| told.is_as(now)));
        (all, !same)
    }

    /// When a browser lifts a block without having been told anything since: not long after it was last linked, for
    /// dwell may be gone for good.
    fn lifts_by_itself(&self, judged: &Judged, now: Reading) -> Wall {
        let tomorrow = self.count.today(now).plus(1);
        judged.until.unwrap_or(judged.renews).min(self.calendar().end_of(tomorrow))
    }

    fn block(&self, judged: &Judged, now: Reading) -> Block {
        let rule = &judged.rule;
        let domains = |target: &Target| match target {
            Target::Domain(domain) => vec![domain.clone()],
            Target::Category(category) => self.categories.domains_in(category),
            Target::App(_) | Target::All => Vec::new(),
        };
        let texts = |domains: Vec<Domain>| domains.into_iter().map(String::from).collect::<Vec<_>>();
        let name = self.target_name(&rule.target);
        let at = texts::Moment { calendar: *self.calendar(), now: now.wall };
        let (why, opens) = self.texts.blocked_page(&at, rule.id.as_str(), &self.reached(judged, &name, None));
        Block {
            rule: rule.id.as_str().to_owned(),
            domains: texts(domains(&rule.target)),
            except: texts(rule.except.iter().flat_map(domains).collect()),
            until_at_ms: self.lifts_by_itself(judged, now).as_unix_ms(),
            used_ms: judged.used.time.as_ms(),
            budget_ms: judged.budget.map(Millis::as_ms),
            more_left: self.record.standing.snoozes_left(rule, &self.moment(now)),
            length_ms: rule.snooze.length.as_ms(),
            why,
            opens,
        }
    }

    fn send_blocks(&mut self, sender: &OwnedUniqueName) {
        let generation = self.browsers.generation;
        let Some(linked) = self.browsers.links.get_mut(sender) else { return };
        linked.sent = generation;
        let excepts = |rule: &Rule, apps: &[AppId]| {
            let excepted = |target: &Target| matches!(target, Target::App(own) if apps.iter().any(|app| own.covers(app)));
            rule.except.iter().any(excepted)
        };
        let blocks = self.browsers.blocks.iter();
        let blocks = blocks.filter(|(rule, block)| !block.domains.is_empty() && !excepts(rule, &linked.apps));
        let blocks = blocks.map(|(_, block)| block.clone()).collect();
        self.order(Order::Page(Page::Rules(sender.clone(), generation, blocks)));
    }

    /// Nothing is blocked any more, for nobody is there to lift it.
    pub(super) fn unblock_pages(&mut self) {
        self.browsers.blocks.clear();
        self.browsers.generation += 1;
        let everyone: Vec<OwnedUniqueName> = self.browsers.links.keys().cloned().collect();
        everyone.iter().for_each(|sender| self.send_blocks(sender));
    }

    /// Whether no extension can tell the site of the browser in front, although it had the time to be linked; and when to
    /// look again.
    pub(super) fn unseen(&mut self, now: Reading) -> (bool, Option<Boot>) {
        let asks = |held: &Held| held.rule.without_extension != WithoutExtension::Ignore;
        let Browsers { unlinked, in_front, .. } = &mut self.browsers;
        if let Some((app, since)) = in_front.take() {
            let spent = unlinked.entry(app).or_default();
            *spent = (*spent + now.boot.since(since).unwrap_or(Millis::ZERO)).min(UNLINKED);
        }
        let Some(app) = self.count.timeline().unseen() else { return (false, None) };
        if !self.book.held().iter().any(asks) {
            return (false, None);
        }
        if self.count.timeline().is_linked(app) {
            // A private window: the extension has said that it has no other in front, and was asked twice.
            return (true, None);
        }
        let left = UNLINKED.saturating_sub(unlinked.get(app).copied().unwrap_or_default());
        *in_front = Some((app.clone(), now.boot));
        (left.is_zero(), (!left.is_zero()).then(|| now.boot + left))
    }

    /// A browser that was put away for a private window shows a site again: the person has gone on with another window.
    pub(super) fn sees_again(&mut self, front: Option<&Subject>, unseen: bool) {
        let Some(front) = front.filter(|front| !unseen && front.domain.is_some()) else { return };
        for held in &mut self.record.held_back {
            if held.unseen.is_some() && front.app.covers(&held.subject.app) {
                held.unseen = None;
                self.unsaved = true;
            }
        }
    }

    /// Whether a program is, as far as is known, a browser of which no extension can tell the site: it is in front so, was
    /// put away for that, or would be.
    pub(super) fn is_unseen(&self, app: &AppId) -> bool {
        if self.front.as_ref().is_some_and(|front| front.app == *app) {
            return self.unseen;
        }
        let held = |held: &HeldBack| held.unseen.is_some() && app.covers(&held.subject.app);
        let spent = || self.browsers.unlinked.get(app).is_some_and(|spent| *spent >= UNLINKED);
        self.record.held_back.iter().any(held) || (spent() && !self.count.timeline().is_linked(app))
    }

    /// Says whether the browsers that are used are linked.
    pub(super) fn say_browser_health(&mut self, now: Reading) {
        let timeline = self.count.timeline();
        let front = timeline.attention().and_then(|(activity, since)| Some((activity.app()?, since)));
        let seen = front.and_then(|(app, since)| Some((browser::name_of(app)?, app, since)));
        let Some((name, app, since)) = seen else { return };
        let health = if timeline.is_linked(app) {
            let own =
                self.browsers.links.values().filter(|linked| linked.apps.iter().any(|own| own.covers(app)));
            let problem = own.filter_map(|linked| linked.problem.as_ref()).next();
            match problem {
                None => Health {
                    part: PART,
                    ok: true,
                    message: format!("{name} tells its domains"),
                    fix: None,
                    backend: "extension",
                },
                Some(_) => Health {
                    part: PART,
                    ok: false,
                    message: format!("the extension in {name} could not block what is over its limit"),
                    fix: Some("dwell browser status".to_owned()),
                    backend: "extension",
                },
            }
        } else if now.boot >= since.boot + UNLINKED {
            Health {
                part: PART,
                ok: false,
                message: format!("{name} runs without dwell's extension: its time counts without domains"),
                fix: Some("dwell browser install".to_owned()),
                backend: "none",
            }
        } else {
            return;
        };
        self.set_health(health);
    }
}

/// Whether a rule blocks something that a browser shows.
fn is_blocked(judged: &Judged) -> bool {
    judged.verdict == Verdict::Blocked
        && judged.rule.at_limit != AtLimit::Notify
        && matches!(judged.rule.target, Target::Domain(_) | Target::Category(_))
}

fn not_linked() -> Failure {
    Failure::new(Kind::Denied, "this browser is not linked").hint("say hello first")
}
