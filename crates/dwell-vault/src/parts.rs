//! The parts of days that a manifest lists, in order. Kept in runs of 30 days that copies share until one changes: a
//! commit works on a copy of the manifest, which thus costs one run's memory and time, and not ten years'.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use crate::manifest::Entry;
use crate::record::DayPart;
use crate::rollup::block_of;

/// See the module. No run is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(BTreeMap<u32, Arc<Run>>);

/// One block's parts in order.
type Run = Vec<(DayPart, Entry)>;

fn block(part: &DayPart) -> u32 {
    block_of(part.day.epoch_days())
}

fn find(run: &Run, part: &DayPart) -> Result<usize, usize> {
    run.binary_search_by(|(other, _)| other.cmp(part))
}

impl Parts {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&DayPart, &Entry)> {
        self.0.values().flat_map(|run| run.iter().map(|(part, entry)| (part, entry)))
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &DayPart> {
        self.iter().map(|(part, _)| part)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.iter().map(|(_, entry)| entry)
    }

    pub(crate) fn range(
        &self,
        range: impl RangeBounds<DayPart>,
    ) -> impl DoubleEndedIterator<Item = (&DayPart, &Entry)> {
        let of = |bound: Bound<&DayPart>, open| match bound {
            Bound::Included(part) | Bound::Excluded(part) => block(part),
            Bound::Unbounded => open,
        };
        let first = of(range.start_bound(), 0);
        let last = of(range.end_bound(), u32::MAX).max(first);
        self.0.range(first..=last).flat_map(move |(_, run)| {
            let from = run.partition_point(|(part, _)| match range.start_bound() {
                Bound::Included(start) => part < start,
                Bound::Excluded(start) => part <= start,
                Bound::Unbounded => false,
            });
            let to = run.partition_point(|(part, _)| match range.end_bound() {
                Bound::Included(end) => part <= end,
                Bound::Excluded(end) => part < end,
                Bound::Unbounded => true,
            });
            run.get(from..to).unwrap_or_default().iter().map(|(part, entry)| (part, entry))
        })
    }

    pub(crate) fn get(&self, part: &DayPart) -> Option<&Entry> {
        let run = self.0.get(&block(part))?;
        find(run, part).ok().and_then(|at| run.get(at)).map(|(_, entry)| entry)
    }

    pub(crate) fn contains_key(&self, part: &DayPart) -> bool {
        self.get(part).is_some()
    }

    /// An entry to change; other copies keep theirs.
    pub(crate) fn get_mut(&mut self, part: &DayPart) -> Option<&mut Entry> {
        let run = self.0.get_mut(&block(part))?;
        let at = find(run, part).ok()?;
        Arc::make_mut(run).get_mut(at).map(|(_, entry)| entry)
    }

    pub(crate) fn insert(&mut self, part: DayPart, entry: Entry) {
        let run = Arc::make_mut(self.0.entry(block(&part)).or_default());
        match find(run, &part) {
            Ok(at) => run[at].1 = entry,
            Err(at) => run.insert(at, (part, entry)),
        }
    }

    pub(crate) fn remove(&mut self, part: &DayPart) {
        let Some(run) = self.0.get_mut(&block(part)) else { return };
        let Ok(at) = find(run, part) else { return };
        if run.len() == 1 {
            self.0.remove(&block(part));
        } else {
            Arc::make_mut(run).remove(at);
        }
    }

    /// Takes over a block's parts from others.
    pub(crate) fn join(&mut self, block: u32, from: Self) {
        self.0.extend(from.0.into_iter().filter(|(of, _)| *of == block).map(|(of, run)| {
            let mut run = Arc::unwrap_or_clone(run);
            run.shrink_to_fit();
            (of, Arc::new(run))
        }));
    }

    /// One block's parts.
    pub(crate) fn run(&self, block: u32) -> &[(DayPart, Entry)] {
        self.0.get(&block).map_or(&[], |run| run)
    }

    /// The blocks that have parts.
    pub(crate) fn blocks(&self) -> BTreeSet<u32> {
        self.0.keys().copied().collect()
    }

    /// The blocks whose parts are others in `next`.
    pub(crate) fn changed(&self, next: &Self) -> BTreeSet<u32> {
        let same = |block: &u32| match (self.0.get(block), next.0.get(block)) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        };
        self.0.keys().chain(next.0.keys()).filter(|block| !same(block)).copied().collect()
    }
}

impl FromIterator<(DayPart, Entry)> for Parts {
    fn from_iter<T: IntoIterator<Item = (DayPart, Entry)>>(parts: T) -> Self {
        let mut all = Self::default();
        parts.into_iter().for_each(|(part, entry)| all.insert(part, entry));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Form;
    use dwell_core::calendar::CivilDay;
    use proptest::prelude::*;

    fn part(at: (i32, u16)) -> DayPart {
        DayPart { day: CivilDay::from_epoch_days(at.0), part: at.1 }
    }

    proptest! {
        /// The same as a map, whatever is done to it, and to copies of it.
        #[test]
        fn parts_are_a_map(
            ops in proptest::collection::vec(((20_000..20_130, 0_u16..3), 0_u64..4), 0..60),
            from in (19_990..20_140, 0_u16..3), to in (19_990..20_140, 0_u16..3),
        ) {
            let (mut parts, mut truth) = (Parts::default(), BTreeMap::<DayPart, Entry>::new());
            let mut copy = (parts.clone(), truth.clone());
            for (i, (at, value)) in ops.into_iter().enumerate() {
                let (at, entry) = (part(at), Entry::new(Form::Journal, value));
                match value {
                    0 => {
                        parts.remove(&at);
                        truth.remove(&at);
                    }
                    1 => {
                        let pair = (parts.get_mut(&at), truth.get_mut(&at));
                        prop_assert_eq!(pair.0.is_some(), pair.1.is_some());
                        if let (Some(a), Some(b)) = pair {
                            (a.damaged, b.damaged) = (true, true);
                        }
                    }
                    _ => {
                        parts.insert(at, entry.clone());
                        truth.insert(at, entry);
                    }
                }
                if i % 20 == 10 {
                    copy = (parts.clone(), truth.clone());
                }
            }
            prop_assert!(parts.iter().eq(&truth) && copy.0.iter().eq(&copy.1));
            prop_assert!(truth.iter().all(|(at, entry)| parts.get(at) == Some(entry)));
            prop_assert_eq!(&truth.clone().into_iter().collect::<Parts>(), &parts);
            let (from, to) = (part(from.min(to)), part(from.max(to)));
            prop_assert!(parts.range(from..=to).eq(truth.range(from..=to)));
            prop_assert!(parts.range(..to).rev().eq(truth.range(..to).rev()));
            prop_assert!(parts.range(from..).eq(truth.range(from..)));
            let mut changed = BTreeSet::new();
            for at in truth.keys().chain(copy.1.keys()) {
                if truth.get(at) != copy.1.get(at) {
                    changed.insert(block(at));
                }
            }
            prop_assert_eq!(copy.0.changed(&parts), changed);
            prop_assert_eq!(parts.blocks(), truth.keys().map(block).collect());
        }
    }
}
