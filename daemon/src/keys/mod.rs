//! Where the vault's keys are kept when nobody is there to type one: key files, the keyring, systemd credentials.
//!
//! The kinds of key that history has stand in the vault's header; where the key of rules and counters is kept is
//! known by where it is found: in its key file, else as a credential, else in the keyring.

mod credential;
mod keyring;

use dwell_core::calendar::Calendar;
use dwell_core::time::Millis;
use dwell_vault::{
    EnfSource, Keys, NewSlot, NewVault, OpenError, Places, SlotKind, State, Unlock, UnlockError, Vault,
    secret,
};
use zeroize::Zeroizing;

pub use credential::Credentials;
pub use keyring::{Changes, Keyring, KeyringError, Purpose, SecretService, Stored};

use crate::store::Opening;

/// A new vault's keys go into the keyring if that is open within this time; it may be started only now.
pub const PATIENCE: Millis = Millis::from_secs(10);

/// 32 bytes from a keyring or a credential.
pub type Secret = Zeroizing<[u8; 32]>;

/// Opens the vault with what can be had without a person, or makes one.
///
/// # Errors
/// Why it does not open. Nothing was changed then.
pub async fn open(
    places: &Places,
    credentials: &Credentials,
    keyrings: SecretService,
    session: &zbus::Connection,
    calendar: &Calendar,
) -> Result<Opening, OpenError> {
    if !Vault::is_there(places)? {
        return create(places, credentials, keyrings, session, calendar).await;
    }
    let at_hand = AtHand::gather(places, credentials, keyrings).await?;
    at_hand.open(places, calendar)
}

async fn create(
    places: &Places,
    credentials: &Credentials,
    keyrings: SecretService,
    session: &zbus::Connection,
    calendar: &Calendar,
) -> Result<Opening, OpenError> {
    let new = match (credentials.secret(Purpose::Rules)?, credentials.secret(Purpose::History)?) {
        (Some(rules), Some(history)) => {
            let slots = vec![NewSlot::Seed(history, SlotKind::Credential)];
            NewVault { enf: Some(rules), slots, recovery: false }
        }
        _ => match into_keyring(keyrings, session).await? {
            Some(new) => new,
            None => NewVault { enf: None, slots: vec![NewSlot::Keyfile(places.keyfile())], recovery: false },
        },
    };
    let created = Vault::create(places, &new).map_err(|error| match error {
        dwell_vault::CreateError::Open(error) => error,
        // None of the others can come of what is asked for here.
        _ => OpenError::Random,
    })?;
    let mut opening = Opening::of((State::Open(created.vault), dwell_vault::Opened::default()), calendar)?;
    opening.created = true;
    Ok(opening)
}

/// New secrets in the keyring, if there is one that is open. Never asks the person for anything.
async fn into_keyring(
    keyrings: SecretService,
    session: &zbus::Connection,
) -> Result<Option<NewVault>, OpenError> {
    let keyring = match keyrings.open_within(PATIENCE, session).await {
        Ok(keyring) => keyring,
        Err(KeyringError::Missing) => return Ok(None),
        Err(error) => {
            tracing::info!("the vault's key goes into a key file: {error}");
            return Ok(None);
        }
    };
    let (rules, history) = (secret()?, secret()?);
    let put = async {
        keyring.put(Purpose::Rules, &rules).await?;
        keyring.put(Purpose::History, &history).await
    };
    match put.await {
        Ok(_) => {
            let slots = vec![NewSlot::Seed(history, SlotKind::SecretService)];
            Ok(Some(NewVault { enf: Some(rules), slots, recovery: false }))
        }
        Err(error) => {
            tracing::warn!("the vault's key goes into a key file: {error}");
            Ok(None)
        }
    }
}

/// What can be had without a person.
pub struct AtHand {
    /// Where the key of rules and counters may be, most likely first.
    rules: Vec<EnfSource>,
    /// What may open history.
    history: Vec<Unlock>,
    /// Why the keyring could not be asked, where it was needed.
    keyring: Option<KeyringError>,
    /// What the header says that there are.
    slots: Vec<SlotKind>,
}

impl AtHand {
    /// Collects the keys of a vault that is there. The keyring is asked if the vault has a key in it, or if no other
    /// place has the key of rules.
    ///
    /// # Errors
    /// A credential cannot be read.
    pub async fn gather(
        places: &Places,
        credentials: &Credentials,
        keyrings: SecretService,
    ) -> Result<Self, OpenError> {
        let slots = dwell_vault::slots(places).unwrap_or_default();
        let slots: Vec<SlotKind> = slots.iter().filter_map(|slot| slot.kind).collect();
        let mut at_hand = Self::without_keyring(places, credentials, slots)?;
        if at_hand.rules.is_empty() || at_hand.slots.contains(&SlotKind::SecretService) {
            at_hand.ask(keyrings).await;
        }
        Ok(at_hand)
    }

    /// Collects all keys there are, for a vault of which nothing is known yet.
    ///
    /// # Errors
    /// A credential cannot be read.
    pub async fn gather_all(
        places: &Places,
        credentials: &Credentials,
        keyrings: SecretService,
    ) -> Result<Self, OpenError> {
        let mut all = Self::without_keyring(places, credentials, Vec::new())?;
        all.ask(keyrings).await;
        Ok(all)
    }

    fn without_keyring(
        places: &Places,
        credentials: &Credentials,
        slots: Vec<SlotKind>,
    ) -> Result<Self, OpenError> {
        let is_file = |path: std::path::PathBuf| path.symlink_metadata().is_ok().then_some(path);
        let mut rules: Vec<EnfSource> =
            is_file(places.enf_keyfile()).map(EnfSource::Keyfile).into_iter().collect();
        let mut history: Vec<Unlock> = is_file(places.keyfile()).map(Unlock::Keyfile).into_iter().collect();
        rules.extend(credentials.secret(Purpose::Rules)?.map(EnfSource::Secret));
        let credential = credentials.secret(Purpose::History)?;
        history.extend(credential.map(|seed| Unlock::Seed(seed, SlotKind::Credential)));
        Ok(Self { rules, history, keyring: None, slots })
    }

    async fn ask(&mut self, keyrings: SecretService) {
        match in_keyring(keyrings).await {
            Ok((rules, history)) => {
                self.rules.extend(rules.into_iter().map(|stored| EnfSource::Secret(stored.secret)));
                let seeds = history.into_iter();
                self.history.extend(seeds.map(|stored| Unlock::Seed(stored.secret, SlotKind::SecretService)));
            }
            Err(error) => self.keyring = Some(error),
        }
    }

    /// Opens the vault as far as that goes.
    ///
    /// # Errors
    /// Why it does not open, where no person and no keyring could change that.
    pub fn open(self, places: &Places, calendar: &Calendar) -> Result<Opening, OpenError> {
        self.refuse_a_lost_key_file(places)?;
        let mut keys = Keys { enf: EnfSource::Header, slots: self.history };
        let mut first = None;
        for source in self.rules {
            // Of several vaults' secrets in one keyring, another one may be this one's.
            if let EnfSource::Secret(secret) = &source
                && !dwell_vault::is_rules_key(places, secret)?
            {
                continue;
            }
            keys.enf = source;
            match State::open_existing(places, &keys) {
                Ok(opened) => return Opening::of(opened, calendar),
                // Another source may have the right one: a keyring may hold the keys of several vaults, and a key
                // file may be left from before its secret moved.
                Err(error) if is_about_keys(&error) => first = first.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        // Whatever opens history brings the key of rules along. It goes into its file again only where the keys were
        // in files: else it would lie there for nothing.
        let in_files = self
            .slots
            .iter()
            .all(|kind| matches!(kind, SlotKind::Keyfile | SlotKind::Passphrase | SlotKind::Recovery));
        // And not where a file is that does not fit: that one stays as it is.
        keys.enf = if in_files && first.is_none() {
            EnfSource::Keyfile(places.enf_keyfile())
        } else {
            EnfSource::Header
        };
        match State::open_existing(places, &keys) {
            Ok(opened) => return Opening::of(opened, calendar),
            Err(error) if is_about_keys(&error) => first = first.or(Some(error)),
            Err(error) => return Err(error),
        }
        let person_can =
            self.slots.iter().any(|kind| matches!(kind, SlotKind::Passphrase | SlotKind::Recovery));
        let by_keyring = self.slots.contains(&SlotKind::SecretService);
        match (self.keyring, first) {
            (Some(error), _) if by_keyring || person_can || error == KeyringError::Locked => {
                Ok(Opening::waiting(error.to_string()))
            }
            (_, Some(error)) if !(by_keyring || person_can) => Err(error),
            (_, Some(error)) => Ok(Opening::waiting(error.to_string())),
            (_, None) => Ok(Opening::waiting("its key is nowhere to be found".to_owned())),
        }
    }

    /// Where a key file is all that there is, nobody can open history without it: the person hears that at once and as
    /// an error, not from a daemon that runs on without their history.
    fn refuse_a_lost_key_file(&self, places: &Places) -> Result<(), OpenError> {
        if self.slots.is_empty() || self.slots.iter().any(|kind| *kind != SlotKind::Keyfile) {
            return Ok(());
        }
        let path = places.keyfile();
        if path.symlink_metadata().is_err() {
            return Err(OpenError::KeyMissing { path });
        }
        match dwell_vault::opens(places, &Unlock::Keyfile(path.clone())) {
            Ok(true) => Ok(()),
            Err(UnlockError::Open(error)) => Err(error),
            Ok(false) | Err(_) => Err(OpenError::WrongKey { path }),
        }
    }

    /// Why the keyring could not be asked, where it was needed.
    pub const fn keyring(&self) -> Option<&KeyringError> {
        self.keyring.as_ref()
    }

    /// Where the key of rules may be, and what may open history.
    pub fn into_keys(self) -> (Vec<EnfSource>, Vec<Unlock>) {
        (self.rules, self.history)
    }
}

/// Whether another key could change it.
const fn is_about_keys(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::KeyMissing { .. }
            | OpenError::KeyUnreadable { .. }
            | OpenError::KeyDamaged { .. }
            | OpenError::WrongKey { .. }
            | OpenError::NoKeyFits { .. }
    )
}

/// What opens the vault, as a line of `doctor`.
pub fn part(places: &Places) -> Option<dwell_bus::wire::Part> {
    let slots = dwell_vault::slots(places).ok()?;
    let has = |kind| slots.iter().any(|slot| slot.kind == Some(kind));
    let kinds = [
        (SlotKind::SecretService, "the keyring"),
        (SlotKind::Credential, "a systemd credential"),
        (SlotKind::Keyfile, "a key file"),
        (SlotKind::Passphrase, "a passphrase"),
        (SlotKind::Recovery, "a recovery key"),
    ];
    let named: Vec<&str> = kinds.iter().filter(|(kind, _)| has(*kind)).map(|(_, name)| *name).collect();
    let mut message = format!("history opens with {}", named.join(", "));
    if has(SlotKind::Keyfile) {
        message.push_str("; whoever has this disk has the key file (`dwell privacy`)");
    }
    if !has(SlotKind::Recovery) {
        message.push_str("; no recovery key yet (`dwell key recovery`)");
    }
    Some(dwell_bus::wire::Part { part: "key".to_owned(), ok: true, message, fix: None })
}

async fn in_keyring(keyrings: SecretService) -> Result<(Vec<Stored>, Vec<Stored>), KeyringError> {
    let keyring = keyrings.open().await?;
    Ok((keyring.all(Purpose::Rules).await?, keyring.all(Purpose::History).await?))
}
