//! A desk: a real desktop without a screen, a daemon that is played by the test, and the real `dwell-prompt`.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use dwell_bus::{Failure, Kind as Wrong, Own, PromptProxy, Request, wire};
use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind, Process};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::tree::{FOCUSED, Sight, Tree};

/// The program under test.
pub(crate) const PROMPT: &str = env!("CARGO_BIN_EXE_dwell-prompt");
const MINUTE: u64 = 60_000;

/// What the window asked of the daemon, as far as it changes anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `close_target` with its target.
    Close(String),
    /// `snooze` with its rule and the sentence.
    Snooze(String, String),
}

/// What the daemon knows.
pub(crate) struct World {
    /// What `why` answers.
    pub(crate) rules: Vec<wire::Limit>,
    /// What `ask_snooze` answers; none: Denied.
    pub(crate) snooze: Option<wire::Snooze>,
    /// What `close_target` answers once each, and then that it is done.
    pub(crate) close_fails: VecDeque<Failure>,
}

impl Default for World {
    /// Firefox, whose 30 minutes are used, and which can be put off at once.
    fn default() -> Self {
        let snooze = wire::Snooze {
            rule: "firefox".to_owned(),
            target: "app:org.mozilla.firefox".to_owned(),
            name: "Firefox".to_owned(),
            wait_ms: 0,
            length_ms: 5 * MINUTE,
            sentence: None,
            left: 3,
            ..wire::Snooze::default()
        };
        Self { rules: vec![limit()], snooze: Some(snooze), close_fails: VecDeque::new() }
    }
}

impl World {
    /// The same with another way to put off.
    pub(crate) fn with_snooze(change: impl FnOnce(&mut wire::Snooze)) -> Self {
        let mut world = Self::default();
        if let Some(snooze) = &mut world.snooze {
            change(snooze);
        }
        world
    }
}

/// A limit of 30 minutes a day that is used up.
pub(crate) fn limit() -> wire::Limit {
    wire::Limit {
        id: "firefox".to_owned(),
        target: "app:org.mozilla.firefox".to_owned(),
        used_ms: 30 * MINUTE,
        budget_ms: Some(30 * MINUTE),
        left_ms: Some(0),
        verdict: "blocked".to_owned(),
        because: Some("budget".to_owned()),
        // The end of a day long gone reads the same on every day on which this runs.
        until_at_ms: Some(4 * 3_600_000),
        per: "day".to_owned(),
        at_limit: "block".to_owned(),
        zone: "UTC".to_owned(),
        ..wire::Limit::default()
    }
}

enum Order {
    Show(String, String, Sender<Result<(), String>>),
    Hide(String, Sender<Result<(), String>>),
}

/// The daemon, played. It leaves the bus when dropped.
pub(crate) struct Daemon {
    calls: Receiver<Call>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Joins this bus, under the daemon's name or as nobody.
    pub(crate) fn start(address: &str, named: bool, world: World) -> Self {
        let (call, calls) = channel();
        let (orders, mut ordered) = unbounded_channel();
        let (ready, is_ready) = channel();
        let address = address.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (hub, requests) = tokio::sync::mpsc::channel(16);
                let mut builder = zbus::connection::Builder::address(address.as_str()).unwrap();
                if named {
                    let served = builder.serve_at(dwell_bus::PATH, Own::new(hub)).unwrap();
                    builder = served.name(dwell_bus::NAME).unwrap();
                }
                let connection = builder.build().await.unwrap();
                tokio::spawn(answer(requests, world, call));
                ready.send(()).unwrap();
                obey(&connection, &mut ordered).await;
            });
        });
        is_ready.recv_timeout(Deadline::seconds(10).left()).expect("the played daemon on the bus");
        Self { calls, orders: Some(orders), thread: Some(thread) }
    }

    fn order(&self, make: impl FnOnce(Sender<Result<(), String>>) -> Order) -> Result<(), String> {
        let (say, said) = channel();
        self.orders.as_ref().unwrap().send(make(say)).unwrap_or_else(|_| panic!("the played daemon is gone"));
        said.recv_timeout(Deadline::seconds(20).left()).expect("an answer of the window")
    }

    /// Calls `Show`; the error is its D-Bus name.
    pub(crate) fn show(&self, target: &str, rule: &str) -> Result<(), String> {
        self.order(|say| Order::Show(target.to_owned(), rule.to_owned(), say))
    }

    /// Calls `Hide`.
    pub(crate) fn hide(&self, rule: &str) -> Result<(), String> {
        self.order(|say| Order::Hide(rule.to_owned(), say))
    }

    /// The next thing that the window asks for.
    pub(crate) fn called(&self) -> Option<Call> {
        self.calls.recv_timeout(Deadline::seconds(10).left()).ok()
    }

    /// What the window asked for and nobody looked at yet.
    pub(crate) fn called_already(&self) -> Option<Call> {
        self.calls.try_recv().ok()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn obey(connection: &zbus::Connection, orders: &mut UnboundedReceiver<Order>) {
    let prompt = PromptProxy::new(connection).await.unwrap();
    let name =
        |done: zbus::fdo::Result<()>| done.map_err(|error| zbus::DBusError::name(&error).as_str().to_owned());
    while let Some(order) = orders.recv().await {
        let _ = match order {
            Order::Show(target, rule, say) => say.send(name(prompt.show(&target, &rule).await)),
            Order::Hide(rule, say) => say.send(name(prompt.hide(&rule).await)),
        };
    }
}

async fn answer(mut requests: tokio::sync::mpsc::Receiver<Request>, mut world: World, call: Sender<Call>) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Why(target, reply) => {
                let why = wire::Why {
                    target,
                    verdict: "blocked".to_owned(),
                    rules: world.rules.clone(),
                    ..wire::Why::default()
                };
                let _ = reply.send(Ok(why));
            }
            Request::AskSnooze(rule, reply) => {
                let none = || Failure::new(Wrong::Denied, "no snooze is left today");
                let snooze = world.snooze.clone().map(|snooze| wire::Snooze { rule, ..snooze });
                let _ = reply.send(snooze.ok_or_else(none));
            }
            Request::Snooze(rule, sentence, reply) => {
                let asked = world.snooze.as_ref().and_then(|snooze| snooze.sentence.clone());
                let right = asked.is_none_or(|asked| asked == sentence);
                let _ = call.send(Call::Snooze(rule, sentence));
                let another = || Failure::new(Wrong::Invalid, "another sentence was typed");
                let _ = reply.send(if right { Ok(limit()) } else { Err(another()) });
            }
            Request::CloseTarget(target, reply) => {
                let _ = call.send(Call::Close(target));
                let _ = reply.send(world.close_fails.pop_front().map_or(Ok(()), Err));
            }
            _ => panic!("the window asks for what it has no use for"),
        }
    }
}

/// A desktop with the window's program on it.
pub(crate) struct Desk {
    /// The daemon that the window talks to.
    pub(crate) daemon: Daemon,
    /// What a screen reader has of the desktop.
    pub(crate) tree: Tree,
    /// The program.
    pub(crate) prompt: Process,
    kind: Kind,
    /// The desktop.
    pub(crate) bed: Bed,
    _a11y: Process,
    _keyboard: Option<Process>,
}

impl Desk {
    /// Starts everything; none where this machine lacks something.
    pub(crate) fn start(kind: Kind, world: World) -> Option<Self> {
        Self::start_with(kind, world, |_| ())
    }

    /// The same after a change of the bed.
    pub(crate) fn start_with(kind: Kind, world: World, prepare: impl FnOnce(&mut Bed)) -> Option<Self> {
        let mut bed = Bed::start(kind)?;
        prepare(&mut bed);
        let a11y = Tree::serve(&bed)?;
        let keyboard = (kind == Kind::Sway).then(|| keep_a_keyboard(&bed));
        let address = bed.session_bus().address().to_owned();
        let daemon = Daemon::start(&address, true, world);
        // First: GTK looks for it once, when it starts.
        let tree = Tree::open(&address);
        let prompt = bed.place().start(PROMPT, &["--linger", "1"]);
        let there = wait_until(Deadline::seconds(20), || tree.has_name(dwell_bus::prompt::NAME));
        assert!(there, "dwell-prompt did not take its name:\n{}", log(&bed));
        Some(Self { daemon, tree, prompt, kind, bed, _a11y: a11y, _keyboard: keyboard })
    }

    /// Shows the rule of the default world, and waits until it is in sight with its first button focused.
    pub(crate) fn show(&self) {
        self.daemon.show("app:org.mozilla.firefox", "firefox").unwrap();
        self.wait("the window with its first button focused", |tree| {
            tree.button("Close").is_some_and(|close| close.is(FOCUSED))
        });
    }

    /// Waits for a condition on what a screen reader sees.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&Sight) -> bool) {
        let seen = wait_until(Deadline::seconds(15), || condition(&self.tree.look()));
        assert!(seen, "{what}: there is\n{}{}", self.tree.look(), log(&self.bed));
    }

    /// Waits until the window is gone, on screen and for a screen reader.
    pub(crate) fn wait_until_gone(&self) {
        self.wait("no window", |sight| sight.dialog().is_none());
    }

    /// Presses a key on the desktop's keyboard.
    pub(crate) fn press(&self, key: &str) {
        match self.kind {
            Kind::Sway => self.bed.place().run("wtype", &["-k", key]),
            _ => self.bed.place().run("xdotool", &["key", key]),
        };
    }

    /// Presses a key until something comes of it: the window takes no press in the first moment.
    pub(crate) fn press_until(&self, key: &str, condition: impl Fn(&Sight) -> bool) {
        let done = wait_until(Deadline::seconds(15), || {
            if condition(&self.tree.look()) {
                return true;
            }
            self.press(key);
            false
        });
        assert!(done, "{key} did nothing: there is\n{}", self.tree.look());
    }

    /// Types a text.
    pub(crate) fn type_text(&self, text: &str) {
        match self.kind {
            Kind::Sway => self.bed.place().run("wtype", &[text]),
            _ => self.bed.place().run("xdotool", &["type", "--delay", "5", text]),
        };
    }
}

/// A headless sway has no keyboard but those of wtype, each of which goes as soon as it has typed, and what it types
/// before the window's program has noticed the keyboard is lost. One that stays makes this seat like any other.
pub(crate) fn keep_a_keyboard(bed: &Bed) -> Process {
    let keyboard = bed.place().start("wtype", &["-k", "Shift_L", "-s", "3600000"]);
    let there = wait_until(Deadline::seconds(10), || {
        bed.place().run("swaymsg", &["-r", "-t", "get_inputs"]).contains("\"keyboard\"")
    });
    assert!(there, "sway sees no keyboard");
    keyboard
}

fn log(bed: &Bed) -> String {
    std::fs::read_to_string(bed.place().log("dwell-prompt")).unwrap_or_default()
}
