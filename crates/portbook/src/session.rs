//! One run of the command: configuration read, speech and logging set up, nothing touched yet.

use std::io::{IsTerminal, Write, stderr, stdout};

use tracing_subscriber::EnvFilter;

use crate::args::{GlobalArgs, When};
use crate::config::{self, Config, Setting};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::Home;
use crate::speech::{Form, Sink, Speech};

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The configuration in force.
    pub(crate) config: Config,
    /// Every value of it with its origin.
    pub(crate) settings: Vec<Setting>,
    /// Where things are.
    pub(crate) home: Home,
    /// How to speak.
    pub(crate) speech: Speech,
}

impl Session {
    /// Reads the configuration and sets up speech and logging.
    pub(crate) fn start(global: &GlobalArgs) -> Result<Self, Failure> {
        let default_file = global.home.join("portbook.toml");
        let file = match &global.config {
            Some(file) if !file.exists() => {
                return Err(Failure::new(
                    Exit::Configuration,
                    format!("there is no file {}", file.display()),
                ));
            }
            Some(file) => Some(file.clone()),
            None => default_file.exists().then_some(default_file),
        };
        let mut flags = Vec::new();
        if let Some(url) = &global.server {
            flags.push(("nats.url", url.clone()));
        }
        match global.verbose {
            0 => {}
            1 => flags.push(("log.level", "info".to_owned())),
            _ => flags.push(("log.level", "debug".to_owned())),
        }
        let layers = config::layers(file.as_deref(), &flags);
        let config = config::load(&layers)?;
        start_logging(&config, global)?;
        Ok(Self {
            settings: config::settings(&layers)?,
            home: Home::new(&global.home, &config),
            speech: speech_of(global),
            config,
        })
    }

    /// Runs `work` on a multi-threaded runtime.
    #[expect(
        clippy::unused_self,
        reason = "a runtime belongs to a session, which has set up what it logs"
    )]
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::of(Exit::InputOutput, &error))?;
        let done = runtime.block_on(work);
        // A thread that waits for standard input must not keep the process from ending.
        runtime.shutdown_background();
        done
    }
}

/// Prints a failure on stderr, as JSON when answers are.
pub(crate) fn tell_failure(failure: &Failure, global: &GlobalArgs) {
    let text = match speech_of(global).form {
        Form::Json | Form::Ndjson => failure.to_json(),
        Form::Table | Form::Csv => failure.to_string(),
    };
    // If even this fails there is nobody to tell.
    writeln!(stderr().lock(), "{text}").unwrap_or_default();
}

/// How a run with these options speaks.
pub(crate) fn speech_of(global: &GlobalArgs) -> Speech {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Speech {
        sink: Sink::Stdout,
        form: if global.json {
            Form::Json
        } else {
            global.output.unwrap_or(Form::Table)
        },
        quiet: global.quiet,
        progress: !global.no_progress,
        color: match global.color {
            When::Auto => stdout().is_terminal() && !plain,
            When::Always => true,
            When::Never => false,
        },
        offset: global.tz,
    }
}

fn start_logging(config: &Config, global: &GlobalArgs) -> Result<(), Failure> {
    let level = if global.quiet {
        "error"
    } else {
        config.log.level.as_str()
    };
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("log.level {level:?} is no filter: {error}"),
        )
    })?;
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .try_init();
    started.map_err(|error| Failure::new(Exit::Configuration, format!("could not start logging: {error}")))
}
