//! Everything that enforcement says to a person, in their language.
//!
//! The sentences are in one file a language, `en.ftl` (Fluent), of which English is complete; others may be partial, and
//! what they lack is said in English, message by message. Here are the facts that go into them, one small struct an
//! event, and nothing of how rules are judged.
//!
//! Which notice is due, and whether the day has room for it, is not decided here. What commands print and what health
//! says is not here either: that is for whoever reads a terminal or a bug report.
//!
//! # Invariants (tested)
//!
//! Every message that is asked for exists in English, with all its variables; every message in the file is asked for.

mod instant;
mod limits;
mod prompt;
mod sessions;
mod week;

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::rules::Per;
use crate::time::Millis;

pub use instant::Moment;
pub use limits::{Cause, Closes, Done, Reached, Snoozed, Warning};
pub use prompt::{RuleLine, RuleState};

/// A language's tag and its file, English last. A language is added here.
const LOCALES: &[(&str, &str)] = &[("en", include_str!("en.ftl"))];

/// A notification's two texts. Private, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// One short line.
    pub summary: String,
    /// One to three sentences, without markup.
    pub body: String,
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice(‹redacted›)")
    }
}

/// The sentences of a language.
pub struct Texts {
    /// The person's languages from the most to the least wanted; English is the last.
    bundles: Vec<FluentBundle<FluentResource>>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bundles.iter().flat_map(|bundle| &bundle.locales)).finish()
    }
}

/// The variables of a message.
type Facts<'a> = [(&'static str, FluentValue<'a>)];

impl Texts {
    /// The sentences for a locale as LC_MESSAGES has it (`el_GR.UTF-8`, `pt_BR`, `C`); English where dwell does not speak
    /// that language.
    pub fn new(locale: &str) -> Self {
        Self::among(LOCALES, locale)
    }

    fn among(known: &[(&str, &str)], locale: &str) -> Self {
        // setlocale(3): language[_territory][.codeset][@modifier]
        let tag = locale.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
        let language = tag.split('-').next().unwrap_or_default();
        let mut wanted = vec![tag.as_str()];
        wanted.extend((language != tag).then_some(language));
        wanted.extend((language != "en").then_some("en"));
        let file = |tag: &str| known.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
        Self { bundles: wanted.into_iter().filter_map(file).map(|(tag, text)| bundle(tag, text)).collect() }
    }

    /// What a message (`warning.summary`: an attribute of one) says of these facts.
    fn say(&self, id: &str, facts: &Facts<'_>) -> String {
        let args: FluentArgs<'_> = facts.iter().map(|(name, value)| (*name, value.clone())).collect();
        let (message, attribute) = id.split_once('.').map_or((id, None), |(id, name)| (id, Some(name)));
        let said = self.bundles.iter().find_map(|bundle| {
            let message = bundle.get_message(message)?;
            let pattern = match attribute {
                Some(name) => message.get_attribute(name)?.value(),
                None => message.value()?,
            };
            let mut wrong = Vec::new();
            let text = bundle.format_pattern(pattern, Some(&args), &mut wrong).into_owned();
            // A translation that asks for a variable which there is not is as good as none.
            wrong.is_empty().then_some(text)
        });
        // Never in practice: a test asks for every message of the English file.
        said.unwrap_or_else(|| format!("⟦{id}⟧"))
    }

    fn notice(&self, summary: &str, body: &str, facts: &Facts<'_>) -> Notice {
        Notice { summary: self.say(summary, facts), body: self.say(body, facts) }
    }

    /// Two sentences, one after the other.
    fn both(&self, first: String, second: String) -> String {
        self.say("sentences", &[("first", first.into()), ("second", second.into())])
    }

    /// The name of a rule's target that is all screen time.
    pub fn everything(&self) -> String {
        self.say("everything", &[])
    }

    /// `5 more minutes`: what a snooze gives, and the button for it.
    pub fn more(&self, length: Millis) -> String {
        let ms = length.as_ms();
        if ms.is_multiple_of(60_000) {
            self.say("more", &[("minutes", (ms / 60_000).into())])
        } else {
            self.say("more-odd", &[("length", length.to_string().into())])
        }
    }

    /// The button that closes what a limit is about.
    pub fn close(&self) -> String {
        self.say("button-close", &[])
    }

    /// The button that tells why.
    pub fn why(&self) -> String {
        self.say("button-why", &[])
    }
}

fn bundle(tag: &str, text: &str) -> FluentBundle<FluentResource> {
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // The marks that would keep a name's direction apart from the sentence's are shown as boxes by some services.
    bundle.set_use_isolating(false);
    // Messages that cannot be read are left out, and then said in English.
    let read = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
    // Only messages that are in the file twice could be refused: the first of them holds.
    let _ = bundle.add_resource(read);
    bundle
}

/// The word that messages know a period by.
fn per(per: Per) -> FluentValue<'static> {
    per.as_str().into()
}

#[cfg(test)]
mod tests;
