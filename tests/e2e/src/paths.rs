//! Where things are: the checkout, the production binaries, the test programs.

use std::path::PathBuf;

/// The checkout.
pub fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// A production binary (release build; another folder by WARDKEY_BIN_DIR).
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("WARDKEY_BIN_DIR")
        .map_or_else(|| checkout().join("target/release"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `make release` first", path.display());
    path
}

/// A program of the tests' workspace.
pub fn test_program(name: &str) -> PathBuf {
    let folder = std::env::var_os("WARDKEY_TEST_BIN_DIR")
        .map_or_else(|| checkout().join("target/tests/debug"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build` in tests/ first", path.display());
    path
}

/// The environment that a systemd unit of config/ gives its program: NAME, value.
pub fn environment_of(unit: &str) -> Vec<(String, String)> {
    let path = checkout().join("config/systemd").join(unit);
    let text = std::fs::read_to_string(path).expect("the unit");
    text.lines()
        .filter_map(|line| line.strip_prefix("Environment="))
        .flat_map(str::split_whitespace)
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
