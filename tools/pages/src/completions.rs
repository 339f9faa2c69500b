//! Completions of the commands that people type, for three shells.

use clap_complete::Shell;

/// A completion file: its name and content.
pub type File = (String, Vec<u8>);

/// `NAME.bash`, `_NAME` (zsh) and `NAME.fish` for `wardkey`, `wardkey-server` and
/// `wardkey-verify`.
pub fn all() -> Vec<File> {
    let mut files = Vec::new();
    for command in [wardkey_cli::command(), wardkey_server::command(), wardkey_verify::command()] {
        let name = command.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("{name}.bash")),
            (Shell::Zsh, format!("_{name}")),
            (Shell::Fish, format!("{name}.fish")),
        ] {
            let mut content = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), &name, &mut content);
            files.push((file, content));
        }
    }
    files
}
