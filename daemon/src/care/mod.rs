//! The care of the vault: what is asked of it over the bus beside recording and reading. One task; it holds the means
//! to reach the keyring, and orders of the store what has to be done on its thread.

pub(crate) mod failures;
mod privacy;
mod renewal;
pub(crate) mod secret;
mod slots;
pub(crate) mod work;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use dwell_bus::{Failure, Kind, Reply, VaultRequest, wire};
use dwell_core::calendar::Calendar;
use dwell_core::time::{Boot, Millis};
use dwell_vault::{EnfSource, Keys, Places, SlotKind, Unlock};
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::deadline::BootDeadline;
use crate::keys::{AtHand, Changes, Credentials, SecretService};
use crate::store::{Condition, Kept, Shelf, Store};

pub use work::{OnProgress, tell};

/// What the caretaker needs.
pub struct Care {
    /// The store.
    pub store: Store,
    /// The bus on which the keyring is.
    pub session: zbus::Connection,
    /// Where the vault and the key files are.
    pub places: Places,
    /// The service's credentials.
    pub credentials: Credentials,
    /// Whether the keyring may be asked.
    pub keyrings: SecretService,
    /// The configuration file, for `privacy`.
    pub config_path: PathBuf,
    /// By what days are counted, for a vault that is opened late.
    pub calendar: Calendar,
}

/// A request with what the hub knows about it.
pub struct Errand {
    /// What is asked.
    pub request: VaultRequest,
    /// The program that is meant, where the request names one: the hub knows them all.
    pub what: Option<dwell_vault::What>,
    /// IANA name of the zone in which days are counted.
    pub zone: String,
}

struct Caretaker {
    care: Care,
    /// When the vault is to be locked again.
    lock_at: Option<Boot>,
    /// The person locked it: no key that comes by itself opens it again.
    locked_by_person: bool,
}

/// Takes errands until there are none to come.
///
/// # Errors
/// The system has no timer to give.
pub async fn run(mut errands: mpsc::UnboundedReceiver<Errand>, care: Care) -> std::io::Result<()> {
    let mut caretaker = Caretaker { care, lock_at: None, locked_by_person: false };
    let (mut lock, mut again) = (BootDeadline::new()?, BootDeadline::new()?);
    // When the keyring is to be asked again; a further change does not put that off.
    let (mut changes, mut pause, mut again_at) = (None, PAUSE, None);
    caretaker.put_keys_in_order().await;
    loop {
        lock.arm(caretaker.lock_at)?;
        match (caretaker.waits_for_keyring().await, &changes) {
            (true, None) => {
                changes = Changes::listen(&caretaker.care.session).await.ok();
                // What changed before anybody listened; or, where nobody can, another try after a while.
                let wait = if changes.is_some() { Millis::ZERO } else { PAUSE_MAX };
                again_at = Some(clock::now().boot + wait);
            }
            (false, Some(_)) => changes = None,
            _ => {}
        }
        again.arm(again_at)?;
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(errand) => caretaker.errand(errand).await,
                None => return Ok(()),
            },
            due = lock.due() => {
                due?;
                caretaker.lock("its time was up").await;
            }
            change = next(&mut changes) => match change {
                // A keyring that comes up says many things at once.
                Some(()) => again_at = again_at.or_else(|| Some(clock::now().boot + pause)),
                None => changes = None,
            },
            due = again.due() => {
                due?;
                again_at = None;
                // Asking may start the keyring's service: one that fails each time must not keep us busy.
                let opened = caretaker.try_again().await;
                pause = if opened { PAUSE } else { (pause + pause).min(PAUSE_MAX) };
            }
        }
    }
}

/// How long after a change the keyring is asked; longer after each time that it did not help.
const PAUSE: Millis = Millis::from_ms(250);
const PAUSE_MAX: Millis = Millis::from_secs(10);

/// The next change of a keyring; never, where nobody waits for one.
async fn next(changes: &mut Option<Changes>) -> Option<()> {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}

impl Caretaker {
    /// Has something done on the store's thread. `None`: everything is stopping.
    async fn on_shelf<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Shelf) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.care.store.with(move |shelf| {
            // Who asked may be gone.
            let _ = sender.send(work(shelf));
        });
        receiver.await.ok()
    }

    async fn condition(&self) -> Condition {
        let condition = self.on_shelf(|shelf| shelf.condition()).await;
        condition.unwrap_or_else(|| Condition::Sealed("the daemon is stopping".to_owned()))
    }

    /// Whether a keyring that opens could open the vault further than it is.
    async fn waits_for_keyring(&self) -> bool {
        if self.care.keyrings == SecretService::Unused {
            return false;
        }
        match self.condition().await {
            Condition::Open => false,
            Condition::Waiting(_) => true,
            Condition::Sealed(_) => {
                let slots = dwell_vault::slots(&self.care.places).unwrap_or_default();
                let by_keyring = slots.iter().any(|slot| slot.kind == Some(SlotKind::SecretService));
                by_keyring && !self.locked_by_person
            }
        }
    }

    /// Opens the vault with what can be had without a person by now; says whether it is open.
    async fn try_again(&mut self) -> bool {
        match self.open_automatically().await {
            Ok(()) => {
                self.put_keys_in_order().await;
                true
            }
            Err(failure) => {
                tracing::debug!("the vault stays locked: {failure}");
                false
            }
        }
    }

    async fn errand(&mut self, Errand { request, what, zone }: Errand) {
        match request {
            VaultRequest::Info(reply) => answer(reply, self.info(zone).await),
            VaultRequest::ListKeys(reply) => answer(reply, self.keys().await),
            VaultRequest::AddKey(kind, reply) => answer(reply, self.add_key(&kind).await),
            VaultRequest::AddPassphrase(secret, reply) => answer(reply, self.add_passphrase(secret).await),
            VaultRequest::AddRecovery(reply) => answer(reply, self.add_recovery().await),
            VaultRequest::RemoveKey(number, reply) => self.renew(renewal::Why::Remove(number), reply).await,
            VaultRequest::RotateKeys(reply) => self.renew(renewal::Why::Rotate, reply).await,
            VaultRequest::Unlock(kind, secret, for_ms, reply) => {
                answer(reply, self.unlock(&kind, secret, for_ms).await);
            }
            VaultRequest::Lock(reply) => {
                self.locked_by_person = true;
                self.lock("you locked it").await;
                answer(reply, Ok(()));
            }
            VaultRequest::Verify(reply) => self.verify(reply),
            VaultRequest::Backup(path, reply) => self.backup(path, reply),
            VaultRequest::Accept(reply) => answer(reply, self.accept().await),
            VaultRequest::WouldForget(_, reply) => match what {
                Some(what) => answer(reply, self.would_forget(what).await),
                None => answer(reply, Err(nothing_named())),
            },
            VaultRequest::Forget(_, reply) => match what {
                Some(what) => self.renew(renewal::Why::Forget(what), reply).await,
                None => answer(reply, Err(nothing_named())),
            },
            // The hub sees to it by itself: dropping the place for the answer says that nobody does.
            VaultRequest::Import(..) => {}
            VaultRequest::Privacy(reply) => {
                let keys = self.keys().await;
                let rules = self.rules_kind();
                let (places, config) = (&self.care.places, &self.care.config_path);
                answer(reply, keys.map(|keys| privacy::privacy(places, config, &keys, rules)));
            }
        }
    }

    async fn lock(&mut self, why: &'static str) {
        self.lock_at = None;
        let _ = self.on_shelf(move |shelf| shelf.lock(why)).await;
    }

    async fn unlock(&mut self, kind: &str, secret: OwnedFd, for_ms: u64) -> Result<(), Failure> {
        let was_open = self.condition().await == Condition::Open;
        let person_locked = std::mem::take(&mut self.locked_by_person);
        let opened = self.unlock_with(kind, secret).await;
        if opened.is_err() {
            self.locked_by_person = person_locked;
        }
        opened?;
        self.put_keys_in_order().await;
        // A vault that needs nobody stays open, and a time that is set is changed by a secret only.
        if !was_open || !kind.is_empty() && self.lock_at.is_some() {
            self.lock_at = (for_ms > 0).then(|| clock::now().boot + Millis::from_ms(for_ms));
        }
        Ok(())
    }

    async fn unlock_with(&self, kind: &str, secret: OwnedFd) -> Result<(), Failure> {
        match kind {
            "" => self.open_automatically().await,
            "passphrase" => self.open_with(Unlock::Passphrase(secret::read(secret).await?)).await,
            "recovery" => self.open_with(Unlock::Recovery(secret::read(secret).await?)).await,
            other => {
                let failure = Failure::new(Kind::Invalid, format!("no key is of the kind \"{other}\""));
                Err(failure.hint("passphrase or recovery"))
            }
        }
    }

    async fn open_with(&self, unlock: Unlock) -> Result<(), Failure> {
        let (places, calendar) = (self.care.places.clone(), self.care.calendar);
        let opened = self.on_shelf(move |shelf| match shelf.kept() {
            Kept::Open(vault) => vault.slot_of(&unlock).map(|_| ()).map_err(|error| failures::unlock(&error)),
            Kept::Sealed(..) => match shelf.unlock(&unlock) {
                Some(unlocked) => unlocked.map_err(|error| failures::unlock(&error)),
                None => Ok(()),
            },
            Kept::Waiting(_) => {
                // The header brings the key of rules and counters back, once history opens.
                let keys = Keys { enf: EnfSource::Header, slots: vec![unlock] };
                shelf.open(&places, &keys, &calendar).map_err(|error| match &error {
                    dwell_vault::OpenError::NoKeyFits { refused } => {
                        refused.first().map_or_else(|| failures::open(&error), failures::unlock)
                    }
                    _ => failures::open(&error),
                })
            }
        });
        opened.await.unwrap_or_else(|| Err(stopping()))
    }

    async fn open_automatically(&self) -> Result<(), Failure> {
        let at_hand = AtHand::gather(&self.care.places, &self.care.credentials, self.care.keyrings).await;
        let at_hand = at_hand.map_err(|error| failures::open(&error))?;
        let problem = at_hand.keyring().cloned();
        let (rules, mut history) = at_hand.into_keys();
        if self.locked_by_person {
            // Rules and counters may come; history is for the person to open.
            history.clear();
        }
        let (places, calendar) = (self.care.places.clone(), self.care.calendar);
        let opened = self.on_shelf(move |shelf| {
            if rules.is_empty() && history.is_empty() {
                return Err(locked());
            }
            if matches!(shelf.kept(), Kept::Waiting(_)) {
                let mut keys = Keys { enf: EnfSource::Header, slots: history };
                for source in rules.into_iter().chain([EnfSource::Header]) {
                    if let EnfSource::Secret(secret) = &source
                        && !dwell_vault::is_rules_key(&places, secret).unwrap_or(false)
                    {
                        continue;
                    }
                    keys.enf = source;
                    match shelf.open(&places, &keys, &calendar) {
                        Err(
                            dwell_vault::OpenError::WrongKey { .. }
                            | dwell_vault::OpenError::NoKeyFits { .. }
                            | dwell_vault::OpenError::KeyMissing { .. },
                        ) => {}
                        done => return done.map_err(|error| failures::open(&error)),
                    }
                }
                return Err(locked());
            }
            if matches!(shelf.kept(), Kept::Open(_)) {
                return Ok(());
            }
            let mut first = None;
            for unlock in &history {
                match shelf.unlock(unlock) {
                    Some(Err(error)) => first = first.or(Some(error)),
                    Some(Ok(())) | None => return Ok(()),
                }
            }
            Err(first.map_or_else(locked, |error| failures::unlock(&error)))
        });
        let opened = opened.await.unwrap_or_else(|| Err(stopping()));
        match (opened, problem) {
            (Err(failure), Some(problem)) if failure.kind != Kind::StorageDegraded => {
                Err(failures::keyring(&problem))
            }
            (opened, _) => opened,
        }
    }

    async fn accept(&self) -> Result<(), Failure> {
        let accepted = self.on_shelf(|shelf| {
            shelf.open_vault()?.accept().map_err(|error| failures::write(&error))?;
            shelf.accepted();
            Ok(())
        });
        accepted.await.unwrap_or_else(|| Err(stopping()))
    }

    fn verify(&self, reply: Reply<OwnedFd>) {
        let work = |shelf: &mut Shelf, progress: OnProgress<'_>| {
            let verified = shelf.open_vault()?.verify(progress).map_err(|error| failures::read(&error))?;
            if verified.interrupted {
                return Err(Failure::new(Kind::Failed, "it was interrupted"));
            }
            Ok(dwell_bus::lines::Done {
                days: Some(verified.days),
                spans: Some(verified.spans),
                damaged: verified.damaged.iter().map(ToString::to_string).collect(),
                mismatched: verified.contradicting.iter().map(ToString::to_string).collect(),
                ..work::done("verify")
            })
        };
        work::long(&self.care.store, reply, work, || {});
    }

    fn backup(&self, path: String, reply: Reply<OwnedFd>) {
        let at = clock::now().wall.as_unix_ms();
        let work = move |shelf: &mut Shelf, _: OnProgress<'_>| {
            let file = Path::new(&path);
            if file.symlink_metadata().is_ok() {
                let failure = Failure::new(Kind::Invalid, format!("{path} is there already"));
                return Err(failure.hint("choose a name that is free; nothing is ever overwritten"));
            }
            shelf.open_vault()?.backup(file, at).map_err(|error| failures::open(&error))?;
            Ok(work::done("backup"))
        };
        work::long(&self.care.store, reply, work, || {});
    }

    async fn info(&self, zone: String) -> Result<wire::VaultInfo, Failure> {
        let keys = self.keys().await.unwrap_or_default();
        let info = self.on_shelf(|shelf| {
            let condition = shelf.condition();
            let (info, backups) = match shelf.kept() {
                Kept::Open(vault) => (vault.info().ok(), vault.known_backups().unwrap_or_default()),
                Kept::Sealed(vault, _) => (vault.info().ok(), vault.known_backups().unwrap_or_default()),
                Kept::Waiting(_) => (None, Vec::new()),
            };
            (condition, info, backups, shelf.days())
        });
        let (condition, info, backups, days) = info.await.ok_or_else(stopping)?;
        let (state, why) = match condition {
            Condition::Open => ("open", None),
            Condition::Sealed(why) => ("sealed", Some(why)),
            Condition::Waiting(why) => ("waiting", Some(why)),
        };
        let now = clock::now();
        let locks_at = self.lock_at.map(|at| now.at(at).wall.as_unix_ms());
        let mut wire = wire::VaultInfo {
            state: state.to_owned(),
            why,
            locks_at_ms: locks_at,
            path: self.care.places.vault().display().to_string(),
            first: days.map(|(first, _)| first.to_string()),
            last: days.map(|(_, last)| last.to_string()),
            keys,
            rules_key: self.rules_kind().to_owned(),
            generation: dwell_vault::generation(&self.care.places).unwrap_or_default(),
            backups: backups.iter().map(renewal::backup).collect(),
            zone,
            ..wire::VaultInfo::default()
        };
        if let Some(info) = info {
            wire.id = info.vault_id.iter().map(|byte| format!("{byte:02x}")).collect();
            wire.generation = info.generation;
            wire.journal_parts = info.journal as u64;
            wire.sealed_parts = info.pages as u64;
            wire.totals_parts = info.totals_only as u64;
            wire.blocks = info.blocks as u64;
            wire.bytes = info.bytes;
            wire.damaged = info.damaged.iter().map(ToString::to_string).collect();
            wire.suspect = info.suspect;
            wire.copy = info.has_copy;
            wire.read_only = info.read_only;
        }
        Ok(wire)
    }
}

fn nothing_named() -> Failure {
    Failure::new(Kind::Invalid, "nothing to forget was named")
}

fn no_pipe(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Failed, format!("the system gives no pipe: {error}"))
}

fn locked() -> Failure {
    Failure::new(Kind::Locked, "no key that needs no person opens the vault").hint("dwell vault unlock")
}

fn stopping() -> Failure {
    Failure::new(Kind::Failed, "the daemon is stopping").hint("try again")
}

/// Sends an answer. Who asked may have left.
fn answer<T>(reply: Reply<T>, result: Result<T, Failure>) {
    let _ = reply.send(result);
}
