//! Frames of native messaging: four bytes of length, little-endian, then as many bytes of JSON.
//!
//! Pure: bytes in, frames out. It holds at most one frame and what was read together with it.

/// The longest frame that is taken from an extension, in bytes. Ours say a few hostnames; browsers would allow 64 MiB.
pub const IN_MAX: usize = 64 << 10;
/// The longest frame that is given to an extension, in bytes. Browsers take 1 MiB.
pub const OUT_MAX: usize = 256 << 10;

const LENGTH: usize = 4;

/// Why bytes are no frames. There is no way on after it: nobody knows where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`IN_MAX`].
    #[error("a frame of {0} bytes is longer than {IN_MAX}")]
    TooLong(u32),
    /// The bytes end before the frame does.
    #[error("the browser ended within a frame")]
    Cut,
}

/// Frames out of bytes, in whatever pieces they come.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Takes more bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, without its length.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], as soon as the length is known.
    pub fn whole(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let Some((length, rest)) = self.bytes.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let told = u32::from_le_bytes(*length);
        let length = usize::try_from(told).unwrap_or(usize::MAX);
        if length > IN_MAX {
            return Err(FrameError::TooLong(told));
        }
        let Some(frame) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.bytes.drain(..LENGTH + length);
        if self.bytes.is_empty() {
            // One long frame must not be paid for until the browser ends.
            self.bytes.shrink_to(1 << 10);
        }
        Ok(Some(frame))
    }

    /// Whether the bytes may end here.
    ///
    /// # Errors
    /// [`FrameError::Cut`]: a frame has begun.
    pub fn end(&self) -> Result<(), FrameError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(FrameError::Cut) }
    }
}

/// A frame around a JSON document.
///
/// # Errors
/// Its length, where that is more than [`OUT_MAX`].
pub fn framed(document: &[u8]) -> Result<Vec<u8>, usize> {
    let told = u32::try_from(document.len()).map_err(|_| document.len())?;
    if document.len() > OUT_MAX {
        return Err(document.len());
    }
    let mut frame = Vec::with_capacity(LENGTH + document.len());
    frame.extend_from_slice(&told.to_le_bytes());
    frame.extend_from_slice(document);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_checked_before_the_bytes_come() {
        let mut frames = Frames::default();
        frames.take(&65_537_u32.to_le_bytes());
        assert_eq!(frames.whole(), Err(FrameError::TooLong(65_537)));
        let mut frames = Frames::default();
        frames.take(&65_536_u32.to_le_bytes());
        assert_eq!(frames.whole(), Ok(None));
        assert_eq!(frames.end(), Err(FrameError::Cut));
        frames.take(&[b' '; IN_MAX]);
        assert_eq!(frames.whole().unwrap().unwrap().len(), IN_MAX);
        assert_eq!(frames.whole(), Ok(None));
        assert_eq!(frames.end(), Ok(()));
        assert!(frames.bytes.capacity() <= 1 << 10, "a long frame's room is kept");
        assert_eq!(framed(&vec![0; OUT_MAX + 1]), Err(OUT_MAX + 1));
        assert_eq!(framed(&vec![0; OUT_MAX]).unwrap().len(), OUT_MAX + 4);
    }

    proptest! {
        /// What was framed comes out again, whatever the pieces in which it comes.
        #[test]
        fn frames_survive_any_cut(documents in vec(vec(any::<u8>(), 0..200), 0..8), piece in 1_usize..64) {
            let bytes: Vec<u8> = documents.iter().flat_map(|document| framed(document).unwrap()).collect();
            let (mut frames, mut out) = (Frames::default(), Vec::new());
            for piece in bytes.chunks(piece) {
                frames.take(piece);
                while let Some(frame) = frames.whole().unwrap() {
                    out.push(frame);
                }
            }
            prop_assert_eq!(out, documents);
            prop_assert_eq!(frames.end(), Ok(()));
        }

        /// No bytes make it hold more than one frame and what came with it, or lose any.
        #[test]
        fn any_bytes_are_frames_or_an_error(pieces in vec(vec(any::<u8>(), 0..512), 0..16)) {
            let (mut frames, mut taken, mut given) = (Frames::default(), 0, 0);
            for piece in &pieces {
                frames.take(piece);
                taken += piece.len();
                loop {
                    match frames.whole() {
                        Ok(Some(frame)) => given += LENGTH + frame.len(),
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                prop_assert_eq!(frames.bytes.len(), taken - given);
                prop_assert!(frames.bytes.len() < LENGTH + IN_MAX);
            }
        }
    }
}
