//! The nearest known word to one that is not known.

/// A word that somebody mistyped is not much longer than any of ours.
const LONGEST: usize = 40;

/// The candidate that `word` was most probably meant to be, or `None` where none is near.
/// One slip is always near, and one more for every four letters.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let slips = |candidate: &str| strsim::damerau_levenshtein(&word.to_lowercase(), candidate);
    let ranked = candidates.into_iter().map(|candidate| (slips(candidate), candidate));
    let (slips, candidate) = ranked.min_by_key(|(slips, _)| *slips)?;
    (slips <= 1 + word.len() / 4 && slips < candidate.len()).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["uploads", "tables", "database", "to", "keep"];
        for (word, expected) in [
            ("upload", Some("uploads")),
            ("tabels", Some("tables")),
            ("Database", Some("database")),
            ("datbase_", Some("database")),
            ("t", Some("to")),
            ("kept", Some("keep")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), known), None);
        assert_eq!(nearest("x", []), None);
    }
}
