//! The window: its widgets, and what each says to a screen reader. It decides nothing: presses go to [`Hands`].
//!
//! Invariants: everything can be reached with Tab, Enter is *Close* unless the sentence is being typed, Escape puts the
//! window away and does nothing else. A press counts only when the window has shown what it shows for a moment
//! ([`SETTLING`]): it opens while somebody types, and an Enter that was meant for the text must close nothing.

use std::cell::Cell;
use std::rc::Rc;

use dwell_core::texts::Texts;
use dwell_core::time::Millis;
use gtk::accessible::{Property, Relation, State};
use gtk::prelude::*;
use gtk::{AccessibleRole, Align, Orientation, gdk, glib, pango};

use crate::face::Face;

/// The window's title.
const TITLE: &str = "dwell";
/// The window's width: small enough for a phone's screen, and it grows only downwards.
const WIDTH: i32 = 360;
/// The space around its words.
const MARGIN: i32 = 20;
/// What the desktop's own panels and title bars take from the screen's height, at most.
const PANELS: i32 = 120;
/// How long after it came, or after what it says became another, a press does nothing.
const SETTLING: i64 = 700_000;

const STYLE: &str = "
.dwell-heading { font-weight: 700; font-size: 1.25em; }
.dwell-quiet { opacity: 0.75; }
button:focus:focus-visible { outline: 2px solid alpha(@theme_fg_color, 0.6); outline-offset: 2px; }
.dwell-used trough, .dwell-used progress { min-height: 8px; border-radius: 4px; }
";

/// What the person can do.
pub(crate) trait Hands {
    /// *Close* was pressed.
    fn close(&self);
    /// *5 more minutes* was pressed, with what stands in the field.
    fn more(&self, sentence: &str);
    /// The window was put away.
    fn dismissed(&self);
}

/// How a limit can be put off.
pub(crate) struct More<'a> {
    /// For how long.
    pub(crate) length: Millis,
    /// How long the wait lasts still.
    pub(crate) wait: Millis,
    /// The sentence to type.
    pub(crate) sentence: Option<&'a str>,
    /// How often that is left today, and what keeps it closed all the same, in words.
    pub(crate) left: String,
}

/// The window with its widgets.
pub(crate) struct Window {
    texts: Rc<Texts>,
    window: gtk::Window,
    heading: gtk::Label,
    used: gtk::Box,
    bar: gtk::ProgressBar,
    amount: gtk::Label,
    opens: gtk::Label,
    also: gtk::Label,
    said: gtk::Label,
    asks: gtk::Label,
    sentence: gtk::Entry,
    close: gtk::Button,
    more: gtk::Button,
    left: gtk::Label,
    why: gtk::ToggleButton,
    rules: gtk::Box,
    column: gtk::Box,
    /// Scrolls where the text is larger than the screen.
    scrolls: gtk::ScrolledWindow,
    /// Since when it shows what it shows, in microseconds of the monotonic clock; none: it is not in sight.
    since: Rc<Cell<Option<i64>>>,
    /// The wait for *more* is over.
    ready: Rc<Cell<bool>>,
}

impl Window {
    /// A window that is not shown yet.
    pub(crate) fn new(hands: Rc<dyn Hands>, texts: Rc<Texts>) -> Self {
        style();
        let column = gtk::Box::builder().orientation(Orientation::Vertical).spacing(12).build();
        for side in ["margin-top", "margin-bottom", "margin-start", "margin-end"] {
            column.set_property(side, MARGIN);
        }
        let scrolls =
            gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).child(&column).build();
        let window = gtk::Window::builder()
            .title(TITLE)
            .resizable(false)
            .accessible_role(AccessibleRole::Dialog)
            .child(&scrolls)
            .build();
        let close = gtk::Button::with_label(&texts.close());
        close.add_css_class("suggested-action");
        let more = gtk::Button::builder().child(&words("")).build();
        let made = Self {
            heading: words("dwell-heading"),
            used: gtk::Box::builder().orientation(Orientation::Vertical).spacing(6).build(),
            bar: gtk::ProgressBar::builder().css_classes(["dwell-used"]).build(),
            amount: words("dwell-quiet"),
            opens: words(""),
            also: words("dwell-quiet"),
            said: gtk::Label::builder()
                .accessible_role(AccessibleRole::Alert)
                .wrap(true)
                .wrap_mode(pango::WrapMode::WordChar)
                .max_width_chars(1)
                .hexpand(true)
                .xalign(0.0)
                .visible(false)
                .build(),
            asks: words(""),
            sentence: gtk::Entry::new(),
            left: words("dwell-quiet"),
            why: gtk::ToggleButton::with_label(&texts.why()),
            rules: gtk::Box::builder()
                .orientation(Orientation::Vertical)
                .spacing(6)
                .focusable(true)
                .visible(false)
                .build(),
            since: Rc::default(),
            ready: Rc::default(),
            texts,
            window,
            column,
            scrolls,
            close,
            more,
        };
        for label in made.more.child().and_downcast::<gtk::Label>().iter().chain([&made.left]) {
            label.set_xalign(0.5);
            label.set_justify(gtk::Justification::Center);
        }
        made.lay_out();
        made.name_parts();
        made.connect(&hands);
        made
    }

    fn lay_out(&self) {
        self.column.set_width_request(WIDTH);
        self.used.append(&self.bar);
        self.used.append(&self.amount);
        let putting_off = gtk::Box::builder().orientation(Orientation::Vertical).spacing(6).build();
        for part in
            [self.asks.upcast_ref(), self.sentence.upcast_ref(), self.more.upcast_ref::<gtk::Widget>()]
        {
            putting_off.append(part);
        }
        putting_off.append(&self.left);
        let parts: [&gtk::Widget; 9] = [
            self.heading.upcast_ref(),
            self.used.upcast_ref(),
            self.opens.upcast_ref(),
            self.also.upcast_ref(),
            self.said.upcast_ref(),
            self.close.upcast_ref(),
            putting_off.upcast_ref(),
            self.why.upcast_ref(),
            self.rules.upcast_ref(),
        ];
        for part in parts {
            self.column.append(part);
        }
        self.why.set_halign(Align::Center);
        self.why.add_css_class("flat");
        self.window.set_default_widget(Some(&self.close));
    }

    /// What does not depend on the rule.
    fn name_parts(&self) {
        self.bar.update_property(&[Property::Label(&self.texts.used_bar())]);
        self.sentence.update_property(&[Property::Label(&self.texts.sentence_field())]);
        self.sentence.update_relation(&[Relation::DescribedBy(&[self.asks.upcast_ref()])]);
        self.why.update_property(&[Property::Description(&self.texts.why_does())]);
        self.why.update_state(&[State::Expanded(Some(false))]);
        self.why.update_relation(&[Relation::Controls(&[self.rules.upcast_ref()])]);
        self.rules.update_property(&[Property::Label(&self.texts.rules_that_apply())]);
    }

    fn connect(&self, hands: &Rc<dyn Hands>) {
        let settled = {
            let since = Rc::clone(&self.since);
            move || since.get().is_some_and(|since| glib::monotonic_time() - since >= SETTLING)
        };
        let (to, may) = (Rc::clone(hands), settled.clone());
        self.close.connect_clicked(move |_| {
            if may() {
                to.close();
            }
        });
        let press_more = {
            let (to, ready, sentence) = (Rc::clone(hands), Rc::clone(&self.ready), self.sentence.clone());
            Rc::new(move || {
                if settled() && ready.get() {
                    to.more(&sentence.text());
                }
            })
        };
        let press = Rc::clone(&press_more);
        self.more.connect_clicked(move |_| press());
        // Enter in the field is the answer to the field; it never reaches the default button.
        self.sentence.connect_activate(move |_| press_more());
        let (ready, more) = (Rc::clone(&self.ready), self.more.clone());
        self.sentence.connect_changed(move |sentence| {
            more.set_sensitive(ready.get() && !sentence.text().trim().is_empty());
        });
        // Where the screen has no room for the rules, they are brought into sight once they have a place.
        let before: Rc<Cell<Option<f64>>> = Rc::default();
        let grows = Rc::clone(&before);
        self.scrolls.vadjustment().connect_changed(move |place| {
            if grows.get().is_some_and(|before| place.upper() > before) {
                grows.set(None);
                // Within the layout that tells of it, it would be forgotten again.
                let place = place.clone();
                glib::idle_add_local_once(move || place.set_value(place.upper()));
            }
        });
        let (rules, column, scrolls) = (self.rules.clone(), self.column.clone(), self.scrolls.clone());
        self.why.connect_toggled(move |why| {
            rules.set_visible(why.is_active());
            fit(&column, &scrolls);
            before.set(why.is_active().then(|| scrolls.vadjustment().upper()));
            why.update_state(&[State::Expanded(Some(why.is_active()))]);
        });
        let to = Rc::clone(hands);
        self.window.connect_close_request(move |_| {
            to.dismissed();
            glib::Propagation::Stop
        });
        let since = Rc::clone(&self.since);
        self.window.connect_map(move |_| since.set(Some(glib::monotonic_time())));
        let since = Rc::clone(&self.since);
        self.window.connect_unmap(move |_| since.set(None));
        let escape = gtk::ShortcutController::new();
        escape.set_propagation_phase(gtk::PropagationPhase::Capture);
        escape.add_shortcut(
            gtk::Shortcut::builder()
                .trigger(&gtk::KeyvalTrigger::new(gdk::Key::Escape, gdk::ModifierType::empty()))
                .action(&gtk::NamedAction::new("window.close"))
                .build(),
        );
        self.window.add_controller(escape);
    }

    /// Shows a rule in place of another.
    pub(crate) fn show(&self, face: &Face, also: &[String], more: Option<&More<'_>>) {
        if self.since.get().is_some() {
            self.since.set(Some(glib::monotonic_time()));
        }
        self.heading.set_label(&face.heading);
        self.used.set_visible(face.used.is_some());
        if let Some((part, amount)) = &face.used {
            self.bar.set_fraction(*part);
            self.amount.set_label(amount);
            self.bar.update_property(&[Property::ValueText(amount)]);
        }
        say(&self.opens, face.opens.as_deref());
        self.close.update_property(&[Property::Description(&self.texts.close_does(&face.name))]);
        self.window.update_property(&[
            Property::Label(&face.heading),
            Property::Description(face.opens.as_deref().unwrap_or_default()),
        ]);
        while let Some(old) = self.rules.first_child() {
            self.rules.remove(&old);
        }
        for rule in &face.rules {
            let line = words("");
            line.set_label(rule);
            self.rules.append(&line);
        }
        self.why.set_active(false);
        self.sentence.set_text("");
        self.offer(more);
        self.also(also);
        self.say(None);
        self.busy(false);
        gtk::prelude::GtkWindowExt::set_focus(&self.window, Some(&self.close));
        // Enter acts from the start, so it shows on what.
        self.window.set_focus_visible(true);
        self.window.present();
    }

    /// Says what else is at its limit.
    pub(crate) fn also(&self, names: &[String]) {
        say(&self.also, (!names.is_empty()).then(|| self.texts.also(names)).as_deref());
        fit(&self.column, &self.scrolls);
    }

    /// Takes the window out of sight.
    pub(crate) fn hide(&self) {
        self.window.set_visible(false);
    }

    /// Whether the person is typing the sentence.
    pub(crate) fn is_typing(&self) -> bool {
        self.since.get().is_some() && !self.sentence.text().is_empty()
    }

    /// Offers to put the limit off, or takes the offer away.
    pub(crate) fn offer(&self, more: Option<&More<'_>>) {
        let (none, sentence) = (more.is_none(), more.and_then(|more| more.sentence));
        self.more.set_visible(!none);
        self.left.set_visible(!none);
        self.sentence.set_visible(sentence.is_some());
        self.asks.set_visible(sentence.is_some());
        let Some(more) = more else { return self.ready.set(false) };
        self.left.set_label(&more.left);
        // The name stays while the label counts: a screen reader hears it once, and what it waits for.
        self.more.update_property(&[Property::Label(&self.texts.more(more.length))]);
        if let Some(sentence) = sentence {
            self.asks.set_label(&self.texts.asks_sentence(more.length, sentence));
        }
        self.more.update_property(&[Property::Description(&if more.wait.is_zero() {
            String::new()
        } else {
            self.texts.more_waits(more.wait)
        })]);
        self.count(more.length, more.wait);
    }

    /// Shows how long the wait for *more* lasts still.
    pub(crate) fn count(&self, length: Millis, wait: Millis) {
        let label = if wait.is_zero() { self.texts.more(length) } else { self.texts.more_in(length, wait) };
        if let Some(child) = self.more.child().and_downcast::<gtk::Label>() {
            child.set_label(&label);
        }
        if wait.is_zero() && !self.ready.get() {
            self.more.update_property(&[Property::Description("")]);
        }
        self.ready.set(wait.is_zero());
        self.more.set_sensitive(self.may_press_more());
    }

    /// Says what went wrong; none: nothing did.
    pub(crate) fn say(&self, what: Option<&str>) {
        say(&self.said, what);
        fit(&self.column, &self.scrolls);
    }

    /// While an answer is awaited no button can be pressed a second time.
    pub(crate) fn busy(&self, busy: bool) {
        self.close.set_sensitive(!busy);
        self.more.set_sensitive(!busy && self.may_press_more());
    }

    fn may_press_more(&self) -> bool {
        self.ready.get() && (!self.sentence.get_visible() || !self.sentence.text().trim().is_empty())
    }
}

/// A label that wraps at the window's width, whatever the size of the text.
fn words(class: &str) -> gtk::Label {
    let label = gtk::Label::builder()
        .wrap(true)
        .wrap_mode(pango::WrapMode::WordChar)
        .max_width_chars(1)
        .hexpand(true)
        .xalign(0.0)
        .build();
    if !class.is_empty() {
        label.add_css_class(class);
    }
    label
}

/// Makes the window as high as its words are, up to the height of the screen. What scrolls does not do so by itself: it
/// is asked for its height before it has a width.
fn fit(column: &gtk::Box, scrolls: &gtk::ScrolledWindow) {
    let (_, words, _, _) = column.measure(Orientation::Vertical, WIDTH + 2 * MARGIN);
    let monitor = gdk::Display::default().and_then(|display| display.monitors().item(0));
    let screen =
        monitor.and_downcast::<gdk::Monitor>().map_or(i32::MAX, |monitor| monitor.geometry().height());
    scrolls.set_min_content_height(words.min((screen - PANELS).max(PANELS)));
}

fn say(label: &gtk::Label, what: Option<&str>) {
    label.set_label(what.unwrap_or_default());
    label.set_visible(what.is_some());
}

fn style() {
    let Some(display) = gdk::Display::default() else { return };
    let provider = gtk::CssProvider::new();
    provider.load_from_data(STYLE);
    gtk::style_context_add_provider_for_display(
        &display,
        &provider,
        gtk::STYLE_PROVIDER_PRIORITY_APPLICATION,
    );
}
