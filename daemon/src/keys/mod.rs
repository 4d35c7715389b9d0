//! Where the vault's keys are kept when nobody is there to type one: key files, the keyring, systemd credentials.
//!
//! The kinds of key that history has stand in the vault's header; where the key of rules and counters is kept is
//! known by where it is found: in its key file, else as a credential, else in the keyring.

mod credential;
mod keyring;

use dwell_core::calendar::Calendar;
use dwell_core::time::Millis;
use dwell_vault::{
    EnfSource, Keys, NewSlot, NewVault, OpenError, Places, SlotKind, State, Unlock, Vault, secret,
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
}

impl AtHand {
    /// Collects the keys of a vault that is there. The keyring is asked only if something is missing otherwise.
    ///
    /// # Errors
    /// A credential cannot be read.
    pub async fn gather(
        places: &Places,
        credentials: &Credentials,
        keyrings: SecretService,
    ) -> Result<Self, OpenError> {
        let is_file = |path: std::path::PathBuf| path.symlink_metadata().is_ok().then_some(path);
        let mut rules: Vec<EnfSource> =
            is_file(places.enf_keyfile()).map(EnfSource::Keyfile).into_iter().collect();
        let mut history: Vec<Unlock> = is_file(places.keyfile()).map(Unlock::Keyfile).into_iter().collect();
        rules.extend(credentials.secret(Purpose::Rules)?.map(EnfSource::Secret));
        let credential = credentials.secret(Purpose::History)?;
        history.extend(credential.map(|seed| Unlock::Seed(seed, SlotKind::Credential)));
        let mut problem = None;
        let kinds = dwell_vault::slots(places).unwrap_or_default();
        let has = |kind| kinds.iter().any(|slot| slot.kind == Some(kind));
        if rules.is_empty() || history.is_empty() && has(SlotKind::SecretService) {
            match in_keyring(keyrings).await {
                Ok((in_rules, in_history)) => {
                    rules.extend(in_rules.into_iter().map(|stored| EnfSource::Secret(stored.secret)));
                    let seeds = in_history.into_iter();
                    history.extend(seeds.map(|stored| Unlock::Seed(stored.secret, SlotKind::SecretService)));
                }
                Err(error) => problem = Some(error),
            }
        }
        Ok(Self { rules, history, keyring: problem })
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
        let mut all = Self::gather(places, credentials, SecretService::Unused).await?;
        match in_keyring(keyrings).await {
            Ok((_, in_history)) => {
                let seeds = in_history.into_iter();
                all.history.extend(seeds.map(|stored| Unlock::Seed(stored.secret, SlotKind::SecretService)));
            }
            Err(error) => all.keyring = Some(error),
        }
        Ok(all)
    }

    /// Opens the vault as far as that goes.
    ///
    /// # Errors
    /// Why it does not open, though everything that was needed could be asked for.
    pub fn open(self, places: &Places, calendar: &Calendar) -> Result<Opening, OpenError> {
        let mut keys = Keys { enf: EnfSource::Header, slots: self.history };
        let mut wrong = None;
        for source in self.rules {
            keys.enf = source;
            match State::open(places, &keys) {
                Ok(opened) => return Opening::of(opened, calendar),
                // Of several vaults' keys in one keyring, another one may be this one's.
                Err(error @ OpenError::WrongKey { .. }) => wrong = wrong.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = &self.keyring {
            return Ok(Opening::waiting(error.to_string()));
        }
        match wrong {
            Some(error) => Err(error),
            None => {
                // Made again from the header, if history opens.
                keys.enf = EnfSource::Keyfile(places.enf_keyfile());
                Opening::of(State::open(places, &keys)?, calendar)
            }
        }
    }

    /// What may open history.
    pub fn history(&self) -> &[Unlock] {
        &self.history
    }

    /// Why the keyring could not be asked, where it was needed.
    pub const fn keyring(&self) -> Option<&KeyringError> {
        self.keyring.as_ref()
    }

    /// The keys to open a vault that waited, once for each place where the key of rules may be.
    pub fn into_keys(self) -> (Vec<EnfSource>, Vec<Unlock>) {
        (self.rules, self.history)
    }
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
