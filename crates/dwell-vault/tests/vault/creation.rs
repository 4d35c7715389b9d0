//! Every state between two steps of making a vault, laid out by hand: each opens.

use std::fs;

use dwell_vault::{Note, OpenError, Row};

use crate::world::{World, all, day, focus};

/// A vault with one row, taken back to where its creation was before the last renames.
fn taken_back(steps: usize) -> World {
    let world = World::new();
    let mut vault = world.open();
    vault.append(day(0), &Row::Span(focus(0, 900, "editor"))).unwrap();
    vault.close();
    let (places, folder) = (&world.places, world.generation());
    let undo: [&dyn Fn(); 4] = [
        &|| fs::remove_file(places.vault().join("current")).unwrap(),
        &|| fs::rename(places.enf_keyfile(), folder.join("enf.keyfile")).unwrap(),
        &|| fs::rename(places.keyfile(), folder.join("keyfile")).unwrap(),
        &|| fs::rename(&folder, places.vault().join("new")).unwrap(),
    ];
    undo[..steps].iter().for_each(|step| step());
    world
}

#[test]
fn a_creation_whose_last_renames_are_missing_is_finished() {
    for steps in 0..=3 {
        let world = taken_back(steps);
        let (mut vault, opened) = world.try_open().unwrap();
        assert!(!opened.created && opened.notes.is_empty(), "{steps}: {:?}", opened.notes);
        assert_eq!(all(&mut vault).spans.len(), 1);
        drop(vault);
        assert!(world.places.keyfile().exists() && world.places.enf_keyfile().exists());
        assert_eq!(world.try_open().unwrap().1.notes, []);
    }
}

#[test]
fn a_creation_that_got_no_further_than_its_own_folder_is_done_again() {
    let world = taken_back(4);
    let (mut vault, opened) = world.try_open().unwrap();
    assert!(opened.created);
    assert_eq!(opened.notes, [Note::UnfinishedCreationCleared]);
    assert_eq!(all(&mut vault).spans, []);
    drop(vault);
    for cut in ["hdr", "db", "tip", "keyfile", "enf.keyfile"] {
        let world = taken_back(4);
        fs::write(world.places.vault().join("new").join(cut), b"torn").unwrap();
        assert!(world.try_open().unwrap().1.created, "{cut}");
    }
    let world = World::new();
    fs::create_dir_all(world.places.vault()).unwrap();
    let (_, opened) = world.try_open().unwrap();
    assert!(opened.created && opened.notes.is_empty());
}

#[test]
fn a_key_file_that_stands_where_ours_should_is_never_overwritten() {
    for steps in [3, 4] {
        let (world, other) = (taken_back(steps), taken_back(0));
        fs::copy(other.places.keyfile(), world.places.keyfile()).unwrap();
        let before = world.files();
        let error = world.try_open().unwrap_err();
        match steps {
            3 => assert!(matches!(error, OpenError::WrongKey { .. }), "{error}"),
            _ => assert!(matches!(error, OpenError::VaultMissing { .. }), "{error}"),
        }
        assert!(world.files() == before);
        // Once the stranger is out of the way, it goes on.
        fs::remove_file(world.places.keyfile()).unwrap();
        assert_eq!(world.try_open().unwrap().1.created, steps == 4);
    }
}
