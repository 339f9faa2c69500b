//! `wardkey-server`: see the library.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    wardkey_server::cli::main()
}
