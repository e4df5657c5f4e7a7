//! Facts from files into the stream, against publishing the same messages and nothing else.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use portbook_bus::{Identity, PublishLimits, Publisher};
use portbook_import::Importer;
use portbook_wire::observation::read_observations;

use crate::figure::{Pair, alternate, median, per_second};
use crate::message::{messages_of, unsigned_of};
use crate::site::{Place, importer_signer, importer_source};
use crate::{Failure, bare, fact};

/// Files the facts are divided into; each is imported and published in turn.
const FILES: u64 = 5;

/// An import that did not store every line.
#[derive(Debug, thiserror::Error)]
#[error("{recorded} of {lines} lines were recorded")]
struct Incomplete {
    recorded: u64,
    lines: u64,
}

/// The facts of a stream, in files.
#[derive(Debug)]
pub(crate) struct Facts {
    files: Vec<PathBuf>,
    per_file: u64,
}

impl Facts {
    /// Writes `events` facts, a few less where they cannot be divided evenly.
    pub(crate) fn write(place: &Place, events: u64) -> Result<Self, Failure> {
        let per_file = events / FILES;
        let mut files = Vec::new();
        for number in 0..FILES {
            let path = place.file(&format!("facts-{number}.ndjson"));
            fact::write(&path, number * per_file..(number + 1) * per_file)?;
            files.push(path);
        }
        Ok(Self { files, per_file })
    }

    fn file(&self, round: u64) -> Result<&Path, Failure> {
        let file = usize::try_from(round)
            .ok()
            .and_then(|round| self.files.get(round));
        Ok(file.ok_or("there are fewer files of facts than rounds")?)
    }
}

/// What an import is held against.
#[derive(Debug)]
pub(crate) struct Compared {
    /// Against publishing messages that were signed before.
    pub(crate) with_publishing: Pair,
    /// Against signing and publishing them.
    pub(crate) with_signing: Pair,
}

/// Imports into `place` and publishes to the `rivals` in turn, file by file: to the first what is signed, to the second what
/// is signed on the way. Afterwards `place` holds every fact.
pub(crate) async fn compare(place: &Place, rivals: [&Place; 2], facts: &Facts) -> Result<Compared, Failure> {
    let mut importer = importer(place).await?;
    let [publishing, signing] = rivals;
    let publisher = bare::connect(publishing, Identity::Importer).await?;
    let signer = bare::connect(signing, Identity::Importer).await?;
    let mut while_signing = Vec::new();
    let with_publishing = alternate(
        FILES,
        async |round| import(&mut importer, facts.file(round)?, facts.per_file).await,
        async |round| {
            let unsigned = unsigned_of(facts.file(round)?)?;
            let started = Instant::now();
            bare::sign_and_publish(&signer, unsigned, &importer_signer()?).await?;
            while_signing.push(per_second(facts.per_file, started.elapsed()));
            let batches = bare::batches_of(&publisher, messages_of(facts.file(round)?)?);
            let started = Instant::now();
            bare::publish(&publisher, batches).await?;
            Ok(per_second(facts.per_file, started.elapsed()))
        },
    )
    .await?;
    Ok(Compared {
        with_publishing,
        with_signing: Pair {
            limit: median(while_signing),
            ..with_publishing
        },
    })
}

/// Imports every file into `place`; gives the rate.
pub(crate) async fn fill(place: &Place, facts: &Facts) -> Result<u64, Failure> {
    let mut importer = importer(place).await?;
    let started = Instant::now();
    for file in &facts.files {
        import(&mut importer, file, facts.per_file).await?;
    }
    Ok(per_second(facts.per_file * FILES, started.elapsed()))
}

async fn importer(place: &Place) -> Result<Importer, Failure> {
    let bus = place.connect(Identity::Importer).await?;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    Ok(Importer::new(
        &bus,
        publisher,
        importer_source()?,
        importer_signer()?,
    ))
}

async fn import(importer: &mut Importer, file: &Path, lines: u64) -> Result<u64, Failure> {
    let started = Instant::now();
    let input = BufReader::with_capacity(1 << 20, File::open(file)?);
    let observations = read_observations(input, "facts.ndjson")?;
    let tally = importer
        .import(observations, &mut |_| Ok(()), &mut |_| {})
        .await?;
    let took = started.elapsed();
    if tally.recorded != lines {
        return Err(Incomplete {
            recorded: tally.recorded,
            lines,
        }
        .into());
    }
    Ok(per_second(lines, took))
}
