//! systemd credentials: files that the service manager has decrypted for this service alone (systemd.exec(5),
//! LoadCredentialEncrypted).

use std::io::{self, Read};
use std::path::PathBuf;

use dwell_vault::OpenError;
use zeroize::Zeroizing;

use super::{Purpose, Secret};

/// The folder of this service's credentials.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    folder: Option<PathBuf>,
}

impl Credentials {
    /// Those in `$CREDENTIALS_DIRECTORY`; none where that is not set.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The credential's name in the unit: `LoadCredentialEncrypted=NAME:FILE`.
    pub const fn name(purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::History => "dwell.history",
            Purpose::Rules => "dwell.rules",
        }
    }

    /// A secret, where the service was given one: exactly 32 bytes, or 64 hexadecimal digits with or without a line
    /// break.
    ///
    /// # Errors
    /// The file is there and cannot be read, or holds something else.
    pub fn secret(&self, purpose: Purpose) -> Result<Option<Secret>, OpenError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = folder.join(Self::name(purpose));
        let mut bytes = Zeroizing::new(Vec::with_capacity(128));
        match std::fs::File::open(&path) {
            Ok(file) => {
                let read = file.take(128).read_to_end(&mut bytes);
                read.map_err(|source| OpenError::KeyUnreadable { path: path.clone(), source })?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::KeyUnreadable { path, source }),
        }
        decode(&bytes).map(Some).ok_or(OpenError::KeyDamaged { path })
    }
}

fn decode(bytes: &[u8]) -> Option<Secret> {
    let mut secret = Secret::default();
    if bytes.len() == secret.len() {
        secret.copy_from_slice(bytes);
        return Some(secret);
    }
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: &u8| char::from(*c).to_digit(16);
        let [high, low] = pair else { return None };
        *byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_32_bytes_or_their_digits() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::new(Some(folder.path().to_owned()));
        let path = folder.path().join("dwell.rules");
        assert!(credentials.secret(Purpose::Rules).unwrap().is_none());
        let digits = "0123456789abcdef".repeat(4);
        for good in [vec![7_u8; 32], digits.clone().into_bytes(), format!("{digits}\n").into_bytes()] {
            std::fs::write(&path, &good).unwrap();
            assert!(credentials.secret(Purpose::Rules).unwrap().is_some());
        }
        for bad in ["", "short", &"x".repeat(64), &"0".repeat(63), &"0".repeat(66)] {
            std::fs::write(&path, bad).unwrap();
            let error = credentials.secret(Purpose::Rules).unwrap_err();
            assert!(matches!(error, OpenError::KeyDamaged { .. }), "{bad:?}");
        }
        assert!(Credentials::default().secret(Purpose::History).unwrap().is_none());
    }
}
