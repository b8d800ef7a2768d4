//! Documents as values: the facts in which two of them differ, and which words an enum has.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use ttplan::model::diagnosis::Decisions;
use ttplan::model::observation::Observation;

use crate::site::Site;

/// One difference between a story and its near miss; what only one of them has is left out of the
/// other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// A JSON pointer into what the stages are given.
    pub at: String,
    #[serde(default, with = "some", skip_serializing_if = "Option::is_none")]
    pub story: Option<Value>,
    #[serde(default, with = "some", skip_serializing_if = "Option::is_none")]
    pub near_miss: Option<Value>,
}

/// A null is a value too.
mod some {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(value: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}

/// All that the stages are given.
pub fn given(site: &Site) -> Value {
    json!({ "observation": site.observation, "decisions": of_decisions(&site.decisions) })
}

/// The same, read back.
pub fn site(given: &Value) -> Site {
    let observation: Observation = serde_json::from_value(given["observation"].clone()).unwrap();
    Site { observation, decisions: decisions(&given["decisions"]) }
}

/// What a person decided, as a fixture holds it.
pub fn of_decisions(decisions: &Decisions) -> Value {
    let Decisions { reinitialize, assume_revision, release_sources } = decisions;
    json!({
        "reinitialize": reinitialize,
        "assume_revision": assume_revision,
        "release_sources": release_sources,
    })
}

/// The same, read back.
pub fn decisions(value: &Value) -> Decisions {
    let ids = value["assume_revision"].as_array().unwrap().iter();
    Decisions {
        reinitialize: value["reinitialize"].as_bool().unwrap(),
        assume_revision: ids.map(|id| id.as_str().unwrap().to_owned()).collect(),
        release_sources: value["release_sources"].as_bool().unwrap(),
    }
}

/// The facts in which a near miss differs. A row of scalars is one fact, and so is what is in one
/// list and not in the other.
pub fn differences(story: &Value, near_miss: &Value) -> Vec<Fact> {
    let mut found = Vec::new();
    compare("", Some(story), Some(near_miss), &mut found);
    found
}

fn compare(at: &str, story: Option<&Value>, near_miss: Option<&Value>, found: &mut Vec<Fact>) {
    let is_row = |items: &[Value]| !items.iter().any(|item| item.is_object() || item.is_array());
    match (story, near_miss) {
        _ if story == near_miss => {}
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            for key in ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key))) {
                let name = key.replace('~', "~0").replace('/', "~1");
                compare(&format!("{at}/{name}"), ours.get(key), theirs.get(key), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs)))
            if !is_row(ours) || !is_row(theirs) =>
        {
            if ours.len() == theirs.len() {
                for (n, (one, next)) in ours.iter().zip(theirs).enumerate() {
                    compare(&format!("{at}/{n}"), Some(one), Some(next), found);
                }
                return;
            }
            let is_more = theirs.len() > ours.len();
            let (less, more) = if is_more { (ours, theirs) } else { (theirs, ours) };
            let beyond = beyond(less, more);
            assert_eq!(less.len() + beyond.len(), more.len(), "{at} is another list altogether");
            found.extend(beyond.into_iter().map(|n| {
                let (at, value) = (format!("{at}/{n}"), Some(more[n].clone()));
                match is_more {
                    true => Fact { at, story: None, near_miss: value },
                    false => Fact { at, story: value, near_miss: None },
                }
            }));
        }
        _ => found.push(Fact {
            at: at.to_owned(),
            story: story.cloned(),
            near_miss: near_miss.cloned(),
        }),
    }
}

/// Which items of the longer list are not in the shorter one, whose order is the same.
fn beyond(less: &[Value], more: &[Value]) -> Vec<usize> {
    let mut rest = less.iter().peekable();
    let items = more.iter().enumerate();
    items.filter(|(_, item)| rest.next_if(|next| next == item).is_none()).map(|(n, _)| n).collect()
}

/// Makes a story its near miss.
pub fn apply(given: &mut Value, fact: &Fact) {
    let (above, name) = fact.at.rsplit_once('/').unwrap();
    let found = given.pointer(&fact.at).cloned();
    match given.pointer_mut(above).unwrap() {
        Value::Object(fields) => put(fields, &name.replace("~1", "/").replace("~0", "~"), fact),
        Value::Array(items) => {
            let n: usize = name.parse().unwrap();
            match (&fact.story, &fact.near_miss) {
                (None, Some(value)) => return items.insert(n, value.clone()),
                (_, Some(value)) => items[n] = value.clone(),
                (_, None) => drop(items.remove(n)),
            }
        }
        scalar => panic!("`{above}` is {scalar}"),
    }
    assert_eq!(found, fact.story, "{}", fact.at);
}

fn put(fields: &mut Map<String, Value>, name: &str, fact: &Fact) {
    match &fact.near_miss {
        Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
        None => drop(fields.remove(name)),
    }
}

/// The words of an enum, by its schema.
pub fn words_of(schema: &Value) -> Vec<String> {
    let mut words = Vec::new();
    let listed = |value: &Value, words: &mut Vec<String>| {
        let list = value["enum"].as_array().into_iter().flatten().chain(value.get("const"));
        words.extend(list.filter_map(|word| word.as_str().map(str::to_owned)));
    };
    listed(schema, &mut words);
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        listed(one, &mut words);
    }
    words
}
