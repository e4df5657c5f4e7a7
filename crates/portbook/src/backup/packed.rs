//! Items packed one behind the other, as C2SP entry bundles have them: `u16 length || bytes`, big-endian.

use std::io::{self, Read, Write};

/// Writes one item.
pub(crate) fn write_item(to: &mut impl Write, item: &[u8]) -> io::Result<()> {
    let length =
        u16::try_from(item.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(item)
}

/// The items of a file, in order.
pub(crate) fn items_of<R: Read>(from: R) -> Items<R> {
    Items { from }
}

/// Iterator of [`items_of`].
#[derive(Debug)]
pub(crate) struct Items<R> {
    from: R,
}

impl<R: Read> Items<R> {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; 2];
        let Some((first, second)) = length.split_first_mut() else {
            return Ok(None);
        };
        if self.from.read(std::slice::from_mut(first))? == 0 {
            return Ok(None);
        }
        self.from.read_exact(second)?;
        let mut item = vec![0; usize::from(u16::from_be_bytes(length))];
        self.from.read_exact(&mut item)?;
        Ok(Some(item))
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_as_they_went_in_and_a_cut_is_an_error() {
        let items = [b"".to_vec(), b"a".to_vec(), vec![7; 65_535]];
        let mut packed = Vec::new();
        for item in &items {
            write_item(&mut packed, item).unwrap();
        }
        let read: io::Result<Vec<Vec<u8>>> = items_of(packed.as_slice()).collect();
        assert_eq!(read.unwrap(), items);
        for cut in [1, 3, 4, packed.len() - 1] {
            assert!(items_of(&packed[..cut]).any(|item| item.is_err()), "{cut}");
        }
        assert!(write_item(&mut Vec::new(), &vec![0; 65_536]).is_err());
    }
}
