//! Forgetting, new keys, and the removal of a key: all are a new generation of the vault, with new secrets.
//!
//! The secrets that the keyring keeps go there before the work, beside the old ones, and the old ones leave it after:
//! a kill in between leaves one generation or the other, and the keyring has both their keys.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dwell_bus::{Failure, Kind, Reply, lines, wire};
use dwell_vault::{KnownBackup, NewSecrets, Renewed, SlotKind, What};
use zeroize::Zeroizing;

use super::{Caretaker, OnProgress, answer, failures, stopping, work};
use crate::keys::{Keyring, KeyringError, Purpose, Secret, Stored};
use crate::record::Record;
use crate::store::Shelf;

/// What a new generation is for.
pub(super) enum Why {
    /// Something goes.
    Forget(What),
    /// New keys.
    Rotate,
    /// A key goes.
    Remove(u8),
}

/// What is in the keyring for a new generation, and what was for the old one.
#[derive(Default)]
struct InKeyring {
    new: Vec<Stored>,
    old: Vec<Stored>,
}

impl InKeyring {
    /// Takes out what opens nothing any more. Where nobody knows which generation is the one, all of it stays.
    async fn clear(self, switched: Option<bool>) {
        let useless = match switched {
            Some(true) => self.old,
            Some(false) => self.new,
            None => Vec::new(),
        };
        for stored in useless {
            if let Err(error) = stored.remove().await {
                tracing::warn!("a secret that opens nothing any more stays in the keyring: {error}");
            }
        }
    }
}

impl Caretaker {
    pub(super) async fn renew(&mut self, why: Why, reply: Reply<OwnedFd>) {
        let (secrets, in_keyring) = match self.prepare(&why).await {
            Ok(prepared) => prepared,
            Err(failure) => return answer(reply, Err(failure)),
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let remains = Arc::new(AtomicBool::new(false));
        let old_remains = Arc::clone(&remains);
        let current = self.care.places.vault().join("current");
        let before = std::fs::read_link(&current).ok();
        let rules_file = secrets.enf.is_none().then(|| self.care.places.enf_keyfile());
        let work = move |shelf: &mut Shelf, progress: OnProgress<'_>| {
            let (done, remains) = renew(shelf, &why, &secrets, rules_file.as_deref(), progress)?;
            old_remains.store(remains, Ordering::Relaxed);
            Ok(done)
        };
        // An error does not say how far it came; the link to the generation in use does.
        work::long(&self.care.store, reply, work, move || {
            let after = std::fs::read_link(&current).ok();
            let switched = before.zip(after).map(|(before, after)| before != after);
            // A power loss may still bring the old generation back: both need their secrets.
            let _ = sender.send(switched.filter(|_| !remains.load(Ordering::Relaxed)));
        });
        // Waited for here: a second renewal must not begin before the first one's secrets are in order.
        in_keyring.clear(receiver.await.unwrap_or(None)).await;
    }

    /// Puts new secrets where the old ones are.
    async fn prepare(&self, why: &Why) -> Result<(NewSecrets, InKeyring), Failure> {
        self.must_be_open().await?;
        let slots = dwell_vault::slots(&self.care.places).map_err(|error| failures::open(&error))?;
        let goes = |number| matches!(why, Why::Remove(removed) if *removed == number);
        if let Why::Remove(number) = why
            && slots.iter().all(|slot| slot.number != *number)
        {
            let failure = Failure::new(Kind::NotFound, format!("there is no key {number}"));
            return Err(failure.hint("`dwell key list` shows the numbers"));
        }
        let stays = |kind| slots.iter().any(|slot| slot.kind == Some(kind) && !goes(slot.number));
        let rules = self.rules_kind();
        // Rules go where history's key is: a key file beside a keyring would give them away for nothing.
        let rules_to_keyring =
            rules == "keyring" || stays(SlotKind::SecretService) && !stays(SlotKind::Keyfile);
        let keyrings: Vec<u8> = slots
            .iter()
            .filter(|slot| slot.kind == Some(SlotKind::SecretService) && !goes(slot.number))
            .map(|slot| slot.number)
            .collect();
        let mut secrets = NewSecrets { enf: None, seeds: BTreeMap::new() };
        let mut in_keyring = InKeyring::default();
        if rules == "credential" {
            // Nobody but an administrator can change a credential: the key stays as it is.
            let kept = self.care.credentials.secret(Purpose::Rules);
            secrets.enf = kept.map_err(|error| failures::open(&error))?;
        }
        let was_in_keyring =
            rules == "keyring" || slots.iter().any(|slot| slot.kind == Some(SlotKind::SecretService));
        if !was_in_keyring {
            return Ok((secrets, in_keyring));
        }
        let keyring = match self.care.keyrings.open().await {
            Ok(keyring) => keyring,
            // The key of a keyring that is no more must be removable; rules then go into a key file.
            Err(KeyringError::Missing) if keyrings.is_empty() => return Ok((secrets, in_keyring)),
            Err(error) => return Err(failures::keyring(&error)),
        };
        in_keyring.old = self.ours(&keyring).await?;
        match put(&keyring, &keyrings, rules_to_keyring, &mut in_keyring.new).await {
            Ok((seeds, rules)) => {
                secrets.seeds = seeds;
                secrets.enf = rules.or(secrets.enf);
                Ok((secrets, in_keyring))
            }
            Err(failure) => {
                in_keyring.clear(Some(false)).await;
                Err(failure)
            }
        }
    }

    /// The secrets in the keyring that are this vault's.
    async fn ours(&self, keyring: &Keyring) -> Result<Vec<Stored>, Failure> {
        let failed = |error| failures::keyring(&error);
        let history = keyring.all(Purpose::History).await.map_err(failed)?;
        let rules = keyring.all(Purpose::Rules).await.map_err(failed)?;
        let seeds: Vec<_> = history.iter().map(|stored| stored.secret.clone()).collect();
        let found = self.on_shelf(move |shelf| {
            let vault = shelf.open_vault()?;
            let opens =
                |seed| vault.slot_of(&dwell_vault::Unlock::Seed(seed, SlotKind::SecretService)).is_ok();
            Ok((seeds.into_iter().map(opens).collect::<Vec<bool>>(), vault.enforcement_key()))
        });
        let (opens, key) = found.await.unwrap_or_else(|| Err(stopping()))?;
        let history = history.into_iter().zip(opens).filter_map(|(stored, opens)| opens.then_some(stored));
        let rules = rules.into_iter().filter(|stored| stored.secret == key);
        Ok(history.chain(rules).collect())
    }

    pub(super) async fn would_forget(&self, what: What) -> Result<wire::Forgotten, Failure> {
        let would = self.on_shelf(move |shelf| {
            let vault = shelf.open_vault()?;
            let secrets = NewSecrets::default();
            let go_on = &mut |_| std::ops::ControlFlow::Continue(());
            let would =
                vault.forgetting(&what, &secrets, go_on).map_err(|error| failures::generation(&error))?;
            if let Some(together) = would.refused.first() {
                return Err(failures::generation(&(*together).into()));
            }
            Ok(wire::Forgotten {
                what: describe(&what),
                days: would.forgotten.days,
                first: would.days.map(|(first, _)| first.to_string()),
                last: would.days.map(|(_, last)| last.to_string()),
                spans: would.forgotten.spans,
                ms: would.forgotten.charged_ms,
                notes: without_notes(vault, &what).and_then(|(notes, _)| u64::try_from(notes).ok()),
                backups: vault.known_backups().unwrap_or_default().iter().map(backup).collect(),
            })
        });
        would.await.unwrap_or_else(|| Err(stopping()))
    }
}

type Seeds = BTreeMap<u8, Secret>;

/// Puts fresh secrets for these slots, and for rules, into the keyring.
async fn put(
    keyring: &Keyring,
    slots: &[u8],
    rules: bool,
    new: &mut Vec<Stored>,
) -> Result<(Seeds, Option<Secret>), Failure> {
    let fresh = || dwell_vault::secret().map_err(|error| failures::open(&error));
    let failed = |error| failures::keyring(&error);
    let mut seeds = Seeds::new();
    for number in slots {
        let seed = fresh()?;
        new.push(keyring.put(Purpose::History, &seed).await.map_err(failed)?);
        seeds.insert(*number, seed);
    }
    if !rules {
        return Ok((seeds, None));
    }
    let secret = fresh()?;
    new.push(keyring.put(Purpose::Rules, &secret).await.map_err(failed)?);
    Ok((seeds, Some(secret)))
}

fn describe(what: &What) -> String {
    match what {
        What::Before(day) => format!("before {day}"),
        What::Day(day) => format!("day {day}"),
        What::App(app) => format!("app:{}", app.as_str()),
        What::Domain(domain) => format!("domain:{}", domain.as_str()),
    }
}

pub(super) fn backup(known: &KnownBackup) -> wire::Backup {
    wire::Backup {
        path: known.path.display().to_string(),
        at_ms: known.at_unix_ms,
        generation: known.generation,
    }
}

/// The enforcement record without the notes that are to be forgotten, and how many those are; `None`: there are none. It is
/// the one that the hub kept last: that came through the same thread.
fn without_notes(vault: &dwell_vault::Vault, what: &What) -> Option<(usize, Zeroizing<Vec<u8>>)> {
    // One that is damaged or of another version is left as it is.
    let mut record = Record::from_bytes(&vault.enforcement().ok()??).ok()?;
    let notes = record.forget(what);
    (notes > 0).then(|| (notes, record.to_bytes()))
}

fn renew(
    shelf: &mut Shelf,
    why: &Why,
    secrets: &NewSecrets,
    rules_file: Option<&Path>,
    progress: OnProgress<'_>,
) -> Result<(lines::Done, bool), Failure> {
    let vault = shelf.open_vault()?;
    let mut notes = 0;
    let renewed = match why {
        Why::Forget(what) => {
            let record = without_notes(vault, what);
            notes = record.as_ref().map_or(0, |(notes, _)| *notes);
            let record = record.as_ref().map(|(_, record)| record.as_slice());
            vault.forget_with_record(what, record, secrets, progress)
        }
        Why::Rotate => vault.rotate(secrets, progress),
        Why::Remove(number) => vault.remove_slot(*number, secrets, progress),
    };
    let renewed = renewed.map_err(|error| failures::generation(&error))?;
    // Before anything else can fail: it is gone.
    if let Why::Forget(what) = why {
        shelf.forgot(what.clone());
    }
    let vault = shelf.open_vault()?;
    if let Some(path) = rules_file {
        // The key of rules must have a place: without one the next start could not even record.
        vault.write_enforcement_keyfile(path).map_err(|error| failures::open(&error))?;
    }
    for path in vault.stale_keyfiles().unwrap_or_default() {
        if let Err(error) = vault.destroy_keyfile(&path, None) {
            tracing::warn!("an old key file stays: {error}");
        }
    }
    let remains = renewed.old_remains;
    Ok((told(why, renewed, notes), remains))
}

fn told(why: &Why, renewed: Renewed, notes: usize) -> lines::Done {
    let name = match why {
        Why::Forget(_) => "forget",
        Why::Rotate => "rotate",
        Why::Remove(_) => "remove-key",
    };
    let mut done = lines::Done {
        unrotated: renewed.unrotated.iter().map(|slot| slot.number).collect(),
        backups: renewed.backups.iter().map(|known| known.path.display().to_string()).collect(),
        ..work::done(name)
    };
    if matches!(why, Why::Forget(_)) {
        done.days = Some(renewed.forgotten.days);
        done.spans = Some(renewed.forgotten.spans);
        done.seconds = Some((renewed.forgotten.charged_ms + 500) / 1000);
        done.notes = u64::try_from(notes).ok().filter(|notes| *notes > 0);
    }
    done
}
