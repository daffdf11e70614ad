//! The layouts of PROTOCOL.md as data, and values of them as trees: what changes a value in one place, and
//! leaves the rest as it was.

pub mod change;
pub mod objects;

/// How the bytes of something follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// So many bytes: a number, an id, a key, a hash, a signature.
    Plain(usize),
    /// Bytes behind their length.
    Bytes,
    /// Bytes behind their length, which are themselves one of these.
    Holding(Box<Shape>),
    /// Any number of these, behind the length of all of them together.
    List(Box<Shape>),
    /// A byte that says whether it is there, and then it.
    Maybe(Box<Shape>),
    /// A number of so many bytes that says which of these follows.
    Choice(usize, Vec<(u64, Shape)>),
    /// One after the other.
    All(Vec<Shape>),
}

/// A value, or a part of one: its tag, its length, its own bytes, its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What says which of several follows; empty where nothing does.
    pub tag: Vec<u8>,
    /// How its length is written, where it is.
    pub length: Option<Length>,
    /// What it is, where it has no parts.
    pub bytes: Vec<u8>,
    /// What it is made of.
    pub parts: Vec<Node>,
    /// Of what there may be more or fewer parts.
    pub items: Option<Box<Shape>>,
}

/// How a length is written: truly, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// What it is, in as few bytes as it takes.
    True,
    /// What it is, in more bytes than it takes.
    Long,
    /// So much more or less than it is.
    Off(i64),
}

impl Node {
    fn plain(bytes: &[u8]) -> Self {
        Self { tag: vec![], length: None, bytes: bytes.to_vec(), parts: vec![], items: None }
    }

    fn of(parts: Vec<Self>) -> Self {
        Self { parts, ..Self::plain(&[]) }
    }

    /// Several that stand beside each other, with no length of their own.
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let pieces = pieces.into_iter().map(Self::plain).collect();
        Self { items: Some(Box::new(Shape::All(vec![]))), ..Self::of(pieces) }
    }

    /// A text as its lines, each with its end.
    pub fn lines(text: &[u8]) -> Self {
        Self::pieces(text.split_inclusive(|byte| *byte == b'\n'))
    }

    /// The smallest value of this shape.
    pub fn smallest(shape: &Shape) -> Self {
        let length = Some(Length::True);
        match shape {
            Shape::Plain(count) => Self::plain(&vec![0; *count]),
            Shape::Bytes | Shape::Holding(_) => Self { length, ..Self::plain(&[]) },
            Shape::List(of) => Self { length, items: Some(of.clone()), ..Self::plain(&[]) },
            Shape::Maybe(_) => Self { tag: vec![0], ..Self::plain(&[]) },
            Shape::Choice(width, of) => match of.first() {
                Some((number, inner)) => {
                    let tag = number.to_be_bytes()[8 - width..].to_vec();
                    Self { tag, ..Self::of(vec![Self::smallest(inner)]) }
                }
                None => Self::plain(&[]),
            },
            Shape::All(of) => Self::of(of.iter().map(Self::smallest).collect()),
        }
    }

    /// Reads a value of this shape that is all of `bytes`.
    pub fn read(shape: &Shape, bytes: &[u8]) -> Option<Self> {
        let (node, rest) = read(shape, bytes)?;
        rest.is_empty().then_some(node)
    }

    /// Its bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut written = Vec::new();
        self.write_to(&mut written);
        written
    }

    fn write_to(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.tag);
        let Some(length) = self.length else {
            return self.write_content(to);
        };
        let mut content = Vec::new();
        self.write_content(&mut content);
        let true_length = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let (said, long) = match length {
            Length::True => (true_length, false),
            Length::Long => (true_length, true),
            Length::Off(by) => (true_length.saturating_add(by).max(0), false),
        };
        write_length(u32::try_from(said).unwrap_or(u32::MAX), long, to);
        to.extend(content);
    }

    fn write_content(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.bytes);
        for part in &self.parts {
            part.write_to(to);
        }
    }

    /// How many places it has, itself among them.
    pub fn count(&self) -> usize {
        1 + self.parts.iter().map(Self::count).sum::<usize>()
    }

    /// A place by its number, in the order in which it is written.
    pub fn place(&mut self, number: usize) -> Option<&mut Self> {
        let Some(mut left) = number.checked_sub(1) else { return Some(self) };
        for part in &mut self.parts {
            let count = part.count();
            if left < count {
                return part.place(left);
            }
            left -= count;
        }
        None
    }

    /// Which of several it is, and all that it is made of.
    pub fn form(&self) -> Vec<u8> {
        let parts = self.parts.iter().take(if self.items.is_some() { 1 } else { usize::MAX });
        parts.fold(self.tag.clone(), |form, part| [form, part.form()].concat())
    }

    /// Whether the two could stand in each other's place.
    pub fn is_like(&self, other: &Self) -> bool {
        self.tag.len() == other.tag.len()
            && self.length.is_some() == other.length.is_some()
            && self.items == other.items
            && (self.items.is_some() || self.parts.len() == other.parts.len())
            && (self.length.is_some() || self.bytes.len() == other.bytes.len())
    }
}

fn read<'a>(shape: &Shape, bytes: &'a [u8]) -> Option<(Node, &'a [u8])> {
    match shape {
        Shape::Plain(count) => {
            let (own, rest) = bytes.split_at_checked(*count)?;
            Some((Node::plain(own), rest))
        }
        Shape::Bytes => {
            let (content, rest) = read_counted(bytes)?;
            Some((Node { length: Some(Length::True), ..Node::plain(content) }, rest))
        }
        Shape::Holding(inner) => {
            let (content, rest) = read_counted(bytes)?;
            let held = match Node::read(inner, content) {
                Some(held) => Node::of(vec![held]),
                None => Node::plain(content),
            };
            Some((Node { length: Some(Length::True), ..held }, rest))
        }
        Shape::List(of) => {
            let (mut content, rest) = read_counted(bytes)?;
            let mut items = Vec::new();
            while !content.is_empty() {
                let (item, after) = read(of, content)?;
                items.push(item);
                content = after;
            }
            let of = Some(of.clone());
            Some((Node { length: Some(Length::True), items: of, ..Node::of(items) }, rest))
        }
        Shape::Maybe(inner) => match bytes.split_first()? {
            (0, rest) => Some((Node { tag: vec![0], ..Node::plain(&[]) }, rest)),
            (1, rest) => {
                let (inner, rest) = read(inner, rest)?;
                Some((Node { tag: vec![1], ..Node::of(vec![inner]) }, rest))
            }
            _ => None,
        },
        Shape::Choice(width, of) => {
            let (tag, rest) = bytes.split_at_checked(*width)?;
            let number = tag.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            let (_, chosen) = of.iter().find(|(known, _)| *known == number)?;
            let (inner, rest) = read(chosen, rest)?;
            Some((Node { tag: tag.to_vec(), ..Node::of(vec![inner]) }, rest))
        }
        Shape::All(of) => {
            let mut rest = bytes;
            let mut parts = Vec::new();
            for shape in of {
                let (part, after) = read(shape, rest)?;
                parts.push(part);
                rest = after;
            }
            Some((Node::of(parts), rest))
        }
    }
}

/// A length of RFC 9420 section 2.1.2, and what it counts.
fn read_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, _) = bytes.split_first()?;
    let width = 1_usize << (first >> 6);
    let (length, rest) = bytes.split_at_checked(width).filter(|_| width <= 4)?;
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length & ((1 << (8 * width - 2)) - 1))
}

fn write_length(length: u32, long: bool, to: &mut Vec<u8>) {
    let classes = [(0x3f, 1, 0_u32), (0x3fff, 2, 1 << 14), (u32::MAX, 4, 2 << 30)];
    let fitting = classes.iter().position(|(most, _, _)| length <= *most).unwrap_or(2);
    let (_, width, mark) = classes[(fitting + usize::from(long)).min(2)];
    let written = ((length & 0x3fff_ffff) | mark).to_be_bytes();
    to.extend_from_slice(&written[4 - width..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let inner = Shape::All(vec![Shape::Plain(2), Shape::List(Box::new(Shape::Plain(3)))]);
        let shape = Shape::All(vec![
            Shape::Choice(1, vec![(1, Shape::Bytes), (2, Shape::Holding(Box::new(inner)))]),
            Shape::Maybe(Box::new(Shape::Plain(1))),
        ]);
        let bytes = [2, 9, 7, 7, 6, 1, 2, 3, 4, 5, 6, 1, 8];
        let mut node = Node::read(&shape, &bytes).expect("a value");
        assert_eq!(node.write(), bytes);
        assert_eq!(node.count(), 10);
        let list = node.place(5).expect("the list");
        assert!(list.items.is_some());
        let twice = list.parts[0].clone();
        list.parts.extend(vec![twice; 30]);
        // Two lengths grow with it, into two bytes each.
        assert_eq!(node.write().len(), bytes.len() + 90 + 2);
        assert_eq!(Node::read(&shape, &node.write()), Some(node));
    }

    #[test]
    fn a_length_may_lie_and_be_longer_than_it_must_be() {
        let shape = Shape::Bytes;
        let mut node = Node::read(&shape, &[3, 1, 2, 3]).expect("bytes");
        node.length = Some(Length::Off(-2));
        assert_eq!(node.write(), [1, 1, 2, 3]);
        node.length = Some(Length::Long);
        assert_eq!(node.write(), [0x40, 3, 1, 2, 3]);
        assert!(Node::read(&shape, &[4, 1]).is_none());
    }
}
