//! What a disk holds when the power fails, told from what `recorder.c` wrote down.
//!
//! The model is stricter than any file system: what was written is on the disk only once that file was synced, and a
//! name only once its folder was; a file that was renamed from one folder to another may have both names, or none. Two
//! things are taken for granted: a sync, when it returns, has been one; and a folder never has two names.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One thing that a process did.
pub(crate) struct Op {
    kind: u8,
    path: PathBuf,
    to: PathBuf,
    offset: u64,
    pub(crate) data: Vec<u8>,
}

impl Op {
    /// Whether it makes something last, so that the moments around it differ.
    pub(crate) fn is_sync(&self) -> bool {
        self.kind == b'S'
    }

    /// What was written to a file of this name.
    pub(crate) fn said(&self, name: &str) -> Option<&[u8]> {
        (self.kind == b'W' && self.path.file_name().is_some_and(|n| n == name)).then_some(&self.data[..])
    }
}

/// The recorder's log.
pub(crate) fn read_log(path: &Path) -> Vec<Op> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut take = |n: usize| {
        let (head, tail) = rest.split_at_checked(n)?;
        rest = tail;
        Some(head.to_vec())
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let mut ops = Vec::new();
    while let Some(head) = take(25) {
        let size = |range| usize::try_from(number(&head[range])).unwrap();
        let (a, b, data) = (size(1..5), size(5..9), size(17..25));
        let path = |bytes: Vec<u8>| PathBuf::from(std::ffi::OsStr::from_bytes(&bytes));
        let (from, to) = (path(take(a).unwrap()), path(take(b).unwrap()));
        ops.push(Op {
            kind: head[0],
            path: from,
            to,
            offset: number(&head[9..17]),
            data: take(data).unwrap(),
        });
    }
    ops
}

/// What reaches the disk of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Luck {
    /// Nothing.
    None,
    /// Names as synced, and of the bytes each sector or not, by chance.
    SomeBytes,
    /// All names, and of the bytes each sector or not, by chance.
    NamesAndSomeBytes,
}

#[derive(Clone)]
enum Node {
    Folder { live: BTreeMap<PathBuf, usize>, synced: BTreeMap<PathBuf, usize> },
    Link(PathBuf),
    File { synced: Vec<u8>, pending: Vec<Write> },
}

#[derive(Clone)]
enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

/// The files below a folder, as they are and as they would be after a crash.
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
    /// Folders that went from one folder to another since either was synced.
    moved: Vec<Moved>,
}

/// A folder's old and new place: the folder that it is in, and its name there.
struct Moved {
    id: usize,
    from: (usize, PathBuf),
    to: (usize, PathBuf),
}

const SECTOR: usize = 512;

impl Disk {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), nodes: vec![folder()], moved: Vec::new() }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let mut at = 0;
        for name in path.strip_prefix(&self.root).ok()?.iter() {
            let Node::Folder { live, .. } = &self.nodes[at] else { return None };
            at = *live.get(Path::new(name))?;
        }
        Some(at)
    }

    fn entries(&mut self, path: &Path) -> Option<&mut BTreeMap<PathBuf, usize>> {
        let folder = self.find(path.parent()?)?;
        match &mut self.nodes[folder] {
            Node::Folder { live, .. } => Some(live),
            _ => None,
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let id = self.nodes.len() - 1;
        let name = path.file_name().unwrap().into();
        self.entries(path).unwrap().insert(name, id);
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        let name: PathBuf = op.path.file_name().unwrap_or_default().into();
        match op.kind {
            b'C' => self.add(&op.path, Node::File { synced: Vec::new(), pending: Vec::new() }),
            b'D' => self.add(&op.path, folder()),
            b'L' => self.add(&op.path, Node::Link(op.to.clone())),
            b'R' => {
                let id = self.entries(&op.path).unwrap().remove(&name).unwrap();
                let to: PathBuf = op.to.file_name().unwrap().into();
                self.entries(&op.to).unwrap().insert(to.clone(), id);
                let parent = |path: &Path| self.find(path.parent().unwrap()).unwrap();
                if matches!(self.nodes[id], Node::Folder { .. }) {
                    let (from, to) = ((parent(&op.path), name), (parent(&op.to), to));
                    self.moved.push(Moved { id, from, to });
                }
            }
            b'U' | b'X' => drop(self.entries(&op.path).and_then(|entries| entries.remove(&name))),
            // What is done to a file without a name, or one that was there before, concerns nobody.
            _ => {
                let Some(id) = self.find(&op.path) else { return };
                match (&mut self.nodes[id], op.kind) {
                    (Node::File { pending, .. }, b'W') => {
                        pending.push(Write::Bytes(op.offset, op.data.clone()));
                    }
                    (Node::File { pending, .. }, b'T') => pending.push(Write::Length(op.offset)),
                    (Node::File { synced, pending }, b'S') => {
                        pending.drain(..).for_each(|write| write.onto(synced, &mut |_| true));
                    }
                    (Node::Folder { live, synced }, b'S') => {
                        *synced = live.clone();
                        self.settle(id);
                    }
                    _ => {}
                }
            }
        }
    }

    /// What went to or from a folder that was synced is gone from the one, and in the other.
    fn settle(&mut self, folder: usize) {
        let ours = |moved: &mut Moved| moved.from.0 == folder || moved.to.0 == folder;
        for Moved { id, from, to } in self.moved.extract_if(.., ours) {
            if let Node::Folder { synced, .. } = &mut self.nodes[from.0] {
                synced.retain(|name, node| (name, *node) != (&from.1, id));
            }
            if let Node::Folder { synced, .. } = &mut self.nodes[to.0] {
                synced.insert(to.1, id);
            }
        }
    }

    /// Lays out what a disk would hold if the power failed now.
    pub(crate) fn lay_out(&self, to: &Path, luck: Luck, seed: u64) {
        let mut state = seed | 1;
        let mut chance = move |_| {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.is_multiple_of(2)
        };
        self.lay(0, to, luck, &mut chance);
    }

    fn lay(&self, at: usize, to: &Path, luck: Luck, chance: &mut dyn FnMut(usize) -> bool) {
        match &self.nodes[at] {
            Node::Folder { live, synced } => {
                fs::create_dir(to).unwrap();
                let names = if luck == Luck::NamesAndSomeBytes { live } else { synced };
                for (name, id) in names {
                    if !name.to_string_lossy().ends_with("-shm") {
                        self.lay(*id, &to.join(name), luck, chance);
                    }
                }
            }
            Node::Link(target) => std::os::unix::fs::symlink(target, to).unwrap(),
            Node::File { synced, pending } => {
                let mut bytes = synced.clone();
                if luck != Luck::None {
                    pending.iter().for_each(|write| write.clone().onto(&mut bytes, chance));
                }
                fs::write(to, bytes).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                fs::set_permissions(to, mode).unwrap();
            }
        }
    }
}

impl Write {
    /// Writes each sector for which `arrives` says so.
    fn onto(self, file: &mut Vec<u8>, arrives: &mut dyn FnMut(usize) -> bool) {
        match self {
            Self::Length(length) => {
                if arrives(0) {
                    file.resize(usize::try_from(length).unwrap(), 0);
                }
            }
            Self::Bytes(offset, data) => {
                let mut at = usize::try_from(offset).unwrap();
                let mut rest = &data[..];
                while !rest.is_empty() {
                    let (sector, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                    if arrives(at) {
                        file.resize(file.len().max(at + sector.len()), 0);
                        file[at..at + sector.len()].copy_from_slice(sector);
                    }
                    (at, rest) = (at + sector.len(), more);
                }
            }
        }
    }
}

fn folder() -> Node {
    Node::Folder { live: BTreeMap::new(), synced: BTreeMap::new() }
}
