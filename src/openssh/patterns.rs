//! OpenSSH's pattern lists (PATTERNS in `ssh_config(5)`): `*`, `?`, `!`, comma-separated, bytewise,
//! upper and lower case different. The same answers as `match.c` of OpenSSH.

/// OpenSSH gives up on a longer pattern, and then nothing matches the list.
const LONGEST: usize = 1022;

/// Whether `name` matches one pattern.
pub fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut with) = (0, 0);
    // Where to go on when the last `*` has to swallow one byte more.
    let mut retry: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(with) {
            Some(b'*') => {
                retry = Some((at, with + 1));
                with += 1;
            }
            Some(byte) if *byte == b'?' || name.get(at) == Some(byte) => {
                at += 1;
                with += 1;
            }
            _ => {
                let Some((start, after)) = retry else { return false };
                retry = Some((start + 1, after));
                (at, with) = (start + 1, after);
            }
        }
    }
    pattern.get(with..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Whether `name` matches a list: some pattern, and none that begins with `!`.
pub fn matches_list(name: &[u8], list: &[u8]) -> bool {
    let mut found = false;
    for pattern in split(list) {
        let (negated, pattern) = match pattern.split_first() {
            Some((b'!', rest)) => (true, rest),
            _ => (false, pattern),
        };
        if pattern.len() > LONGEST {
            return false;
        }
        if matches(name, pattern) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// The patterns of a list; a last comma ends the list and begins no pattern.
fn split(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = if list.is_empty() { 0 } else { usize::MAX };
    list.strip_suffix(b",").unwrap_or(list).split(|byte| *byte == b',').take(count)
}

/// The patterns of a list that are names: no wildcards, no negation.
pub fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(list).filter(|name| {
        !name.is_empty()
            && !name.starts_with(b"!")
            && !name.iter().any(|byte| matches!(byte, b'*' | b'?'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word and slow.
    fn plainly(name: &[u8], pattern: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skip| plainly(&name[skip..], rest)),
            Some((byte, rest)) => name.split_first().is_some_and(|(first, more)| {
                (*byte == b'?' || byte == first) && plainly(more, rest)
            }),
        }
    }

    #[test]
    fn a_list_matches_by_some_pattern_and_no_negated_one() {
        assert!(matches_list(b"alice@example.com", b"bob,*@example.com"));
        assert!(!matches_list(b"alice@example.com", b"*@example.com,!alice@*"));
        assert!(!matches_list(b"alice@example.com", b"!alice@*,*@example.com"));
        assert!(!matches_list(b"bob", b"!alice"));
        assert!(!matches_list(b"Alice", b"alice"));
        assert!(!matches_list(b"alice", b""));
        assert!(matches_list(b"alice", b",,alice,"));
        assert!(!matches_list(b"", b"a,"));
        assert!(matches_list(b"", b"a,,"));
        let long = [b'a'; 1023];
        assert!(matches_list(&long[..1022], &long[..1022]));
        assert!(!matches_list(&long, &long));
    }

    #[test]
    fn names_are_what_is_neither_negated_nor_wild() {
        let found: Vec<&[u8]> = names(b"alice,*@x,!bob,c?,,dora").collect();
        assert_eq!(found, [&b"alice"[..], b"dora"]);
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let name = vec![b'a'; 5000];
        let pattern = [b"*a".repeat(500), b"b".to_vec()].concat();
        assert!(!matches(&name, &pattern));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_its_definition_says(name in "[ab*]{0,8}", pattern in "[ab?*]{0,8}") {
            prop_assert_eq!(matches(name.as_bytes(), pattern.as_bytes()), plainly(name.as_bytes(), pattern.as_bytes()));
        }
    }
}
