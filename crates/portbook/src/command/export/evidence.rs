//! Evidence bundles and tiles.

use std::path::Path;

use portbook_evidence::{Bundle, Evidence, Published, Sink, Span};
use portbook_ledger::{Chain, Size};
use portbook_store::StoreReader;
use serde::Serialize;

use crate::args::{At, ExportArgs};
use crate::command::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct BundleDocument<'a> {
    schema: &'static str,
    format: &'static str,
    out: &'a Path,
    port: String,
    count: u64,
    first: u64,
    last: u64,
    size: u64,
    root: String,
    files: usize,
}

#[derive(Serialize)]
struct TilesDocument<'a> {
    schema: &'static str,
    format: &'static str,
    out: &'a Path,
    size: u64,
    root: String,
    ports: u64,
    files: u64,
}

/// Writes the whole log as static files.
pub(super) fn export_tiles(session: &Session, args: &ExportArgs) -> Outcome {
    let out = args.dir.as_deref().or(args.out.as_deref());
    let out = out.ok_or_else(|| {
        Failure::new(Exit::Usage, "tiles need a directory to go to").hint("portbook export tiles DIR")
    })?;
    let evidence = signing_evidence(session)?;
    let published = published_at(&evidence, args.at)?;
    let mut sink = Sink::folder(out)?;
    let bar = session.speech.bar("writing tiles", 0);
    let written = evidence.write_tiles(&published, &mut sink, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let count = written?;
    sink.finish()?;
    let checkpoint = &published.checkpoint;
    if session.speech.is_machine() {
        session.speech.json(&TilesDocument {
            schema: "portbook.export/v1",
            format: "tiles",
            out,
            size: checkpoint.size.get(),
            root: checkpoint.root.to_base64(),
            ports: count.ports,
            files: count.files,
        })?;
    } else {
        session.speech.answer(format_args!(
            "{} leaves and {} ports in {} files at {}",
            grouped(checkpoint.size.get()),
            count.ports,
            grouped(count.files),
            out.display()
        ))?;
    }
    Ok(Exit::Done)
}

/// Writes the evidence of one port.
pub(super) fn export_bundle(session: &Session, args: &ExportArgs) -> Outcome {
    let out = args.out.as_deref().ok_or_else(|| {
        Failure::new(Exit::Usage, "a bundle needs a place to go to").hint(format!(
            "portbook export {} --format bundle --out evidence.zip",
            args.what
        ))
    })?;
    if args.dir.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "only tiles go to a DIR; a bundle goes to --out",
        ));
    }
    write_bundle(session, args, chain_of(&args.what)?, out)?;
    Ok(Exit::Done)
}

/// Writes the evidence of `chain` to `out` and says what is in it; gives how many records the port has.
pub(crate) fn write_bundle(
    session: &Session,
    args: &ExportArgs,
    chain: Chain,
    out: &Path,
) -> Result<u64, Failure> {
    let evidence = evidence_of(session)?;
    let published = published_at(&evidence, args.at)?;
    let earlier = args
        .earlier
        .map(|at| published_at(&evidence, Some(at)))
        .transpose()?;
    let policy = match &args.policy {
        Some(path) => std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?,
        None => format!("log {}\nquorum none\n", evidence.log_key()),
    };
    let bundle = Bundle {
        published: &published,
        chain,
        span: args
            .range
            .map_or(Span::All, |(first, last)| Span::Positions(first..=last)),
        earlier: earlier.as_ref(),
        policy: &policy,
    };
    let mut sink = if out.extension().is_some_and(|ending| ending == "zip") {
        Sink::archive(out)?
    } else {
        Sink::folder(out)?
    };
    let bar = session.speech.bar("writing records", 0);
    let written = evidence.write_bundle(&bundle, &mut sink, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let manifest = written?;
    sink.finish()?;
    if session.speech.is_machine() {
        session.speech.json(&BundleDocument {
            schema: "portbook.export/v1",
            format: "bundle",
            out,
            port: chain.to_string(),
            count: manifest.count,
            first: manifest.first,
            last: manifest.last,
            size: manifest.checkpoint.size.get(),
            root: manifest.checkpoint.root.to_base64(),
            files: manifest.files.len(),
        })?;
    } else {
        let records = match (manifest.first, manifest.last) {
            (0, _) => "no records".to_owned(),
            (first, last) => format!("records {} to {}", grouped(first), grouped(last)),
        };
        session.speech.answer(format_args!(
            "{chain} {records} of {} under checkpoint {} at {}",
            grouped(manifest.count),
            grouped(manifest.checkpoint.size.get()),
            out.display()
        ))?;
    }
    Ok(manifest.count)
}

/// Evidence of the ledger in the home directory.
pub(crate) fn evidence_of(session: &Session) -> Result<Evidence, Failure> {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let key = session.home.public_key(KeyOf::Log)?;
    Ok(Evidence::new(reader, session.home.ledger(), key)?)
}

/// The same, able to sign the checkpoints of ports.
pub(crate) fn signing_evidence(session: &Session) -> Result<Evidence, Failure> {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let key = session.home.key(KeyOf::Log)?;
    Ok(Evidence::signing(reader, session.home.ledger(), key)?)
}

/// Size of the checkpoint asked for.
pub(super) fn size_at(session: &Session, at: At) -> Result<u64, Failure> {
    let published = published_at(&evidence_of(session)?, Some(at))?;
    Ok(published.checkpoint.size.get())
}

/// The checkpoint asked for; the newest when none was.
pub(crate) fn published_at(evidence: &Evidence, at: Option<At>) -> Result<Published, Failure> {
    let found = match at {
        None => evidence.published()?.map(|published| (*published).clone()),
        Some(At::Size(size)) => evidence.published_at(Size::new(size))?,
        Some(At::Time(time)) => {
            let limit = time.as_nanosecond();
            let mut found = None;
            for size in evidence.published_sizes()?.into_iter().rev() {
                let published = evidence.published_at(size)?;
                found = published.filter(|it| i128::from(it.seal.sealed_at_ns) <= limit);
                if found.is_some() {
                    break;
                }
            }
            found
        }
    };
    found.ok_or_else(|| {
        Failure::new(Exit::Unavailable, "there is no such checkpoint")
            .hint("portbook checkpoint ls lists them; portbook up seals and signs")
    })
}
