//! `portbook man`: manual pages, made of the same text as `--help`.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Cli, ManArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// Prints the page of a command, or writes the pages of all.
pub(crate) fn run(session: &Session, args: &ManArgs) -> Outcome {
    let mut root = Cli::command();
    root.build();
    if let Some(directory) = &args.dir {
        fs::create_dir_all(directory).map_err(|error| Failure::file("create", directory, &error))?;
        let pages = write_all(&root, "portbook", directory)?;
        session.speech.tell(format_args!(
            "wrote {pages} pages; MANPATH={} man portbook reads the first",
            directory.display()
        ));
        return Ok(Exit::Done);
    }
    let command = args.command.iter().try_fold(&root, |command, name| {
        command
            .get_subcommands()
            .find(|sub| sub.get_name() == name)
            .ok_or_else(|| Failure::new(Exit::Usage, format!("there is no command {name:?}")))
    })?;
    let mut name = vec!["portbook"];
    name.extend(args.command.iter().map(String::as_str));
    let page = render(command, &name.join("-"))?;
    match std::io::stdout().lock().write_all(&page) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::of(Exit::InputOutput, &error))
        }
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

/// Writes the page of `command` and of every command below it into `man1`.
fn write_all(command: &Command, name: &str, directory: &Path) -> Result<usize, Failure> {
    let section = directory.join("man1");
    fs::create_dir_all(&section).map_err(|error| Failure::file("create", &section, &error))?;
    let path = section.join(format!("{name}.1"));
    fs::write(&path, render(command, name)?).map_err(|error| Failure::file("write", &path, &error))?;
    let mut pages = 1;
    for sub in command.get_subcommands() {
        pages += write_all(sub, &format!("{name}-{}", sub.get_name()), directory)?;
    }
    Ok(pages)
}

fn render(command: &Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    // The date of a build is no part of what it says.
    Man::new(command.clone())
        .title(name)
        .date("")
        .source(concat!("portbook ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    Ok(page)
}
