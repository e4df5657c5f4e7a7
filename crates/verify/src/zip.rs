//! Zip archives in the one form a bundle has: stored without compression, no dates, no comments, one file behind the other.
//!
//! Every other form is refused: what is not read cannot hide anything, and nothing grows when it is unpacked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_BYTES: usize = 30;
/// 1980-01-01, the first day there is.
const DATE: u16 = 0x0021;
/// Version 2.0 on Unix: what gives [`MODE`] its meaning.
const MADE_BY: u16 = 0x0314;
/// Read and write for the owner, as Python's own zip module writes it.
const MODE: u32 = 0o600 << 16;
/// Files of an archive; the format counts them in 16 bits.
const FILES_MAX: usize = 65_535;
const NAME_BYTES_MAX: usize = 255;

/// Why an archive could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The system could not do it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It would be larger than the format allows.
    #[error("more than 4 GiB or 65,535 files do not fit into an archive; a directory has no such limit")]
    TooLarge,
    /// It is not in the one form a bundle has.
    #[error("byte {at} of the archive: {rule}; unpack it and check the directory")]
    Form {
        /// Where.
        at: u64,
        /// What is wrong there.
        rule: &'static str,
    },
    /// The bytes of a file are not those its header was made for.
    #[error("{name}: the checksum of the archive does not fit the bytes")]
    Checksum {
        /// The file.
        name: String,
    },
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    crc: u32,
    bytes: u32,
    offset: u32,
}

/// Writes an archive, file by file.
#[derive(Debug)]
pub struct ZipWriter<W> {
    out: W,
    written: u64,
    entries: Vec<Entry>,
}

/// An archive that was found to be in form.
#[derive(Debug)]
pub(crate) struct ZipReader {
    file: File,
    entries: Vec<Entry>,
}

impl<W: Write> ZipWriter<W> {
    /// An archive that begins at the current end of `out`.
    pub const fn new(out: W) -> Self {
        Self {
            out,
            written: 0,
            entries: Vec::new(),
        }
    }

    /// Adds a file. The name must be at most 255 ASCII bytes.
    ///
    /// # Errors
    /// [`ZipError::TooLarge`] when it does not fit any more.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), ZipError> {
        let entry = Entry {
            name: name.to_owned(),
            crc: crc32(bytes),
            bytes: narrow(bytes.len())?,
            offset: u32::try_from(self.written).ok().ok_or(ZipError::TooLarge)?,
        };
        if self.entries.len() >= FILES_MAX || name.len() > NAME_BYTES_MAX {
            return Err(ZipError::TooLarge);
        }
        self.put(&entry.local())?;
        self.put(bytes)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the directory of the archive and gives the writer back.
    ///
    /// # Errors
    /// [`ZipError`] when that does not work.
    pub fn finish(mut self) -> Result<W, ZipError> {
        let start = u32::try_from(self.written).ok().ok_or(ZipError::TooLarge)?;
        let end = directory(&self.entries, start)?;
        self.put(&end)?;
        Ok(self.out)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ZipError> {
        self.out.write_all(bytes)?;
        self.written = self
            .written
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl ZipReader {
    /// Reads where everything is. Only headers are read by this.
    pub(crate) fn open(mut file: File) -> Result<Self, ZipError> {
        let length = file.metadata()?.len();
        let mut entries = Vec::new();
        let mut at = 0;
        while let Some(entry) = read_local(&mut file, at)? {
            if entries.len() >= FILES_MAX {
                return Err(ZipError::TooLarge);
            }
            at = entry.end();
            if at > length {
                return Err(ZipError::Form {
                    at: length,
                    rule: "the archive ends inside a file",
                });
            }
            file.seek(SeekFrom::Start(at))?;
            entries.push(entry);
        }
        let start = u32::try_from(at).ok().ok_or(ZipError::TooLarge)?;
        let expected = directory(&entries, start)?;
        let mut found = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        let most = u64::try_from(expected.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        Read::by_ref(&mut file).take(most).read_to_end(&mut found)?;
        if found != expected {
            let rule = "the directory is not that of the files before it";
            return Err(ZipError::Form { at, rule });
        }
        Ok(Self { file, entries })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    pub(crate) fn bytes_of(&self, name: &str) -> Option<u64> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(u64::from(entry.bytes))
    }

    /// The bytes of a file of at most the length its header states, which lie in the archive.
    pub(crate) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ZipError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name).cloned() else {
            return Ok(None);
        };
        let start = entry.end().saturating_sub(u64::from(entry.bytes));
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.file)
            .take(u64::from(entry.bytes))
            .read_to_end(&mut bytes)?;
        if crc32(&bytes) == entry.crc {
            Ok(Some(bytes))
        } else {
            Err(ZipError::Checksum { name: entry.name })
        }
    }
}

impl Entry {
    /// What stands before the bytes of the file.
    fn local(&self) -> Vec<u8> {
        let mut out = LOCAL.to_le_bytes().to_vec();
        self.fields(&mut out);
        out.extend_from_slice(self.name.as_bytes());
        out
    }

    /// What the directory says about the file.
    fn central(&self) -> Vec<u8> {
        let mut out = CENTRAL.to_le_bytes().to_vec();
        out.extend_from_slice(&MADE_BY.to_le_bytes());
        self.fields(&mut out);
        // No comment, first disk, binary.
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&MODE.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        out
    }

    /// Version, flags, method, time, date, checksum, two lengths, length of the name, no extra field.
    fn fields(&self, out: &mut Vec<u8>) {
        for word in [20, 0, 0, 0, DATE] {
            out.extend_from_slice(&u16::to_le_bytes(word));
        }
        for long in [self.crc, self.bytes, self.bytes] {
            out.extend_from_slice(&long.to_le_bytes());
        }
        // At most 255 by construction.
        let name = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&name.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }

    fn end(&self) -> u64 {
        let header = u64::try_from(LOCAL_BYTES + self.name.len()).unwrap_or(u64::MAX);
        u64::from(self.offset)
            .saturating_add(header)
            .saturating_add(u64::from(self.bytes))
    }
}

/// The directory and the end of an archive whose files end at `start`.
fn directory(entries: &[Entry], start: u32) -> Result<Vec<u8>, ZipError> {
    let mut out: Vec<u8> = entries.iter().flat_map(Entry::central).collect();
    let length = narrow(out.len())?;
    let count = u16::try_from(entries.len()).ok().ok_or(ZipError::TooLarge)?;
    out.extend_from_slice(&END.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    Ok(out)
}

/// The header at `at`, where the file stands; none where the directory begins.
fn read_local(file: &mut File, at: u64) -> Result<Option<Entry>, ZipError> {
    let refused = |rule| ZipError::Form { at, rule };
    let mut header = [0; LOCAL_BYTES];
    file.read_exact(header.get_mut(..4).unwrap_or_default())
        .map_err(|error| ended(error, at))?;
    let magic = long_at(&header, 0);
    if magic == CENTRAL || (magic == END && at == 0) {
        return Ok(None);
    }
    if magic != LOCAL {
        return Err(refused("this is no file of a zip archive"));
    }
    file.read_exact(header.get_mut(4..).unwrap_or_default())
        .map_err(|error| ended(error, at))?;
    let name_bytes = usize::from(word_at(&header, 26));
    if !(1..=NAME_BYTES_MAX).contains(&name_bytes) {
        return Err(refused("a name has 1 to 255 bytes"));
    }
    let mut name = vec![0; name_bytes];
    file.read_exact(&mut name).map_err(|error| ended(error, at))?;
    let name = String::from_utf8(name)
        .ok()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| refused("a name is printable ASCII"))?;
    let entry = Entry {
        name,
        crc: long_at(&header, 14),
        bytes: long_at(&header, 18),
        offset: u32::try_from(at).ok().ok_or(ZipError::TooLarge)?,
    };
    if entry.local().get(..LOCAL_BYTES) == Some(header.as_slice()) {
        Ok(Some(entry))
    } else {
        Err(refused(
            "a file of a bundle is stored without compression, date and extra fields",
        ))
    }
}

fn ended(error: io::Error, at: u64) -> ZipError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let rule = "the archive ends too early";
        ZipError::Form { at, rule }
    } else {
        error.into()
    }
}

fn word_at(header: &[u8], at: usize) -> u16 {
    let word = header.get(at..).and_then(<[u8]>::first_chunk::<2>);
    word.map_or(0, |word| u16::from_le_bytes(*word))
}

fn long_at(header: &[u8], at: usize) -> u32 {
    let long = header.get(at..).and_then(<[u8]>::first_chunk::<4>);
    long.map_or(0, |long| u32::from_le_bytes(*long))
}

fn narrow(length: usize) -> Result<u32, ZipError> {
    u32::try_from(length).ok().ok_or(ZipError::TooLarge)
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut byte = 0_u32;
    let mut rest: &mut [u32] = &mut table;
    while let [slot, after @ ..] = rest {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        *slot = crc;
        byte += 1;
        rest = after;
    }
    table
}

static CRC_TABLE: [u32; 256] = crc_table();

/// CRC-32 as in zip and gzip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        crc >> 8 ^ CRC_TABLE.get(usize::from(low)).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
