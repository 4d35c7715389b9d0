//! Whether a part's rows are all there: each must follow the one before.

use crate::journal::Link;

/// What the rows of one part show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Rows that the part has had as far as they show: the next row's ordinal.
    pub(crate) rows: u32,
    /// The last row's tag.
    pub(crate) end: [u8; 16],
    /// Between which rows' numbers something is missing or does not fit; the first may be 0.
    pub(crate) breaks: Vec<(u64, u64)>,
    /// The last row's number, or 0.
    pub(crate) last_seq: u64,
}

impl Chain {
    /// Follows a part's rows, given in order of their ordinals.
    pub(crate) fn of(links: impl IntoIterator<Item = (u64, Link)>) -> Self {
        let mut chain = Self::default();
        for (seq, link) in links {
            if link.ordinal != chain.rows || link.previous != chain.end || seq <= chain.last_seq {
                chain.breaks.push((chain.last_seq, seq));
            }
            chain.rows = link.ordinal.saturating_add(1);
            chain.end = link.tag;
            chain.last_seq = seq;
        }
        chain
    }

    /// Whether nothing is missing before its end.
    pub(crate) const fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(ordinal: u32, previous: u8, tag: u8) -> Link {
        Link { ordinal, previous: [previous; 16], tag: [tag; 16] }
    }

    #[test]
    fn whole_chains_and_each_kind_of_break() {
        let whole = [(4, link(0, 0, 1)), (5, link(1, 1, 2)), (9, link(2, 2, 3))];
        assert_eq!(Chain::of(whole), Chain { rows: 3, end: [3; 16], breaks: vec![], last_seq: 9 });
        assert_eq!(Chain::of([whole[0], whole[2]]).breaks, [(4, 9)], "a row is gone");
        assert_eq!(Chain::of([whole[1], whole[2]]).breaks, [(0, 5)], "the first row is gone");
        assert_eq!(
            Chain::of([whole[0], (5, link(1, 7, 2)), whole[2]]).breaks,
            [(4, 5)],
            "another row's place"
        );
        assert_eq!(Chain::of([whole[0], whole[1], whole[1], whole[2]]).breaks.len(), 1, "a row doubled");
        assert!(Chain::of([]).is_whole());
    }
}
