//! Steps that the machine's own files decide.

use nix::unistd::User;
use wardkey_core::code::Code;
use wardkey_settings::pam::LocalAccounts;
use wardkey_settings::problem::Problem;
use wardkey_stacks::{Kind, Loaded, Machine, Phase, load};

use super::step::{Step, Topic};
use crate::finding::Finding;
use crate::texts::Text;

/// The module's file, without its ending.
const MODULE: &[u8] = wardkey_stacks::MODULE;

/// Who the account is; true when the module leaves it alone.
pub(crate) fn account(name: &str, local: &LocalAccounts) -> (Step, bool) {
    let refused = |why: Text| {
        let step = Step::refuses(Topic::Account, Code::KeyAndNameDoNotMatch);
        (step.detail(why.with([("account", name.into())])), false)
    };
    match User::from_name(name) {
        Ok(Some(user)) if user.name == name => {
            let uid = user.uid.as_raw();
            let args = [("account", name.into()), ("uid", u64::from(uid).into())];
            let why = if local.lists(uid, name) {
                Text::TryListed
            } else if local.contains(uid, name) {
                Text::TrySystem
            } else {
                return (Step::passes(Topic::Account, Text::TryManaged.with(args)), false);
            };
            (Step::note(Topic::Account, why.with(args)), true)
        }
        Ok(Some(_)) => refused(Text::TrySpeltOtherwise),
        Ok(None) => refused(Text::TryNoAccount),
        Err(_) => refused(Text::TryNssSilent),
    }
}

/// Whether the service asks for the key; true when it does not. `findings`: what the doctor says
/// about it.
pub(crate) fn service(machine: &Machine, name: &str, findings: &[Finding]) -> (Step, bool) {
    let named = |text: Text| text.with([("service", name.into())]);
    let service = match load(machine, name) {
        Ok(Loaded::Service(service)) => service,
        Ok(Loaded::Refuses(why)) => {
            return (Step::refuses(Topic::Service, Code::ServiceRefuses).detail(why), false);
        }
        Err(doubt) => {
            let step = Step::note(Topic::Service, named(Text::TryServiceUnclear));
            return (step.detail(doubt.to_string()), false);
        }
    };
    let place = service.list(Phase::Auth).iter().find(|line| match &line.kind {
        Kind::Module { name, .. } => is_module(name),
        Kind::MustFail | Kind::Substack => false,
    });
    let Some(line) = place else {
        return (Step::note(Topic::Service, named(Text::TryServiceWithout)), true);
    };
    let args = [
        ("service", name.into()),
        ("place", format!("{}:{}", line.file.display(), line.number).into()),
    ];
    let asks = Text::TryServiceAsks.with(args);
    // Without a module file libpam takes the line as it says, and nobody is asked for a key.
    if !machine.has_module(b"pam_fido.so") {
        return (Step::noted(Topic::Service, Code::ModuleMissing).detail(asks), true);
    }
    let mut step = Step::passes(Topic::Service, asks);
    for finding in findings.iter().filter(|finding| finding.subject == name && finding.is_open()) {
        step =
            step.detail(Text::TryServiceFinding.with([("code", finding.code.to_string().into())]));
    }
    (step, false)
}

/// `pam_fido`, `pam_fido.so` or a path to it.
fn is_module(name: &[u8]) -> bool {
    let file = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    file.strip_suffix(b".so").unwrap_or(file) == MODULE
}

/// What is wrong in /etc/wardkey. `usable`: the module reads its own file all the same.
pub(crate) fn configuration(problems: &[Problem], usable: bool) -> Step {
    let step = match problems {
        [] if usable => return Step::passes(Topic::Configuration, Text::ConfigurationRight),
        _ if usable => Step::noted(Topic::Configuration, Code::Configuration),
        _ => Step::refuses(Topic::Configuration, Code::Configuration),
    };
    problems.iter().fold(step, |step, problem| step.detail(problem.phrase()))
}
