//! `wardkey-verify`: see the library.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    wardkey_verify::main()
}
