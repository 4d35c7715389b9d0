//! Being ready to be asked.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use zbus::Connection;
use zbus::fdo::{DBusProxy, PeerProxy};

/// Returns once calls to this connection reach its object server. To be awaited before a name is taken.
///
/// zbus dispatches calls from a task that it starts with the first object, and what arrives before that task listens is
/// dropped without an answer: the first to ask after a slow start would wait for ever. So the connection asks itself.
///
/// # Errors
/// Those of the bus.
pub async fn listening(bus: &Connection) -> zbus::Result<()> {
    let _ = bus.object_server();
    let Some(own) = bus.unique_name() else { return Ok(()) };
    let peer = PeerProxy::new(bus, own.to_owned(), "/").await?;
    let daemon = DBusProxy::new(bus).await?;
    let mut asked = FuturesUnordered::new();
    loop {
        asked.push(peer.ping());
        tokio::select! {
            Some(answered) = asked.next() => return answered,
            // Once around, so that the next one is not asked for nothing.
            passed = daemon.get_id() => { passed?; }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    struct Bus(Child);

    impl Drop for Bus {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[test]
    fn the_first_call_is_answered() {
        let folder = std::env::temp_dir().join(format!("dwell-bus-{}", std::process::id()));
        let address = format!("--address=unix:path={}", folder.display());
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address", &address]);
        let mut bus =
            Bus(command.stdout(Stdio::piped()).spawn().expect("dbus-daemon is needed: package dbus"));
        let mut address = String::new();
        BufReader::new(bus.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let connect =
            || async { zbus::connection::Builder::address(address.trim()).unwrap().build().await.unwrap() };
        // One thread, so that a task that was only spawned has not run.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = connect().await;
            for nth in 0..100 {
                let server = connect().await;
                listening(&server).await.unwrap();
                let peer =
                    PeerProxy::new(&client, server.unique_name().unwrap().to_owned(), "/").await.unwrap();
                let daemon = DBusProxy::new(&client).await.unwrap();
                // Its answer is there before those to later questions, unless it never comes.
                let others = async {
                    for _ in 0..200 {
                        daemon.get_id().await.unwrap();
                    }
                };
                tokio::select! {
                    answered = peer.ping() => answered.unwrap(),
                    () = others => panic!("call {nth} was lost"),
                }
            }
        });
    }
}
