//! Takes a URL apart where SQLAlchemy does, without judging the parts.

use std::borrow::Cow;

/// What stands behind `scheme://`, cut into its parts and not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub user: Option<&'a str>,
    pub password: Option<&'a str>,
    /// Empty where none is named; brackets of an IPv6 address are taken off.
    pub host: &'a str,
    /// What stands behind the colon after the host.
    pub port: Option<&'a str>,
    /// What stands behind the slash after that.
    pub path: Option<&'a str>,
    query: Option<&'a str>,
    behind_login: &'a str,
}

impl<'a> Parts<'a> {
    pub fn of(text: &'a str) -> Self {
        let (user, password, behind_login) = login(text);
        let (host, rest) = host(behind_login);
        let (port, rest) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (port, rest) = at_first(rest, &['/', '?']);
                (Some(port), rest)
            }
            None => (None, rest),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Self { user, password, host, port, path: path.strip_prefix('/'), query, behind_login }
    }

    /// Whether nothing stands before the path.
    pub fn authority_is_empty(&self) -> bool {
        self.user.is_none() && self.host.is_empty() && self.port.is_none()
    }

    /// Whether another `@` follows the one that ends user and password, so that it is doubtful
    /// where they end.
    pub fn login_is_doubtful(&self) -> bool {
        self.behind_login.contains('@')
    }

    /// The query, decoded, in its order; a key without a value says nothing.
    /// `None` for the value stands for bytes that are no text.
    pub fn query(&self) -> impl Iterator<Item = (String, Option<String>)> + use<'a> {
        let pairs =
            self.query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(_, value)| !value.is_empty()).map(|(key, value)| {
            let plain = |text: &str| decoded(&text.replace('+', " ")).map(Cow::into_owned);
            (plain(key).unwrap_or_default(), plain(value))
        })
    }
}

/// User and password. The password begins at the first colon and ends at the first `@` after it,
/// whatever stands between; a user alone ends at the last `@` before any `:` or `/`.
fn login(text: &str) -> (Option<&str>, Option<&str>, &str) {
    let (start, rest) = at_first(text, &[':', '/']);
    if let Some((password, rest)) = rest.strip_prefix(':').and_then(|rest| rest.split_once('@')) {
        return (Some(start), Some(password), rest);
    }
    match start.rsplit_once('@') {
        Some((user, _)) => (Some(user), None, text.get(user.len() + 1..).unwrap_or_default()),
        None => (None, None, text),
    }
}

fn host(text: &str) -> (&str, &str) {
    match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((address, rest)) if !address.is_empty() && !address.contains(['/', '?']) => {
            (address, rest)
        }
        _ => at_first(text, &['/', ':', '?']),
    }
}

/// The text up to the first of `ends`, and the rest.
fn at_first<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// The text with its `%` escapes decoded; a `%` that begins none stays as it is, as in Python.
/// `None` where the bytes are not UTF-8.
pub fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = (*byte == b'%').then(|| after.split_at_checked(2)).flatten();
        let escaped = escaped.and_then(|(digits, after)| {
            let digits = digits
                .iter()
                .map(|digit| char::from(*digit).to_digit(16))
                .collect::<Option<Vec<_>>>()?;
            let value = digits.iter().fold(0, |value, digit| value * 16 + digit);
            Some((u8::try_from(value).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((*byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Option<&'a str>, Option<&'a str>);

    /// The expected values are what SQLAlchemy 2.0.23 makes of `x://` and the text, except that it
    /// says `None` for an empty host and an empty port.
    #[test]
    fn urls_come_apart_where_sqlalchemy_takes_them_apart() {
        let rows: &[(&str, Row<'_>)] = &[
            ("u:p@h:1/d", (Some("u"), Some("p"), "h", Some("1"), Some("d"))),
            ("u@h/d", (Some("u"), None, "h", None, Some("d"))),
            ("h/d", (None, None, "h", None, Some("d"))),
            ("/d", (None, None, "", None, Some("d"))),
            ("//d", (None, None, "", None, Some("/d"))),
            ("", (None, None, "", None, None)),
            ("h", (None, None, "h", None, None)),
            ("h:1", (None, None, "h", Some("1"), None)),
            (":1/d", (None, None, "", Some("1"), Some("d"))),
            ("u:p/:p@h/d", (Some("u"), Some("p/:p"), "h", None, Some("d"))),
            ("u:p?p@h/d", (Some("u"), Some("p?p"), "h", None, Some("d"))),
            ("u:@h/d", (Some("u"), Some(""), "h", None, Some("d"))),
            (":p@h/d", (Some(""), Some("p"), "h", None, Some("d"))),
            ("u:p@s@h/d", (Some("u"), Some("p"), "s@h", None, Some("d"))),
            ("u@s@h/d", (Some("u@s"), None, "h", None, Some("d"))),
            ("u@s:p@h/d", (Some("u@s"), Some("p"), "h", None, Some("d"))),
            ("u@h:1/d", (Some("u"), None, "h", Some("1"), Some("d"))),
            ("u@h:1/d@e", (Some("u@h"), Some("1/d"), "e", None, None)),
            ("[::1]:1/d", (None, None, "::1", Some("1"), Some("d"))),
            ("u:p@[fe80::1]/d", (Some("u"), Some("p"), "fe80::1", None, Some("d"))),
            ("u@/d?host=/s", (Some("u"), None, "", None, Some("d"))),
            ("h?x=1", (None, None, "h", None, None)),
            ("h/d?x=1?y", (None, None, "h", None, Some("d"))),
        ];
        for (text, row) in rows {
            let parts = Parts::of(text);
            assert_eq!(
                (parts.user, parts.password, parts.host, parts.port, parts.path),
                *row,
                "{text}"
            );
        }
    }

    #[test]
    fn a_query_is_decoded_and_keys_without_value_are_passed_over() {
        let query: Vec<_> = Parts::of("h/d?a=1&b=&c&d=x%20y+z&a=2&e=%ff").query().collect();
        let pair = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        assert_eq!(
            query,
            [pair("a", "1"), pair("d", "x y z"), pair("a", "2"), ("e".to_owned(), None)]
        );
    }

    #[test]
    fn escapes_are_decoded_as_python_decodes_them() {
        for (text, expected) in [
            ("a%40%2f", Some("a@/")),
            ("%", Some("%")),
            ("%4", Some("%4")),
            ("%zz%+1", Some("%zz%+1")),
            ("%c3%A9", Some("é")),
            ("%ff", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
