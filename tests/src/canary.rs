//! Looks for a secret in everything that a program left in a folder.

use std::fs;
use std::path::{Path, PathBuf};

/// An app id that occurs nowhere else in the world.
#[must_use]
pub fn unique_app() -> String {
    let letters: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
    format!("Canary{letters}")
}

/// The files below a folder (or the one file) whose names or raw bytes hold the secret.
#[must_use]
pub fn files_that_hold(secret: &str, below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    search(secret.as_bytes(), below, &mut found);
    found
}

/// How many plain files the same search reads, to know that it looked at something.
#[must_use]
pub fn files_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return usize::from(folder.is_file()) };
    entries.filter_map(Result::ok).map(|entry| files_below(&entry.path())).sum()
}

fn search(secret: &[u8], path: &Path, found: &mut Vec<PathBuf>) {
    let Ok(kind) = fs::symlink_metadata(path).map(|file| file.file_type()) else { return };
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let target = fs::read_link(path).unwrap_or_default();
    let contents = if kind.is_file() {
        fs::read(path).unwrap_or_else(|error| panic!("cannot search {}: {error}", path.display()))
    } else {
        Vec::new()
    };
    if [name, target.as_os_str().as_encoded_bytes(), &contents].iter().any(|bytes| holds(bytes, secret)) {
        found.push(path.to_owned());
    }
    if kind.is_dir() {
        let entries =
            fs::read_dir(path).unwrap_or_else(|error| panic!("cannot search {}: {error}", path.display()));
        for entry in entries.filter_map(Result::ok) {
            search(secret, &entry.path(), found);
        }
    }
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret))
}
