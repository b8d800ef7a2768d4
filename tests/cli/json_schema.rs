//! Holds a JSON value against a JSON Schema, as far as our schemas use the language. A keyword that
//! is not known here stops the test: what is not checked is not taken for checked.

use serde_json::Value;

/// Keywords that say nothing about whether a value is valid, or whose part is done by another.
const TALK: &[&str] = &["$schema", "$defs", "title", "description", "default", "format"];

/// What is wrong with the value; empty when it is valid.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            found.push(format!("{at}: nothing is allowed here"));
        }
        return;
    };
    for (keyword, rule) in schema {
        let mut wrong = |what: String| found.push(format!("{at}: {what}"));
        let sub = |rule: &Value| {
            let mut below = Vec::new();
            check(root, rule, value, at, &mut below);
            below
        };
        match keyword.as_str() {
            keyword if TALK.contains(&keyword) => {}
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                found.extend(sub(target));
            }
            "type" if !types(rule).any(|name| is(value, name)) => {
                wrong(format!("{value} is not of type {rule}"));
            }
            "const" if value != rule => wrong(format!("{value} is not {rule}")),
            "enum" if !list(rule).contains(value) => wrong(format!("{value} is none of {rule}")),
            "oneOf" | "anyOf" => {
                let faults: Vec<_> = list(rule).iter().map(sub).collect();
                let valid = faults.iter().filter(|faults| faults.is_empty()).count();
                if valid == 0 || (keyword == "oneOf" && valid > 1) {
                    wrong(format!("{valid} of the choices fit {value}: {faults:?}"));
                }
            }
            "minimum" if value.as_f64().is_some_and(|n| n < rule.as_f64().unwrap()) => {
                wrong(format!("{value} < {rule}"));
            }
            "maximum" if value.as_f64().is_some_and(|n| n > rule.as_f64().unwrap()) => {
                wrong(format!("{value} > {rule}"));
            }
            "minItems"
                if value
                    .as_array()
                    .is_some_and(|all| (all.len() as u64) < rule.as_u64().unwrap()) =>
            {
                wrong(format!("fewer than {rule}"));
            }
            "maxItems"
                if value
                    .as_array()
                    .is_some_and(|all| all.len() as u64 > rule.as_u64().unwrap()) =>
            {
                wrong(format!("more than {rule}"));
            }
            "pattern" if value.is_string() => {
                let text = value.as_str().unwrap();
                if !fits(rule.as_str().unwrap(), text) {
                    wrong(format!("{text} is no digest"));
                }
            }
            "required" => {
                let missing = list(rule)
                    .iter()
                    .filter(|key| value.is_object() && value.get(key.as_str().unwrap()).is_none());
                missing.for_each(|key| wrong(format!("{key} is missing")));
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "patternProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    for rule in patterned(schema, name) {
                        check(root, rule, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    let named = known.is_some_and(|known| known.contains_key(name));
                    if !named && patterned(schema, name).next().is_none() {
                        check(root, rule, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "prefixItems" => {
                for (n, (rule, value)) in
                    list(rule).iter().zip(value.as_array().into_iter().flatten()).enumerate()
                {
                    check(root, rule, value, &format!("{at}/{n}"), found);
                }
            }
            "items" => {
                let first = schema.get("prefixItems").map_or(0, |fixed| list(fixed).len());
                for (n, value) in value.as_array().into_iter().flatten().enumerate().skip(first) {
                    check(root, rule, value, &format!("{at}/{n}"), found);
                }
            }
            "type" | "const" | "enum" | "minimum" | "maximum" | "minItems" | "maxItems"
            | "pattern" => {}
            other => panic!("no code here checks `{other}` at {at}"),
        }
    }
}

/// Whether a text is as a pattern says: written by hand, for there is one in our schemas.
fn fits(pattern: &str, text: &str) -> bool {
    assert_eq!(pattern, "^[0-9a-f]{64}$", "no code here checks this pattern");
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a schema says of the properties whose names are as a pattern of its own says.
fn patterned<'a>(
    schema: &'a serde_json::Map<String, Value>,
    name: &'a str,
) -> impl Iterator<Item = &'a Value> {
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let fitting = move |(pattern, _): &(&String, &Value)| fits(pattern, name);
    patterns.into_iter().flatten().filter(fitting).map(|(_, rule)| rule)
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().unwrap()
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let one = rule.as_str();
    one.into_iter().chain(rule.as_array().into_iter().flatten().map(|name| name.as_str().unwrap()))
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
