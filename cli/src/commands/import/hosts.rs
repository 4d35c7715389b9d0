//! Which machine a bucket speaks of, and the events of each.

use super::read::{Event, Holds, NAME_MAX, Web};
use crate::error::{Error, Kind};
use crate::output::phrase::list;
use crate::output::text::plain;

/// Machines at most: nobody has more, and each one is looked for by its name.
const HOSTS_MAX: usize = 1000;

/// The machine of a bucket: as it says, or else as its id does. Empty where neither names one.
///
/// Ids are `aw-watcher-window_HOST`; buckets that were copied from elsewhere have `-synced-from-HOST` at their end.
/// Extensions that did not know where they ran say `unknown`, or nothing.
pub(super) fn name(said: Option<&str>, id: &str) -> String {
    let known = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("unknown");
    let in_id = || {
        let (_, host) = id.strip_prefix("aw-watcher-")?.split_once('_')?;
        Some(host.rsplit("-synced-from-").next().unwrap_or(host)).filter(known)
    };
    said.filter(known).or_else(in_id).unwrap_or_default().chars().take(NAME_MAX).collect()
}

/// What was read of one machine.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) windows: Vec<Event>,
    pub(super) present: Vec<Event>,
    /// There is a bucket that says when the person was there.
    pub(super) has_afk: bool,
    pub(super) web: Vec<Web>,
}

impl Kept {
    fn add(&mut self, holds: Holds, browsers: &'static [&'static str], events: Vec<Event>) {
        let list = match holds {
            Holds::Windows => &mut self.windows,
            Holds::Afk => {
                self.has_afk = true;
                &mut self.present
            }
            Holds::Web => {
                let place = self.web.iter().position(|web| web.browsers == browsers).unwrap_or_else(|| {
                    self.web.push(Web { browsers, events: Vec::new() });
                    self.web.len() - 1
                });
                match self.web.get_mut(place) {
                    Some(web) => &mut web.events,
                    None => return,
                }
            }
            Holds::Other => return,
        };
        if list.is_empty() {
            // The only one, nearly always: no copy of it.
            *list = events;
        } else {
            list.reserve_exact(events.len());
            list.extend(events);
        }
    }

    fn count(&self) -> u64 {
        let web: usize = self.web.iter().map(|web| web.events.len()).sum();
        (self.windows.len() + self.present.len() + web) as u64
    }
}

/// What was read, by machine.
#[derive(Debug, Default)]
pub(super) struct Hosts(Vec<(String, Kept)>);

impl Hosts {
    /// Puts the events of a bucket to its machine's; `None` where there are too many machines.
    pub(super) fn add(
        &mut self,
        host: &str,
        holds: Holds,
        browsers: &'static [&'static str],
        mut events: Vec<Event>,
    ) -> Option<()> {
        if holds == Holds::Other {
            return Some(());
        }
        events.shrink_to_fit();
        let place = self.0.iter().position(|(name, _)| name == host).unwrap_or(self.0.len());
        if place == HOSTS_MAX {
            return None;
        }
        if place == self.0.len() {
            self.0.push((host.to_owned(), Kept::default()));
        }
        let (_, kept) = self.0.get_mut(place)?;
        kept.add(holds, browsers, events);
        Some(())
    }

    /// What was read of one machine, and how many events of others are left out. Buckets that name none are that
    /// machine's as well.
    ///
    /// # Errors
    /// Several have events and none was asked for, or not the one that was.
    pub(super) fn only(self, host: Option<&str>) -> Result<(Kept, u64), Error> {
        let mut names: Vec<&str> = self
            .0
            .iter()
            .filter(|(name, kept)| !name.is_empty() && kept.count() > 0)
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        let shown: Vec<String> = names.iter().take(10).map(|name| plain(name).into_owned()).collect();
        let wanted = match (host, names.as_slice()) {
            (Some(host), names) if !names.contains(&host) => {
                let hint = match shown.as_slice() {
                    [] => "leave out --host: the files name none".to_owned(),
                    shown => format!("they hold buckets of {}", list(shown)),
                };
                let message = format!("these files hold nothing of the host {}", plain(host));
                return Err(Error::new(Kind::NotFound, message).hint(format!("{hint}; nothing was taken")));
            }
            (Some(host), _) => host.to_owned(),
            (None, [_, _, ..]) => {
                let message = format!("these files hold buckets of {} hosts: {}", names.len(), list(&shown));
                return Err(Error::new(Kind::Invalid, message)
                    .hint("take them in one by one, each with --host NAME; nothing was taken"));
            }
            (None, [only]) => (*only).to_owned(),
            (None, []) => String::new(),
        };
        let (mut chosen, mut others) = (Kept::default(), 0);
        for (name, kept) in self.0 {
            if name != wanted && !name.is_empty() {
                // Without events it is the only one there is, and says that nobody was there.
                chosen.has_afk |= wanted.is_empty() && kept.has_afk;
                others += kept.count();
                continue;
            }
            let Kept { windows, present, has_afk, web } = kept;
            chosen.add(Holds::Windows, &[], windows);
            if has_afk {
                chosen.add(Holds::Afk, &[], present);
            }
            for Web { browsers, events } in web {
                chosen.add(Holds::Web, browsers, events);
            }
        }
        Ok((chosen, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_names_its_machine_or_its_id_does() {
        for (said, id, wanted) in [
            (Some("lab"), "aw-watcher-window_lab", "lab"),
            (Some("lab.local"), "aw-watcher-afk_other", "lab.local"),
            (None, "aw-watcher-afk_lab", "lab"),
            (Some("unknown"), "aw-watcher-window_lab_2", "lab_2"),
            (Some("unknown"), "aw-watcher-window_unknown", ""),
            (Some("unknown"), "aw-watcher-web-firefox", ""),
            (Some(""), "aw-watcher-web-firefox_lab", "lab"),
            (None, "aw-watcher-window_lab-synced-from-den", "den"),
            (Some("den"), "aw-watcher-window_lab-synced-from-den", "den"),
            (None, "aw-watcher-android-test", ""),
            (None, "something_else", ""),
        ] {
            assert_eq!(name(said, id), wanted, "{said:?} {id}");
        }
        assert_eq!(name(Some(&"x".repeat(9999)), "").len(), NAME_MAX);
    }

    fn hosts(names: &[&str]) -> Hosts {
        let mut hosts = Hosts::default();
        for (number, name) in (1..).zip(names) {
            let event = Event { at: number, ms: 1, what: 0 };
            hosts.add(name, Holds::Windows, &[], vec![event]).unwrap();
        }
        hosts
    }

    #[test]
    fn of_several_machines_one_is_taken() {
        let taken = |names: &[&str], host: Option<&str>| match hosts(names).only(host) {
            Ok((kept, others)) => {
                let windows: Vec<String> = kept.windows.iter().map(|event| event.at.to_string()).collect();
                format!("{} of them, not {others}", windows.join(" and "))
            }
            Err(error) => error.to_string(),
        };
        let said = [
            taken(&["lab", "", "lab"], None),
            taken(&["den", "", "lab"], Some("lab")),
            taken(&["den", "", "lab\u{7}"], None),
            taken(&["den", "lab"], Some("Lab")),
            taken(&[""], Some("lab")),
            taken(&["", ""], None),
            taken(&[], None),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        1 and 3 and 2 of them, not 0
        2 and 3 of them, not 1
        dwell: these files hold buckets of 2 hosts: den and lab\u{7}; take them in one by one, each with --host NAME; nothing was taken
        dwell: these files hold nothing of the host Lab; they hold buckets of den and lab; nothing was taken
        dwell: these files hold nothing of the host lab; leave out --host: the files name none; nothing was taken
        1 and 2 of them, not 0
         of them, not 0
        ");
    }

    #[test]
    fn a_bucket_without_events_names_nobody() {
        let mut all = hosts(&["lab"]);
        all.add("den", Holds::Windows, &[], Vec::new()).unwrap();
        assert_eq!(all.only(None).unwrap().1, 0);
        // And one of presence says that nobody was there.
        let mut all = hosts(&["lab"]);
        all.add("lab", Holds::Afk, &[], Vec::new()).unwrap();
        assert!(all.only(None).unwrap().0.has_afk);
        // Of windows that name no machine, too.
        let mut all = hosts(&[""]);
        all.add("lab", Holds::Afk, &[], Vec::new()).unwrap();
        assert!(all.only(None).unwrap().0.has_afk);
    }
}
