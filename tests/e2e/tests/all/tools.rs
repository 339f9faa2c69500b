//! What the demo runs beside our programs is there on a machine on which nobody ran the tests.

use wardkey_e2e::{Tool, paths};

/// The packages of an array of the set-up script.
fn packages(script: &str, array: &str) -> Vec<String> {
    let (_, rest) = script.split_once(&format!("\n{array}=(\n")).unwrap();
    let (inside, _) = rest.split_once("\n)\n").unwrap();
    let lines = inside.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn what_the_demo_runs_is_installed_before_it() {
    let script = std::fs::read_to_string(paths::checkout().join("tools/setup")).unwrap();
    let built = packages(&script, "packages");
    let tested = packages(&script, "tests");

    for tool in Tool::OF_THE_DEMO {
        let package = tool.package().to_owned();
        assert!(built.contains(&package), "tools/setup --build does not install {package}");
    }

    // The benchmark alone has it, after all of the set-up.
    assert!(tested.contains(&Tool::Pamu2fcfg.package().to_owned()));
    assert_eq!(Tool::missing(&[Tool::Pamu2fcfg, Tool::Setsid]), [""; 0]);
}
