//! The one written form of our documents: fixed key order, two spaces of indentation, LF, one
//! final newline, rows of scalars on one line, and every character that could fool a reader's
//! eye written as an escape.
//!
//! The runner writes a plan it has read once more and compares: what is not in this form is not
//! one of ours, so duplicate keys, floats and other tricks of parsers have no place to hide.

use serde::Serialize;
use serde_json::Value;

use crate::model::text::is_printable;

/// The written form of a document.
pub fn to_text(document: &impl Serialize) -> String {
    // Our documents have string keys only, so turning one into a value cannot fail.
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    let mut text = String::new();
    write_value(&mut text, &value, 0, false);
    text.push('\n');
    text
}

/// One line of compact JSON without a newline, for journals and event streams.
pub fn to_line(document: &impl Serialize) -> String {
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    let mut text = String::new();
    write_compact(&mut text, &value);
    text
}

fn write_value(out: &mut String, value: &Value, depth: usize, in_array: bool) {
    match value {
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(fields) if fields.is_empty() => out.push_str("{}"),
        Value::Array(items) if in_array && items.iter().all(is_scalar) => {
            write_compact_row(out, items);
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                new_line(out, n, depth + 1);
                write_value(out, item, depth + 1, true);
            }
            close(out, ']', depth);
        }
        Value::Object(fields) => {
            out.push('{');
            for (n, (key, item)) in fields.iter().enumerate() {
                new_line(out, n, depth + 1);
                write_string(out, key);
                out.push_str(": ");
                write_value(out, item, depth + 1, false);
            }
            close(out, '}', depth);
        }
        scalar => write_compact(out, scalar),
    }
}

fn new_line(out: &mut String, nth: usize, depth: usize) {
    out.push_str(if nth == 0 { "\n" } else { ",\n" });
    out.extend(std::iter::repeat_n("  ", depth));
}

fn close(out: &mut String, bracket: char, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
    out.push(bracket);
}

/// A path that is not UTF-8 is an object and still belongs on its row's line.
fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Array(_) => false,
        Value::Object(fields) => fields.len() == 1 && fields.contains_key("bytes"),
        _ => true,
    }
}

fn write_compact_row(out: &mut String, items: &[Value]) {
    out.push('[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        write_compact(out, item);
    }
    out.push(']');
}

fn write_compact(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_compact(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (n, (key, item)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_compact(out, item);
            }
            out.push('}');
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // `##[` and `##vso[` are commands of CI runners wherever they stand in a line.
            c if !is_printable(c) || c == '#' && before == '#' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
        before = c;
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_stand_on_one_line_and_the_rest_is_indented() {
        let text = to_text(
            &json!({"b": [], "a": [["x", 1, "y"], [{"bytes": "ff"}, 2, "z"]], "c": ["p", "q"], "d": {}}),
        );
        let expected = "{\n  \"b\": [],\n  \"a\": [\n    [\"x\", 1, \"y\"],\n    [{\"bytes\":\"ff\"}, 2, \"z\"]\n  ],\n  \
                        \"c\": [\n    \"p\",\n    \"q\"\n  ],\n  \"d\": {}\n}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_fools_the_eye_is_written_as_an_escape_and_reads_back() {
        let value = json!("a\u{202e}b\u{200b}c\u{7}d\u{e0041}é\"\\\u{3164}##vso[x");
        let text = to_line(&value);
        let escaped = r##""a\u202eb\u200bc\u0007d\udb40\udc41é\"\\\u3164#\u0023vso[x""##;
        assert_eq!(text, escaped);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    proptest::proptest! {
        #[test]
        fn every_string_reads_back(text in "\\PC*|.*") {
            let value = Value::String(text);
            proptest::prop_assert_eq!(&serde_json::from_str::<Value>(&to_line(&value)).unwrap(), &value);
            proptest::prop_assert_eq!(&serde_json::from_str::<Value>(&to_text(&value)).unwrap(), &value);
        }
    }
}
