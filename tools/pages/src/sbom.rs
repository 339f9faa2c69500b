//! Software bills of materials: CycloneDX 1.6 in JSON, one for each thing that is shipped.
//!
//! They list what is linked in: crates, and the C libraries that some of them carry along. The
//! crates of this repository have no package URL, as a crate of another author has the name of one
//! of them (`hidapi`) in the registry. Same source, same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::crates::{Contents, Crate, Id, Libraries, Program};
use crate::error::{Error, Result};
use crate::licences;
use crate::repository::Repository;

/// A C library inside a crate: where its version stands, and by what names scanners look for it.
struct Native {
    inside: &'static str,
    name: &'static str,
    header: &'static str,
    define: &'static str,
    cpe: fn(&str) -> String,
    licence: &'static str,
}

const NATIVE: [Native; 2] = [
    Native {
        inside: "aws-lc-sys",
        name: "aws-lc",
        header: "aws-lc/include/openssl/base.h",
        define: "AWSLC_VERSION_NUMBER_STRING",
        cpe: |version| format!("cpe:2.3:a:amazon:aws-lc:{version}:*:*:*:*:*:*:*"),
        licence: "Apache-2.0 OR ISC",
    },
    Native {
        inside: "libsqlite3-sys",
        name: "sqlite",
        header: "sqlite3/sqlite3.h",
        define: "SQLITE_VERSION",
        cpe: |version| format!("cpe:2.3:a:sqlite:sqlite:{version}:*:*:*:*:*:*:*"),
        licence: "blessing",
    },
];

/// Where something is refered to within a document.
fn reference(id: &Id, library: &Crate) -> String {
    if library.local {
        format!("wardkey/{}@{}", id.0, id.1)
    } else {
        format!("pkg:cargo/{}@{}", id.0, id.1)
    }
}

/// The document of one program.
///
/// # Errors
/// [`Error::Dependencies`] when a crate is not known, [`Error::Content`] when the version of a C
/// library is not found where it stood.
pub fn document(
    repository: &Repository,
    libraries: &Libraries,
    program: &Program,
    contents: &Contents,
) -> Result<Value> {
    let known = |id: &Id| {
        libraries
            .crates
            .get(id)
            .ok_or_else(|| Error::Dependencies(format!("{} {} is not known", id.0, id.1)))
    };
    let mut components = Vec::new();
    let mut dependencies = BTreeMap::new();
    for (id, uses) in &contents.uses {
        let library = known(id)?;
        let mut targets = uses
            .iter()
            .map(|used| Ok(reference(used, known(used)?)))
            .collect::<Result<Vec<String>>>()?;
        for native in NATIVE.iter().filter(|native| native.inside == id.0) {
            let (reference, component) = native_component(native, &library.folder)?;
            dependencies.insert(reference.clone(), Vec::new());
            components.push(component);
            targets.push(reference);
        }
        if *id != contents.root {
            components.push(component(id, library));
        }
        targets.sort();
        dependencies.insert(reference(id, library), targets);
    }
    let root = known(&contents.root)?;
    let dependencies: Vec<Value> = dependencies
        .into_iter()
        .map(|(from, to)| json!({ "ref": from, "dependsOn": to }))
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": repository.moment(),
            "lifecycles": [{ "phase": "build" }],
            "tools": {
                "components": [{
                    "type": "application",
                    "name": "wardkey-pages",
                    "version": repository.version,
                }],
            },
            "component": {
                "type": if program.library { "library" } else { "application" },
                "bom-ref": reference(&contents.root, root),
                "group": "wardkey",
                "name": program.file,
                "version": contents.root.1,
                "description": root.description,
                "licenses": [{ "expression": licences::expression(&root.license) }],
                "properties": [{ "name": "wardkey:debian-package", "value": program.package }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let serial = serial(document.to_string().as_bytes());
    if let Some(object) = document.as_object_mut() {
        object.insert("serialNumber".into(), serial.into());
    }
    Ok(document)
}

fn component(id: &Id, library: &Crate) -> Value {
    let reference = reference(id, library);
    let mut component = json!({
        "type": "library",
        "bom-ref": reference,
        "name": id.0,
        "version": id.1,
        "description": library.description,
        "scope": "required",
        "licenses": [{ "expression": licences::expression(&library.license) }],
    });
    if let Some(object) = component.as_object_mut() {
        if library.local {
            object.insert("group".into(), "wardkey".into());
        } else {
            object.insert("purl".into(), reference.into());
        }
        if let Some(checksum) = &library.checksum {
            object.insert("hashes".into(), json!([{ "alg": "SHA-256", "content": checksum }]));
        }
        if let Some(url) = &library.repository {
            object.insert("externalReferences".into(), json!([{ "type": "vcs", "url": url }]));
        }
    }
    component
}

fn native_component(native: &Native, folder: &Path) -> Result<(String, Value)> {
    let path = folder.join(native.header);
    let header = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    let version = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.trim_start().strip_prefix(native.define))
        .find_map(|rest| rest.trim().strip_prefix('"')?.strip_suffix('"'))
        .ok_or_else(|| Error::content(&path, format!("{} is not defined", native.define)))?;
    let reference = format!("pkg:generic/{}@{version}", native.name);
    let component = json!({
        "type": "library",
        "bom-ref": reference,
        "name": native.name,
        "version": version,
        "scope": "required",
        "purl": reference,
        "cpe": (native.cpe)(version),
        "licenses": [{ "expression": native.licence }],
    });
    Ok((reference, component))
}

/// A UUID (version 8) made of the content, so that it names this content and no other.
fn serial(content: &[u8]) -> String {
    let mut hex = String::new();
    for (place, byte) in Sha256::digest(content).iter().take(16).enumerate() {
        let byte = match place {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if [4, 6, 8, 10].contains(&place) {
            hex.push('-');
        }
        hex.push_str(&format!("{byte:02x}"));
    }
    format!("urn:uuid:{hex}")
}
