//! Files that are there whole or not at all: written under another name, made durable, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::Failure;

const BUFFER_BYTES: usize = 1 << 20;

/// A file that is being written, or standard output.
#[derive(Debug)]
pub(crate) struct Output {
    target: PathBuf,
    /// Its name until it is whole; standard output has none.
    partial: Option<PathBuf>,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Standard(BufWriter<io::Stdout>),
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Output {
    /// Begins to write; `-` is standard output, and a name that ends in `.gz` is compressed.
    pub(crate) fn create(target: &Path) -> Result<Self, Failure> {
        if target == Path::new("-") {
            return Ok(Self {
                target: target.to_owned(),
                partial: None,
                sink: Sink::Standard(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())),
            });
        }
        let mut partial = target.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(|error| Failure::file("write", &partial, &error))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let is_gzip = target.extension().is_some_and(|ending| ending == "gz");
        Ok(Self {
            target: target.to_owned(),
            partial: Some(partial),
            sink: if is_gzip {
                Sink::Gzip(GzEncoder::new(file, Compression::default()))
            } else {
                Sink::Plain(file)
            },
        })
    }

    /// Whether this is standard output.
    pub(crate) const fn is_standard(&self) -> bool {
        self.partial.is_none()
    }

    /// Makes it durable and gives it its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let finished = self.close();
        let target = self.target.clone();
        finished.map_err(|error| Failure::file("write", &target, &error))
    }

    fn close(&mut self) -> io::Result<()> {
        let file = match &mut self.sink {
            Sink::Standard(out) => return out.flush(),
            Sink::Plain(file) => file,
            Sink::Gzip(gzip) => {
                gzip.try_finish()?;
                gzip.get_mut()
            }
        };
        file.flush()?;
        file.get_ref().sync_all()?;
        if let Some(partial) = &self.partial {
            fs::rename(partial, &self.target)?;
        }
        // From here on there is nothing to clean up.
        self.partial = None;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Standard(out) => out.write(bytes),
            Sink::Plain(file) => file.write(bytes),
            Sink::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Standard(out) => out.flush(),
            Sink::Plain(file) => file.flush(),
            Sink::Gzip(gzip) => gzip.flush(),
        }
    }
}

impl Drop for Output {
    /// What did not become whole is taken away.
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            fs::remove_file(partial).unwrap_or_default();
        }
    }
}
