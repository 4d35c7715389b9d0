//! User mode: one person's daemon on the session bus. Senses, counts and acts in one process.

use std::future::Future;
use std::sync::Arc;

use dwell_bus::{Intake, NAME, Own, PATH, Request, Vault};
use dwell_core::calendar::Calendar;
use dwell_core::texts::Texts;
use dwell_desktop::{AppNames, Buses, Desktop, Notice};
use dwell_vault::Places;
use futures_util::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::care::{self, Care};
use crate::deadline::BootDeadline;
use crate::enforcement::{self, Browsers, Freezer, Hands, Notifier, Order};
use crate::environment::{Environment, read_config, settings, zone};
use crate::failure::Failure;
use crate::hub::{Hub, Inputs, Parts, Past, Sensors};
use crate::keys::SecretService;
use crate::store::{Condition, Opening, Store};
use crate::{clock, keys, watch};

/// How the daemon was started.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// From where facts come.
    pub sensors: Sensors,
    /// Print what limits would do instead of doing it.
    pub dry_run: bool,
    /// Whether the keyring may be asked for the vault's keys.
    pub keyrings: SecretService,
}

/// What is sent to the hub before it listens waits here; more than that waits at the sender.
const QUEUE: usize = 256;
/// How long the last words to other services may take when the daemon stops.
const PARTING: dwell_core::time::Millis = dwell_core::time::Millis::from_secs(2);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Why the daemon cannot run, with the next step.
pub async fn run(environment: Environment, options: Options) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let session = zbus::Connection::session().await.map_err(|error| {
        Failure::new(
            format!("there is no session bus: {error}"),
            "start dwelld inside your session, or set DBUS_SESSION_BUS_ADDRESS",
        )
    })?;
    run_on(session, environment, options, stop).await
}

/// Runs on a given session bus until `stop` is ready.
///
/// # Errors
/// Why the daemon cannot run, with the next step.
pub async fn run_on(
    session: zbus::Connection,
    environment: Environment,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let config = read_config(&environment.config)?;
    dwell_bus::serve::listening(&session)
        .await
        .map_err(|error| Failure::new(format!("the session bus failed: {error}"), "start dwelld again"))?;
    refuse_second(&session).await?;
    let calendar = Calendar::new(zone(&config), config.day_start);
    let places = Places::new(&environment.data_dir);
    let opening = open_vault(&environment, options.keyrings, &session, &calendar).await?;
    let past = Past::of(opening.known).map_err(|error| {
        Failure::new(error.to_string(), "install that version again; nothing was changed")
    })?;
    let condition = opening.kept.condition();
    let waits = matches!(condition, Condition::Waiting(_));
    let (store, news, vault_thread) =
        Store::start(opening.kept).map_err(|error| out_of_resources("a thread", &error))?;

    if waits {
        let places = places.clone();
        store.with(move |shelf| shelf.spill_into(&places));
    }
    let (notice_sender, notices) = mpsc::channel::<Notice>(QUEUE);
    let (request_sender, requests) = mpsc::channel::<Request>(QUEUE);
    let (orders, order_receiver) = mpsc::unbounded_channel::<Order>();
    let (words, word_receiver) = mpsc::unbounded_channel();
    let (acted_sender, acted) = mpsc::unbounded_channel();
    let bus_failure =
        |error: zbus::Error| Failure::new(format!("the session bus failed: {error}"), "start dwelld again");

    let notifier = Notifier::new(&session, config.notifications, notice_sender.clone(), acted_sender);
    let notifier = notifier.await.map_err(bus_failure)?;
    let notifying = tokio::spawn(notifier.run(word_receiver));

    let desktop = match options.sensors {
        Sensors::Own => {
            let buses =
                Buses { session: Some(session.clone()), system: zbus::Connection::system().await.ok() };
            let settings = settings(&config);
            let surroundings = environment.surroundings.clone();
            Some(Arc::new(Desktop::start(surroundings, settings, notice_sender.clone(), buses)))
        }
        Sensors::Intake => None,
    };
    let (thawing, thaws) = mpsc::unbounded_channel();
    let emitter = zbus::object_server::SignalEmitter::new(&session, PATH).map_err(bus_failure)?.into_owned();
    let (window, wanted) = mpsc::unbounded_channel();
    let prompting = tokio::spawn(enforcement::prompt::run(session.clone(), wanted));
    let hands = Hands {
        desktop: desktop.clone(),
        emitter,
        freezer: Freezer::new(session.clone()),
        thawing,
        window,
        browsers: Browsers::new(session.clone(), request_sender.clone()),
        notifier: words,
        dry_run: options.dry_run,
    };
    let enforcing = tokio::spawn(enforcement::run(order_receiver, hands));
    let (config_changed, watching) = watch::file(&environment.config);
    let (errands, errand_receiver) = mpsc::unbounded_channel();
    let care = Care {
        store: store.clone(),
        session: session.clone(),
        places,
        credentials: environment.credentials,
        keyrings: options.keyrings,
        config_path: environment.config.clone(),
        calendar,
    };
    let caring = tokio::spawn(care::run(errand_receiver, care));

    let parts = Parts {
        config,
        config_path: environment.config,
        data_dir: environment.data_dir,
        sensors: options.sensors,
        store,
        condition,
        orders,
        errands,
        names: AppNames::new(&environment.surroundings),
        texts: Texts::new(&environment.locale),
    };
    let hub = Hub::new(parts, past).map_err(|error| out_of_resources("timers", &error))?;
    serve(&session, request_sender).await?;
    let gone = name_lost(&session).await?;
    ready();
    let inputs = Inputs { notices, requests, news, acted, thaws, config_changed };
    let mut lost = false;
    let end = async {
        tokio::select! {
            () = stop => {}
            () = gone => lost = true,
        }
    };
    let ran = hub.run(inputs, end).await;
    drop(desktop);
    watching.abort();
    // It holds a handle of the store, and with it the thread that is waited for below.
    caring.abort();
    let _ = caring.await;
    part([enforcing, notifying, prompting]).await;
    // The hub and with it the last handle of the store are gone: the thread writes what it has, and ends.
    let _ = vault_thread.join();
    ran.map_err(|error| out_of_resources("timers", &error))?;
    if lost {
        return Err(Failure::new(
            "the session bus went away, or took the name back",
            "start dwelld in a session",
        ));
    }
    Ok(())
}

/// Ready when the bus is gone, and with it the session: a daemon that nobody can reach must not linger.
async fn name_lost(session: &zbus::Connection) -> Result<impl Future<Output = ()>, Failure> {
    let refused =
        |error: zbus::Error| Failure::new(format!("the session bus refused: {error}"), "start dwelld again");
    let bus = zbus::fdo::DBusProxy::new(session).await.map_err(refused)?;
    let mut lost = bus.receive_name_lost().await.map_err(refused)?;
    Ok(async move {
        while let Some(signal) = lost.next().await {
            if signal.args().is_ok_and(|args| args.name() == NAME) {
                return;
            }
        }
    })
}

async fn open_vault(
    environment: &Environment,
    keyrings: SecretService,
    session: &zbus::Connection,
    calendar: &Calendar,
) -> Result<Opening, Failure> {
    let places = Places::new(&environment.data_dir);
    let opening = keys::open(&places, &environment.credentials, keyrings, session, calendar).await;
    let opening = opening.map_err(|error| Failure::vault(&error, &environment.data_dir))?;
    for note in opening.mended.iter().chain(&opening.known.problems) {
        tracing::warn!("{note}");
    }
    if opening.created {
        tracing::info!("a new vault was made");
    }
    Ok(opening)
}

/// Asks before the vault is touched whether somebody has the name: taking it comes last, when all is ready.
async fn refuse_second(session: &zbus::Connection) -> Result<(), Failure> {
    let bus = zbus::fdo::DBusProxy::new(session).await;
    let (Ok(bus), Ok(name)) = (bus, zbus::names::BusName::try_from(NAME)) else { return Ok(()) };
    match bus.get_connection_unix_process_id(name).await {
        Ok(pid) => Err(second(Some(pid))),
        Err(_) => Ok(()),
    }
}

fn second(pid: Option<u32>) -> Failure {
    let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    Failure::new(
        format!("another dwelld is running on this session bus{who}"),
        "use that one: `dwell status`",
    )
}

/// Serves the objects, then takes the name: whoever waits for the name finds them.
async fn serve(session: &zbus::Connection, hub: mpsc::Sender<Request>) -> Result<(), Failure> {
    let failed = |error: zbus::Error| match error {
        zbus::Error::NameTaken => second(None),
        error => Failure::new(format!("the session bus refused: {error}"), "start dwelld again"),
    };
    let server = session.object_server();
    server.at(PATH, Own::new(hub.clone())).await.map_err(failed)?;
    server.at(PATH, Vault::new(hub.clone())).await.map_err(failed)?;
    server.at(PATH, Intake::new(hub)).await.map_err(failed)?;
    let flags = zbus::fdo::RequestNameFlags::DoNotQueue.into();
    session.request_name_with_flags(NAME, flags).await.map_err(failed)?;
    Ok(())
}

fn ready() {
    // Nobody may be listening: then dwelld was started by hand.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| out_of_resources("signals", &error));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Lets the last orders be carried out, but not for ever: another service may hang.
async fn part(tasks: [JoinHandle<()>; 3]) {
    let Ok(mut deadline) = BootDeadline::new() else { return };
    if deadline.arm(Some(clock::now().boot + PARTING)).is_err() {
        return;
    }
    let all = async {
        for task in tasks {
            // A task that panicked has ended as well.
            let _ = task.await;
        }
    };
    tokio::select! {
        () = all => {}
        _ = deadline.due() => tracing::warn!("another service hangs: not everything that was shown is taken back"),
    }
}

fn out_of_resources(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("the system gives no {what}: {error}"), "close something, then start dwelld again")
}
