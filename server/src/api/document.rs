//! The description of the interface: OpenAPI 3.1, made from the routes and from the types that they
//! take and show.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Method, has_tag};
use super::problem::{PROBLEM, Problem};
use super::repeated;
use crate::admin::role::{Act, Kind};

/// A route, for those who do not call it.
pub struct Described {
    /// The method.
    pub method: Method,
    /// The path; what is in braces is the target.
    pub path: &'static str,
    /// The name of the operation.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// The act that a role must have.
    pub act: Act,
    is_matched: bool,
    has_tag: bool,
    query: fn(&mut SchemaGenerator) -> Schema,
    body: fn(&mut SchemaGenerator) -> Schema,
    view: fn(&mut SchemaGenerator) -> Schema,
}

impl Described {
    /// Of a route.
    pub fn of<R: Endpoint>() -> Self {
        Self {
            method: R::METHOD,
            path: R::PATH,
            name: R::NAME,
            summary: R::SUMMARY,
            act: R::ACT,
            is_matched: R::IS_MATCHED,
            has_tag: has_tag::<R>(),
            query: <R::Query as JsonSchema>::json_schema,
            body: SchemaGenerator::subschema_for::<R::Body>,
            view: SchemaGenerator::subschema_for::<R::View>,
        }
    }

    /// What is in braces in the path.
    fn target(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }

    /// The operation.
    fn operation(&self, taken: &mut SchemaGenerator, shown: &mut SchemaGenerator) -> Value {
        let roles: Vec<&str> = self.act.roles().iter().map(|role| role.as_str()).collect();
        let mut operation = json!({
            "operationId": self.name,
            "summary": self.summary,
            "x-wardkey-act": self.act.as_str(),
            "x-wardkey-roles": roles,
            "parameters": self.parameters(taken),
            "responses": {
                "200": {
                    "description": "Done.",
                    "headers": self.headers(),
                    "content": { "application/json": { "schema": (self.view)(shown) } },
                },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        });
        if self.method.has_body() {
            let body = json!({
                "required": true,
                "content": { "application/json": { "schema": (self.body)(taken) } },
            });
            if let Some(fields) = operation.as_object_mut() {
                fields.insert("requestBody".into(), body);
            }
        }
        operation
    }

    fn parameters(&self, taken: &mut SchemaGenerator) -> Vec<Value> {
        let text = || json!({ "type": "string" });
        let mut all = Vec::new();
        if let Some(target) = self.target() {
            all.push(parameter(target, "path", true, text()));
        }
        let query = (self.query)(taken).to_value();
        let fields = query.get("properties").and_then(Value::as_object);
        for (name, schema) in fields.into_iter().flatten() {
            all.push(parameter(name, "query", false, schema.clone()));
        }
        if self.act.kind() == Kind::Changes {
            let says = "Names this request: the same one is answered again for a day, and not done";
            all.push(header_parameter(repeated::HEADER, says));
        }
        if self.is_matched {
            let says = "Done only while what it changes has one of these tags, as `ETag` said it";
            all.push(header_parameter("if-match", says));
        }
        all
    }

    /// What stands above an answer that is none of a refusal.
    fn headers(&self) -> Value {
        let text = |says: &str| json!({ "description": says, "schema": { "type": "string" } });
        if self.act.kind() == Kind::Changes {
            json!({ (repeated::REPLAYED): text("`true` for an answer that was given before.") })
        } else if self.has_tag {
            json!({ "etag": text("For `If-Match`.") })
        } else {
            json!({})
        }
    }
}

fn parameter(name: &str, place: &str, required: bool, schema: Value) -> Value {
    json!({ "name": name, "in": place, "required": required, "schema": schema })
}

fn header_parameter(name: &str, says: &str) -> Value {
    let text = json!({ "type": "string" });
    json!({ "name": name, "in": "header", "required": false, "schema": text, "description": says })
}

/// The document.
pub fn of(routes: &[Described]) -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut taken = settings().for_deserialize().into_generator();
    let mut shown = settings().for_serialize().into_generator();

    let mut paths = Map::new();
    for route in routes {
        let operation = route.operation(&mut taken, &mut shown);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(route.method.as_str().into(), operation);
        }
    }
    let problem = shown.subschema_for::<Problem>();
    let mut schemas = taken.take_definitions(true);
    schemas.extend(shown.take_definitions(true));

    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wardkey: administration",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Problem": {
                    "description": "Not done, and why (RFC 9457).",
                    "content": { PROBLEM: { "schema": problem } },
                },
            },
            "schemas": schemas,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::described;
    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi-admin.json");

    /// `UPDATE_DOCS=1` writes it anew.
    #[test]
    fn the_document_in_the_repository_is_the_one_that_is_served() {
        let served = serde_json::to_string_pretty(&of(&described())).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(DOCUMENT, served).unwrap();
        } else {
            let kept = std::fs::read_to_string(DOCUMENT).unwrap();
            assert_eq!(kept, served, "UPDATE_DOCS=1 writes docs/openapi-admin.json anew");
        }
    }
}
