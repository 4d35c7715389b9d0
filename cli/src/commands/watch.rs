//! `dwell watch`: changes as they happen.
//!
//! Ctrl-C ends it the way it ends `tail -f`: by the signal itself, so that a script around it stops too. Every line
//! is flushed, so nothing is lost by that.

use dwell_bus::lines::Event;
use dwell_core::time::Millis;

use super::stream::{Lines, deserted};
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::look::{Ink, Look};
use crate::output::text::{glance, plain, wrap};

/// Follows until the reader or the daemon goes away.
pub(crate) async fn run(console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let pipe = daemon.ask(|d| d.watch()).await?;
    let mut lines = Lines::new(pipe.into())?;
    let deserted = deserted();
    tokio::pin!(deserted);
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            () = &mut deserted => return Ok(End::Well),
        };
        let Some(line) = line else { return Err(ended(&daemon).await) };
        if console.json {
            console.write(line);
        } else if let Ok(event) = serde_json::from_slice(line) {
            console.say(&sentence(&event, console.look));
        }
        console.flush();
        if console.is_closed() {
            return Ok(End::Well);
        }
    }
}

/// Why the stream ended. A daemon that is there all the same was started anew, or cut off a reader that did not keep up.
async fn ended(daemon: &Daemon) -> Error {
    let mut there = daemon.ask(|d| d.status()).await;
    if there.as_ref().is_err_and(|why| why.kind == Kind::Unreachable) {
        // It may have left only while it was asked; the second time that is known.
        there = daemon.ask(|d| d.status()).await;
    }
    match there {
        Err(why) if why == daemon.bus().not_running() => {
            Error::new(Kind::Unreachable, "the daemon ended the stream: it stopped")
                .hint(why.hint.unwrap_or_default())
        }
        _ => Error::new(
            Kind::Unreachable,
            "the daemon ended the stream: it was started anew, or this reader was too slow",
        )
        .hint("say it again; what happened meanwhile is in `dwell spans`"),
    }
}

/// `22:05:00  Firefox (example.org)`
fn sentence(event: &Event, look: Look) -> String {
    let clock = event.at.get(11..19).unwrap_or("--:--:--");
    let target = event.target.as_deref().or(event.rule.as_deref()).unwrap_or("a limit");
    let target = plain(target);
    let (text, ink) = match event.event.as_str() {
        "focus" => (focus(event), Ink::Strong),
        "idle" => ("away".to_owned(), Ink::Faint),
        "active" => ("back".to_owned(), Ink::Faint),
        "lock" => ("locked".to_owned(), Ink::Faint),
        "unlock" => ("unlocked".to_owned(), Ink::Faint),
        "limit-warning" => match event.left_seconds {
            Some(left) => (format!("{target}: {} left", glance(Millis::from_secs(left).as_ms())), Ink::Soon),
            None => (format!("{target}: nearly used up"), Ink::Soon),
        },
        "limit-reached" => match event.until.as_deref().and_then(|until| until.get(11..16)) {
            Some(_) if event.at_limit.as_deref() == Some("notify") => {
                (format!("{target}: used up for today"), Ink::Soon)
            }
            Some(until) => (format!("{target}: used up until {until}"), Ink::Soon),
            None => (format!("{target}: used up"), Ink::Soon),
        },
        "limit-lifted" => (format!("{target}: open again"), Ink::Good),
        "rules-changed" => ("rules changed".to_owned(), Ink::Faint),
        "sensor" => sensor(event),
        "clock-step" => {
            let said = event.message.as_deref().unwrap_or("the clock was set");
            (plain(said).into_owned(), Ink::Faint)
        }
        other => (plain(other).into_owned(), Ink::Faint),
    };
    let indent = if look.width < 40 { 2 } else { 10 };
    let lines = wrap(&format!("{}  {text}", plain(clock)), look.width, indent);
    let (first, rest) = lines.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let mut shown = match first.split_once("  ") {
        Some((clock, text)) => format!("{}  {}", look.ink(Ink::Faint, clock), look.ink(ink, text)),
        None => first.to_owned(),
    };
    for line in rest {
        shown.push('\n');
        shown.push_str(&look.ink(ink, line));
    }
    shown
}

fn focus(event: &Event) -> String {
    let Some(name) = event.name.as_deref().or(event.app.as_ref().and_then(Option::as_deref)) else {
        return "no window has focus".to_owned();
    };
    match &event.domain {
        Some(domain) => format!("{} ({})", plain(name), plain(domain)),
        None => plain(name).into_owned(),
    }
}

fn sensor(event: &Event) -> (String, Ink) {
    let part = plain(event.part.as_deref().unwrap_or("a sensor")).into_owned();
    let message = event.message.as_deref().map(plain).filter(|message| !message.is_empty());
    match (event.ok, message) {
        (Some(false), Some(message)) => (format!("{part}: {message}"), Ink::Bad),
        (Some(false), None) => (format!("{part} does not work"), Ink::Bad),
        (_, Some(message)) => (format!("{part}: {message}"), Ink::Good),
        (_, None) => (format!("{part} works"), Ink::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str, look: Look) -> String {
        let json =
            format!("{{\"schema\":\"dwell.event/1\",\"at\":\"2026-11-21T22:05:07.250+02:00\",{json}}}");
        sentence(&serde_json::from_str(&json).unwrap(), look)
    }

    #[test]
    fn events_as_sentences() {
        let shown: Vec<_> = [
            r#""event":"focus","app":"firefox","name":"Firefox","domain":"example.org""#,
            r#""event":"focus","app":"evil","name":"a\u001b[31mb""#,
            r#""event":"focus","app":null"#,
            r#""event":"idle""#,
            r#""event":"active""#,
            r#""event":"lock""#,
            r#""event":"unlock""#,
            r#""event":"limit-warning","rule":"r","target":"app:firefox","left_seconds":300"#,
            r#""event":"limit-reached","target":"app:firefox","until":"2026-11-22T04:00:00.000+02:00""#,
            r#""event":"limit-reached","target":"app:mail","at_limit":"notify","until":"2026-11-22T04:00:00.000+02:00""#,
            r#""event":"limit-lifted","target":"app:firefox""#,
            r#""event":"rules-changed""#,
            r#""event":"sensor","part":"idle","ok":false,"message":"the compositor went away""#,
            r#""event":"sensor","part":"idle","ok":true"#,
            r#""event":"clock-step","message":"the clock was set by 3600000 ms; time counts on as before""#,
            r#""event":"of-tomorrow""#,
        ]
        .map(|json| said(json, Look { width: 80, color: false }))
        .into();
        insta::assert_snapshot!(shown.join("\n"), @r"
        22:05:07  Firefox (example.org)
        22:05:07  a\u{1b}[31mb
        22:05:07  no window has focus
        22:05:07  away
        22:05:07  back
        22:05:07  locked
        22:05:07  unlocked
        22:05:07  app:firefox: 5m left
        22:05:07  app:firefox: used up until 04:00
        22:05:07  app:mail: used up for today
        22:05:07  app:firefox: open again
        22:05:07  rules changed
        22:05:07  idle: the compositor went away
        22:05:07  idle works
        22:05:07  the clock was set by 3600000 ms; time counts on as before
        22:05:07  of-tomorrow
        ");
        let narrow = said(
            r#""event":"limit-reached","target":"app:firefox","until":"2026-11-22T04:00:00.000+02:00""#,
            Look { width: 20, color: false },
        );
        insta::assert_snapshot!(narrow, @"
        22:05:07
          app:firefox: used
          up until 04:00
        ");
    }
}
