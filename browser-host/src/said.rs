//! What an extension says, read strictly: fields that are not known are passed over, and so is a frame whose kind is not
//! known; anything else that is not as it should be is an error, which names no word of the frame.
//!
//! A hostname becomes a site while it is read. What is none stays only where it goes back to who asked.

use dwell_bus::browser::{MAX_AUDIBLE, PROTOCOL};
use dwell_core::subject::Domain;
use serde::Deserialize;
use serde_json::error::Category;

/// Why a frame cannot be read. Holds nothing of it: serde's own words would quote values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaidError {
    /// Not JSON, or not UTF-8; where, in bytes.
    #[error("a frame is no JSON (byte {0})")]
    Json(usize),
    /// Not an object.
    #[error("a frame is no JSON object")]
    Object,
    /// A field is missing, or of another type; where, in bytes.
    #[error("a frame is not as it should be (byte {0})")]
    Field(usize),
    /// The greeting has too long a text, or an instance that is none.
    #[error("the greeting is not as it should be")]
    Greeting,
}

/// A frame from the extension. Private, so it has no `Debug`.
pub enum Said {
    /// It introduces itself.
    Hello(Hello),
    /// It introduces itself in a version that is not spoken here.
    Foreign(u64),
    /// What the browser shows.
    State(State),
    /// How is today on this site?
    Query(Page),
    /// "5 more minutes": begins the wait, or asks how it stands.
    More(Page),
    /// The wait is over: put the rule off.
    Snooze(Snooze),
    /// A list of blocks is in effect, or not.
    Applied(Applied),
    /// A kind that a later version knows.
    Unknown,
}

/// How the extension introduces itself.
pub struct Hello {
    /// `chromium`, `firefox`.
    pub browser: String,
    /// The extension's version.
    pub extension: String,
    /// Tells the browser's profiles apart.
    pub instance: String,
}

/// What the browser shows.
pub struct State {
    /// A window of this profile that the extension may see has focus.
    pub focused: bool,
    /// The site of its active tab.
    pub site: Option<Domain>,
    /// The sites that are heard; each once.
    pub audible: Vec<Domain>,
}

/// What a question is about.
pub enum Page {
    /// A page of a site.
    Of(Domain),
    /// A page of none, as it was named: by that the extension finds its question when the answer comes.
    Other(String),
}

impl Page {
    fn of(host: String) -> Self {
        Domain::registrable(&host).map_or(Self::Other(host), Self::Of)
    }
}

/// What is to be put off.
pub struct Snooze {
    /// For which page.
    pub page: Page,
    /// Which rule.
    pub rule: String,
    /// What the person typed.
    pub sentence: String,
}

/// Which list of blocks is in effect.
pub struct Applied {
    /// Its number.
    pub generation: u64,
    /// What did not work.
    pub problem: Option<String>,
}

#[derive(Deserialize)]
struct Kind {
    t: String,
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

#[derive(Deserialize)]
struct Greeting {
    browser: String,
    ext_version: String,
    instance: String,
}

#[derive(Deserialize)]
struct Shown {
    /// Frames come in order, so it is for whoever reads along.
    #[serde(rename = "seq")]
    _seq: u64,
    focused: bool,
    host: Option<String>,
    #[serde(default)]
    audible: Vec<String>,
}

#[derive(Deserialize)]
struct About {
    d: String,
}

#[derive(Deserialize)]
struct PutOff {
    d: String,
    rule: String,
    sentence: String,
}

#[derive(Deserialize)]
struct Effect {
    r#gen: u64,
    ok: bool,
    #[serde(default)]
    err: Option<String>,
}

impl Said {
    /// Reads a frame.
    ///
    /// # Errors
    /// See [`SaidError`].
    pub fn read(frame: &[u8]) -> Result<Self, SaidError> {
        // Serde would take an array for an object whose fields it lists in order.
        if frame.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first != b'{') {
            return Err(SaidError::Object);
        }
        Ok(match of::<Kind>(frame)?.t.as_str() {
            "hello" => match of::<Version>(frame)?.v {
                v if v == u64::from(PROTOCOL) => Self::Hello(greeting(of(frame)?)?),
                foreign => Self::Foreign(foreign),
            },
            "state" => Self::State(state(of(frame)?)),
            "query" => Self::Query(Page::of(of::<About>(frame)?.d)),
            "more" => Self::More(Page::of(of::<About>(frame)?.d)),
            "snooze" => {
                let PutOff { d, rule, sentence } = of(frame)?;
                Self::Snooze(Snooze { page: Page::of(d), rule, sentence })
            }
            "applied" => {
                let Effect { r#gen: generation, ok, err } = of(frame)?;
                let problem = (!ok).then(|| one_line(err.as_deref().unwrap_or_default()));
                Self::Applied(Applied { generation, problem })
            }
            _ => Self::Unknown,
        })
    }
}

fn of<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, SaidError> {
    serde_json::from_slice(frame).map_err(|why| match why.classify() {
        Category::Data => SaidError::Field(why.column()),
        Category::Io | Category::Syntax | Category::Eof => SaidError::Json(why.column()),
    })
}

/// The site of a host; a host that is none has none, and is no reason to end.
fn site(host: &str) -> Option<Domain> {
    Domain::registrable(host).ok()
}

fn greeting(said: Greeting) -> Result<Hello, SaidError> {
    let Greeting { browser, ext_version: extension, instance } = said;
    let bad = |text: &String| text.is_empty() || text.len() > 64 || text.chars().any(char::is_control);
    let is_instance = instance.len() == 32 && instance.bytes().all(|byte| byte.is_ascii_hexdigit());
    if bad(&browser) || bad(&extension) || !is_instance {
        return Err(SaidError::Greeting);
    }
    Ok(Hello { browser, extension, instance })
}

fn state(said: Shown) -> State {
    let mut audible: Vec<Domain> = Vec::new();
    for heard in said.audible.iter().filter_map(|host| site(host)) {
        if audible.len() < MAX_AUDIBLE && !audible.contains(&heard) {
            audible.push(heard);
        }
    }
    State { focused: said.focused, site: said.host.as_deref().and_then(site), audible }
}

/// An extension's error, fit for the daemon: it takes 300 bytes in one line.
fn one_line(text: &str) -> String {
    const MOST: usize = 200;
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > MOST {
        line.truncate(line.floor_char_boundary(MOST));
    }
    if line.trim().is_empty() { "the browser gave no reason".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Said {
        Said::read(text.as_bytes()).unwrap()
    }

    fn error(text: &str) -> SaidError {
        Said::read(text.as_bytes()).err().unwrap()
    }

    const HELLO: &str = r#"{"t":"hello","v":1,"browser":"chromium","ext_version":"0.1.0","instance":"0123456789abcdef0123456789abcdef"}"#;

    #[test]
    fn greetings() {
        let Said::Hello(hello) = read(HELLO) else { panic!("no greeting") };
        assert_eq!((hello.browser.as_str(), hello.extension.as_str()), ("chromium", "0.1.0"));
        // Of another version nothing is read but the version.
        assert!(matches!(read(r#"{"t":"hello","v":2,"who":[]}"#), Said::Foreign(2)));
        assert!(matches!(error(r#"{"t":"hello","v":"1"}"#), SaidError::Field(_)));
        assert!(matches!(error(r#"{"t":"hello"}"#), SaidError::Field(_)));
        assert_eq!(error(&HELLO.replace("0123", "xyz!")), SaidError::Greeting);
        assert_eq!(error(&HELLO.replace("abcdef", "")), SaidError::Greeting);
        assert_eq!(error(&HELLO.replace("0.1.0", &"1".repeat(65))), SaidError::Greeting);
        assert_eq!(error(&HELLO.replace("chromium", "a\\nb")), SaidError::Greeting);
    }

    #[test]
    fn hosts_become_sites() {
        let text = r#"{"t":"state","seq":1,"focused":true,"host":"M.YouTube.com","why":"tab",
            "audible":["a.example.org","b.example.org","not a host","co.uk","music.example"],"new":{"x":[1]}}"#;
        let Said::State(state) = read(text) else { panic!("no state") };
        assert!(state.focused);
        assert_eq!(state.site.unwrap().as_str(), "youtube.com");
        let audible: Vec<_> = state.audible.iter().map(Domain::as_str).collect();
        assert_eq!(audible, ["example.org", "music.example"]);
        for host in ["null", r#""a..b.com""#, r#""you tube""#, r#""""#, r#""x:80""#] {
            let Said::State(state) =
                read(&format!(r#"{{"t":"state","seq":1,"focused":false,"host":{host}}}"#))
            else {
                panic!("no state")
            };
            assert_eq!(state.site, None, "{host}");
        }
        assert!(matches!(read(r#"{"t":"query","d":"co.uk"}"#), Said::Query(Page::Other(d)) if d == "co.uk"));
        assert!(
            matches!(read(r#"{"t":"more","d":"www.x.com"}"#), Said::More(Page::Of(d)) if d.as_str() == "x.com")
        );
    }

    #[test]
    fn many_audible_tabs_are_cut_to_what_the_daemon_takes() {
        let hosts: Vec<_> = (0..100).map(|n| format!("\"s{n}.com\"")).collect();
        let text =
            format!(r#"{{"t":"state","seq":1,"focused":true,"host":null,"audible":[{}]}}"#, hosts.join(","));
        let Said::State(state) = read(&text) else { panic!("no state") };
        assert_eq!(state.audible.len(), MAX_AUDIBLE);
    }

    #[test]
    fn what_did_not_work_is_told_in_one_line() {
        let problem = |text: &str| match read(text) {
            Said::Applied(applied) => applied.problem,
            _ => panic!("nothing applied"),
        };
        assert_eq!(problem(r#"{"t":"applied","gen":3,"ok":true,"err":null}"#), None);
        assert_eq!(problem(r#"{"t":"applied","gen":3,"ok":false,"err":"a\nb"}"#).as_deref(), Some("a b"));
        assert_eq!(
            problem(r#"{"t":"applied","gen":3,"ok":false}"#).as_deref(),
            Some("the browser gave no reason")
        );
        let long = format!(r#"{{"t":"applied","gen":3,"ok":false,"err":"{}"}}"#, "ü".repeat(400));
        assert_eq!(problem(&long).unwrap().len(), 200);
    }

    #[test]
    fn unknown_kinds_are_passed_over_and_anything_else_is_wrong() {
        assert!(matches!(read(r#"{"t":"tomorrow","d":5}"#), Said::Unknown));
        assert!(matches!(read(r#" {"t":"of-tomorrow","n":1} "#), Said::Unknown));
        for (text, wrong) in [
            ("", "json"),
            ("{", "json"),
            (r#"{"t":"query"} x"#, "json"),
            (r#"["query"]"#, "object"),
            ("5", "object"),
            (r#"{"d":"x.com"}"#, "field"),
            (r#"{"t":5}"#, "field"),
            (r#"{"t":"query"}"#, "field"),
            (r#"{"t":"query","d":null}"#, "field"),
            (r#"{"t":"state","seq":-1,"focused":true,"host":null}"#, "field"),
            (r#"{"t":"state","seq":1,"focused":1,"host":null}"#, "field"),
            (r#"{"t":"state","seq":1,"focused":true,"host":5}"#, "field"),
            (r#"{"t":"applied","gen":"3","ok":true}"#, "field"),
            (r#"{"t":"snooze","d":"x.com","rule":"r"}"#, "field"),
        ] {
            let found = match error(text) {
                SaidError::Json(_) => "json",
                SaidError::Object => "object",
                SaidError::Field(_) => "field",
                SaidError::Greeting => "greeting",
            };
            assert_eq!(found, wrong, "{text}");
        }
        assert!(matches!(Said::read(b"{\"t\":\"\xff\"}").err(), Some(SaidError::Json(_))));
    }

    #[test]
    fn errors_quote_nothing() {
        for text in [
            r#"{"t":"state","seq":"canary.example","focused":true,"host":null}"#,
            r#"{"t":"query","d":["canary.example"]}"#,
            r#"{"t":"query","d":"canary.example}"#,
        ] {
            let why = error(text);
            assert!(!format!("{why} {why:?}").contains("canary"), "{why}");
        }
    }

    proptest! {
        /// Whatever comes, it is read or refused; and what is read names sites only.
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Said::read(&bytes);
        }

        #[test]
        fn any_host_is_a_site_or_none(host in "[a-zA-Z0-9.:/@ üx_-]{0,40}") {
            let text = serde_json::json!({"t": "query", "d": host}).to_string();
            let Said::Query(page) = read(&text) else { panic!("no query") };
            match page {
                Page::Of(site) => prop_assert_eq!(Domain::registrable(site.as_str()).ok(), Some(site)),
                Page::Other(asked) => prop_assert_eq!(asked, host),
            }
        }
    }
}
