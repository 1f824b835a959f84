//! The bytes of a capture as they come.

use std::io::{self, BufRead, ErrorKind};

use pcap_file::PcapError;

/// A reader, and what has been read from it without being used yet.
#[derive(Debug)]
pub(crate) struct Feed<R> {
    reader: R,
    bytes: Vec<u8>,
    used: usize,
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The end comes before the end of the record.
    CutShort,
    /// Its header cannot be true.
    Nonsense,
    System(io::Error),
}

impl<R: BufRead> Feed<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new(), used: 0 }
    }

    /// Whether `magic` comes next.
    pub(crate) fn starts_with(&mut self, magic: &[u8]) -> io::Result<bool> {
        while self.unused().len() < magic.len() && self.read_on()? {}
        Ok(self.unused().starts_with(magic))
    }

    /// The next record; nothing at the end. `parse` answers what follows the record as well, or that the buffer is
    /// incomplete: then more is read, up to `most` bytes.
    pub(crate) fn next<T>(
        &mut self,
        most: usize,
        parse: impl Fn(&[u8]) -> Result<(&[u8], T), PcapError>,
    ) -> Result<Option<T>, Stop> {
        loop {
            match parse(self.unused()) {
                Ok((rest, record)) => {
                    self.used = self.bytes.len() - rest.len();
                    return Ok(Some(record));
                }
                Err(PcapError::IncompleteBuffer) if self.unused().len() < most => {}
                Err(_) => return Err(Stop::Nonsense),
            }
            if !self.read_on().map_err(Stop::System)? {
                return if self.unused().is_empty() { Ok(None) } else { Err(Stop::CutShort) };
            }
        }
    }

    fn unused(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Reads what there is now, after waiting for it; nothing at the end.
    fn read_on(&mut self) -> io::Result<bool> {
        let new = loop {
            match self.reader.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let length = new.len();
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(new);
        self.reader.consume(length);
        Ok(length > 0)
    }
}
