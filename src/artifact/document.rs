//! Reading plans and observations strictly, and telling exactly what is wrong with others.
//!
//! A paper is accepted in its one written form only (see [`super::json`]). What mail and ticket
//! systems do to attachments (CRLF, a byte order mark, new indentation) is named, never accepted.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artifact::json;
use crate::error::{Error, Kind, Reason, Result, TextPosition};
use crate::model::database::catalogue::{self, Catalogue};
use crate::model::observation::{self, Observation};
use crate::model::plan::{self, Plan};

/// Reads a plan for the runner: one written form, no unknown field, known version.
///
/// Errors: `Kind::Config` for what is no plan, `Kind::Refused` for a plan that somebody changed.
pub fn read_plan(file: &str, bytes: &[u8]) -> Result<Plan> {
    let refused = |why| {
        Error::refused(Kind::Refused, format!("`{file}` is too large to be a plan"), vec![why])
            .about(file)
    };
    // Before anything is made of it.
    if bytes.len() > plan::LARGEST.0 {
        let (found, most) = (bytes.len(), plan::LARGEST.0);
        let why = format!("it has {found} bytes, and a plan has {most} at most");
        return Err(refused(Reason::new("plan_too_large", why).found(found).expected(most)));
    }
    let plan: Plan = read(file, bytes, "plan", plan::FORMAT_VERSION)?;
    plan.too_large(bytes.len()).map_or(Ok(plan), |why| Err(refused(why)))
}

/// Reads an observation.
///
/// Errors: as [`read_plan`].
pub fn read_observation(file: &str, bytes: &[u8]) -> Result<Observation> {
    let seen: Observation = read(file, bytes, "observation", observation::FORMAT_VERSION)?;
    seen.facts.catalogue.as_ref().map_or(Ok(()), |catalogue| sensible(file, catalogue))?;
    Ok(seen)
}

/// Reads a catalogue, compressed by zstd or not.
///
/// Errors: as [`read_plan`], and `Kind::Config` for one that makes no sense in itself.
pub fn read_catalogue(file: &str, bytes: &[u8]) -> Result<Catalogue> {
    let unpacked = bytes.starts_with(&ZSTD).then(|| unpack(file, bytes)).transpose()?;
    let catalogue: Catalogue =
        read(file, unpacked.as_deref().unwrap_or(bytes), "catalogue", catalogue::FORMAT_VERSION)?;
    sensible(file, &catalogue)?;
    Ok(catalogue)
}

fn sensible(file: &str, catalogue: &Catalogue) -> Result<()> {
    let unusable = |fault| {
        Error::new(Kind::Config, format!("the catalogue in `{file}` cannot be used")).because(fault)
    };
    catalogue.fault().map_or(Ok(()), |fault: String| Err(unusable(fault)))
}

/// What a zstd frame begins with.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// No catalogue is larger; a small file may unpack to anything.
const LARGEST: usize = 64 << 20;

fn unpack(file: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::decompress(bytes, LARGEST).map_err(|error| {
        Error::new(Kind::Config, format!("the catalogue `{file}` cannot be unpacked"))
            .because(error)
    })
}

#[derive(serde::Deserialize)]
struct Versioned {
    format_version: String,
}

fn read<T: DeserializeOwned + Serialize>(
    file: &str,
    bytes: &[u8],
    what: &str,
    version: &str,
) -> Result<T> {
    let text = plain_text(file, bytes, what)?;
    let parsed_version: Versioned =
        serde_json::from_str(text).map_err(|error| syntax(file, text, what, &error))?;
    known_version(file, what, version, &parsed_version.format_version)?;
    let document: T =
        serde_json::from_str(text).map_err(|error| syntax(file, text, what, &error))?;
    let again = json::to_text(&document);
    if again != text {
        return Err(not_the_written_form(file, text, &again, what));
    }
    Ok(document)
}

fn plain_text<'a>(file: &str, bytes: &'a [u8], what: &str) -> Result<&'a str> {
    let refuse = |because: &str| {
        Error::new(Kind::Refused, format!("`{file}` is not the {what} that was written"))
            .code("layout_differs")
            .about(file)
            .because(because)
            .hint("get the file again as an attachment or artifact, byte for byte")
    };
    if bytes.is_empty() {
        return Err(Error::new(Kind::Config, format!("`{file}` is empty"))
            .code("not_a_plan")
            .about(file)
            .hint(format!("write the {what} again")));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(refuse("a byte order mark was put before it"));
    }
    if bytes.windows(2).any(|pair| pair == b"\r\n") {
        return Err(refuse("its line ends were turned into CRLF"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        Error::new(Kind::Config, format!("`{file}` is not a {what}"))
            .code("not_a_plan")
            .about(file)
            .because(format!("it is not UTF-8 from byte {} on", error.valid_up_to()))
    })
}

fn known_version(file: &str, what: &str, ours: &str, theirs: &str) -> Result<()> {
    if theirs == ours {
        return Ok(());
    }
    let refused = Error::new(Kind::Refused, format!("`{file}` has format version `{theirs}`"))
        .code("format_unknown")
        .about(file)
        .found(theirs)
        .expected(ours);
    let (Some(major), Some(our_major)) = (major(theirs), major(ours)) else {
        return Err(refused.because(format!("that is not the version of a {what}")));
    };
    let hint = match major.cmp(&our_major) {
        std::cmp::Ordering::Less => format!("make the {what} again with this ttplan"),
        _ => "install the ttplan that wrote it, or a newer one".to_owned(),
    };
    Err(refused.because(format!("this ttplan reads version {ours} only")).hint(hint))
}

fn major(version: &str) -> Option<u32> {
    let (major, minor) = version.split_once('.')?;
    minor.parse::<u32>().ok()?;
    major.parse().ok()
}

fn syntax(file: &str, text: &str, what: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let mut message = error.to_string();
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.len());
    let told = Error::new(Kind::Config, format!("`{file}` is not a {what} that can be read"))
        .code("not_a_plan")
        .about(file)
        .because(message);
    let told =
        told.at(TextPosition { file: file.to_owned(), source: text.to_owned(), span: at..at });
    match error.classify() {
        serde_json::error::Category::Eof => told.hint("the file was cut off; get it again"),
        _ => told,
    }
}

fn not_the_written_form(file: &str, text: &str, again: &str, what: &str) -> Error {
    let same = text.bytes().zip(again.bytes()).take_while(|(a, b)| a == b).count();
    let because = match same_but_for_space(text, again) {
        true => "it was indented or wrapped anew",
        false => "its fields or values are not in their written form",
    };
    let mut at = same.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Error::new(Kind::Refused, format!("`{file}` is not the {what} that was written"))
        .code("layout_differs")
        .about(file)
        .because(because)
        .at(TextPosition { file: file.to_owned(), source: text.to_owned(), span: at..at })
        .hint("get the file again as an attachment or artifact, byte for byte")
}

fn same_but_for_space(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.split_ascii_whitespace().collect::<String>();
    bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> (Kind, String) {
        let error = read_plan("x.ttplan.json", bytes).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn each_way_a_file_is_no_plan_has_its_own_sentence() {
        assert!(refusal(b"").1.contains("is empty"));
        assert!(refusal(b"\xef\xbb\xbf{}").1.contains("byte order mark"));
        assert!(refusal(b"{\r\n}").1.contains("CRLF"));
        assert!(refusal(b"\xff").1.contains("not UTF-8"));
        assert!(refusal(b"hello").1.contains("not a plan that can be read"));
        assert!(refusal(b"{\"format_version\": \"2.0\"}").1.contains("version `2.0`"));
        assert_eq!(refusal(b"{\"format_version\": \"2.0\"}").0, Kind::Refused);
        assert!(refusal(b"{\"format_version\": \"new\"}").1.contains("not the version of a plan"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = read_plan("x", &bytes);
            let _ = read_observation("x", &bytes);
        }
    }
}
