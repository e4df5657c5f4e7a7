//! The verifiers an outsider has, as processes: `portbook-verify` and `verify.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::node::{Said, repository, said};

/// Runs `portbook-verify` with a memory of its own, which nobody shares.
pub(crate) fn portbook_verify(args: &[&str]) -> Said {
    let memory = TempDir::new().unwrap();
    portbook_verify_remembering(memory.path(), args)
}

/// Runs `portbook-verify` with the memory in `memory`.
pub(crate) fn portbook_verify_remembering(memory: &Path, args: &[&str]) -> Said {
    let output = Command::new(program())
        .args(["--memory", memory.to_str().unwrap()])
        .args(args)
        .current_dir(memory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    said(output)
}

/// Runs `verify.py`.
pub(crate) fn verify_py(args: &[&str]) -> Said {
    let script = repository().join("docs/evidence/verify.py");
    said(Command::new("python3").arg(script).args(args).output().unwrap())
}

/// The program, built once beside the one under test: cargo builds only the programs of the package that is tested.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_portbook")).parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--locked",
                "--workspace",
                "--bin",
                "portbook-verify",
                "--profile",
                profile,
            ])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(repository())
            .status()
            .unwrap();
        assert!(built.success(), "portbook-verify was not built");
        folder.join("portbook-verify")
    })
}
