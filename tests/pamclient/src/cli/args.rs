//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use wardkey_pamclient::{Greeter, Script, Transaction};

/// Runs PAM transactions as a login program would, and tells each step as a JSON line.
#[derive(Parser, Debug)]
#[command(version)]
pub struct Args {
    /// PAM service: the name of a file in /etc/pam.d or in --confdir.
    #[arg(long)]
    pub service: String,
    /// Folder of service files in place of /etc/pam.d.
    #[arg(long, value_name = "DIR")]
    pub confdir: Option<PathBuf>,
    /// PAM_USER from the beginning.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// PAM_TTY.
    #[arg(long)]
    pub tty: Option<String>,
    /// PAM_RHOST.
    #[arg(long, value_name = "HOST")]
    pub rhost: Option<String>,
    /// Become this user, with the groups of its account, before pam_start: a locker that is not
    /// root.
    #[arg(long)]
    pub uid: Option<u32>,
    /// Answer to the next question; repeat for more. Each transaction begins again with the first.
    #[arg(long = "answer", value_name = "TEXT", allow_hyphen_values = true)]
    pub answers: Vec<String>,
    /// Answer to one question that contains the text before the first "="; goes before --answer.
    #[arg(long = "on", value_name = "SUBSTRING=ANSWER", value_parser = pair)]
    pub on: Vec<(String, String)>,
    /// When no other answer is left, read a line from standard input for each question.
    #[arg(long, conflicts_with = "interactive")]
    pub answers_from_stdin: bool,
    /// When no other answer is left, ask the person at the terminal. No JSON if standard output is
    /// a terminal.
    #[arg(long)]
    pub interactive: bool,
    /// Call pam_chauthtok in the place of pam_authenticate and all that follows it, as passwd does.
    #[arg(long)]
    pub chauthtok: bool,
    /// Leave out pam_acct_mgmt.
    #[arg(long)]
    pub no_account: bool,
    /// Leave out pam_setcred.
    #[arg(long)]
    pub no_setcred: bool,
    /// Open a session for who is let in, and close it when PATH exists (two minutes at most). With
    /// --uid the file is looked for as that user.
    #[arg(long, value_name = "PATH")]
    pub session_until: Option<PathBuf>,
    /// Pass PAM_SILENT.
    #[arg(long)]
    pub silent: bool,
    /// How the program treats messages.
    #[arg(long, value_enum, default_value_t)]
    pub greeter: Manners,
    /// Wait so many milliseconds before answering a question.
    #[arg(long, value_name = "MS", default_value = "0", value_parser = milliseconds)]
    pub delay_answer: Duration,
    /// Kill this process (SIGKILL) at the first question, at the first information or error text,
    /// or so many milliseconds after the first answer: prompt, info, after-answer:MS.
    #[arg(long, value_name = "WHEN", value_parser = kill)]
    pub kill_at: Option<Kill>,
    /// Run the transaction so many times in this process.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Before answering a question without echo, create PATH.asked and wait until PATH exists (two
    /// minutes at most). With --uid both are touched as that user.
    #[arg(long, value_name = "PATH")]
    pub wait_file: Option<PathBuf>,
}

impl Args {
    /// The transaction that the options describe.
    pub fn transaction(&self) -> Transaction {
        Transaction {
            service: self.service.clone(),
            confdir: self.confdir.clone(),
            user: self.user.clone(),
            tty: self.tty.clone(),
            rhost: self.rhost.clone(),
            greeter: self.greeter.into(),
            silent: self.silent,
            chauthtok: self.chauthtok,
            no_account: self.no_account,
            no_setcred: self.no_setcred,
            session: self.session_until.is_some(),
        }
    }

    /// The answers given as options.
    pub fn script(&self) -> Script {
        self.on.iter().fold(Script::new(self.answers.iter()), |script, (part, answer)| {
            script.on(part, answer)
        })
    }
}

/// When to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// At the first question, unanswered.
    Prompt,
    /// At the first information or error text.
    Info,
    /// So long after the first answer.
    AfterAnswer(Duration),
}

/// [`Greeter`] as an option.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Manners {
    /// Show everything, as login does.
    #[default]
    Normal,
    /// Answer information and error texts with an empty text.
    EmptyInfo,
    /// Answer information and error texts with success and no array of responses.
    NullInfo,
    /// Answer information and error texts with PAM_CONV_ERR.
    FailInfo,
    /// Accept information and error texts and do not show them.
    DropInfo,
    /// Answer questions without echo with a NULL text.
    NullSecret,
    /// Answer questions with PAM_CONV_ERR.
    ConvErr,
}

impl From<Manners> for Greeter {
    fn from(manners: Manners) -> Self {
        match manners {
            Manners::Normal => Self::Normal,
            Manners::EmptyInfo => Self::EmptyInfo,
            Manners::NullInfo => Self::NullInfo,
            Manners::FailInfo => Self::FailInfo,
            Manners::DropInfo => Self::DropInfo,
            Manners::NullSecret => Self::NullSecret,
            Manners::ConvErr => Self::ConvErr,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (part, answer) = text.split_once('=').ok_or("expected SUBSTRING=ANSWER")?;
    Ok((part.to_owned(), answer.to_owned()))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_millis)
        .map_err(|_| format!("{text:?} is not a number of milliseconds"))
}

fn kill(text: &str) -> Result<Kill, String> {
    match text {
        "prompt" => Ok(Kill::Prompt),
        "info" => Ok(Kill::Info),
        _ => match text.strip_prefix("after-answer:") {
            Some(after) => milliseconds(after).map(Kill::AfterAnswer),
            None => Err("expected prompt, info or after-answer:MS".to_owned()),
        },
    }
}
