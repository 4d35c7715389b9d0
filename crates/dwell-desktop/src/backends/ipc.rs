//! One question over a connection of its own, for compositors whose IPC may hang up after each answer.
//!
//! What answers may be stopped, broken, or not the compositor at all: an answer has a greatest length and a time, and
//! whatever goes wrong is the same to the caller: there is no answer.

use std::path::Path;

use dwell_core::time::Millis;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::clock;

/// The longest answer that is taken, in bytes. Ten thousand windows have about that much.
pub(super) const ANSWER_MAX: u64 = 8 << 20;

/// How long a compositor may take to answer. One that takes longer is stopped or stuck.
pub(super) const PATIENCE: Millis = Millis::from_secs(5);

/// Where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The other side hangs up.
    Closed,
    /// A line break; what follows is not read.
    Line,
}

/// Asks `question` at `socket`; `None` where there is no whole answer.
pub(crate) async fn ask(socket: &Path, question: &str, end: End) -> Option<Vec<u8>> {
    clock::within(PATIENCE, answer(socket, question, end)).await?.ok().flatten()
}

async fn answer(socket: &Path, question: &str, end: End) -> std::io::Result<Option<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(question.as_bytes()).await?;
    let mut limited = BufReader::new(stream.take(ANSWER_MAX + 1));
    let mut answer = Vec::new();
    let whole = match end {
        End::Closed => {
            limited.read_to_end(&mut answer).await?;
            !answer.is_empty()
        }
        End::Line => {
            limited.read_until(b'\n', &mut answer).await?;
            answer.ends_with(b"\n")
        }
    };
    let fits = u64::try_from(answer.len()).is_ok_and(|length| length <= ANSWER_MAX);
    Ok((whole && fits).then_some(answer))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use super::*;

    /// What is made of an answer, and how many bytes of it were taken at the most.
    fn asked(given: &'static [u8], times: usize, end: End) -> (Option<Vec<u8>>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("ipc");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 8];
            stream.read_exact(&mut question).unwrap();
            assert_eq!(&question, b"question");
            // The asker hangs up when it has read enough.
            given.len() * (0..times).take_while(|_| stream.write_all(given).is_ok()).count()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(ask(&socket, "question", end));
        (answer, server.join().unwrap())
    }

    #[test]
    fn an_answer_ends_where_it_should() {
        assert_eq!(asked(b"ok", 1, End::Closed).0.unwrap(), b"ok");
        assert_eq!(asked(b"one\ntwo\n", 1, End::Line).0.unwrap(), b"one\n");
        assert_eq!(asked(b"", 1, End::Closed).0, None, "hung up without a word");
        assert_eq!(asked(b"", 1, End::Line).0, None);
        assert_eq!(asked(b"half a li", 1, End::Line).0, None, "cut off");
    }

    #[test]
    fn no_more_is_taken_than_an_answer_may_have() {
        for end in [End::Closed, End::Line] {
            let (answer, taken) = asked(&[b'x'; 65536], 1000, end);
            assert_eq!(answer, None);
            // And what the socket held.
            assert!(u64::try_from(taken).unwrap() < 2 * ANSWER_MAX, "took {taken} bytes");
        }
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(ask(&folder.path().join("ipc"), "question", End::Line)), None);
    }
}
