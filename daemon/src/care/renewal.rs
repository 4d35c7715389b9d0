//! Forgetting, new keys, and the removal of a key: all are a new generation of the vault, with new secrets.
//!
//! The secrets that the keyring keeps go there before the work, beside the old ones, and the old ones leave it after:
//! a kill in between leaves one generation or the other, and the keyring has both their keys.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use dwell_bus::{Failure, Kind, Reply, lines, wire};
use dwell_vault::{KnownBackup, NewSecrets, Renewed, SlotKind, What};

use super::{Caretaker, OnProgress, answer, failures, stopping, work};
use crate::keys::{Keyring, Purpose, Stored};
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
    async fn clear(self, done: bool) {
        for stored in if done { self.old } else { self.new } {
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
        let work = move |shelf: &mut Shelf, progress: OnProgress<'_>| renew(shelf, &why, &secrets, progress);
        work::long(&self.care.store, reply, work, move |done| {
            let _ = sender.send(done);
        });
        // Waited for here: a second renewal must not begin before the first one's secrets are in order.
        in_keyring.clear(receiver.await.unwrap_or(false)).await;
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
            stays(SlotKind::SecretService) && (rules == "keyring" || !stays(SlotKind::Keyfile));
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
        let failed = |error| failures::keyring(&error);
        let keyring = self.care.keyrings.open().await.map_err(failed)?;
        let ours = self.ours(&keyring).await?;
        in_keyring.old = ours;
        let fresh = || dwell_vault::secret().map_err(|error| failures::open(&error));
        for number in keyrings {
            let seed = fresh()?;
            in_keyring.new.push(keyring.put(Purpose::History, &seed).await.map_err(failed)?);
            secrets.seeds.insert(number, seed);
        }
        if rules_to_keyring {
            let secret = fresh()?;
            in_keyring.new.push(keyring.put(Purpose::Rules, &secret).await.map_err(failed)?);
            secrets.enf = Some(secret);
        }
        Ok((secrets, in_keyring))
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
                backups: vault.known_backups().unwrap_or_default().iter().map(backup).collect(),
            })
        });
        would.await.unwrap_or_else(|| Err(stopping()))
    }
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

fn renew(
    shelf: &mut Shelf,
    why: &Why,
    secrets: &NewSecrets,
    progress: OnProgress<'_>,
) -> Result<lines::Done, Failure> {
    let vault = shelf.open_vault()?;
    let renewed = match why {
        Why::Forget(what) => vault.forget(what, false, secrets, progress),
        Why::Rotate => vault.rotate(secrets, progress),
        Why::Remove(number) => vault.remove_slot(*number, secrets, progress),
    };
    let renewed = renewed.map_err(|error| failures::generation(&error))?;
    for path in vault.stale_keyfiles().unwrap_or_default() {
        if let Err(error) = vault.destroy_keyfile(&path, None) {
            tracing::warn!("an old key file stays: {error}");
        }
    }
    if matches!(why, Why::Forget(_)) {
        shelf.forgot();
    }
    Ok(told(why, renewed))
}

fn told(why: &Why, renewed: Renewed) -> lines::Done {
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
    }
    done
}
