//! What cannot be opened is told apart, and left as it is to the last byte.

use std::fs;

use dwell_vault::{Note, OpenError, Part};
use sha2::{Digest, Sha256};

use crate::world::{World, all, record, some_spans};

fn filled() -> World {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 5));
    vault.put_enforcement(b"rules").unwrap();
    vault.close();
    world
}

/// Breaks a vault, tries to open it, and checks that the try changed nothing.
fn refused(world: &World) -> OpenError {
    let before = world.files();
    let error = world.try_open().unwrap_err();
    let error_again = world.try_open().unwrap_err();
    assert_eq!(error.to_string(), error_again.to_string());
    assert!(!error.to_string().contains('\n') && !error.to_string().is_empty());
    assert!(world.files() == before, "files changed: {error}");
    error
}

#[test]
fn a_missing_key_file() {
    let world = filled();
    fs::remove_file(world.places.keyfile()).unwrap();
    let error = refused(&world);
    assert!(matches!(&error, OpenError::KeyMissing { path } if *path == world.places.keyfile()), "{error}");
}

#[test]
fn a_key_file_of_another_vault() {
    let (world, other) = (filled(), filled());
    fs::copy(other.places.keyfile(), world.places.keyfile()).unwrap();
    let error = refused(&world);
    assert!(matches!(&error, OpenError::WrongKey { path } if *path == world.places.keyfile()), "{error}");
    let world = filled();
    fs::copy(other.places.enf_keyfile(), world.places.enf_keyfile()).unwrap();
    let error = refused(&world);
    assert!(matches!(&error, OpenError::WrongKey { path } if *path == world.places.enf_keyfile()), "{error}");
}

#[test]
fn a_damaged_or_unreadable_key_file() {
    for purpose in 0..2 {
        let world = filled();
        let path = [world.places.keyfile(), world.places.enf_keyfile()][purpose].clone();
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(refused(&world), OpenError::KeyDamaged { path: p } if p == path));
        // Root reads what no mode forbids, so the test takes what nobody can read as a file.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(refused(&world), OpenError::KeyUnreadable { path: p, .. } if p == path));
    }
}

#[test]
fn a_key_file_without_a_vault() {
    for vault_folder in [false, true] {
        let world = filled();
        fs::remove_dir_all(world.places.vault()).unwrap();
        if vault_folder {
            fs::create_dir(world.places.vault()).unwrap();
        }
        let error = refused(&world);
        assert!(
            matches!(&error, OpenError::VaultMissing { key, .. } if *key == world.places.keyfile()),
            "{error}"
        );
        fs::remove_file(world.places.keyfile()).unwrap();
        let error = refused(&world);
        assert!(
            matches!(&error, OpenError::VaultMissing { key, .. } if *key == world.places.enf_keyfile()),
            "{error}"
        );
    }
}

#[test]
fn a_cut_or_damaged_header_is_corrupt_and_never_a_wrong_key() {
    for length in [0, 100, 4095] {
        let world = filled();
        let path = world.generation().join("hdr");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Header }));
    }
    for at in [0, 8, 100, 300, 480, 3000, 4010, 4090] {
        let world = filled();
        let path = world.generation().join("hdr");
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let (mut vault, opened) = world.try_open().unwrap();
        assert_eq!(opened.notes, [Note::HeaderCopyDamaged]);
        assert_eq!(all(&mut vault).spans.len(), 5);
        vault.close();
        bytes[at + 4096] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Header }), "byte {at}");
    }
    let world = filled();
    fs::remove_file(world.generation().join("hdr")).unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Header }));
}

#[test]
fn a_format_of_the_future() {
    let world = filled();
    let path = world.generation().join("hdr");
    let mut bytes = fs::read(&path).unwrap();
    for at in [0, 4096] {
        bytes[at + 8] = 7;
        let sum = Sha256::digest(&bytes[at..at + 12]);
        bytes[at + 12..at + 16].copy_from_slice(&sum[..4]);
    }
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(refused(&world), OpenError::Newer { major: 7 }));
}

#[test]
fn a_lost_database() {
    let world = filled();
    fs::remove_file(world.generation().join("db")).unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Database }));
    fs::write(world.generation().join("db"), b"").unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Database }));
}

#[test]
fn a_link_that_leads_nowhere_or_could_lead_to_two() {
    let world = filled();
    fs::remove_file(world.places.vault().join("current")).unwrap();
    fs::create_dir(world.places.vault().join("g.2")).unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Current }));
    std::os::unix::fs::symlink("g.3", world.places.vault().join("current")).unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Current }));
    fs::remove_file(world.places.vault().join("current")).unwrap();
    std::os::unix::fs::symlink("../../elsewhere", world.places.vault().join("current")).unwrap();
    assert!(matches!(refused(&world), OpenError::Corrupt { what: Part::Current }));
}

#[test]
fn a_missing_enforcement_key_comes_back_from_the_header() {
    let world = filled();
    let before = fs::read(world.places.enf_keyfile()).unwrap();
    fs::remove_file(world.places.enf_keyfile()).unwrap();
    let (vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, [Note::EnforcementKeyRestored]);
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    assert_eq!(fs::read(world.places.enf_keyfile()).unwrap(), before);
}

#[test]
fn a_key_file_that_others_could_read_is_closed_and_told() {
    use std::os::unix::fs::PermissionsExt;
    let world = filled();
    fs::set_permissions(world.places.keyfile(), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(world.try_open().unwrap().1.notes, [Note::KeyWasReadable]);
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

#[test]
fn everything_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 5));
    let mut names = Vec::new();
    for path in world.files().into_keys().filter(|path| !path.is_symlink()) {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["db", "db-shm", "db-wal", "enf.keyfile", "hdr", "keyfile", "running", "tip"]);
    for folder in [world.places.data_dir.clone(), world.places.vault(), world.generation()] {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
    }
}
