//! The bus: the name, the served object, and what is heard there, on a thread of its own.
//!
//! GTK's loop and the bus's are two; between them go channels. Nothing here waits for the window.

use futures_util::StreamExt;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use zbus::fdo::{DBusProxy, RequestNameFlags, RequestNameReply};
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream};

use dwell_bus::prompt::{self, Order, Prompt};

/// What is heard beside the daemon's orders.
pub(crate) enum News {
    /// Nobody owns the daemon's name any more, or somebody else does.
    DaemonGone,
    /// The desktop wants dark windows, or light ones.
    Dark(bool),
    /// The bus is gone, and the session with it.
    BusGone,
}

/// Why there is nothing to be had from the bus.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    /// No thread, or no runtime on it.
    #[error("no thread for the bus: {0}")]
    Thread(#[from] std::io::Error),
    /// The bus refused.
    #[error("the session bus cannot be used: {0}")]
    Bus(#[from] zbus::Error),
    /// Another one has the name.
    #[error("{} runs already", prompt::NAME)]
    Taken,
}

/// The session bus, as the window has it.
pub(crate) struct Bus {
    /// The connection, whose loop runs on the thread.
    pub(crate) connection: Connection,
    /// The daemon's orders.
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    /// Everything else.
    pub(crate) news: mpsc::UnboundedReceiver<News>,
    /// The thread's runtime: who calls the bus from another thread enters it.
    pub(crate) runtime: Handle,
}

impl Bus {
    /// Takes the name and serves the object.
    ///
    /// # Errors
    /// No bus, or another window has the name.
    pub(crate) fn start() -> Result<Self, BusError> {
        let (give, given) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("bus".to_owned()).spawn(move || {
            runtime.block_on(async {
                let (send, news) = mpsc::unbounded_channel();
                match connect().await {
                    Ok((connection, orders)) => {
                        let bus =
                            Self { connection: connection.clone(), orders, news, runtime: Handle::current() };
                        if give.send(Ok(bus)).is_ok() {
                            listen(connection, send).await;
                        }
                    }
                    Err(error) => drop(give.send(Err(error))),
                }
            });
        })?;
        given.blocking_recv().unwrap_or(Err(BusError::Taken))
    }

    /// Gives the name up: whoever calls from now on starts another window.
    pub(crate) async fn leave(connection: &Connection) {
        let _ = connection.release_name(prompt::NAME).await;
    }
}

async fn connect() -> Result<(Connection, mpsc::UnboundedReceiver<Order>), BusError> {
    let (window, orders) = mpsc::unbounded_channel();
    // The object is there before the name: the first call finds it.
    let connection =
        zbus::connection::Builder::session()?.serve_at(prompt::PATH, Prompt::new(window))?.build().await?;
    take_name(&connection).await?;
    Ok((connection, orders))
}

async fn take_name(connection: &Connection) -> Result<(), BusError> {
    match connection.request_name_with_flags(prompt::NAME, RequestNameFlags::DoNotQueue.into()).await {
        Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => Ok(()),
        Ok(_) | Err(zbus::Error::NameTaken) => Err(BusError::Taken),
        Err(error) => Err(error.into()),
    }
}

/// Tells what is heard, until the bus is gone or the window is.
async fn listen(connection: Connection, send: mpsc::UnboundedSender<News>) {
    tokio::join!(daemon_goes(&connection, &send), scheme(&connection, &send));
    let _ = send.send(News::BusGone);
}

async fn daemon_goes(connection: &Connection, send: &mpsc::UnboundedSender<News>) {
    let Ok(bus) = DBusProxy::new(connection).await else { return };
    let Ok(mut owners) = bus.receive_name_owner_changed_with_args(&[(0, dwell_bus::NAME)]).await else {
        return;
    };
    while let Some(change) = owners.next().await {
        // Someone new is another daemon, whose rules are told anew.
        if change.args().is_ok_and(|args| args.old_owner().is_some()) && send.send(News::DaemonGone).is_err()
        {
            return;
        }
    }
}

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const APPEARANCE: &str = "org.freedesktop.appearance";
const COLOUR_SCHEME: &str = "color-scheme";

/// Follows the desktop's colour scheme (XDG desktop portal, Settings). GTK 4 does so by itself from 4.20 on.
async fn scheme(connection: &Connection, send: &mpsc::UnboundedSender<News>) {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .path(PORTAL_PATH)
        .and_then(|rule| rule.interface(SETTINGS))
        .and_then(|rule| rule.member("SettingChanged"))
        .and_then(|rule| rule.arg(0, APPEARANCE));
    let Ok(rule) = rule else { return };
    let Ok(mut changes) = MessageStream::for_match_rule(rule.build(), connection, None).await else { return };
    let asked = connection
        .call_method(Some(PORTAL), PORTAL_PATH, Some(SETTINGS), "Read", &(APPEARANCE, COLOUR_SCHEME))
        .await;
    if let Ok(answer) = asked
        && let Ok(value) = answer.body().deserialize::<OwnedValue>()
    {
        tell_scheme(&value, send);
    }
    while let Some(change) = changes.next().await {
        let Ok(change) = change else { continue };
        if let Ok((_, key, value)) = change.body().deserialize::<(String, String, OwnedValue)>()
            && key == COLOUR_SCHEME
        {
            tell_scheme(&value, send);
        }
    }
}

/// 1 prefers dark, 2 prefers light; with 0 the person's own settings of GTK stay. `Read` wraps the value twice.
fn tell_scheme(value: &Value<'_>, send: &mpsc::UnboundedSender<News>) {
    let dark = match value {
        Value::Value(inner) => return tell_scheme(inner, send),
        Value::U32(1) => true,
        Value::U32(2) => false,
        _ => return,
    };
    let _ = send.send(News::Dark(dark));
}
