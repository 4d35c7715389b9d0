//! What is stored, where, and who can read it: the text behind `dwell privacy`.

use std::path::Path;

use dwell_bus::wire;
use dwell_vault::{Places, RecordKind, Under};

use crate::keys::{Credentials, Purpose};

/// Everything that is stored, with where it is and what its keys protect from.
pub(super) fn privacy(
    places: &Places,
    config: &Path,
    keys: &[wire::Key],
    rules: &'static str,
) -> wire::Privacy {
    let records = dwell_vault::RECORDS.iter().map(record).collect();
    let mut protection: Vec<wire::KeyPrivacy> =
        keys.iter().map(|key| protects("history", &key.kind, key.place.clone())).collect();
    let place = match rules {
        "keyfile" => places.enf_keyfile().display().to_string(),
        "credential" => Credentials::name(Purpose::Rules).to_owned(),
        _ => Purpose::Rules.label().to_owned(),
    };
    protection.push(protects("rules", rules, Some(place)));
    let place = |path: &Path, holds: &str, encrypted| wire::Place {
        path: path.display().to_string(),
        holds: holds.to_owned(),
        encrypted,
    };
    let mut files = vec![
        place(&places.vault(), "the vault: all records", true),
        place(config, "settings, and the programs that you name in aliases", false),
    ];
    if keys.iter().any(|key| key.kind == "keyfile") {
        files.push(place(&places.keyfile(), "the key of history, readable by you alone", false));
    }
    if rules == "keyfile" {
        files.push(place(
            &places.enf_keyfile(),
            "the key of rules and counters, readable by you alone",
            false,
        ));
    }
    wire::Privacy {
        records,
        places: files,
        keys: protection,
        never: NEVER.map(str::to_owned).to_vec(),
        visible: VISIBLE.map(str::to_owned).to_vec(),
    }
}

const NEVER: [&str; 6] = [
    "window titles, addresses beyond the domain, page contents, what is typed",
    "anything of private windows but that there was one",
    "screenshots, sound, location",
    "what a terminal shows, or with which arguments a program runs in it",
    "anything on another machine: dwelld opens no network socket, and cannot",
    "names of programs or domains in logs or temporary files",
];

const VISIBLE: [&str; 3] = [
    "that dwell is used, and which kinds of key open it",
    "on how many days, in which order, and how many changes of focus today",
    "when the files were last changed, and how large they are",
];

fn record(kind: &RecordKind) -> wire::RecordKind {
    let readable = match kind.under {
        Under::History => "a key of history",
        Under::Rules => "the key of rules, which dwelld always has",
        Under::Slot => "the one key that it is for",
    };
    wire::RecordKind {
        kind: kind.name.to_owned(),
        holds: kind.holds.to_owned(),
        readable: readable.to_owned(),
        kept: kind.kept.to_owned(),
    }
}

fn protects(opens: &str, kind: &str, place: Option<String>) -> wire::KeyPrivacy {
    let (protects, exposed) = match kind {
        "keyfile" => (
            "other people with accounts on this machine; a stolen copy of the vault folder alone",
            "whoever has this disk or your account; programs that run as you",
        ),
        "keyring" => (
            "whoever has this disk, as long as your log-in password is not known or empty",
            "programs that run as you while the keyring is open",
        ),
        "credential" => (
            "whoever has this disk without this machine, where it is sealed to its TPM",
            "administrators of this machine; programs that run as you may ask dwelld",
        ),
        "passphrase" => (
            "whoever has this disk, your account or your backups, as long as it cannot be guessed",
            "programs that run as you while the vault is unlocked",
        ),
        "recovery" => (
            "everybody who does not have the paper it is written on",
            "whoever finds that paper and has a copy of the vault",
        ),
        _ => ("only a newer dwell can tell", "only a newer dwell can tell"),
    };
    wire::KeyPrivacy {
        opens: opens.to_owned(),
        kind: kind.to_owned(),
        place,
        protects: protects.to_owned(),
        exposed: exposed.to_owned(),
    }
}
