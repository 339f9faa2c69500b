//! What is linked in: licences and bills of materials. Needs no network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use wardkey_pages::crates::{Libraries, PROGRAMS};
use wardkey_pages::licences::{self, Allowed};
use wardkey_pages::repository::Repository;
use wardkey_pages::sbom;

static REPOSITORY: LazyLock<Repository> = LazyLock::new(|| {
    Repository::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
});
static LIBRARIES: LazyLock<Libraries> = LazyLock::new(|| {
    Libraries::load(&REPOSITORY, &["--locked".into(), "--offline".into()]).unwrap()
});

#[test]
fn all_that_is_shipped_is_described() {
    // Programs of the build stay at home.
    let tools = ["wardkey-pages"];
    let described: BTreeSet<&str> =
        PROGRAMS.iter().map(|program| program.name).chain(tools).collect();
    let built: BTreeSet<&str> = LIBRARIES.built.iter().map(String::as_str).collect();
    assert_eq!(
        described, built,
        "PROGRAMS in tools/pages/src/crates.rs differs from what the workspace builds"
    );
}

#[test]
fn every_shipped_crate_has_an_allowed_licence() {
    let allowed = Allowed::read(&REPOSITORY).unwrap();
    let mut refused = BTreeSet::new();
    let mut seen = 0;
    for (_, contents) in &LIBRARIES.contents {
        for id in contents.uses.keys() {
            seen += 1;
            if let Err(why) = allowed.check(&id.0, &LIBRARIES.crates[id].license) {
                refused.insert(why);
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(seen > 200, "only {seen} crates were looked at");
}

#[test]
fn the_module_carries_little() {
    let contents =
        &LIBRARIES.contents.iter().find(|(program, _)| program.name == "pam_fido").unwrap().1;
    for never in ["tokio", "rustls", "ureq", "hidapi", "serde", "aws-lc-sys"] {
        assert!(
            !contents.uses.keys().any(|id| id.0 == never),
            "{never} is linked into the PAM module"
        );
    }
}

#[test]
fn what_is_for_tests_is_in_no_program() {
    assert!(LIBRARIES.crates.keys().any(|id| id.0 == "wardkey-testkit"), "it has another name now");
    for (program, contents) in &LIBRARIES.contents {
        assert!(
            !contents.uses.keys().any(|id| id.0 == "wardkey-testkit"),
            "linked into {}",
            program.name
        );
    }
}

#[test]
fn every_library_has_its_texts_and_each_text_is_there_once() {
    let packages: BTreeSet<&str> = PROGRAMS.iter().map(|program| program.package).collect();
    for package in packages {
        let list = licences::list(&REPOSITORY, &LIBRARIES, package).unwrap();
        let crates = LIBRARIES.of_package(package);
        assert!(crates.len() > 20, "{package}");
        for (id, library) in crates {
            let line = format!(
                "\n{} {}\n    {}\n    texts: ",
                id.0,
                id.1,
                licences::expression(&library.license)
            );
            let (_, rest) = list.split_once(&line).unwrap_or_else(|| panic!("{package}: {line}"));
            for number in rest.lines().next().unwrap().split(", ") {
                assert_eq!(
                    list.matches(&format!("=\ntext {number}\n=")).count(),
                    1,
                    "{package}: {} {number}",
                    id.0
                );
            }
        }
    }
}

/// The rules of CycloneDX 1.6 that a wrong generator would break; against the schema itself the
/// documents are validated by hand before a release (CONTRIBUTING.md).
#[test]
fn bills_of_materials_are_whole() {
    for (program, contents) in &LIBRARIES.contents {
        let document = sbom::document(&REPOSITORY, &LIBRARIES, program, contents).unwrap();
        assert_eq!(document, sbom::document(&REPOSITORY, &LIBRARIES, program, contents).unwrap());
        assert_eq!(
            (&document["bomFormat"], &document["specVersion"]),
            (&"CycloneDX".into(), &"1.6".into())
        );
        let serial = document["serialNumber"].as_str().unwrap();
        assert_eq!(serial.len(), "urn:uuid:".len() + 36, "{serial}");
        assert_eq!(document["metadata"]["component"]["version"], REPOSITORY.version.as_str());
        let mut versions = BTreeMap::new();
        let mut references = BTreeSet::from([text(&document["metadata"]["component"], "bom-ref")]);
        for component in document["components"].as_array().unwrap() {
            assert!(references.insert(text(component, "bom-ref")), "twice: {component}");
            assert!(!text(&component["licenses"][0], "expression").is_empty());
            versions.insert(text(component, "name"), text(component, "version"));
            let from_registry =
                component["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/"));
            assert_eq!(from_registry, component["hashes"][0]["content"].is_string(), "{component}");
            if component["group"] == "wardkey" {
                assert!(
                    component["purl"].is_null(),
                    "our own crate under another's name: {component}"
                );
            }
        }
        let mut described = BTreeSet::new();
        for dependency in document["dependencies"].as_array().unwrap() {
            assert!(described.insert(text(dependency, "ref")));
            for on in dependency["dependsOn"].as_array().unwrap() {
                assert!(references.contains(on.as_str().unwrap()), "{on} is no component");
            }
        }
        assert_eq!(described, references, "{}", program.file);
        // C code that crates carry along is named by its own version.
        for native in match program.name {
            "wardkey-server" => &["aws-lc", "sqlite"][..],
            "wardkey-agent" => &["aws-lc"],
            _ => &[],
        } {
            assert!(versions[*native].split('.').count() >= 3, "{native}: {versions:?}");
        }
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is missing in {value}")).to_owned()
}
