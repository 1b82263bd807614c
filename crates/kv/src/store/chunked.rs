//! A queue in chunks of equal size, addressed by numbers that never change.
//!
//! Growing never moves what is there, so no single apply pays for copying
//! everything, and dropping from the front gives memory back by the chunk.

use std::collections::VecDeque;

const CHUNK: usize = 1024;

#[derive(Debug)]
pub(crate) struct Chunked<T> {
    chunks: VecDeque<Vec<T>>,
    /// Number of the first slot of the first chunk.
    base: u64,
    /// Number of the first item that is held.
    start: u64,
    /// Number that the next item gets.
    end: u64,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            base: 0,
            start: 0,
            end: 0,
        }
    }
}

impl<T: Default> Chunked<T> {
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        (self.chunks.len() * CHUNK * size_of::<T>()) as u64
    }

    /// Adds an item and gives its number.
    pub(crate) fn push(&mut self, item: T) -> u64 {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(item),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(item);
                self.chunks.push_back(chunk);
            }
        }
        self.end += 1;
        self.end - 1
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (chunk, slot) = self.locate(number)?;
        self.chunks.get(chunk)?.get(slot)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (chunk, slot) = self.locate(number)?;
        self.chunks.get_mut(chunk)?.get_mut(slot)
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let item = std::mem::take(self.get_mut(self.start)?);
        self.start += 1;
        if self.start - self.base == CHUNK as u64 {
            self.chunks.pop_front();
            self.base = self.start;
        }
        Some(item)
    }

    /// Takes the newest item back; the next one gets its number.
    pub(crate) fn pop_back(&mut self) -> Option<T> {
        if self.start == self.end {
            return None;
        }
        let chunk = self.chunks.back_mut().expect("an item is in a chunk");
        let item = chunk.pop().expect("no chunk is empty");
        if chunk.is_empty() {
            self.chunks.pop_back();
        }
        self.end -= 1;
        Some(item)
    }

    fn locate(&self, number: u64) -> Option<(usize, usize)> {
        if number < self.start || number >= self.end {
            return None;
        }
        let offset = (number - self.base) as usize;
        Some((offset / CHUNK, offset % CHUNK))
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Chunked};

    #[test]
    fn items_keep_their_numbers_while_the_front_is_dropped() {
        let mut queue = Chunked::default();
        let total = 3 * CHUNK as u64 + 7;
        (0..total).for_each(|number| assert_eq!(queue.push(number), number));
        for dropped in 0..total {
            assert_eq!(queue.get(dropped), Some(&dropped));
            assert_eq!(queue.get(total - 1), Some(&(total - 1)));
            assert_eq!(queue.pop_front(), Some(dropped));
            assert_eq!(queue.get(dropped), None);
        }
        assert_eq!(queue.pop_front(), None);
        assert_eq!(queue.push(5), total);
        assert_eq!(queue.get(total), Some(&5));
    }

    #[test]
    fn items_taken_back_leave_their_numbers_to_the_next_ones() {
        let mut queue = Chunked::default();
        let total = 2 * CHUNK as u64 + 3;
        for number in 0..total {
            queue.push(number);
        }
        for _ in 0..CHUNK + 5 {
            queue.pop_front();
        }
        let left = queue.start();
        for number in (left..total).rev() {
            assert_eq!(queue.get(number), Some(&number));
            assert_eq!(queue.pop_back(), Some(number));
            assert_eq!(queue.get(number), None);
        }
        assert_eq!((queue.pop_back(), queue.pop_front()), (None, None));
        for number in left..total {
            assert_eq!(queue.push(number), number);
            assert_eq!(queue.get(number), Some(&number));
        }
    }

    #[test]
    fn dropping_the_front_gives_whole_chunks_back() {
        let mut queue = Chunked::default();
        for number in 0..4 * CHUNK {
            queue.push(number);
        }
        let full = queue.memory_bytes();
        for _ in 0..3 * CHUNK {
            queue.pop_front();
        }
        assert_eq!(queue.memory_bytes(), full / 4);
    }
}
