//! The command line: every command opens the store itself, so that it works whether the server runs
//! or not; the running server notices within 100 ms.

mod args;
mod clock;
mod code;
mod config;
mod context;
mod import;
mod init;
mod key;
mod person;
mod run;
mod scope;
mod terminal;
mod token;
mod trail;
mod value;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use wardkey_core::exit::Exit;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::audit::Actor;
use args::{Cli, Command};
use context::Context;
use value::Output;

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.json;

    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if !matches!(cli.command, Command::Run) {
        builder.worker_threads(1);
    }
    let runtime = builder.enable_all().build().map_err(Error::io("starting"));
    match runtime.and_then(|runtime| runtime.block_on(act(cli))) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            value::complain(&error, json);
            error.exit().into()
        }
    }
}

/// What clap says: help and version are answers; an error under `--json` has the shape of all others.
fn usage(error: &clap::Error) -> ExitCode {
    let json = std::env::args().any(|argument| argument == "--json");
    if !error.use_stderr() || !json {
        error.exit();
    }
    let text = error.to_string();
    let error = Error::Usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned());
    value::complain(&error, true);
    error.exit().into()
}

async fn act(cli: Cli) -> Result<()> {
    let output = Output { json: cli.json };
    // Says itself what is wrong with the file.
    if let Command::Config(args::ConfigCommand::Check) = cli.command {
        return config::check(&cli.config, output);
    }
    let config = Config::read(&cli.config)?;
    match cli.command {
        Command::Init(init) => init::init(&config, init, output).await,
        Command::Run => run::run(&cli.config, config).await,
        command => {
            let store = Store::open(&config.store).await?;
            let context = Context { config, store, clock: Clock::system(), actor: Actor::process(), output };
            let done = context.act(command).await;
            context.store.clone().close().await;
            done
        }
    }
}

impl Context {
    async fn act(&self, command: Command) -> Result<()> {
        match command {
            Command::Person(command) => person::act(self, command).await,
            Command::Key(command) => key::act(self, command).await,
            Command::Terminal(command) => terminal::act(self, command).await,
            Command::Code(command) => code::act(self, command).await,
            Command::Enroll(new) => code::add(self, new).await,
            Command::Token(command) => token::act(self, command).await,
            Command::Scope(command) => scope::act(self, command).await,
            Command::Account(command) => scope::account(self, command).await,
            Command::Events(command) => trail::events(self, command).await,
            Command::Audit(command) => trail::audit(self, command).await,
            Command::Epoch(command) => trail::epoch(self, command).await,
            Command::Clock(command) => clock::act(self, command).await,
            Command::Init(_) | Command::Run | Command::Config(_) => {
                Err(Error::Usage("this command stands alone".into()))
            }
        }
    }
}
