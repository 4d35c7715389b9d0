//! What the extension is told.

use dwell_bus::browser::Block;
use dwell_bus::{Failure, wire};
use dwell_core::subject::Domain;
use serde::Serialize;

use crate::frame::{OUT_MAX, framed};

/// A frame to the extension. Private, so it has no `Debug`.
#[derive(Serialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(crate) enum Told {
    /// How it stands with the daemon.
    Link {
        ok: bool,
        message: String,
        hint: Option<String>,
        /// Whether the daemon wants to know which tabs are heard.
        audible: bool,
        /// `version`: nothing more comes before the extension or the host is another.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<&'static str>,
    },
    /// Everything that is blocked from now on.
    Rules { r#gen: u64, block: Vec<Blocked> },
    /// Today on a site.
    Usage {
        d: String,
        used_ms: u64,
        left_ms: Option<u64>,
        blocked: bool,
        why: Option<String>,
        #[serde(flatten)]
        failed: Option<Failed>,
    },
    /// What "5 more minutes" ask for.
    More {
        d: String,
        #[serde(flatten)]
        terms: Terms,
    },
    /// Whether a rule was put off.
    Snoozed {
        d: String,
        ok: bool,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
        #[serde(flatten)]
        still: Still,
    },
    /// Say your state now.
    Report {},
}

/// A block, as the extension keeps it.
#[derive(Serialize)]
pub(crate) struct Blocked {
    rule: String,
    d: Vec<String>,
    except: Vec<String>,
    until: i64,
    used_ms: u64,
    budget_ms: Option<u64>,
    more_left: u32,
    length_ms: u64,
    why: String,
    opens: String,
}

/// The terms of a snooze, or why there are none.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Terms {
    /// The wait has begun.
    Granted {
        rule: String,
        wait_ms: u64,
        length_ms: u64,
        left: u32,
        sentence: Option<String>,
        #[serde(flatten)]
        still: Still,
    },
    /// It has not.
    Refused(Failed),
}

/// Another rule that keeps the site closed, though the first one is put off.
#[derive(Default, Serialize)]
pub(crate) struct Still {
    /// Its id.
    #[serde(rename = "still_by", skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// When its block ends by itself, in Unix milliseconds.
    #[serde(rename = "still_until", skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
}

/// Why something did not work, and the next step.
#[derive(Clone, Serialize)]
pub(crate) struct Failed {
    pub(crate) error: String,
    pub(crate) hint: Option<String>,
}

impl Failed {
    pub(crate) fn new(error: impl Into<String>, hint: &str) -> Self {
        Self { error: error.into(), hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()) }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::new(failure.message, &failure.hint)
    }
}

impl From<wire::Snooze> for Terms {
    fn from(snooze: wire::Snooze) -> Self {
        let wire::Snooze { rule, wait_ms, length_ms, left, sentence, still_by, still_until_at_ms, .. } =
            snooze;
        let still = Still { by: still_by, until: still_until_at_ms };
        Self::Granted { rule, wait_ms, length_ms, left, sentence, still }
    }
}

impl From<Block> for Blocked {
    fn from(block: Block) -> Self {
        Self {
            rule: block.rule,
            d: block.domains,
            except: block.except,
            until: block.until_at_ms,
            used_ms: block.used_ms,
            budget_ms: block.budget_ms,
            more_left: block.more_left,
            length_ms: block.length_ms,
            why: block.why,
            opens: block.opens,
        }
    }
}

impl Blocked {
    /// Whether it blocks a site: one of its domains, or below one, and not excepted.
    fn covers(&self, site: &Domain) -> bool {
        let below = |domain: &String| {
            let rest = site.as_str().strip_suffix(domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.d.iter().any(below) && !self.except.iter().any(below)
    }
}

impl Told {
    /// Nothing can be linked, and why.
    pub(crate) fn unlinked(why: Failed) -> Self {
        Self::Link { ok: false, message: why.error, hint: why.hint, audible: false, refused: None }
    }

    /// The frame; `None` where it is longer than a frame may be.
    pub(crate) fn frame(&self) -> Option<Vec<u8>> {
        // There is no map with keys that are no text, so it can always be written.
        framed(&serde_json::to_vec(self).ok()?).ok()
    }
}

/// The blocks that are in force: kept, for a page that asks why.
#[derive(Default)]
pub(crate) struct Blocks(Vec<Blocked>);

impl Blocks {
    /// Why a site is blocked, in the daemon's words.
    pub(crate) fn why(&self, site: &Domain) -> Option<String> {
        self.0.iter().find(|block| block.covers(site)).map(|block| block.why.clone())
    }

    /// Takes what the daemon sent, and makes the frame that tells it: of all blocks, or of the first ones where they are
    /// too many for a frame. Says whether it is all.
    pub(crate) fn replace(&mut self, generation: u64, blocks: Vec<Block>) -> (Option<Vec<u8>>, bool) {
        let mut block: Vec<Blocked> = blocks.into_iter().map(Blocked::from).collect();
        let (all, mut room) = (block.len(), OUT_MAX - 64);
        let fit = block.iter().take_while(|block| {
            let bytes = serde_json::to_vec(block).map_or(usize::MAX, |bytes| bytes.len() + 1);
            let fits = bytes <= room;
            room = room.saturating_sub(bytes);
            fits
        });
        let fit = fit.count();
        block.truncate(fit);
        let told = Told::Rules { r#gen: generation, block };
        let frame = told.frame();
        if let Told::Rules { block, .. } = told {
            self.0 = block;
        }
        (frame, fit == all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(told: &Told) -> String {
        String::from_utf8(told.frame().unwrap().split_off(4)).unwrap()
    }

    fn block(rule: &str, domains: &[&str]) -> Block {
        Block {
            rule: rule.into(),
            domains: domains.iter().map(ToString::to_string).collect(),
            except: vec!["docs.youtube.com".into()],
            until_at_ms: 5,
            why: format!("because of {rule}"),
            ..Block::default()
        }
    }

    #[test]
    fn frames_are_those_of_the_protocol() {
        let site = "youtube.com".to_owned();
        let failed = Failed::new("nothing is blocked", "");
        let told = [
            Told::unlinked(Failed::new("dwell is not running", "start it")),
            Told::Report {},
            Told::More { d: site.clone(), terms: Terms::Refused(failed.clone()) },
            Told::More {
                d: site.clone(),
                terms: wire::Snooze { rule: "r".into(), wait_ms: 20, left: 3, ..wire::Snooze::default() }
                    .into(),
            },
            Told::Usage {
                d: site.clone(),
                used_ms: 1,
                left_ms: None,
                blocked: false,
                why: None,
                failed: None,
            },
            Told::Usage {
                d: "co.uk".to_owned(),
                used_ms: 0,
                left_ms: None,
                blocked: false,
                why: None,
                failed: Some(failed),
            },
            Told::Snoozed { d: site, ok: true, message: "m".into(), hint: None, still: Still::default() },
        ];
        assert_eq!(
            told.iter().map(text).collect::<Vec<_>>(),
            [
                r#"{"t":"link","ok":false,"message":"dwell is not running","hint":"start it","audible":false}"#,
                r#"{"t":"report"}"#,
                r#"{"t":"more","d":"youtube.com","error":"nothing is blocked","hint":null}"#,
                r#"{"t":"more","d":"youtube.com","rule":"r","wait_ms":20,"length_ms":0,"left":3,"sentence":null}"#,
                r#"{"t":"usage","d":"youtube.com","used_ms":1,"left_ms":null,"blocked":false,"why":null}"#,
                r#"{"t":"usage","d":"co.uk","used_ms":0,"left_ms":null,"blocked":false,"why":null,"error":"nothing is blocked","hint":null}"#,
                r#"{"t":"snoozed","d":"youtube.com","ok":true,"message":"m"}"#,
            ]
        );
    }

    #[test]
    fn too_many_blocks_lose_the_last_ones_only() {
        let many: Vec<_> =
            (0..200).map(|n| block(&format!("r{n}"), &[&"x".repeat(2000), "youtube.com"])).collect();
        let mut blocks = Blocks::default();
        let (frame, whole) = blocks.replace(7, many.clone());
        assert!(!whole && frame.unwrap().len() > OUT_MAX - 4096 && blocks.0.len() > 100);
        let (frame, whole) = blocks.replace(8, many[..100].to_vec());
        assert!(whole && frame.is_some());
    }

    #[test]
    fn a_block_covers_what_is_below_it() {
        let mut blocks = Blocks::default();
        blocks.replace(1, vec![block("a", &["youtube.com", "x.com"])]);
        let why = |host: &str| blocks.why(&Domain::new(host).unwrap());
        assert_eq!(why("youtube.com").as_deref(), Some("because of a"));
        assert_eq!(why("m.x.com").as_deref(), Some("because of a"));
        for not in ["docs.youtube.com", "a.docs.youtube.com", "notyoutube.com", "com"] {
            assert_eq!(why(not), None, "{not}");
        }
    }
}
