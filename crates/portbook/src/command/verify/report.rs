//! A verification that holds, line by line: what was checked, and what was not.

use portbook_audit::{Epoch, Rederived, Verification};
use portbook_ledger::{Chain, Head};
use portbook_store::Verdict;
use portbook_witness::Cosigned;
use serde::Serialize;
use serde_json::Value;

use super::epoch::EpochDocument;
use super::stream::Compared;
use super::trust::Trusted;
use crate::command::source::{gap_document, words_of};
use crate::failure::Failure;
use crate::session::Session;
use crate::speech::{grouped, harmless};

/// Gaps told one by one; `portbook source ls` tells more.
const GAPS_TOLD_MAX: usize = 5;
/// Verdicts on keys that are known but may not sign this.
const NOT_ENTITLED: &[Verdict] = &[
    Verdict::WrongSource,
    Verdict::WrongType,
    Verdict::OutOfValidity,
    Verdict::RevokedKey,
];

/// A verification that holds, as it is told.
pub(super) struct Report<'a> {
    pub(super) verification: &'a Verification,
    pub(super) trust: &'a Trusted,
    pub(super) compared: Option<&'a Compared>,
    /// How far the cosignatures go; none when no policy was brought along.
    pub(super) cosigned: Option<Cosigned>,
    pub(super) elapsed_ms: u128,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: &'static str,
    origin: &'a str,
    size: u64,
    root: String,
    beyond: u64,
    roots: usize,
    remembered_size: Option<u64>,
    chains: Vec<ChainDocument>,
    signatures: Option<SignaturesDocument>,
    source_gaps: Option<Vec<Value>>,
    stream_messages: Option<u64>,
    epochs: Vec<EpochDocument<'a>>,
    witnesses: Option<WitnessesDocument>,
    not_checked: Vec<&'static str>,
}

#[derive(Serialize)]
struct ChainDocument {
    chain: String,
    records: u64,
    head: String,
    root: String,
}

#[derive(Serialize)]
struct SignaturesDocument {
    valid: u64,
    unsigned: u64,
    bad: u64,
    unknown_key: u64,
    /// The four below together.
    not_entitled: u64,
    wrong_source: u64,
    wrong_type: u64,
    out_of_validity: u64,
    revoked_key: u64,
    contested: u64,
    unsupported_leaves: Vec<u64>,
}

#[derive(Serialize)]
struct WitnessesDocument {
    cosigned: usize,
    known: usize,
    quorum: bool,
}

impl SignaturesDocument {
    fn of(rederived: &Rederived) -> Self {
        let of = |verdict| rederived.signatures.of(verdict);
        Self {
            valid: of(Verdict::Valid),
            unsigned: of(Verdict::Unsigned),
            bad: of(Verdict::BadSignature),
            unknown_key: of(Verdict::UnknownKey),
            not_entitled: NOT_ENTITLED.iter().map(|verdict| of(*verdict)).sum(),
            wrong_source: of(Verdict::WrongSource),
            wrong_type: of(Verdict::WrongType),
            out_of_validity: of(Verdict::OutOfValidity),
            revoked_key: of(Verdict::RevokedKey),
            contested: rederived.signatures.contested,
            unsupported_leaves: rederived.unsupported.iter().map(|(leaf, _)| *leaf).collect(),
        }
    }
}

impl Report<'_> {
    /// Prints the report on `chains`; none means all.
    pub(super) fn print(&self, session: &Session, chains: &[Chain]) -> Result<(), Failure> {
        let known: Vec<&Head> = self.verification.log.heads.iter().collect();
        let asked: Vec<&Head> = known
            .into_iter()
            .filter(|head| chains.is_empty() || chains.contains(&head.chain))
            .collect();
        if session.speech.is_machine() {
            return session.speech.json(&self.document(&asked));
        }
        self.print_checks(session, &asked)?;
        for chain in chains
            .iter()
            .filter(|chain| asked.iter().all(|head| head.chain != **chain))
        {
            session.speech.answer(format_args!(
                "  {chain} has no records: no seal commits to a head of it"
            ))?;
        }
        let checkpoint = &self.verification.checkpoint;
        let what = if chains.is_empty() {
            "all chains".to_owned()
        } else {
            chains
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let verdict = self.verdict().to_uppercase();
        session.speech.answer(format_args!(
            "{verdict} {what} @{} {}  {}.{:01} s",
            grouped(checkpoint.size.get()),
            checkpoint.root.to_base64(),
            self.elapsed_ms / 1000,
            self.elapsed_ms % 1000 / 100
        ))?;
        session.speech.tell(
            "Does not show: events nobody published; truth of what a producer signed; other histories shown to others.",
        );
        Ok(())
    }

    /// Without the quorum that was asked for, the rest is not a pass.
    fn verdict(&self) -> &'static str {
        if self.cosigned.is_some_and(|cosigned| !cosigned.quorum) {
            "incomplete"
        } else {
            "verified"
        }
    }

    fn print_checks(&self, session: &Session, asked: &[&Head]) -> Result<(), Failure> {
        let speech = &session.speech;
        let Verification {
            checkpoint,
            epochs,
            beyond,
            roots,
            log,
            rederived,
        } = self.verification;
        let good = speech.mark(true);
        speech.answer(format_args!(
            "{}  {} leaves",
            checkpoint.origin,
            grouped(checkpoint.size.get())
        ))?;
        for head in asked {
            speech.answer(format_args!(
                "  {:<11} {:>12} records   head {}",
                head.chain.to_string(),
                grouped(head.count.get()),
                head.head_hash.to_hex().get(..16).unwrap_or_default()
            ))?;
        }
        speech.answer(format_args!(
            "  {good} leaves       {} hashed again from stored bytes",
            grouped(log.size.get())
        ))?;
        speech.answer(format_args!(
            "  {good} chains       {} chains, genesis to head, no link broken",
            log.heads.len()
        ))?;
        let seal = log
            .last_seal
            .map_or_else(|| "none".to_owned(), |seal| grouped(seal.get()));
        speech.answer(format_args!(
            "  {good} complete     every head is in the seal at leaf {seal}: nothing is missing"
        ))?;
        speech.answer(format_args!(
            "  {good} append-only  {roots} signed trees reproduced{}",
            self.remembered()
        ))?;
        speech.answer(format_args!(
            "  {good} signature    {} (Ed25519), key from {}",
            self.trust.trust.log_key.id(),
            self.trust.key_from
        ))?;
        print_cosigned(session, self.cosigned)?;
        match rederived {
            Some(rederived) => print_rederived(session, rederived)?,
            None => speech.answer("  - producers    not checked (--quick)")?,
        }
        if let Some(Compared {
            messages,
            differs: None,
        }) = &self.compared
        {
            speech.answer(format_args!(
                "  {good} stream       {} messages equal their records",
                grouped(*messages)
            ))?;
        }
        print_epochs(session, epochs)?;
        if *beyond > 0 {
            speech.tell(format_args!(
                "{} newer leaves are not signed yet and were not looked at",
                grouped(*beyond)
            ));
        }
        Ok(())
    }

    fn remembered(&self) -> String {
        let seen = self.trust.seen.checkpoint.as_ref();
        seen.map_or_else(String::new, |seen| {
            format!(
                ", among them the one of {} seen here before",
                grouped(seen.size.get())
            )
        })
    }

    fn document(&self, asked: &[&Head]) -> Document<'_> {
        let Verification {
            checkpoint,
            epochs,
            beyond,
            roots,
            rederived,
            ..
        } = self.verification;
        let mut not_checked = vec!["unpublished-events", "truth-of-statements", "split-views"];
        if rederived.is_none() {
            not_checked.extend(["producers", "placement"]);
        }
        Document {
            schema: "portbook.verify/v1",
            verdict: self.verdict(),
            origin: checkpoint.origin.as_str(),
            size: checkpoint.size.get(),
            root: checkpoint.root.to_base64(),
            beyond: *beyond,
            roots: *roots,
            remembered_size: self.trust.seen.checkpoint.as_ref().map(|seen| seen.size.get()),
            chains: asked
                .iter()
                .map(|head| ChainDocument {
                    chain: head.chain.to_string(),
                    records: head.count.get(),
                    head: head.head_hash.to_hex(),
                    root: head.chain_root.to_hex(),
                })
                .collect(),
            signatures: rederived.as_ref().map(SignaturesDocument::of),
            source_gaps: rederived
                .as_ref()
                .map(|rederived| rederived.sources.gaps.iter().map(gap_document).collect()),
            stream_messages: self.compared.map(|compared| compared.messages),
            epochs: epochs.iter().map(EpochDocument::of).collect(),
            witnesses: self.cosigned.map(|cosigned| WitnessesDocument {
                cosigned: cosigned.witnesses,
                known: cosigned.known,
                quorum: cosigned.quorum,
            }),
            not_checked,
        }
    }
}

fn print_cosigned(session: &Session, cosigned: Option<Cosigned>) -> Result<(), Failure> {
    let Some(Cosigned {
        witnesses,
        known,
        quorum,
    }) = cosigned
    else {
        return Ok(());
    };
    let (mark, verdict) = (
        session.speech.mark(quorum),
        if quorum { "a quorum" } else { "no quorum" },
    );
    session.speech.answer(format_args!(
        "  {mark} witnesses    {witnesses} of {known}, {verdict}"
    ))
}

fn print_epochs(session: &Session, epochs: &[Epoch]) -> Result<(), Failure> {
    for epoch in epochs {
        session.speech.answer(format_args!(
            "  - epoch {:<5}  declared behind {} leaves by {}: {}",
            epoch.number,
            grouped(epoch.index),
            harmless(&epoch.declared_by),
            harmless(&epoch.reason)
        ))?;
    }
    Ok(())
}

fn print_rederived(session: &Session, rederived: &Rederived) -> Result<(), Failure> {
    let counts = &rederived.signatures;
    let supported = rederived.unsupported.is_empty();
    let not_entitled: u64 = NOT_ENTITLED.iter().map(|verdict| counts.of(*verdict)).sum();
    session.speech.answer(format_args!(
        "  {} producers    {} signatures hold, {} unsigned, {} bad, {} by unknown keys, {} not entitled",
        session.speech.mark(supported),
        grouped(counts.of(Verdict::Valid)),
        grouped(counts.of(Verdict::Unsigned)),
        grouped(counts.of(Verdict::BadSignature)),
        grouped(counts.of(Verdict::UnknownKey)),
        grouped(not_entitled)
    ))?;
    if !supported {
        let leaves: Vec<String> = rederived
            .unsupported
            .iter()
            .map(|(leaf, verdict)| format!("{leaf} {}", verdict.word()))
            .collect();
        session
            .speech
            .answer(format_args!("      first such leaves: {}", leaves.join(", ")))?;
    }
    if counts.contested > 0 {
        session.speech.answer(format_args!(
            "      {} of the signatures that hold are contested by a revocation",
            grouped(counts.contested)
        ))?;
    }
    print_sources(session, rederived)?;
    if rederived.misplaced.is_none() {
        session.speech.answer(format_args!(
            "  {} placement    every record derived again from its message",
            session.speech.mark(true)
        ))?;
    }
    Ok(())
}

/// What the sources state about themselves: the only thing that shows what never reached the ledger.
fn print_sources(session: &Session, rederived: &Rederived) -> Result<(), Failure> {
    let book = &rederived.sources;
    let covered = book.sources.values().map(|account| account.covered).sum();
    let waiting = book.sources.values().map(|account| account.run.count()).sum();
    session.speech.answer(format_args!(
        "  {} sources      {} events stated, {} not stated yet, {} gaps",
        session.speech.mark(book.gap_count == 0),
        grouped(covered),
        grouped(waiting),
        grouped(book.gap_count)
    ))?;
    for gap in book.gaps.iter().take(GAPS_TOLD_MAX) {
        session.speech.answer(format_args!("      {}", words_of(gap)))?;
    }
    Ok(())
}
