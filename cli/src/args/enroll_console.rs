//! `enroll-console`

use clap::Subcommand;

/// A command about the enrollment console.
#[derive(Subcommand)]
pub enum EnrollConsoleAction {
    /// Open the enrollment console on tty12, now and whenever the machine starts (root).
    ///
    /// There people with an enrollment code register their keys, one after the other, and nobody is
    /// logged in. Ctrl+Alt+F12 shows it.
    #[command(after_help = "Example:\n  sudo wardkey enroll-console enable")]
    Enable,
    /// Close the enrollment console (root).
    #[command(after_help = "Example:\n  sudo wardkey enroll-console disable")]
    Disable,
    /// Show whether the enrollment console is open.
    #[command(after_help = "Example:\n  wardkey enroll-console status")]
    Status,
    /// Be the enrollment console (what wardkey-enroll.service runs).
    ///
    /// Takes the terminal over until it is hung up or the program is stopped: its keys send no
    /// signals, what is typed is kept out of the swap space, and no other program is started.
    #[command(after_help = "Example:\n  wardkey enroll-console run")]
    Run,
}
