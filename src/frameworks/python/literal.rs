//! Literals of Python as values: what is written down, and nothing that has to be computed.

use tree_sitter::Node;

use super::PyValue;

/// The value of an expression that is a literal; `None` where it is anything else.
pub(super) fn value(node: Node<'_>, text: &str) -> Option<PyValue> {
    let node = without_parentheses(node)?;
    match node.kind() {
        "none" => Some(PyValue::None),
        "tuple" | "list" | "set" | "expression_list" => {
            let mut cursor = node.walk();
            let items = node.named_children(&mut cursor).filter(is_code);
            items
                .map(|item| string(without_parentheses(item)?, text))
                .collect::<Option<_>>()
                .map(PyValue::Texts)
        }
        _ => string(node, text).map(PyValue::Text),
    }
}

/// The string with which a module begins.
pub(super) fn docstring(module: Node<'_>, text: &str) -> Option<String> {
    let mut cursor = module.walk();
    let first = module.named_children(&mut cursor).find(is_code)?;
    string(only_expression(first)?, text)
}

/// Whether a function takes nothing and provably does nothing: its body is made of strings,
/// `...`, `pass` and bare `return`.
pub(super) fn is_idle(function: Node<'_>) -> bool {
    let mut cursor = function.walk();
    let plain = function
        .children(&mut cursor)
        .all(|part| !matches!(part.kind(), "async" | "type_parameter"));
    let takes_nothing =
        function.child_by_field_name("parameters").is_some_and(|all| all.named_child_count() == 0);
    let returns_none = function
        .child_by_field_name("return_type")
        .is_none_or(|kind| kind.named_child(0).is_some_and(|kind| kind.kind() == "none"));
    let Some(body) = function.child_by_field_name("body") else { return false };
    plain
        && takes_nothing
        && returns_none
        && body.named_children(&mut cursor).filter(is_code).all(does_nothing)
}

fn does_nothing(statement: Node<'_>) -> bool {
    match statement.kind() {
        "pass_statement" => true,
        "return_statement" => statement.named_child(0).is_none_or(|value| value.kind() == "none"),
        _ => only_expression(statement)
            .is_some_and(|node| node.kind() == "ellipsis" || is_plain_string(node)),
    }
}

/// The expression of a statement that consists of one.
fn only_expression(statement: Node<'_>) -> Option<Node<'_>> {
    let alone = statement.kind() == "expression_statement" && statement.child_count() == 1;
    statement.named_child(0).filter(|_| alone)
}

fn without_parentheses(mut node: Node<'_>) -> Option<Node<'_>> {
    while node.kind() == "parenthesized_expression" {
        let mut cursor = node.walk();
        node = node.named_children(&mut cursor).find(is_code)?;
    }
    Some(node)
}

fn is_code(node: &Node<'_>) -> bool {
    node.kind() != "comment"
}

/// The strings that `"a" "b"` or `"a"` consists of; empty for anything else.
fn strings(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    match node.kind() {
        "string" => vec![node],
        "concatenated_string" => node.named_children(&mut cursor).filter(is_code).collect(),
        _ => Vec::new(),
    }
}

fn is_plain_string(node: Node<'_>) -> bool {
    let strings = strings(node);
    !strings.is_empty() && strings.into_iter().all(|string| !is_formatted(string))
}

fn is_formatted(string: Node<'_>) -> bool {
    let mut cursor = string.walk();
    string.named_children(&mut cursor).any(|part| part.kind() == "interpolation")
}

fn string(node: Node<'_>, text: &str) -> Option<String> {
    let strings = strings(node);
    let parts =
        strings.iter().map(|string| one_string(*string, text)).collect::<Option<Vec<_>>>()?;
    (!parts.is_empty()).then(|| parts.concat())
}

fn one_string(node: Node<'_>, text: &str) -> Option<String> {
    let start = node.named_child(0).filter(|part| part.kind() == "string_start")?;
    let start = text.get(start.byte_range())?;
    let quote = start.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    // Not by the node of the closing quote: in a raw string that begins with a backslash the
    // grammar lets it cover the content too.
    let content = text.get(node.byte_range())?.strip_prefix(start)?.strip_suffix(quote)?;
    match start.strip_suffix(quote)? {
        "" | "u" | "U" => unescape(content),
        "r" | "R" => Some(content.to_owned()),
        _ => None,
    }
}

/// Decodes the escapes of a string; `None` for those that need a table of names (`\N{...}`)
/// and for those that stand for no character.
fn unescape(content: &str) -> Option<String> {
    let mut decoded = String::with_capacity(content.len());
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('\\') {
        decoded.push_str(before);
        let kind = after.chars().next()?;
        rest = after.get(kind.len_utf8()..)?;
        let simple = match kind {
            '\n' => continue,
            '\\' | '\'' | '"' => kind,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => digits(&mut rest, 2, 16)?,
            'u' => digits(&mut rest, 4, 16)?,
            'U' => digits(&mut rest, 8, 16)?,
            '0'..='7' => {
                let length =
                    after.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                rest = after;
                digits(&mut rest, length, 8)?
            }
            'N' => return None,
            other => {
                decoded.push('\\');
                other
            }
        };
        decoded.push(simple);
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// Takes `length` digits off `rest` and returns the character with that number.
fn digits(rest: &mut &str, length: usize, radix: u32) -> Option<char> {
    let number =
        rest.get(..length).filter(|number| number.chars().all(|digit| digit.is_digit(radix)))?;
    *rest = rest.get(length..)?;
    char::from_u32(u32::from_str_radix(number, radix).ok()?)
}
