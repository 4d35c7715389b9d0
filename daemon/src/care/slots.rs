//! The keys that open the vault: listing them, adding them, and keeping their places in order.

use std::os::fd::OwnedFd;

use dwell_bus::{Failure, Kind, wire};
use dwell_vault::{NewSlot, SlotInfo, SlotKind};

use super::{Caretaker, failures, no_pipe, secret, stopping};
use crate::keys::{Credentials, KeyringError, Purpose};
use crate::pipe::pipe;
use crate::store::Kept;

impl Caretaker {
    /// Destroys key files that open nothing any more, for a kill may have come before that; and gives the key of rules a
    /// place again, where the one that it had is gone.
    pub(super) async fn put_keys_in_order(&self) {
        let rules = self.rules_kind();
        let key = self.on_shelf(|shelf| {
            if let Kept::Open(vault) = shelf.kept() {
                for path in vault.stale_keyfiles().unwrap_or_default() {
                    match vault.destroy_keyfile(&path, None) {
                        Ok(()) => tracing::info!("an old key file is gone"),
                        Err(error) => tracing::warn!("an old key file stays: {error}"),
                    }
                }
            }
            match shelf.kept() {
                Kept::Open(vault) => Some(vault.enforcement_key()),
                Kept::Sealed(vault, _) => Some(vault.enforcement_key()),
                Kept::Waiting(_) => None,
            }
        });
        let Some(key) = key.await.flatten().filter(|_| rules == "keyring") else { return };
        let put = async {
            let keyring = self.care.keyrings.open().await?;
            if keyring.all(Purpose::Rules).await?.iter().all(|stored| stored.secret != key) {
                keyring.put(Purpose::Rules, &key).await?;
                tracing::info!("the key of rules is in the keyring again");
            }
            Ok(())
        };
        // Never into a file by itself: that would give away what the person put into the keyring.
        if let Err(error) = put.await {
            let error: KeyringError = error;
            tracing::warn!("whether the key of rules is kept is not known: {error}");
        }
    }

    /// Where the key of rules and counters is.
    pub(super) fn rules_kind(&self) -> &'static str {
        if self.care.places.enf_keyfile().symlink_metadata().is_ok() {
            "keyfile"
        } else if self.care.credentials.secret(Purpose::Rules).is_ok_and(|secret| secret.is_some()) {
            "credential"
        } else {
            "keyring"
        }
    }

    pub(super) async fn keys(&self) -> Result<Vec<wire::Key>, Failure> {
        let slots = dwell_vault::slots(&self.care.places).map_err(|error| failures::open(&error))?;
        let by_keyring = slots.iter().any(|slot| slot.kind == Some(SlotKind::SecretService));
        let keyring = if by_keyring { self.care.keyrings.open().await.err() } else { None };
        Ok(slots.iter().map(|slot| self.key(slot, keyring.as_ref())).collect())
    }

    fn key(&self, slot: &SlotInfo, keyring: Option<&KeyringError>) -> wire::Key {
        let (kind, place, automatic, problem) = match slot.kind {
            Some(SlotKind::Keyfile) => {
                let path = self.care.places.keyfile();
                let missing = path.symlink_metadata().is_err();
                (
                    "keyfile",
                    Some(path.display().to_string()),
                    true,
                    missing.then(|| "it is missing".to_owned()),
                )
            }
            Some(SlotKind::SecretService) => {
                let label = Purpose::History.label().to_owned();
                ("keyring", Some(label), true, keyring.map(ToString::to_string))
            }
            Some(SlotKind::Credential) => {
                let missing = !self.care.credentials.secret(Purpose::History).is_ok_and(|s| s.is_some());
                let problem = missing.then(|| "the service was given no such credential".to_owned());
                ("credential", Some(Credentials::name(Purpose::History).to_owned()), true, problem)
            }
            Some(SlotKind::Passphrase) => ("passphrase", None, false, None),
            Some(SlotKind::Recovery) => ("recovery", None, false, None),
            None => ("unknown", None, false, None),
        };
        wire::Key { number: slot.number, kind: kind.to_owned(), place, automatic, problem }
    }

    pub(super) async fn add_key(&self, kind: &str) -> Result<wire::Key, Failure> {
        let mut stored = None;
        let new = match kind {
            "keyfile" => NewSlot::Keyfile(self.care.places.keyfile()),
            "keyring" => {
                self.must_be_open().await?;
                let keyring = self.care.keyrings.open().await.map_err(|error| failures::keyring(&error))?;
                let seed = dwell_vault::secret().map_err(|error| failures::open(&error))?;
                let put = keyring.put(Purpose::History, &seed).await;
                stored = Some(put.map_err(|error| failures::keyring(&error))?);
                NewSlot::Seed(seed, SlotKind::SecretService)
            }
            "credential" => {
                let seed = self.care.credentials.secret(Purpose::History);
                let seed = seed.map_err(|error| failures::open(&error))?.ok_or_else(no_credential)?;
                NewSlot::Seed(seed, SlotKind::Credential)
            }
            other => {
                let failure = Failure::new(Kind::Invalid, format!("no key is of the kind \"{other}\""));
                return Err(failure.hint("passphrase, keyring, keyfile or credential"));
            }
        };
        let added = self.add_slot(new).await;
        if added.is_err()
            && let Some(stored) = stored
            && let Err(error) = stored.remove().await
        {
            tracing::warn!("an unused secret stays in the keyring: {error}");
        }
        added
    }

    pub(super) async fn add_passphrase(&self, secret: OwnedFd) -> Result<wire::Key, Failure> {
        let text = secret::read(secret).await?;
        if text.is_empty() {
            let failure = Failure::new(Kind::Invalid, "the passphrase is empty");
            return Err(failure.hint("choose one of several words"));
        }
        self.add_slot(NewSlot::Passphrase(text)).await
    }

    async fn add_slot(&self, new: NewSlot) -> Result<wire::Key, Failure> {
        let added = self.on_shelf(move |shelf| {
            let vault = shelf.open_vault()?;
            let number = vault.add_slot(&new).map_err(|error| failures::slot(&error))?;
            let slots = vault.slots().map_err(|error| failures::open(&error))?;
            slots.into_iter().find(|slot| slot.number == number).ok_or_else(stopping)
        });
        let slot = added.await.unwrap_or_else(|| Err(stopping()))?;
        Ok(self.key(&slot, None))
    }

    pub(super) async fn add_recovery(&self) -> Result<(wire::Key, OwnedFd), Failure> {
        let (read, writer) = pipe().map_err(|error| no_pipe(&error))?;
        let added = self.on_shelf(move |shelf| {
            let vault = shelf.open_vault()?;
            let (number, text) = vault.add_recovery().map_err(|error| failures::slot(&error))?;
            if !writer.line(&text) {
                return Err(stopping());
            }
            let slots = vault.slots().map_err(|error| failures::open(&error))?;
            slots.into_iter().find(|slot| slot.number == number).ok_or_else(stopping)
        });
        let slot = added.await.unwrap_or_else(|| Err(stopping()))?;
        Ok((self.key(&slot, None), read))
    }

    pub(super) async fn must_be_open(&self) -> Result<(), Failure> {
        let open = self.on_shelf(|shelf| shelf.open_vault().map(|_| ())).await;
        open.unwrap_or_else(|| Err(stopping()))
    }
}

fn no_credential() -> Failure {
    Failure::new(Kind::NotFound, "the service was given no credential \"dwell.history\"").hint(
        "encrypt 32 random bytes with `systemd-creds encrypt`, and add LoadCredentialEncrypted=dwell.history:FILE to the unit",
    )
}
