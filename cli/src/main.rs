//! `wardkey`: see [`wardkey_cli`].
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    wardkey_cli::main()
}
