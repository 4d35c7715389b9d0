//! One durable commit of a store: the work, the manifest where it changes, and then the tip.

use crate::db::{Table, Writing};
use crate::error::WriteError;
use crate::keys::digest;
use crate::manifest::{Lists, Manifest};
use crate::record::{self, Place, SealError};
use crate::store::Store;
use crate::tip::{Head, Tip};

/// A manifest that is to be written.
struct Rewritten {
    manifest: Manifest,
    lists: Lists,
    /// The root's.
    digest: [u8; 32],
    /// Records to put, or to take away, by their ids.
    blobs: Vec<(i64, Option<Vec<u8>>)>,
}

impl Store {
    /// One durable commit: `work`, and the manifest where it changes.
    pub(crate) fn commit(
        &mut self,
        manifest: Option<Manifest>,
        work: impl FnOnce(&Writing<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), WriteError> {
        if self.read_only {
            return Err(WriteError::ReadOnly);
        }
        let manifest = match manifest {
            None if self.manifest_changed => Some(self.manifest.clone()),
            other => other,
        };
        let rewritten = manifest.map(|manifest| self.rewritten(manifest)).transpose()?;
        let tx = self.db.write()?;
        work(&tx)?;
        for (id, blob) in rewritten.iter().flat_map(|rewritten| &rewritten.blobs) {
            match blob {
                Some(blob) => tx.put(Table::Meta, *id, blob)?,
                None => tx.delete(Table::Meta, *id)?,
            }
        }
        tx.commit()?;
        if let Some(Rewritten { manifest, lists, digest, .. }) = rewritten {
            (self.manifest, self.lists, self.manifest_digest) = (manifest, lists, digest);
            self.manifest_changed = false;
        }
        Ok(())
    }

    /// Seals a manifest that takes the last one's place: its root, and those of its lists that change.
    fn rewritten(&mut self, mut manifest: Manifest) -> Result<Rewritten, WriteError> {
        manifest.revision = self.manifest.revision + 1;
        manifest.next_seq = manifest.next_seq.max(self.next_seq);
        let generation = self.facts.generation;
        let there = manifest.parts.blocks();
        let mut changed =
            if self.manifest_changed { there.clone() } else { self.manifest.parts.changed(&manifest.parts) };
        changed.extend(self.lists.keys().filter(|block| !there.contains(block)));
        let (mut lists, mut blobs) = (self.lists.clone(), Vec::with_capacity(changed.len() + 1));
        for block in changed {
            let place = Place::list(generation, block);
            if there.contains(&block) {
                let blob = self.seal_meta(&place, &manifest.encode_list(block))?;
                lists.insert(block, digest(&blob));
                blobs.push((self.enf.blind(&place), Some(blob)));
            } else {
                lists.remove(&block);
                blobs.push((self.enf.blind(&place), None));
            }
        }
        // After its lists: so no later key step than the root's is in use.
        let place = Place::manifest(generation);
        let root = self.seal_meta(&place, &manifest.encode_root(&lists))?;
        let digest = digest(&root);
        blobs.push((self.enf.blind(&place), Some(root)));
        Ok(Rewritten { manifest, lists, digest, blobs })
    }

    fn seal_meta(&mut self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (step, key) = self.enf.sealing_key(&self.facts.vault_id, place);
        record::seal(&key, &self.facts.vault_id, step, place, plain)
    }

    /// Says outside the database how far it has come. A failure leaves the tip behind, which it may be.
    pub(crate) fn write_tip(&mut self) {
        let heads = self.parts.iter().rev().map(|(part, open)| Head {
            part: *part,
            rows: open.rows,
            chain: open.chain,
            minute: open.minute,
            totals: open.counted.totals(),
        });
        let tip = Tip {
            counter: 0,
            revision: self.manifest.revision,
            next_seq: self.next_seq,
            manifest: self.manifest_digest,
            header: self.facts.header,
            header_revision: self.facts.header_revision,
            heads: heads.collect(),
        };
        let _ = self.tip.write(tip, &mut self.enf, &self.facts.vault_id, self.facts.generation);
    }
}
