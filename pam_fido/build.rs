//! Link arguments of the library.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Relative relocations in a bitmap: 20 KB less to read at every login. glibc 2.36 and
        // later.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,pack-relative-relocs");
    }
    if has_own_linker() {
        // Functions with the same instructions are there once: 5 KB less. Nothing in the library
        // asks whether two function pointers are the same.
        println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
    }
}

/// Whether the toolchain links with the lld that it brings along, as Rust's own does on x86-64.
/// Other linkers do not know the option.
fn has_own_linker() -> bool {
    let target = std::env::var("TARGET").unwrap_or_default();
    let chosen = std::env::var_os("RUSTC_LINKER").is_some()
        || std::env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("linker"));
    if target != "x86_64-unknown-linux-gnu" || chosen {
        return false;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output();
    sysroot.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let beside = format!("lib/rustlib/{target}/bin/gcc-ld/ld.lld");
        Path::new(&sysroot).join(beside).exists()
    })
}
