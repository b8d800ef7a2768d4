//! What a plan says of one column: its name, its type out of the closed list, whether it may be null,
//! its default as a literal or by the digest of an expression.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::column_type::ColumnType;
use crate::model::names::Digest;

/// A column as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    pub name: String,
    pub data_type: ColumnType,
    pub nullable: bool,
    /// Null for none.
    pub default: Option<DefaultValue>,
}

/// What a row has in a column when nobody says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DefaultValue {
    Boolean(bool),
    /// A whole number, as text.
    Number(String),
    Text(String),
    /// The moment of the insert.
    Now,
    /// An expression; its text is among the plan's definitions.
    Expression(Digest),
}

impl ColumnSpec {
    /// As a line for people.
    pub fn line(&self) -> String {
        let null = if self.nullable { "" } else { ", not null" };
        let default = match &self.default {
            None => String::new(),
            Some(DefaultValue::Boolean(value)) => format!(", default {value}"),
            Some(DefaultValue::Number(value)) => format!(", default {value}"),
            Some(DefaultValue::Text(value)) => format!(", default `{value}`"),
            Some(DefaultValue::Now) => ", default now".to_owned(),
            Some(DefaultValue::Expression(sha256)) => {
                format!(", default by definition {}", sha256.short(12))
            }
        };
        format!("`{}` {}{null}{default}", self.name, self.data_type)
    }

    /// The digests of texts that it names.
    pub fn definition(&self) -> Option<Digest> {
        match &self.default {
            Some(DefaultValue::Expression(sha256)) => Some(*sha256),
            Some(
                DefaultValue::Boolean(_)
                | DefaultValue::Number(_)
                | DefaultValue::Text(_)
                | DefaultValue::Now,
            )
            | None => None,
        }
    }

    /// What in it makes no sense.
    pub fn problem(&self) -> Option<String> {
        let whole = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.len() <= 40 && digits.bytes().all(|b| b.is_ascii_digit())
        };
        match &self.default {
            _ if self.name.is_empty() || self.name.contains('\0') => {
                Some("a column has no name".to_owned())
            }
            Some(DefaultValue::Number(text)) if !whole(text) => {
                Some(format!("`{text}` is no whole number"))
            }
            Some(DefaultValue::Text(text)) if text.contains('\0') => {
                Some("a default has a NUL in it".to_owned())
            }
            Some(
                DefaultValue::Boolean(_)
                | DefaultValue::Number(_)
                | DefaultValue::Text(_)
                | DefaultValue::Now
                | DefaultValue::Expression(_),
            )
            | None => None,
        }
    }
}
