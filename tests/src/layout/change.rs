//! Changes of a value that leave most of it as it was: what somebody would send who knows the layout.

use super::{Length, Node};

/// One change: what, where, and how. Any three numbers are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which kind of change.
    pub what: u8,
    /// In which place, modulo how many there are.
    pub place: u32,
    /// A number that it may need.
    pub with: u64,
}

/// Kinds of changes; whatever is larger is taken modulo this.
pub const KINDS: u8 = 12;
/// Parts that a list may be made to have.
const SIZES: [usize; 8] = [0, 2, 9, 33, 65, 101, 257, 10_001];

impl Change {
    /// Makes it in `value`. `others` are values of the same kind, to take parts from.
    pub fn make(self, value: &mut Node, others: &[Node]) {
        let with = usize::try_from(self.with).unwrap_or(usize::MAX);
        let count = value.count();
        let place = usize::try_from(self.place).unwrap_or_default() % count;
        let donor = with.checked_rem(others.len()).and_then(|at| others.get(at));
        let mut donor = donor.cloned();
        let donated = donor.as_mut().and_then(|it| {
            // The same place first, so that a part comes where it could have been.
            let places = it.count();
            it.place(place % places).cloned()
        });
        let kind = self.what % KINDS;
        // What is about a length wants one.
        let place = if matches!(kind, 5 | 9 | 10) { counted(value, place) } else { place };
        let Some(node) = value.place(place) else { return };
        match kind {
            0 => flip(node, with),
            1 => edge(node, self.with),
            2 => swap(node, with),
            3 => twice(node, with),
            4 => remove(node, with),
            5 => resize(node, with),
            6 => tag(node, self.with),
            7 => cut(node, with),
            8 => extend(node, with),
            9 => lie(node, self.with),
            10 => long(node),
            _ => splice(node, donated),
        }
    }
}

/// A place that has a length, where there is one: the next after this.
fn counted(value: &mut Node, place: usize) -> usize {
    let count = value.count();
    let mut next = (place..count).chain(0..place);
    let has_length = |at: &usize| value.place(*at).is_some_and(|node| node.length.is_some());
    next.find(has_length).unwrap_or(place)
}

fn flip(node: &mut Node, with: usize) {
    let bits = node.bytes.len() * 8;
    if let Some(bit) = with.checked_rem(bits) {
        node.bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// A number at, or beside, one of its ends.
fn edge(node: &mut Node, with: u64) {
    let size = node.bytes.len();
    if !(1..=8).contains(&size) {
        let fill = if with.is_multiple_of(2) { 0 } else { 0xff };
        node.bytes.fill(fill);
        return;
    }
    let number = node.bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let edges = [0, 1, number.wrapping_add(1), number.wrapping_sub(1), u64::MAX, u64::MAX >> 1];
    let edge = edges[usize::try_from(with).unwrap_or_default() % edges.len()];
    node.bytes.copy_from_slice(&edge.to_be_bytes()[8 - size..]);
}

fn swap(node: &mut Node, with: usize) {
    let count = node.parts.len();
    if count > 1 {
        node.parts.swap(with % count, (with / count) % count);
    }
}

fn twice(node: &mut Node, with: usize) {
    if let Some(at) = with.checked_rem(node.parts.len()) {
        node.parts.insert(at, node.parts[at].clone());
    } else {
        node.bytes.extend_from_within(..);
    }
}

fn remove(node: &mut Node, with: usize) {
    if let Some(at) = with.checked_rem(node.parts.len()) {
        node.parts.remove(at);
    } else {
        node.bytes.clear();
    }
}

/// A list of another length, around what lists may have.
fn resize(node: &mut Node, with: usize) {
    let wanted = SIZES[with % SIZES.len()].saturating_sub(with / SIZES.len() % 2);
    if let Some(of) = &node.items {
        let first = node.parts.first().cloned().unwrap_or_else(|| Node::smallest(of));
        // Large ones of what is itself large would say nothing more.
        let most = (1 << 20) / first.write().len().max(1);
        node.parts.resize(wanted.min(most), first);
    } else if node.length.is_some() && node.parts.is_empty() {
        node.bytes.resize(wanted, 0x61);
    }
}

/// Another of several, or none that is known.
fn tag(node: &mut Node, with: u64) {
    let size = node.tag.len();
    if (1..=8).contains(&size) {
        node.tag.copy_from_slice(&(with % 20).to_be_bytes()[8 - size..]);
    } else {
        flip(node, usize::try_from(with).unwrap_or_default());
    }
}

fn cut(node: &mut Node, with: usize) {
    if let Some(left) = with.checked_rem(node.bytes.len()) {
        node.bytes.truncate(left);
    } else {
        node.parts.truncate(with % (node.parts.len() + 1));
    }
}

fn extend(node: &mut Node, with: usize) {
    let more = [1, 16, 32, 1024, 65_536][with % 5];
    let filling = u8::try_from(with % 251).unwrap_or_default();
    let stuffing = vec![filling; more];
    if node.parts.is_empty() {
        node.bytes.extend(stuffing);
    } else {
        node.parts.push(Node {
            tag: vec![],
            length: None,
            bytes: stuffing,
            parts: vec![],
            items: None,
        });
    }
}

fn lie(node: &mut Node, with: u64) {
    let offs = [-1, 1, -2, 64, 16_384, i64::from(u32::MAX), i64::MIN / 2];
    if node.length.is_some() {
        let off = offs[usize::try_from(with).unwrap_or_default() % offs.len()];
        node.length = Some(Length::Off(off));
    }
}

fn long(node: &mut Node) {
    if node.length.is_some() {
        node.length = Some(Length::Long);
    }
}

fn splice(node: &mut Node, donated: Option<Node>) {
    if let Some(donated) = donated.filter(|it| it.is_like(node)) {
        *node = donated;
    }
}
