//! The Secret Service (GNOME Keyring, KWallet, KeePassXC): org.freedesktop.secrets, by oo7.
//!
//! dwell never makes the service ask the person for something: a keyring that is locked is a state, not a question.

use std::collections::HashMap;
use std::fmt;

use dwell_core::time::Millis;
use futures_util::StreamExt;
use oo7::dbus::{Collection, Error, Item, Service};
use zeroize::Zeroizing;

use super::Secret;
use crate::clock;
use crate::deadline::BootDeadline;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It opens history.
    History,
    /// It opens rules and counters, and lets the daemon record.
    Rules,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Rules => "rules",
        }
    }

    /// The item's name, as the person sees it in a keyring manager.
    pub const fn label(self) -> &'static str {
        match self {
            Self::History => "dwell: key of the screen-time history",
            Self::Rules => "dwell: key of the rules and counters",
        }
    }
}

/// Why the keyring is of no use just now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Nothing serves org.freedesktop.secrets, or it has no default keyring.
    #[error("there is no keyring in this session")]
    Missing,
    /// It is locked.
    #[error("the keyring is locked")]
    Locked,
    /// It failed.
    #[error("the keyring failed: {0}")]
    Failed(String),
}

impl From<Error> for KeyringError {
    fn from(error: Error) -> Self {
        use oo7::dbus::ServiceError;
        let on_the_wire = |error: &oo7::zbus::Error| match error {
            oo7::zbus::Error::MethodError(name, ..) => matches!(
                name.as_str(),
                "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner"
            ),
            oo7::zbus::Error::FDO(error) => {
                matches!(
                    **error,
                    oo7::zbus::fdo::Error::ServiceUnknown(_) | oo7::zbus::fdo::Error::NameHasNoOwner(_)
                )
            }
            _ => false,
        };
        match &error {
            Error::Service(ServiceError::IsLocked(_)) => Self::Locked,
            Error::ZBus(wire) | Error::Service(ServiceError::ZBus(wire)) if on_the_wire(wire) => {
                Self::Missing
            }
            Error::Deleted | Error::NotFound(_) => Self::Missing,
            // What the service says names no secret; one line of it.
            _ => Self::Failed(error.to_string().lines().next().unwrap_or_default().to_owned()),
        }
    }
}

/// Whether the keyring may be asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretService {
    /// That of the session bus of this process's environment.
    Session,
    /// None.
    Unused,
}

impl SecretService {
    /// The default keyring, if it is open.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn open(self) -> Result<Keyring, KeyringError> {
        match self {
            Self::Session => Keyring::open().await,
            Self::Unused => Err(KeyringError::Missing),
        }
    }

    /// The default keyring as soon as it is open, but not after `patience`: a log-in may be under way.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn open_within(
        self,
        patience: Millis,
        session: &zbus::Connection,
    ) -> Result<Keyring, KeyringError> {
        match self {
            Self::Session => Keyring::open_within(patience, session).await,
            Self::Unused => Err(KeyringError::Missing),
        }
    }
}

/// The person's default keyring, open.
pub struct Keyring {
    collection: Collection,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

/// A secret in the keyring.
pub struct Stored {
    item: Item,
    /// The secret.
    pub secret: Secret,
}

impl Stored {
    /// Takes it out of the keyring.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn remove(&self) -> Result<(), KeyringError> {
        Ok(self.item.delete(None).await?)
    }
}

impl Keyring {
    /// The default keyring, if it is open.
    ///
    /// # Errors
    /// See [`KeyringError`].
    async fn open() -> Result<Self, KeyringError> {
        let service = Service::new().await?;
        let collection = service.with_alias(Service::DEFAULT_COLLECTION).await?;
        let collection = collection.ok_or(KeyringError::Missing)?;
        if collection.is_locked().await? {
            return Err(KeyringError::Locked);
        }
        Ok(Self { collection })
    }

    /// The default keyring as soon as it is open, but not after `patience`: a log-in may be under way.
    ///
    /// # Errors
    /// See [`KeyringError`]: how it was last.
    async fn open_within(patience: Millis, session: &zbus::Connection) -> Result<Self, KeyringError> {
        let failed = |error: &dyn fmt::Display| KeyringError::Failed(error.to_string());
        let mut changes = Changes::listen(session).await.map_err(|error| failed(&error))?;
        let mut deadline = BootDeadline::new().map_err(|error| failed(&error))?;
        deadline.arm(Some(clock::now().boot + patience)).map_err(|error| failed(&error))?;
        let opened = async {
            loop {
                match Self::open().await {
                    Err(KeyringError::Locked) if changes.next().await.is_some() => {}
                    done => return done,
                }
            }
        };
        tokio::select! {
            opened = opened => opened,
            _ = deadline.due() => Err(KeyringError::Locked),
        }
    }

    /// All secrets of dwell's for a purpose. There may be several: of other data folders, or old ones.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn all(&self, purpose: Purpose) -> Result<Vec<Stored>, KeyringError> {
        let wanted = HashMap::from([("xdg:schema", SCHEMA), ("purpose", purpose.as_str())]);
        let mut all = Vec::new();
        for item in self.collection.search_items(&wanted).await? {
            let secret = item.secret().await?;
            // Whatever else stands there under our name is none of ours.
            if let Ok(secret) = <[u8; 32]>::try_from(secret.as_bytes()) {
                all.push(Stored { item, secret: Zeroizing::new(secret) });
            }
        }
        Ok(all)
    }

    /// Puts a secret into the keyring, beside those that are there, and reads it back.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn put(&self, purpose: Purpose, secret: &Secret) -> Result<Stored, KeyringError> {
        // A service may take items of the same attributes for one and the same.
        let id = dwell_vault::secret().map_err(|error| KeyringError::Failed(error.to_string()))?;
        let id: String = id.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let attributes =
            HashMap::from([("xdg:schema", SCHEMA), ("purpose", purpose.as_str()), ("id", id.as_str())]);
        let content = oo7::Secret::blob(secret.as_slice());
        let item = self.collection.create_item(purpose.label(), &attributes, content, false, None).await?;
        let back = item.secret().await?;
        if back.as_bytes() != secret.as_slice() {
            return Err(KeyringError::Failed("it does not give back what was put into it".to_owned()));
        }
        Ok(Stored { item, secret: secret.clone() })
    }
}

/// Changes of any keyring: locked, unlocked, a service that comes or goes.
pub struct Changes(futures_util::stream::SelectAll<futures_util::stream::BoxStream<'static, ()>>);

impl Changes {
    /// Listens from now on. Starts no service.
    ///
    /// # Errors
    /// The bus refused.
    pub async fn listen(session: &zbus::Connection) -> zbus::Result<Self> {
        let signal = || zbus::MatchRule::builder().msg_type(zbus::message::Type::Signal);
        let inside = signal().path_namespace("/org/freedesktop/secrets")?.build();
        let owner = signal()
            .sender("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .add_arg("org.freedesktop.secrets")?
            .build();
        let mut all = futures_util::stream::SelectAll::new();
        for rule in [inside, owner] {
            let stream = zbus::MessageStream::for_match_rule(rule, session, Some(8)).await?;
            all.push(stream.map(|_| ()).boxed());
        }
        Ok(Self(all))
    }

    /// The next change; `None`: the bus is gone.
    pub async fn next(&mut self) -> Option<()> {
        self.0.next().await
    }
}

const SCHEMA: &str = "org.dwell.Dwell1";
