//! The daemon's care of the vault: answers of a healthy one, and what a test needs to give others.

use std::io::Read;
use std::os::fd::OwnedFd;

use dwell_bus::{Failure, Kind, Request, VaultRequest, wire};

use crate::daemon::{FakeDaemon, NOW, filled, usual as usual_hub};
use crate::place::Place;

/// What opens the vault of these tests.
pub(crate) const PASSPHRASE: &str = "correct horse battery";
/// A recovery key, of the form of real ones.
pub(crate) const RECOVERY: &str = "0K3F9-AAAAA-BBBBB-CCCCC-DDDDD-EEEEE-FFFFF-GGGGG-HHHHH-JJJJJ-KKKKK-XYZ12";

/// A daemon that answers by `care` what it is asked about the vault, and everything else as usual.
pub(crate) fn caring(place: &Place, mut care: impl FnMut(VaultRequest) + Send + 'static) -> FakeDaemon {
    FakeDaemon::start(place, move |request| match request {
        Request::Vault(request) => care(request),
        other => usual_hub(other),
    })
}

/// All that comes through a file descriptor.
pub(crate) fn secret(pipe: OwnedFd) -> String {
    let mut text = String::new();
    std::fs::File::from(pipe).read_to_string(&mut text).unwrap();
    text
}

/// Work that goes through three days and ends with `last`.
pub(crate) fn work(last: &str) -> OwnedFd {
    let progress = |done| format!("{{\"schema\":\"dwell.progress/1\",\"done\":{done},\"total\":3}}");
    filled(&[&progress(0), &progress(3), last])
}

/// The end of work: its name, and more fields or nothing.
pub(crate) fn done(work: &str, more: &str) -> String {
    format!("{{\"schema\":\"dwell.done/1\",\"work\":\"{work}\"{more}}}")
}

/// Answers as a daemon with a healthy vault does.
pub(crate) fn usual(request: VaultRequest) {
    let backups = r#","unrotated":[1],"backups":["/media/old.dwell"]"#;
    let three = r#","days":3,"spans":120"#;
    match request {
        VaultRequest::Info(reply) => drop(reply.send(Ok(info()))),
        VaultRequest::ListKeys(reply) => drop(reply.send(Ok(keys()))),
        VaultRequest::AddKey(kind, reply) => drop(reply.send(Ok(wire::Key {
            number: 3,
            place: Some(format!("the {kind}'s place")),
            kind,
            automatic: true,
            problem: None,
        }))),
        VaultRequest::AddPassphrase(pipe, reply) => drop(reply.send(match secret(pipe).as_str() {
            PASSPHRASE | "short" => {
                Ok(wire::Key { number: 3, kind: "passphrase".into(), ..wire::Key::default() })
            }
            other => Err(Failure::new(Kind::Failed, format!("\"{other}\" came"))),
        })),
        VaultRequest::AddRecovery(reply) => {
            let key = wire::Key { number: 2, kind: "recovery".into(), ..wire::Key::default() };
            drop(reply.send(Ok((key, filled(&[RECOVERY])))));
        }
        VaultRequest::RemoveKey(_, reply) => {
            drop(reply.send(Ok(work(&done("remove-key", backups)))));
        }
        VaultRequest::RotateKeys(reply) => drop(reply.send(Ok(work(&done("rotate", backups))))),
        VaultRequest::Unlock(kind, pipe, _, reply) => {
            let right = matches!(
                (kind.as_str(), secret(pipe).as_str()),
                ("passphrase", PASSPHRASE) | ("recovery", RECOVERY) | ("", "")
            );
            drop(reply.send(if right { Ok(()) } else { Err(wrong(&kind)) }));
        }
        VaultRequest::Lock(reply) | VaultRequest::Accept(reply) => drop(reply.send(Ok(()))),
        VaultRequest::Verify(reply) => drop(reply.send(Ok(work(&done("verify", three))))),
        VaultRequest::Backup(path, reply) => drop(reply.send(if std::path::Path::new(&path).exists() {
            Err(Failure::new(Kind::Invalid, format!("{path} exists already")).hint("name another file"))
        } else {
            std::fs::write(&path, [0; 2048]).unwrap();
            Ok(work(&done("backup", three)))
        })),
        VaultRequest::WouldForget(selection, reply) => drop(reply.send(Ok(would_forget(&selection)))),
        VaultRequest::Forget(_, reply) => {
            let gone = format!(r#","days":12,"spans":340,"seconds":45000{backups}"#);
            drop(reply.send(Ok(work(&done("forget", &gone)))));
        }
        VaultRequest::Import(spans, _, reply) => {
            let given = secret(spans).lines().count() - 1;
            let fields = format!(
                r#","days":2,"spans":{given},"seconds":4000,"ends":["2026-11-01","2026-11-02"],"left_out":{{"known_seconds":60,"later_seconds":120,"unread_seconds":0}}"#
            );
            drop(reply.send(Ok(work(&done("import", &fields)))));
        }
        VaultRequest::Privacy(reply) => drop(reply.send(Ok(privacy()))),
    }
}

/// The refusal of a secret, by a daemon that leaves the next step to others.
fn wrong(kind: &str) -> Failure {
    Failure::new(Kind::Denied, format!("that {kind} does not open the vault"))
}

/// A key file and a passphrase.
pub(crate) fn keys() -> Vec<wire::Key> {
    vec![
        wire::Key {
            number: 0,
            kind: "keyfile".into(),
            place: Some("/home/me/.local/share/dwell/keyfile".into()),
            automatic: true,
            problem: None,
        },
        wire::Key { number: 1, kind: "passphrase".into(), ..wire::Key::default() },
    ]
}

/// A vault of three weeks.
pub(crate) fn info() -> wire::VaultInfo {
    wire::VaultInfo {
        state: "open".into(),
        why: None,
        locks_at_ms: Some(NOW + 300_000),
        path: "/home/me/.local/share/dwell/vault".into(),
        id: "00112233445566778899aabbccddeeff".into(),
        generation: 3,
        first: Some("2026-11-01".into()),
        last: Some("2026-11-21".into()),
        journal_parts: 1,
        sealed_parts: 20,
        totals_parts: 0,
        blocks: 0,
        bytes: 1_240_000,
        damaged: vec![],
        suspect: false,
        copy: true,
        read_only: false,
        keys: keys(),
        rules_key: "keyfile".into(),
        backups: vec![backup("/media/old.dwell", 2), backup("/media/new.dwell", 3)],
        zone: "Europe/Athens".into(),
    }
}

fn backup(path: &str, generation: u64) -> wire::Backup {
    wire::Backup { path: path.into(), at_ms: NOW - 86_400_000, generation }
}

fn would_forget(selection: &wire::Selection) -> wire::Forgotten {
    let wire::Selection { before, day, app, domain } = selection;
    let what = [("before ", before), ("day ", day), ("app:", app), ("domain:", domain)]
        .into_iter()
        .find_map(|(kind, value)| value.as_ref().map(|value| format!("{kind}{value}")))
        .unwrap();
    if app.as_deref() == Some("nothing") {
        return wire::Forgotten { what, ..wire::Forgotten::default() };
    }
    wire::Forgotten {
        what,
        days: 12,
        first: Some("2026-11-01".into()),
        last: Some("2026-11-21".into()),
        spans: 340,
        ms: 45_000_400,
        notes: (app.as_deref() == Some("planned")).then_some(2),
        backups: vec![backup("/media/old.dwell", 2)],
    }
}

fn privacy() -> wire::Privacy {
    wire::Privacy {
        records: vec![wire::RecordKind {
            kind: "day page".into(),
            holds: "every span of a day: program, domain, from when, how long".into(),
            readable: "a key of history".into(),
            kept: "until you forget it".into(),
        }],
        places: vec![
            wire::Place {
                path: "/home/me/.local/share/dwell/vault".into(),
                holds: "all that is recorded".into(),
                encrypted: true,
            },
            wire::Place {
                path: "/home/me/.config/dwell/config.toml".into(),
                holds: "settings, nothing private".into(),
                encrypted: false,
            },
        ],
        keys: vec![wire::KeyPrivacy {
            opens: "history".into(),
            kind: "keyfile".into(),
            place: Some("/home/me/.local/share/dwell/keyfile".into()),
            protects: "other people on this machine, and who gets a copy of the vault".into(),
            exposed: "who takes the whole disk\u{1b}[31m".into(),
        }],
        never: vec!["window titles".into(), "addresses of pages".into()],
        visible: vec!["that it is dwell, and how many days there are".into()],
    }
}
