//! Finds paths inside texts, however the text around them escapes them: percent-encoding of URLs,
//! `\/` of JSON, character references of HTML. Pure; knows nothing of files.
//!
//! Every character of a text is read together with the stretch that stands for it there, so that
//! what is found can be replaced in the same spelling and nothing around it is touched.

use std::ops::Range;

/// How a text may escape characters, besides percent-encoding and HTML's references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Markdown, HTML, a URL: of JSON's escapes only `\/`, which means nothing else anywhere.
    Text,
    /// JSON as written: all of its escapes.
    Json,
}

/// A path found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where its prefix stands in the text.
    pub prefix: Range<usize>,
    /// Where all of it stands.
    pub whole: Range<usize>,
    /// What follows the prefix, with every escape read.
    pub path: String,
}

/// How a character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Itself,
    /// As `%2F`.
    Percent,
    /// As `\/` or `&#47;`.
    Escape,
}

/// One character and the stretch of the text that stands for it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    c: char,
    at: usize,
    end: usize,
    written: Written,
}

/// Every path in `text` that begins with `prefix`, in order. The prefix stands at a path's
/// beginning or behind a URL's host, never in the middle of a longer path.
pub fn mentions(text: &str, prefix: &str, kind: Kind) -> Vec<Mention> {
    let wanted: Vec<char> = prefix.chars().collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let pieces = pieces(text, kind);
    let mut found = Vec::new();
    let mut n = 0;
    while n + wanted.len() <= pieces.len() {
        let after = n + wanted.len();
        let here = pieces[n..after].iter().map(|piece| piece.c).eq(wanted.iter().copied());
        if !here || !begins_here(&pieces[..n]) {
            n += 1;
            continue;
        }
        let rest = path_after(&pieces[after..]);
        if let Some(last) = rest.last() {
            found.push(Mention {
                prefix: pieces[n].at..pieces[after - 1].end,
                whole: pieces[n].at..last.end,
                path: rest.iter().map(|piece| piece.c).collect(),
            });
        }
        n = after + rest.len();
    }
    found
}

/// The text with what stands at each of `places` replaced by the text beside it, spelled as the old
/// was: each slash as the old one in its turn, or the last of them, all else as a URL writes it.
/// Places are in order and apart.
pub fn replaced(text: &str, places: &[(Range<usize>, String)], kind: Kind) -> String {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (place, new) in places {
        let old = text.get(place.clone()).unwrap_or_default();
        result.push_str(text.get(done..place.start).unwrap_or_default());
        let slashes = pieces(old, kind).into_iter().filter(|piece| piece.c == '/');
        let mut slashes = slashes.filter_map(|piece| old.get(piece.at..piece.end));
        let mut slash = "/";
        for c in new.chars() {
            match c {
                '/' => {
                    slash = slashes.next().unwrap_or(slash);
                    result.push_str(slash);
                }
                c if is_unreserved(c) => result.push(c),
                c => c
                    .encode_utf8(&mut [0; 4])
                    .bytes()
                    .for_each(|byte| result.push_str(&format!("%{byte:02X}"))),
            }
        }
        done = place.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    result
}

/// A stretch of the text as it reads without its escapes.
pub fn read(text: &str, kind: Kind) -> String {
    pieces(text, kind).iter().map(|piece| piece.c).collect()
}

/// What a URL never has to encode.
fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// What ends a path in a text when it stands there by itself.
fn ends_path(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'<>()[]{}|\\`?#".contains(c)
}

fn path_after(pieces: &[Piece]) -> &[Piece] {
    let ends = |piece: &Piece| piece.written != Written::Percent && ends_path(piece.c);
    let end = pieces.iter().position(ends).unwrap_or(pieces.len());
    // A full stop behind a path is the sentence's.
    let is_of_sentence =
        |piece: &Piece| piece.written == Written::Itself && ".,;:!*".contains(piece.c);
    let kept =
        pieces[..end].iter().rposition(|piece| !is_of_sentence(piece)).map_or(0, |at| at + 1);
    &pieces[..kept]
}

/// Whether a path can begin behind these characters.
fn begins_here(before: &[Piece]) -> bool {
    let stops = |piece: &Piece| ends_path(piece.c) || "=,;".contains(piece.c);
    let run = before.iter().rposition(stops).map_or(before, |at| &before[at + 1..]);
    let run: String = run.iter().map(|piece| piece.c).collect();
    if run.is_empty() || run.ends_with(':') || run.chars().all(|c| "*_".contains(c)) {
        return true;
    }
    match run.split_once("//") {
        Some((scheme, host)) => {
            let is_scheme = scheme.is_empty()
                || scheme.strip_suffix(':').is_some_and(|name| !name.contains(['/', ':']));
            is_scheme && !host.is_empty() && !host.contains('/')
        }
        None => false,
    }
}

fn pieces(text: &str, kind: Kind) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let escaped = match c {
            '%' => percent(rest).map(|(c, length)| (c, length, Written::Percent)),
            '\\' => backslash(rest, kind).map(|(c, length)| (c, length, Written::Escape)),
            '&' => reference(rest).map(|(c, length)| (c, length, Written::Escape)),
            _ => None,
        };
        let (c, length, written) = escaped.unwrap_or((c, c.len_utf8(), Written::Itself));
        pieces.push(Piece { c, at, end: at + length, written });
        at += length;
    }
    pieces
}

/// `%C3%A9`: the bytes of one character.
fn percent(text: &str) -> Option<(char, usize)> {
    let byte = |n: usize| {
        let three = text.get(3 * n..3 * n + 3)?;
        u8::from_str_radix(three.strip_prefix('%')?, 16).ok().filter(|_| !three.contains('+'))
    };
    let mut bytes = Vec::with_capacity(4);
    for n in 0..4 {
        bytes.push(byte(n)?);
        if let Ok(read) = std::str::from_utf8(&bytes) {
            return Some((read.chars().next()?, 3 * bytes.len()));
        }
    }
    None
}

fn backslash(text: &str, kind: Kind) -> Option<(char, usize)> {
    let next = text.chars().nth(1)?;
    match (next, kind) {
        ('/', _) => Some(('/', 2)),
        ('"' | '\\', Kind::Json) => Some((next, 2)),
        ('b' | 'f' | 'n' | 'r' | 't', Kind::Json) => Some(('\n', 2)),
        ('u', Kind::Json) => {
            let unit = |at: usize| {
                let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
                u16::from_str_radix(digits, 16).ok().filter(|_| !digits.contains('+'))
            };
            let first = unit(0)?;
            match char::from_u32(u32::from(first)) {
                Some(c) => Some((c, 6)),
                None => char::decode_utf16([first, unit(6)?]).next()?.ok().map(|c| (c, 12)),
            }
        }
        _ => None,
    }
}

/// `&#47;`, `&#x2F;` and the names that matter in a path.
fn reference(text: &str) -> Option<(char, usize)> {
    const NAMES: [(&str, char); 8] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("sol", '/'),
        ("period", '.'),
        ("lowbar", '_'),
    ];
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let (digits, radix) =
                number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
            char::from_u32(
                u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?,
            )?
        }
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(text: &str, kind: Kind) -> Vec<String> {
        mentions(text, "/up/", kind).into_iter().map(|mention| mention.path).collect()
    }

    #[test]
    fn paths_are_found_in_markdown_html_and_json_however_they_are_escaped() {
        for (text, kind, found) in [
            ("![x](/up/a.png)\n", Kind::Text, vec!["a.png"]),
            ("<img src=\"/up/a%20b.png?v=1\"> /up/c.png.", Kind::Text, vec!["a b.png", "c.png"]),
            ("<a href='https://h.example:80/up/d.pdf#2'>", Kind::Text, vec!["d.pdf"]),
            ("//h.example/up/e.png", Kind::Text, vec!["e.png"]),
            ("&#47;up&sol;f&amp;g.png", Kind::Text, vec!["f&g.png"]),
            ("style=\"url(&quot;/up/h.png&quot;)\"", Kind::Text, vec!["h.png"]),
            (
                r#"{"s":"\/up\/i.png","t":"\u002fup/\u00e9.png"}"#,
                Kind::Json,
                vec!["i.png", "é.png"],
            ),
            (
                r#"{"html":"<img src=\"/up/j.png\">\n/up/k.png"}"#,
                Kind::Json,
                vec!["j.png", "k.png"],
            ),
            ("next=%2Fup%2Fl.png&x", Kind::Text, vec!["l.png&x"]),
            ("**/up/m.png**", Kind::Text, vec!["m.png"]),
            ("/up/caf%C3%A9.png %zz /up/%ff", Kind::Text, vec!["café.png", "%ff"]),
        ] {
            assert_eq!(paths(text, kind), found, "{text}");
        }
    }

    #[test]
    fn the_middle_of_a_longer_path_and_a_bare_directory_are_no_mentions() {
        for text in [
            "/static/up/a.png",
            "x/up/a.png",
            "https://h.example/x/up/a.png",
            "/up/",
            "see /up/.",
            "up/a",
            "",
        ] {
            assert_eq!(paths(text, Kind::Text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_replaced_keeps_its_spelling_and_all_else_its_bytes() {
        for (text, kind, new) in [
            (
                r#"{"a": "\/up\/a.png", "b":1.0e3}"#,
                Kind::Json,
                r#"{"a": "\/new\/place\/a.png", "b":1.0e3}"#,
            ),
            ("%2Fup%2Fa.png", Kind::Text, "%2Fnew%2Fplace%2Fa.png"),
            (
                "&#x2f;up&#x2f;a%20b.png tail",
                Kind::Text,
                "&#x2f;new&#x2f;place&#x2f;a%20b.png tail",
            ),
            ("/up/a /static/up/b (/up/c)", Kind::Text, "/new/place/a /static/up/b (/new/place/c)"),
        ] {
            let place = |mention: Mention| (mention.prefix, "/new/place/".to_owned());
            let places: Vec<_> = mentions(text, "/up/", kind).into_iter().map(place).collect();
            assert_eq!(replaced(text, &places, kind), new);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_and_replacing_there_and_back_gives_it_again(
            parts in prop::collection::vec(
                prop::sample::select(vec!["/up/", "\\/up\\/", "%2Fup%2F", "&#47;up&#47;", "a.png", " ", "\"", "é", "%C3", "\\u00", "&amp;", "\\"]),
                0..12,
            ),
            json: bool,
        ) {
            let (text, kind) = (parts.concat(), if json { Kind::Json } else { Kind::Text });
            let places = |text: &str, prefix: &str, new: &str| -> Vec<(Range<usize>, String)> {
                mentions(text, prefix, kind).into_iter().map(|mention| (mention.prefix, new.to_owned())).collect()
            };
            let (to_be, back) = (places(&text, "/up/", "/else/where/"), |there: &str| places(there, "/else/where/", "/up/"));
            let there = replaced(&text, &to_be, kind);
            prop_assert_eq!(back(&there).len(), to_be.len());
            prop_assert_eq!(replaced(&there, &back(&there), kind), text);
        }
    }
}
