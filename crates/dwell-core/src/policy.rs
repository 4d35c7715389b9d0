//! Policy: `judge` says what the rules mean at a moment, `plan` says what must be done about it.
//!
//! Both are pure. `judge` also names the next instant at which anything can change, so that the daemon arms exactly
//! one deadline and nothing polls. The executor of a [`Plan`] decides nothing.

use crate::calendar::Calendar;
use crate::rules::{AtLimit, Rule, RuleId};
use crate::subject::{AppId, Subject, Target};
use crate::time::{Boot, Millis, Reading, Wall};

/// What a rule says at a moment, mildest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Within the budget.
    #[default]
    Allowed,
    /// Near the limit; or beyond it, where the rule only notifies.
    Warn,
    /// Used up.
    Blocked,
}

impl Verdict {
    /// The word of machine-readable output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warn => "warn",
            Self::Blocked => "blocked",
        }
    }
}

/// One rule at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Which rule.
    pub rule: RuleId,
    /// What it is about.
    pub target: Target,
    /// What happens at its limit.
    pub at_limit: AtLimit,
    /// What it says.
    pub verdict: Verdict,
    /// Whether the budget is used up, whatever that leads to.
    pub reached: bool,
    /// Used in the running period.
    pub used: Millis,
    /// The budget.
    pub budget: Millis,
    /// When the verdict ends by itself; `None` while allowed.
    pub until: Option<Wall>,
}

impl Judged {
    /// What is left of the budget.
    pub const fn left(&self) -> Millis {
        self.budget.saturating_sub(self.used)
    }

    /// How far this rule has come: the stage that the person has been told of.
    pub const fn stage(&self) -> Stage {
        match (self.reached, self.verdict) {
            (true, _) => Stage::Reached,
            (false, Verdict::Warn | Verdict::Blocked) => Stage::Warned,
            (false, Verdict::Allowed) => Stage::Within,
        }
    }
}

/// How far a rule has come in its period.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Within the budget.
    #[default]
    Within,
    /// The warning is due.
    Warned,
    /// The limit is reached.
    Reached,
}

/// All rules at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Verdicts {
    /// One entry a rule, in the rules' order.
    pub rules: Vec<Judged>,
    /// The boot instant at which charging the running subject changes a verdict, if nothing else happens before.
    pub next_boot: Option<Boot>,
}

impl Verdicts {
    /// The strictest rule that covers a target: by verdict, then by the end that is furthest away.
    pub fn strictest(&self, applies: impl Fn(&Judged) -> bool) -> Option<&Judged> {
        self.rules.iter().filter(|j| applies(j)).max_by_key(|j| (j.verdict, j.until, j.reached))
    }

    fn find(&self, id: &RuleId) -> Option<&Judged> {
        self.rules.iter().find(|judged| &judged.rule == id)
    }
}

/// Judges all rules.
///
/// `used` answers what was charged for a target in the running day, provisional time included; `running` is the
/// subject that is being charged at the moment, if any. It and the limits read the same ledger.
pub fn judge(
    rules: &[Rule],
    used: impl Fn(&Target) -> Millis,
    running: Option<&Subject>,
    now: Reading,
    calendar: &Calendar,
) -> Verdicts {
    let day_end = calendar.end_of(calendar.day_of(now.wall));
    let mut verdicts = Verdicts::default();
    for rule in rules {
        let used = used(&rule.target);
        let left = rule.amount.saturating_sub(used);
        let reached = left.is_zero();
        let verdict = match (reached, rule.at_limit) {
            (true, AtLimit::Block | AtLimit::Close) => Verdict::Blocked,
            (true, AtLimit::Notify) => Verdict::Warn,
            (false, _) if left <= rule.warning() => Verdict::Warn,
            (false, _) => Verdict::Allowed,
        };
        if !reached && running.is_some_and(|subject| rule.target.covers(subject)) {
            let warning = rule.warning();
            let until_change = if left > warning { left.saturating_sub(warning) } else { left };
            let at = now.boot + until_change;
            verdicts.next_boot = Some(verdicts.next_boot.map_or(at, |next| next.min(at)));
        }
        let until = (verdict != Verdict::Allowed).then_some(day_end);
        verdicts.rules.push(Judged {
            rule: rule.id.clone(),
            target: rule.target.clone(),
            at_limit: rule.at_limit,
            verdict,
            reached,
            used,
            budget: rule.amount,
            until,
        });
    }
    verdicts
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
    /// Minimise the program's windows.
    Minimise {
        /// The program.
        app: AppId,
        /// The rule that asks for it.
        by: Judged,
        /// The person was told before, and the program has come back.
        again: bool,
    },
    /// Ask the program's windows to close.
    Close {
        /// The program.
        app: AppId,
        /// The rule that asks for it.
        by: Judged,
        /// The person was told before, and the program has come back.
        again: bool,
    },
}

/// Things to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan(pub Vec<Action>);

/// What must be done to get from `before` to `after`.
///
/// `in_front` is the subject with focus now; `came_to_front` says that it has just come there, so that a blocked
/// program is acted on again each time; `says_terminal` asks whether a program says of itself that it is a terminal, which
/// is enough to be treated as one.
pub fn plan(
    before: &Verdicts,
    after: &Verdicts,
    in_front: Option<&Subject>,
    came_to_front: bool,
    says_terminal: impl Fn(&AppId) -> bool,
) -> Plan {
    let mut actions = Vec::new();
    let mut act: Option<(&Judged, bool)> = None;
    for judged in &after.rules {
        let was = before.find(&judged.rule);
        match (was.map_or(Stage::Within, Judged::stage), judged.stage()) {
            (from, Stage::Reached) if from < Stage::Reached => actions.push(Action::Reached(judged.clone())),
            (Stage::Within, Stage::Warned) => actions.push(Action::Warn(judged.clone())),
            (Stage::Reached, Stage::Within | Stage::Warned) | (Stage::Warned, Stage::Within) => {
                actions.push(Action::Lifted(judged.clone()));
            }
            _ => {}
        }
        let was_blocked = was.is_some_and(|was| was.verdict == Verdict::Blocked);
        let in_front_covered = in_front.is_some_and(|subject| judged.target.covers(subject));
        if judged.verdict == Verdict::Blocked && in_front_covered && (came_to_front || !was_blocked) {
            let told_now = was.map_or(Stage::Within, Judged::stage) < Stage::Reached;
            if act.is_none_or(|(strictest, _)| judged.at_limit > strictest.at_limit) {
                act = Some((judged, !told_now));
            }
        }
    }
    for was in &before.rules {
        if was.stage() != Stage::Within && after.find(&was.rule).is_none() {
            actions.push(Action::Lifted(was.clone()));
        }
    }
    if let (Some((judged, again)), Some(subject)) = (act, in_front) {
        // A rule about a terminal is about all its windows, whatever runs in the one in front.
        let app = if let Target::App(app) = &judged.target { app } else { &subject.app };
        let (app, by) = (app.clone(), judged.clone());
        match judged.at_limit {
            _ if is_exempt(&app) => {}
            // A limit on everything must leave a way to change it: the terminal in which `dwell` is typed.
            _ if judged.target == Target::All && (is_terminal(&app) || says_terminal(&app)) => {}
            AtLimit::Close if !holds_work(&app) && !says_terminal(&app) => {
                actions.push(Action::Close { app, by, again })
            }
            AtLimit::Close | AtLimit::Block => actions.push(Action::Minimise { app, by, again }),
            AtLimit::Notify => {}
        }
    }
    Plan(actions)
}

/// Programs without which the person could not use, leave or unlock the session: no limit ever acts on them.
const EXEMPT: &[&str] = &[
    "gnome-shell",
    "org.gnome.Shell",
    "plasmashell",
    "org.kde.plasmashell",
    "kwin_wayland",
    "kwin_x11",
    "sway",
    "swaylock",
    "swaynag",
    "i3lock",
    "xscreensaver",
    "light-locker",
    "gdm",
    "xfce4-panel",
    "xfdesktop",
    "xfce4-session",
    "waybar",
    "mako",
    "dunst",
    "xdg-desktop-portal",
    "xdg-desktop-portal-gtk",
    "xdg-desktop-portal-gnome",
    "polkit-gnome-authentication-agent-1",
    "org.kde.polkit-kde-authentication-agent-1",
    "lxpolkit",
    "pinentry",
    "gcr-prompter",
    "onboard",
    "squeekboard",
    "org.gnome.Caribou",
    "orca",
    "wofi",
    "rofi",
    "dwell-prompt",
];

/// Terminals: what runs in them is work, and so is the way to change a limit.
const TERMINALS: &[&str] = &[
    "xterm",
    "debian-xterm",
    "uxterm",
    "debian-uxterm",
    "foot",
    "footclient",
    "org.codeberg.dnkl.foot",
    "org.codeberg.dnkl.footclient",
    "kitty",
    "alacritty",
    "wezterm",
    "org.wezfurlong.wezterm",
    "gnome-terminal-server",
    "org.gnome.terminal",
    "org.gnome.console",
    "org.gnome.ptyxis",
    "konsole",
    "org.kde.konsole",
    "xfce4-terminal",
    "xfce-terminal",
    "mate-terminal",
    "terminator",
    "tilix",
    "com.gexperts.tilix",
    "com.mitchellh.ghostty",
    "rxvt",
    "urxvt",
    "rxvt-unicode",
    "lxterminal",
    "qterminal",
    "st",
    "st-256color",
    "stterm",
    "simpleterm",
    "org.gnome.terminal.preview",
    "org.gnome.console.devel",
    "org.gnome.ptyxis.devel",
    "kgx",
    "ptyxis",
    "blackbox",
    "com.raggesilver.blackbox",
    "io.elementary.terminal",
    "pantheon-terminal",
    "deepin-terminal",
    "org.contourterminal.contour",
    "contour",
    "cool-retro-term",
    "yakuake",
    "org.kde.yakuake",
    "guake",
    "tilda",
    "ddterm",
    "com.github.amezin.ddterm",
    "sakura",
    "terminology",
    "roxterm",
    "ghostty",
    "rio",
    "com.raphaelamorim.rio",
    "org.xfce.terminal",
    "xfce4-terminal-emulator",
    "org.lxde.lxterminal",
    "org.mate.terminal",
    "havoc",
    "eterm",
    "aterm",
    "mlterm",
    "evilvte",
    "termit",
    "lilyterm",
    "stjerm",
    "zutty",
    "kterm",
    "cosmic-term",
    "com.system76.cosmicterm",
    "dev.warp.warp",
    "waveterm",
    "tabby",
    "hyper",
    "extraterm",
    "wezterm-gui",
    "rxvt-unicode-256color",
    "urxvtc",
];

/// Development environments.
const EDITORS: &[&str] = &[
    "code",
    "code-oss",
    "codium",
    "vscodium",
    "emacs",
    "gvim",
    "jetbrains-idea",
    "jetbrains-pycharm",
    "jetbrains-clion",
    "jetbrains-rustrover",
    "jetbrains-webstorm",
    "jetbrains-goland",
    "org.gnome.builder",
    "org.kde.kdevelop",
    "dev.zed.zed",
];

/// Whether a limit never acts on this program.
pub fn is_exempt(app: &AppId) -> bool {
    is_one_of(app, EXEMPT)
}

/// Whether this program is a terminal, or runs in one: a limit on everything never acts on it. Of those that the list lacks
/// only what runs in them is known; a desktop file may tell the rest, see [`plan`].
pub fn is_terminal(app: &AppId) -> bool {
    app.parts().1.is_some() || is_one_of(app, TERMINALS)
}

/// The ids of the programs that a limit treats otherwise than others, that begin so, without regard to ASCII case:
/// whether one of them is left alone by every limit, and whether one of them is a terminal or runs in one.
pub fn guarded(beginning: &str) -> (bool, bool) {
    if let Some((host, _)) = beginning.split_once('/') {
        return (EXEMPT.iter().any(|id| id.eq_ignore_ascii_case(host)), true);
    }
    let begins = |ids: &[&str]| {
        ids.iter()
            .any(|id| id.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning)))
    };
    (begins(EXEMPT), begins(TERMINALS))
}

/// Whether this program is minimised where a rule says `close`: closing a terminal or a development environment can
/// lose hours of work without a question (xterm and foot exit at once, running builds and all: measured).
pub fn holds_work(app: &AppId) -> bool {
    is_terminal(app) || is_one_of(app, EDITORS)
}

fn is_one_of(app: &AppId, ids: &[&str]) -> bool {
    // What runs in a terminal goes with its window.
    let (host, _) = app.parts();
    ids.iter().any(|id| id.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Per;

    fn rule(id: &str, target: &str, amount: &str, warn: &str, at_limit: AtLimit) -> Rule {
        Rule {
            id: RuleId::new(id).unwrap(),
            target: target.parse().unwrap(),
            amount: amount.parse().unwrap(),
            per: Per::Day,
            warn: Some(warn.parse().unwrap()),
            at_limit,
        }
    }

    fn subject(app: &str) -> Subject {
        Subject::app(AppId::new(app).unwrap())
    }

    const NOW: Reading = Reading::new(Boot::from_ms(1000), Wall::from_unix_ms(12 * 3_600_000));

    fn calendar() -> Calendar {
        Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap())
    }

    fn at(rules: &[Rule], used: &str, running: Option<&Subject>) -> Verdicts {
        let used: Millis = used.parse().unwrap();
        judge(rules, |_| used, running, NOW, &calendar())
    }

    fn planned(before: &Verdicts, after: &Verdicts, in_front: Option<&Subject>, came: bool) -> Plan {
        plan(before, after, in_front, came, |app| app.as_str() == "org.example.Terminal")
    }

    #[test]
    fn the_next_change_is_the_warning_then_the_limit_then_the_day_start() {
        let rules = [rule("r", "app:a", "10m", "2m", AtLimit::Block)];
        let a = subject("a");
        let v = at(&rules, "1m", Some(&a));
        assert_eq!(
            (v.rules[0].verdict, v.next_boot),
            (Verdict::Allowed, Some(NOW.boot + Millis::from_mins(7)))
        );
        let v = at(&rules, "8m", Some(&a));
        assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Warn, Some(NOW.boot + Millis::from_mins(2))));
        let v = at(&rules, "10m", Some(&a));
        assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Blocked, None));
        let day_end = calendar().end_of(calendar().day_of(NOW.wall));
        assert_eq!(v.rules[0].until, Some(day_end));
        // Another program in front: nothing is being charged for this rule, so nothing can change by itself.
        assert_eq!(at(&rules, "1m", Some(&subject("b"))).next_boot, None);
    }

    #[test]
    fn each_stage_is_told_once_and_acting_repeats() {
        let rules = [rule("r", "app:a", "10m", "2m", AtLimit::Block)];
        let a = subject("a");
        let (none, warn, over) =
            (at(&rules, "1m", Some(&a)), at(&rules, "9m", Some(&a)), at(&rules, "10m", Some(&a)));
        let minimise = |again| Action::Minimise { app: a.app.clone(), by: over.rules[0].clone(), again };
        assert_eq!(planned(&none, &warn, Some(&a), false).0, [Action::Warn(warn.rules[0].clone())]);
        assert_eq!(planned(&warn, &warn, Some(&a), true).0, []);
        assert_eq!(
            planned(&warn, &over, Some(&a), false).0,
            [Action::Reached(over.rules[0].clone()), minimise(false)]
        );
        assert_eq!(planned(&over, &over, Some(&a), false).0, []);
        assert_eq!(planned(&over, &over, Some(&a), true).0, [minimise(true)]);
        assert_eq!(planned(&over, &over, Some(&subject("b")), true).0, []);
        // The new day, an idle correction, or the rule's removal lifts it.
        assert_eq!(planned(&over, &none, None, false).0, [Action::Lifted(none.rules[0].clone())]);
        assert_eq!(
            planned(&over, &Verdicts::default(), None, false).0,
            [Action::Lifted(over.rules[0].clone())]
        );
    }

    #[test]
    fn the_strictest_of_several_rules_acts() {
        let a = subject("a");
        let rules =
            [rule("r", "app:a", "10m", "0s", AtLimit::Close), rule("s", "all", "5m", "0s", AtLimit::Block)];
        let over = at(&rules, "10m", Some(&a));
        let Plan(actions) = planned(&Verdicts::default(), &over, Some(&a), true);
        assert!(matches!(actions.last(), Some(Action::Close { again: false, .. })));
        assert_eq!(actions.len(), 3);
    }

    #[test]
    fn notify_never_acts_and_never_blocks() {
        let a = subject("a");
        let over = at(&[rule("r", "app:a", "10m", "0s", AtLimit::Notify)], "11m", Some(&a));
        assert_eq!(over.rules[0].verdict, Verdict::Warn);
        assert_eq!(
            planned(&Verdicts::default(), &over, Some(&a), true).0,
            [Action::Reached(over.rules[0].clone())]
        );
    }

    #[test]
    fn terminals_are_minimised_and_the_shell_is_left_alone() {
        let last = |target: &str, app: &str| {
            let rules = [rule("r", target, "1m", "0s", AtLimit::Close)];
            let s = subject(app);
            planned(&Verdicts::default(), &at(&rules, "1m", Some(&s)), Some(&s), true).0.pop()
        };
        assert!(matches!(last("app:foot", "foot"), Some(Action::Minimise { .. })));
        assert!(matches!(last("all", "code"), Some(Action::Minimise { .. })));
        assert!(matches!(last("all", "foot"), Some(Action::Reached(_))), "no way back");
        assert!(matches!(last("all", "foot/vim"), Some(Action::Reached(_))), "no way back");
        // A terminal that no list has, but whose desktop file says that it is one, or in which something is known to run.
        for app in ["org.example.Terminal", "org.example.Other/vim", "com.raggesilver.BlackBox", "Yakuake"] {
            assert!(matches!(last("all", app), Some(Action::Reached(_))), "no way back: {app}");
            assert!(matches!(last(&format!("app:{app}"), app), Some(Action::Minimise { .. })), "{app}");
        }
        // The rule's target is what is acted on: the terminal with all its windows, or the program in it alone.
        for target in ["foot", "foot/vim"] {
            match last(&format!("app:{target}"), "foot/vim") {
                Some(Action::Minimise { app, .. }) => assert_eq!(app.as_str(), target),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(last("all", "swaylock"), Some(Action::Reached(_))));
        assert!(matches!(last("all", "org.example.Game"), Some(Action::Close { .. })));
    }
}
