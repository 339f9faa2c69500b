//! `wardkey join`: the agent joins, and this program, as root, checks who it joined.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use wardkey_core::code::{Code, Notice};
use wardkey_core::codec;
use wardkey_core::document::{RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::{Hash, to_hex};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Join, Joined, Reply, Request};
use wardkey_core::name::DisplayText;
use wardkey_core::person::Status;
use wardkey_core::sign::{self, Verified};
use wardkey_core::snapshot::{Anchor, verify_terminal};
use wardkey_core::texts;
use wardkey_core::token::{JoinToken, TokenError};
use zeroize::{Zeroize, Zeroizing};

use crate::anchor::{self, Before};
use crate::args::JoinOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::files;
use crate::output::{self, Output};
use crate::pam::profile::{self, State};
use crate::peers::{self, Agent};
use crate::texts::{Phrase, Text};

/// What is hashed before the machine id, so that the hash means nothing elsewhere.
const MACHINE_DOMAIN: &[u8] = b"wardkey/machine/1\0";
/// How long the agent may take: several exchanges with the server.
const WAIT: Duration = Duration::from_secs(120);
const MAX_TOKEN_FILE: usize = 4096;

pub(crate) fn join(
    context: &mut Context<'_, '_>,
    options: &JoinOptions,
) -> Result<Output, CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let token_text = token_text(context, options)?;
    let token = JoinToken::from_text(&token_text).map_err(|error| CliError::new(error.code()))?;
    let before = anchor::read(&options.anchor)?;
    may_replace(context, &before, &token, options)?;
    refuse_own_token(context, &before, &token, options)?;
    let mut request = Request::Join(Join {
        server: options.server.clone(),
        token: token_text.trim().to_owned(),
        name: name(options)?,
        machine: machine(&context.env.machine_id)?,
        replace: options.leave_deployment.then_some(true),
    });
    let reply = Agent::connect(context).and_then(|mut agent| agent.ask(&request, WAIT));
    if let Request::Join(join) = &mut request {
        join.token.zeroize();
    }
    let reply = reply.map_err(|error| explained(error, &before, &token, options))?;
    let Reply::Joined(joined) = reply else { return Err(peers::unexpected()) };
    let (root, terminal, anchor) = verify(&token, &joined)?;
    anchor::write(&options.anchor, &options.marks, &before, &anchor)?;
    // Only a hint for the next time; without it the server answers.
    let _ = files::replace(&spent_token(options), to_hex(&token.id).as_bytes());

    // The server signs a document for a terminal that waits, but not an active one.
    let is_pending = terminal.status != Status::Active;
    let notice = if is_pending { Notice::JoinedPending } else { Notice::Joined };
    let approval = is_pending
        .then(|| {
            output::approval_needed(context.language, &terminal.terminal, Some(&terminal.name))
        })
        .map_or_else(String::new, |line| format!("\n{line}"));
    Ok(Output {
        text: format!(
            "{}\n{}: {} ({})\n{}: {}{approval}",
            texts::message(notice, context.language, &[]),
            context.text(Text::Terminal),
            terminal.name,
            terminal.terminal,
            context.text(Text::Deployment),
            root.name
        ),
        json: json!({
            "terminal": terminal.terminal.to_hex(),
            "terminal_name": terminal.name.as_str(),
            "deployment": root.deployment.to_hex(),
            "deployment_name": root.name.as_str(),
            "rp_id": root.rp_id.as_str(),
            "root_key": anchor.root_key.to_hex(),
            "scopes": terminal.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
            "anchor": options.anchor.to_string_lossy(),
            "awaiting_approval": is_pending,
        }),
    })
}

/// Another deployment is joined only by somebody who says so. Checked before the agent is asked:
/// agent and anchor should not end up in two deployments.
fn may_replace(
    context: &Context<'_, '_>,
    before: &Before,
    token: &JoinToken,
    options: &JoinOptions,
) -> Result<(), CliError> {
    let path = Phrase::from(options.anchor.display().to_string());
    let hint = match before {
        Before::Nothing => return Ok(()),
        Before::Anchor(anchor) if is_for(token, anchor)? => return Ok(()),
        Before::Anchor(_) if is_for_followed(token, options)? => return Ok(()),
        // Nobody of the other deployment has passed a test login here.
        _ if options.leave_deployment && profile::state(&context.env.places) == State::On => {
            return Err(CliError::new(Code::StillEnabled));
        }
        _ if options.leave_deployment => return Ok(()),
        Before::Anchor(anchor) => Text::JoinedElsewhere
            .with([("path", path), ("key", anchor.root_key.to_string().into())]),
        Before::Unreadable(why) => {
            Text::AnchorUnreadable.with([("path", path), ("why", why.phrase())])
        }
    };
    Err(CliError::with(Code::AlreadyJoined, hint))
}

/// Whether a token is of the deployment of an anchor. Where that cannot be found out, it is of no
/// other one either.
fn is_for(token: &JoinToken, anchor: &Anchor) -> Result<bool, CliError> {
    token.is_for(&anchor.root_key).map_err(unhashed)
}

/// Whether a token is of the root key that this terminal has followed to since it joined.
fn is_for_followed(token: &JoinToken, options: &JoinOptions) -> Result<bool, CliError> {
    match anchor::followed(&options.marks)? {
        Some(key) => token.is_for(&key).map_err(unhashed),
        None => Ok(false),
    }
}

fn unhashed(error: TokenError) -> CliError {
    CliError::because(error.code(), error)
}

/// The token that this terminal joined with last, by its id, which is no secret.
fn spent_token(options: &JoinOptions) -> PathBuf {
    options.marks.with_file_name("joined-with")
}

/// A terminal that has joined and is asked to join by the same token has nothing to ask the server
/// for, which would take it for somebody else's use of the token.
fn refuse_own_token(
    context: &Context<'_, '_>,
    before: &Before,
    token: &JoinToken,
    options: &JoinOptions,
) -> Result<(), CliError> {
    let Before::Anchor(anchor) = before else { return Ok(()) };
    let spent = files::read(&spent_token(options), 64).ok().flatten();
    if spent.as_deref() != Some(to_hex(&token.id).as_bytes()) || !is_for(token, anchor)? {
        return Ok(());
    }
    match Agent::connect(context)?.ask(&Request::Status, WAIT)? {
        Reply::Status(status) if status.terminal == Some(anchor.terminal) => {
            Err(joined_already(anchor))
        }
        _ => Ok(()),
    }
}

fn joined_already(anchor: &Anchor) -> CliError {
    let terminal = anchor.terminal.to_hex().into();
    CliError::with(Code::AlreadyJoined, Text::JoinedAlready.with([("terminal", terminal)]))
}

/// What a refusal most likely means.
fn explained(
    error: CliError,
    before: &Before,
    token: &JoinToken,
    options: &JoinOptions,
) -> CliError {
    match before {
        Before::Anchor(anchor)
            if error.code() == Code::JoinTokenInvalid
                && matches!(is_for(token, anchor), Ok(true)) =>
        {
            joined_already(anchor)
        }
        _ if matches!(error.code(), Code::ServerUnreachable | Code::ServerNotTrusted) => {
            error.at(&options.server)
        }
        _ => error,
    }
}

/// Checks what the agent brought: it is not believed, and what is written here decides whom every
/// later login believes.
fn verify(
    token: &JoinToken,
    joined: &Joined,
) -> Result<(Verified<RootDocument>, Verified<TerminalDocument>, Anchor), CliError> {
    let untrusted = |detail: Phrase| CliError::with(Code::ServerNotTrusted, detail);
    let first = joined.roots.first().ok_or_else(|| untrusted(Text::NoRootDocument.into()))?;
    let claimed: RootDocument = sign::peek(first.by_itself.as_slice())
        .map_err(|error| CliError::because(Code::ServerNotTrusted, error))?;
    if !token.is_for(&claimed.root_key).map_err(unhashed)? {
        return Err(untrusted(Text::NotTheTokensRoot.into()));
    }
    let root = SignedRoot::verify_chain(&joined.roots, &claimed.root_key)
        .map_err(|error| CliError::because(Code::ServerNotTrusted, error))?;
    let anchor = Anchor { root_key: claimed.root_key, terminal: joined.terminal };
    let terminal = verify_terminal(joined.document.as_slice(), &root, &anchor, &Marks::default())
        .map_err(|denial| CliError::because(Code::ServerNotTrusted, denial))?;
    Ok((root, terminal, anchor))
}

fn token_text(
    context: &mut Context<'_, '_>,
    options: &JoinOptions,
) -> Result<Zeroizing<String>, CliError> {
    let file = match (&options.token, &options.token_file) {
        (Some(token), _) => return Ok(Zeroizing::new(token.clone())),
        (None, Some(file)) => file,
        (None, None) => return Err(CliError::new(Code::JoinTokenInvalid)),
    };
    if file.as_os_str() == "-" {
        return crate::security_key::ask(context, &context.text(Text::AskToken));
    }
    let bytes = Zeroizing::new(
        files::read_followed(file, MAX_TOKEN_FILE)?
            .ok_or_else(|| files::failed(file, Text::NoSuchFile))?,
    );
    let text = String::from_utf8_lossy(&bytes);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned()))
}

fn name(options: &JoinOptions) -> Result<DisplayText, CliError> {
    if let Some(name) = &options.name {
        return Ok(name.clone());
    }
    let host = nix::unistd::gethostname()
        .map_err(|errno| CliError::invalid(errno.to_string()).caused_by(errno))?;
    DisplayText::new(host.to_string_lossy())
        .map_err(|error| CliError::invalid(format!("--name: {error}")).caused_by(error))
}

fn machine(path: &Path) -> Result<Hash, CliError> {
    let bytes =
        files::read_followed(path, 256)?.ok_or_else(|| files::failed(path, Text::NoSuchFile))?;
    let id = bytes.trim_ascii();
    if id.len() != 32 || !id.iter().all(u8::is_ascii_hexdigit) {
        return Err(files::failed(path, Text::NoMachineId));
    }
    Ok(codec::sha256(&[MACHINE_DOMAIN, id].concat()))
}
