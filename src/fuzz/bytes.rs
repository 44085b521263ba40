//! Bytes as a source of decisions, one byte to most of them, so that a small change of the bytes is a small change of
//! what is done. At the end everything is 0.

pub(super) struct Bytes<'a>(&'a [u8]);

/// Times, lengths and numbers at which something turns over.
const EDGES: [i64; 12] = [
    0,
    1,
    -1,
    2,
    255,
    256,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    /// One of `number` choices.
    pub(super) fn below(&mut self, number: usize) -> usize {
        usize::from(self.byte()) % number.max(1)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// True for one byte in eight.
    pub(super) fn seldom(&mut self) -> bool {
        self.below(8) == 7
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).copied()
    }

    /// Mostly small, now and then at an edge.
    pub(super) fn number(&mut self) -> i64 {
        match self.byte() {
            small @ 0..200 => i64::from(small) % 32,
            edge => EDGES.get(usize::from(edge) % EDGES.len()).copied().unwrap_or_default(),
        }
    }

    /// Up to as many bytes as the next byte says.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
