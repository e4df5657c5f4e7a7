//! The flags `--evidence` and `--evidence-file`: documents by digest; the documents themselves are never sent.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use portbook_domain::{Digest, Evidence, Text};
use portbook_ledger::sha256;

use super::word::whole;
use crate::exit::Exit;
use crate::failure::Failure;

/// Documents of a command.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// A document by digest: KIND=SHA256, then optionally ,size=BYTES and ,type=MEDIA-TYPE; repeatable
    #[arg(long, value_name = "KIND=SHA256", value_parser = evidence)]
    evidence: Vec<Evidence>,
    /// A document on this machine, hashed here and not sent: KIND=PATH; repeatable
    #[arg(long, value_name = "KIND=PATH", value_parser = document)]
    evidence_file: Vec<Document>,
}

/// A document that is still to be hashed.
#[derive(Debug, Clone)]
struct Document {
    kind: Text,
    path: PathBuf,
}

impl EvidenceArgs {
    /// The documents named by digest, then those hashed from files.
    pub(super) fn gather(&self) -> Result<Vec<Evidence>, Failure> {
        let hashed = self.evidence_file.iter().map(Document::hash);
        self.evidence.iter().cloned().map(Ok).chain(hashed).collect()
    }
}

impl Document {
    fn hash(&self) -> Result<Evidence, Failure> {
        let bytes = fs::read(&self.path).map_err(|error| Failure::file("read", &self.path, &error))?;
        let sha256 =
            Digest::new(&sha256(&[&bytes]).to_hex()).map_err(|error| Failure::of(Exit::Usage, &error))?;
        Ok(Evidence {
            kind: self.kind.clone(),
            sha256,
            size: u64::try_from(bytes.len()).ok(),
            media_type: None,
        })
    }
}

fn evidence(text: &str) -> Result<Evidence, String> {
    let (kind, rest) = kind_of(text, "SHA256")?;
    let mut parts = rest.split(',');
    let sha256 = Digest::new(parts.next().unwrap_or_default()).map_err(|error| error.to_string())?;
    let mut evidence = Evidence {
        kind,
        sha256,
        size: None,
        media_type: None,
    };
    for part in parts {
        match part.split_once('=') {
            Some(("size", bytes)) if evidence.size.is_none() => {
                evidence.size =
                    Some(whole(bytes).ok_or_else(|| format!("size must be whole bytes, found {bytes:?}"))?);
            }
            Some(("type", media)) if evidence.media_type.is_none() => {
                evidence.media_type = Some(Text::new(media).map_err(|error| format!("type: {error}"))?);
            }
            _ => {
                return Err(format!(
                    "{part:?} is neither size=BYTES nor type=MEDIA-TYPE, each once"
                ));
            }
        }
    }
    Ok(evidence)
}

fn document(text: &str) -> Result<Document, String> {
    let (kind, path) = kind_of(text, "PATH")?;
    Ok(Document {
        kind,
        path: PathBuf::from(path),
    })
}

fn kind_of<'a>(text: &'a str, rest: &str) -> Result<(Text, &'a str), String> {
    let (kind, value) = text
        .split_once('=')
        .ok_or_else(|| format!("a document is written as KIND={rest}, found {text:?}"))?;
    let kind = Text::new(kind).map_err(|error| format!("kind: {error}"))?;
    Ok((kind, value))
}
