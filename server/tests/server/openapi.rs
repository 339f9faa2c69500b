//! docs/openapi.yaml beside the running server: what it calls valid is taken as such, what it does
//! not is refused, and every answer is one that it describes.

use serde_json::{Map, Value, json};
use wardkey_core::id::Hash;
use wardkey_core::message::http::Base64;
use yaml_rust2::{Yaml, YamlLoader};

use super::support::client::{Answer, Client, request};
use super::support::schema;
use super::support::ward::Ward;

const JSON: &str = "application/json";

struct Spec(Value);

impl Spec {
    fn read() -> Self {
        let yaml = YamlLoader::load_from_str(include_str!("../../../docs/openapi.yaml")).unwrap();
        Self(json_of(&yaml[0]))
    }

    /// The operations: path, method, description.
    fn operations(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        let methods = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |m| (path, m))
        });
        methods
            .map(|(path, (method, operation))| (path.as_str(), method.as_str(), operation))
            .collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        schema::resolve(&self.0, schema)
    }

    fn body<'a>(&'a self, operation: &'a Value) -> Option<&'a Value> {
        Some(self.resolve(operation.pointer("/requestBody/content/application~1json/schema")?))
    }

    /// Something that agrees with a schema.
    fn sample(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        match schema["type"].as_str().unwrap() {
            "object" => {
                let properties = schema["properties"].as_object().unwrap();
                properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), self.sample(schema)))
                    .collect::<Map<_, _>>()
                    .into()
            }
            "array" => json!([self.sample(&schema["items"])]),
            "string" => text(schema, schema["minLength"].as_u64().unwrap_or(4)),
            "integer" => schema["minimum"].clone(),
            "boolean" => json!(true),
            other => panic!("{other} in a request"),
        }
    }

    /// Bodies at and just over each bound of a schema: the text, whether it is valid, and what it
    /// is. `wrap` puts a part into the whole.
    fn variants(
        &self,
        schema: &Value,
        at: &str,
        wrap: &dyn Fn(&str) -> String,
        out: &mut Vec<(String, bool, String)>,
    ) {
        let schema = self.resolve(schema);
        let mut put = |part: String, valid: bool, what: &str| {
            out.push((wrap(&part), valid, format!("{at}: {what}")))
        };
        match schema["type"].as_str().unwrap() {
            "object" => {
                let whole = self.sample(schema);
                put("[]".into(), false, "no object");
                let mut more = whole.clone();
                more["surprise"] = json!(1);
                put(more.to_string(), false, "an unknown member");
                for name in schema["required"].as_array().into_iter().flatten() {
                    let mut less = whole.clone();
                    less.as_object_mut().unwrap().remove(name.as_str().unwrap());
                    put(less.to_string(), false, &format!("without {name}"));
                    less[name.as_str().unwrap()] = Value::Null;
                    put(less.to_string(), false, &format!("{name} is null"));
                }
                for (name, property) in schema["properties"].as_object().unwrap() {
                    let inside = |part: &str| {
                        let mut whole = whole.clone();
                        whole[name] = json!("@part@");
                        wrap(&whole.to_string().replace("\"@part@\"", part))
                    };
                    self.variants(property, &format!("{at}.{name}"), &inside, out);
                }
            }
            "array" => {
                put("{}".into(), false, "no array");
                put("[]".into(), true, "empty");
                let item = self.sample(&schema["items"]);
                if let Some(most) = schema["maxItems"].as_u64() {
                    put(
                        json!(vec![item.clone(); most as usize + 1]).to_string(),
                        false,
                        "too many",
                    );
                }
                self.variants(
                    &schema["items"],
                    &format!("{at}[]"),
                    &|part| wrap(&format!("[{part}]")),
                    out,
                );
            }
            "string" => {
                put("5".into(), false, "a number");
                if let Some(least) = schema["minLength"].as_u64() {
                    put(text(schema, least).to_string(), true, "the shortest");
                    put(text(schema, least - 1).to_string(), false, "too short");
                }
                if let Some(most) = schema["maxLength"].as_u64() {
                    put(text(schema, most).to_string(), true, "the longest");
                    put(text(schema, most + 1).to_string(), false, "too long");
                }
                if !schema["pattern"].is_null() {
                    put("\"AA==\"".into(), false, "with padding");
                    put("\"++++\"".into(), false, "of another alphabet");
                }
            }
            "integer" => {
                put("\"1\"".into(), false, "a string");
                put("1.5".into(), false, "a fraction");
                put("-1".into(), false, "below zero");
                put(schema["maximum"].to_string(), true, "the greatest");
                put("18446744073709551616".into(), false, "too great");
            }
            "boolean" => {
                put("\"true\"".into(), false, "a string");
                put("1".into(), false, "a number");
                put("false".into(), true, "no");
            }
            other => panic!("{other} in a request"),
        }
    }
}

/// A string of a length; base64url of zeros where it is base64url.
fn text(schema: &Value, length: u64) -> Value {
    let letter = if schema["pattern"].is_null() { "x" } else { "A" };
    json!(letter.repeat(length as usize))
}

fn json_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Hash(members) => members
            .iter()
            .map(|(name, value)| (key_of(name), json_of(value)))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Array(items) => items.iter().map(json_of).collect::<Vec<_>>().into(),
        Yaml::String(text) => json!(text),
        Yaml::Boolean(value) => json!(value),
        Yaml::Integer(value) => json!(value),
        // What is over 63 bits comes as text.
        Yaml::Real(text) => json!(text.parse::<u64>().unwrap()),
        other => panic!("{other:?}"),
    }
}

fn key_of(yaml: &Yaml) -> String {
    yaml.as_str().map_or_else(|| yaml.as_i64().unwrap().to_string(), str::to_owned)
}

/// Judges an answer by the document.
fn check_answer(spec: &Spec, operation: &Value, answer: &Answer, what: &str) {
    let responses = &operation["responses"];
    let response = responses.get(answer.status.to_string()).unwrap_or_else(|| {
        assert!(answer.status >= 400, "{what}: {} is not described", answer.status);
        responses
            .get("default")
            .unwrap_or_else(|| panic!("{what}: {} is not described", answer.status))
    });
    let content = &spec.resolve(response)["content"];
    if let Some(schema) = content.pointer("/application~1json/schema") {
        let body: Value = serde_json::from_str(&answer.body)
            .unwrap_or_else(|_| panic!("{what}: {} {:.200}", answer.status, answer.body));
        schema::check(&spec.0, schema, &body, what).unwrap();
    } else {
        assert!(content.get("text/plain").is_some(), "{what}");
    }
    if [429, 503].contains(&answer.status) && response.get("$ref").is_some() {
        assert!(answer.retry_after.is_some(), "{what}: Retry-After");
    }
}

fn limited(limits: &str) -> Ward {
    Ward::with(|_| format!("[limits]\n{limits}"))
}

impl Ward {
    fn clients(&self) -> [Client; 2] {
        [
            self.running.anyone(),
            Client::new(&self.running, Some((&self.terminal.certificate, &self.terminal.key))),
        ]
    }

    fn path(&self, path: &str) -> String {
        let policy: Hash = self.terminal.heads(&self.running)[0].policy;
        path.replace("{scope}", "icu").replace("{hash}", &policy.to_hex())
    }
}

const WIDE: &str = "address = 1000000\nterminal = 1000000\ntoken = 1000000\ncode = 1000000\n\
    account = 1000000\nevents = 1000000";

#[test]
fn what_the_document_calls_valid_is_taken_and_what_it_does_not_is_refused() {
    let spec = Spec::read();
    let ward = limited(WIDE);
    let csr = Base64(request(&ward.terminal.key));
    let mut tried = 0;
    for (path, _, operation) in spec.operations() {
        let Some(schema) = spec.body(operation) else { continue };
        let mut variants = Vec::new();
        spec.variants(schema, path, &str::to_owned, &mut variants);
        let mut whole = spec.sample(schema);
        if path == "/v1/renew" {
            whole["csr"] = json!(csr);
        }
        variants.push((whole.to_string(), true, format!("{path}: the sample")));
        let client = &ward.clients()[usize::from(path != "/v1/join")];
        for (body, valid, what) in variants {
            let answer = client.post_as(path, JSON, &body);
            check_answer(&spec, operation, &answer, &what);
            let refused_as_such = [400, 413, 415].contains(&answer.status);
            if valid {
                // A text that only looks like a certificate request has the right form.
                let taken = !refused_as_such || answer.body.contains("certificate request: ");
                assert!(taken, "{what}: {} {:.200}", answer.status, answer.body);
            } else {
                assert!(answer.status >= 400, "{what}: {}", answer.status);
                // What is longer or shorter is seen only when what it is for is there.
                let by_form = !what.ends_with("too long") && !what.ends_with("too short");
                assert!(
                    refused_as_such || !by_form,
                    "{what}: {} {:.200}",
                    answer.status,
                    answer.body
                );
            }
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn every_answer_is_one_that_the_document_describes() {
    let spec = Spec::read();
    let ward = limited(WIDE);
    for (path, method, operation) in spec.operations() {
        for (client, who) in ward.clients().iter().zip(["anyone", "a terminal"]) {
            let path = ward.path(path);
            let what = format!("{who}: {method} {path}");
            if method == "get" {
                for query in [
                    "",
                    "?since=0",
                    "?since=18446744073709551615",
                    "?since=18446744073709551616",
                    "?surprise=1",
                ] {
                    let answer = client.get(&format!("{path}{query}"));
                    check_answer(&spec, operation, &answer, &format!("{what}{query}"));
                }
            } else {
                for (kind, body) in
                    [(JSON, "{}"), (JSON, "{"), (JSON, ""), ("text/plain", "{}"), ("", "{}")]
                {
                    check_answer(
                        &spec,
                        operation,
                        &client.post_as(&path, kind, body),
                        &format!("{what} {kind} {body}"),
                    );
                }
                check_answer(
                    &spec,
                    operation,
                    &client.post_as(&path, JSON, &"[".repeat(7 << 20)),
                    &format!("{what}, too long"),
                );
            }
            check_answer(
                &spec,
                operation,
                &client.get_from(&path, "https://evil.example"),
                &format!("{what}, from elsewhere"),
            );
        }
    }
}

#[test]
fn a_body_over_the_limit_is_refused_in_our_words_however_long_it_is() {
    let ward = limited(WIDE);
    let body = " ".repeat(64 << 20);
    let [anyone, terminal] = ward.clients();
    for (client, path) in [(&anyone, "/v1/join"), (&terminal, "/v1/events")] {
        assert_eq!(client.post_as(path, JSON, &body).refusal(), (413, "WK-1516".into()), "{path}");
    }
}

#[test]
fn too_many_requests_are_answered_as_described_everywhere() {
    let spec = Spec::read();
    for (path, method, operation) in
        spec.operations().into_iter().filter(|(path, ..)| *path != "/healthz")
    {
        let ward = limited("address = 20\nterminal = 20");
        let path = ward.path(path);
        for (client, who) in ward.clients().iter().zip(["anyone", "a terminal"]) {
            let ask = || {
                if method == "get" { client.get(&path) } else { client.post_as(&path, JSON, "{}") }
            };
            let last = (0..400).map(|_| ask()).find(|answer| answer.status == 429);
            let last = last.unwrap_or_else(|| panic!("{who}: {path}"));
            check_answer(&spec, operation, &last, &format!("{who}: {path}"));
        }
    }
}
