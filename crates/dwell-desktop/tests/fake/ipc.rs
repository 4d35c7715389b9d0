//! An IPC socket that answers what the test says, beside the compositor.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// An answer to a question.
#[derive(Clone)]
pub(crate) enum Answer {
    Text(String),
    /// These bytes again and again, for as long as they are taken.
    Endless(&'static [u8]),
    /// Nothing, and the connection stays.
    Never,
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

type Reply = Box<dyn FnMut(&str) -> Answer + Send>;

/// The running socket. Like Hyprland and niri before 25.05 it hangs up after each answer.
pub(crate) struct Ipc {
    reply: Arc<Mutex<Reply>>,
    asked: mpsc::UnboundedReceiver<String>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Ipc {
    pub(crate) fn start(path: PathBuf, reply: impl FnMut(&str) -> Answer + Send + 'static) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let reply: Arc<Mutex<Reply>> = Arc::new(Mutex::new(Box::new(reply)));
        let (ask, asked) = mpsc::unbounded_channel();
        let ended = Arc::new(AtomicBool::new(false));
        let (replies, end) = (Arc::clone(&reply), Arc::clone(&ended));
        let thread = std::thread::spawn(move || serve(&listener, &replies, &ask, &end));
        Self { reply, asked, ended, thread: Some(thread), path }
    }

    /// From now on it answers otherwise.
    pub(crate) fn answer(&self, reply: impl FnMut(&str) -> Answer + Send + 'static) {
        *self.reply.lock().unwrap() = Box::new(reply);
    }

    /// The next question for which this holds; the ones before it are passed over.
    pub(crate) async fn asked(&mut self, what: &str) -> String {
        let asked = async {
            loop {
                let question = self.asked.recv().await.unwrap();
                if question.contains(what) {
                    return question;
                }
            }
        };
        tokio::time::timeout(crate::DEADLINE, asked).await.unwrap_or_else(|_| panic!("nobody asks {what}"))
    }

    /// How many questions there were that have not been looked at.
    pub(crate) fn passed_over(&mut self) -> usize {
        std::iter::from_fn(|| self.asked.try_recv().ok()).count()
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // The knock on which it looks.
        if let (Ok(_), Some(thread)) = (UnixStream::connect(&self.path), self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// Takes connections until the end. Each has a thread of its own, for one may be kept open without a word; the threads
/// end with their connections.
fn serve(
    listener: &UnixListener,
    reply: &Arc<Mutex<Reply>>,
    ask: &mpsc::UnboundedSender<String>,
    ended: &AtomicBool,
) {
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        if ended.load(Ordering::Acquire) {
            return;
        }
        let (reply, ask) = (Arc::clone(reply), ask.clone());
        std::thread::spawn(move || answer(stream, &reply, &ask));
    }
}

fn answer(mut stream: UnixStream, reply: &Mutex<Reply>, ask: &mpsc::UnboundedSender<String>) {
    let mut question = [0; 4096];
    // A probe hangs up without a word.
    let Ok(length @ 1..) = stream.read(&mut question) else { return };
    let question = String::from_utf8_lossy(&question[..length]).into_owned();
    let answer = reply.lock().unwrap()(&question);
    let _ = ask.send(question);
    match answer {
        Answer::Text(text) => {
            let _ = stream.write_all(text.as_bytes());
        }
        Answer::Endless(bytes) => while stream.write_all(bytes).is_ok() {},
        // Until the other side hangs up.
        Answer::Never => while matches!(stream.read(&mut [0; 64]), Ok(1..)) {},
    }
}

/// The folder in which a Hyprland of this signature has its sockets.
pub(crate) fn hyprland(runtime: &Path, signature: &str) -> PathBuf {
    runtime.join("hypr").join(signature).join(".socket.sock")
}
