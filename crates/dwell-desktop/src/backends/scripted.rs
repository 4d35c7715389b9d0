//! A desktop that is played from a script, for tests of whatever listens to one.

use tokio::sync::mpsc;

use crate::Notice;

/// Passes the script on to the hub, until either end is gone.
pub(crate) async fn play(mut script: mpsc::Receiver<Notice>, out: mpsc::Sender<Notice>) {
    while let Some(notice) = script.recv().await {
        if out.send(notice).await.is_err() {
            return;
        }
    }
}
