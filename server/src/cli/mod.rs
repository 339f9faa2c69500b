//! The command line: every command opens the store itself, so that it works whether the server runs
//! or not; the running server notices within 100 ms.

mod address;
mod administrator;
mod api_key;
mod archive;
mod args;
mod backup;
mod break_glass;
mod ca;
mod clock;
mod code;
mod config;
mod context;
mod help;
mod import;
mod init;
mod key;
mod loaner;
mod log;
mod migrate;
mod output;
mod pass;
mod person;
mod publish_key;
mod question;
mod report;
mod restore;
mod root_key;
mod run;
mod scope;
mod session;
mod status;
mod terminal;
mod token;
mod trail;
mod value;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;
use wardkey_core::exit::Exit;
use wardkey_help::arguments::Unread;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::audit::Actor;
use crate::texts::Text;
use args::{Cli, Command};
use context::Context;
use output::{Output, language};

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match arguments() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let output = Output { json: cli.common.json, language: language() };

    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if !matches!(cli.command, Command::Run) {
        builder.worker_threads(1);
    }
    let runtime = builder.enable_all().build().map_err(Error::io(Text::DoingStart));
    match runtime.and_then(|runtime| runtime.block_on(act(cli, output))) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            output::complain(&error, output);
            error.exit().into()
        }
    }
}

/// Reads the arguments of the process; help and errors are shown in the caller's language.
fn arguments() -> Result<Cli, Exit> {
    let given: Vec<OsString> = std::env::args_os().collect();
    let language = language();

    wardkey_help::arguments::read(&help::command(language), &given).map_err(|unread| match unread {
        Unread::Shown => Exit::Done,
        Unread::Bare => Exit::Usage,
        Unread::Wrong { why, json } => {
            output::complain(&Error::usage(why), Output { json, language });
            Exit::Usage
        }
    })
}

async fn act(cli: Cli, output: Output) -> Result<()> {
    // Says itself what is wrong with the file.
    if let Command::Config(args::ConfigCommand::Check) = cli.command {
        return config::check(&cli.config, output);
    }
    // Whoever checks an export need not have a server.
    if let Command::Log(args::Log::Check(asked)) = &cli.command {
        return log::check(&cli.config, asked, output).await;
    }
    if let Command::Archive(args::Archive::Verify(asked)) = &cli.command
        && asked.key.is_some()
    {
        return archive::verify_alone(asked, output);
    }
    let config = Config::read(&cli.config)?;
    match cli.command {
        Command::Init(init) => init::init(&config, init, output).await,
        Command::Run => run::run(&cli.config, config).await,
        Command::Restore(asked) => restore::restore(&config, asked, output).await,
        Command::Migrate(asked) => {
            migrate::migrate((cli.config.as_path(), &config), &asked, output).await
        }
        command => {
            let store = Store::open(config.place()?).await?;
            let context =
                Context { config, store, clock: Clock::system(), actor: Actor::process(), output };
            let done = context.act(command).await;
            context.store.clone().close().await;
            done
        }
    }
}

impl Context {
    async fn act(&self, command: Command) -> Result<()> {
        match command {
            Command::Status => status::status(self).await,
            Command::Person(command) => person::act(self, command).await,
            Command::Key(command) => key::act(self, command).await,
            Command::Terminal(command) => terminal::act(self, command).await,
            Command::Code(command) => code::act(self, command).await,
            Command::Pass(command) => pass::act(self, command).await,
            Command::Loaner(command) => loaner::act(self, command).await,
            Command::BreakGlass(command) => break_glass::act(self, command).await,
            Command::Enroll(new) => code::add(self, new).await,
            Command::Token(command) => token::act(self, command).await,
            Command::ApiKey(command) => api_key::act(self, command).await,
            Command::Administrator(command) => administrator::act(self, command).await,
            Command::Scope(command) => scope::act(self, command).await,
            Command::Account(command) => scope::account(self, command).await,
            Command::Session(command) => session::act(self, command).await,
            Command::Events(command) => trail::events(self, command).await,
            Command::Audit(command) => trail::audit(self, command).await,
            Command::Log(command) => log::act(self, command).await,
            Command::Archive(command) => archive::act(self, command).await,
            Command::PublishKey(command) => publish_key::act(self, command).await,
            Command::Ca(command) => ca::act(self, command).await,
            Command::RootKey(command) => root_key::act(self, command).await,
            Command::Address(command) => address::act(self, command).await,
            Command::Report(command) => report::act(self, command).await,
            Command::Epoch(command) => trail::epoch(self, command).await,
            Command::Clock(command) => clock::act(self, command).await,
            Command::Backup(asked) => backup::backup(self, asked).await,
            Command::Init(_)
            | Command::Run
            | Command::Restore(_)
            | Command::Migrate(_)
            | Command::Config(_) => Err(Error::usage(Text::StandsAlone)),
        }
    }
}
