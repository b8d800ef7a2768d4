//! Covers up passwords in texts that are shown: the lines of a configuration around an error.

/// The text with every password in it replaced by as many asterisks, so that spans stay right: what
/// stands in a URL before its last `@`, in an unreadable URL all behind the colon, and the
/// value of whatever is called a password, a secret or a token.
pub fn covered(text: &str) -> String {
    text.split_inclusive('\n').map(|line| cover_named(&cover_login(line))).collect()
}

/// Whether a variable is called as secrets are called.
pub fn is_secret_name(name: &str) -> bool {
    const ANYWHERE: [&str; 6] = ["passw", "passphrase", "secret", "token", "credential", "apikey"];
    const WORDS: [&str; 7] = ["key", "keys", "pass", "pwd", "pw", "pat", "dsn"];
    let name = name.to_ascii_lowercase();
    let mut words = name.split('_').filter(|word| !word.is_empty());
    // `PWD` alone is where a shell is.
    let has_word = name.contains('_') && words.any(|word| WORDS.contains(&word));
    ANYWHERE.iter().any(|word| name.contains(word)) || has_word
}

fn cover_login(line: &str) -> String {
    let Some((scheme, rest)) = line.split_once("://") else { return line.to_owned() };
    let Some((user, rest)) = rest.split_once(':') else { return line.to_owned() };
    let (password, rest) = match rest.rsplit_once('@') {
        Some((password, _)) => rest.split_at(password.len()),
        None => {
            let port = rest.bytes().take_while(u8::is_ascii_digit).count();
            let plain = rest
                .get(port..)
                .is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', '?', '"', '\'']));
            if plain { ("", rest) } else { rest.split_at(rest.trim_end().len()) }
        }
    };
    format!("{scheme}://{user}:{}{rest}", "*".repeat(password.len()))
}

/// Covers what stands behind a word such as `password` and `=` or `:`, up to the end of its string.
fn cover_named(line: &str) -> String {
    const WORDS: [&str; 5] = ["password", "passwd", "secret", "token", "api_key"];
    let lower = line.to_ascii_lowercase();
    let mut covered = String::with_capacity(line.len());
    let mut done = 0;
    while let Some(end) = WORDS
        .iter()
        .filter_map(|word| Some(done + lower.get(done..)?.find(word)? + word.len()))
        .min()
    {
        let rest = line.get(end..).unwrap_or_default();
        // The word may go on: `SECRET_KEY`.
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let value = rest.trim_start_matches(['"', '\'', ' ']);
        let start = match value.strip_prefix(['=', ':']) {
            Some(value) => line.len() - value.trim_start_matches(['"', '\'', ' ']).len(),
            None => end,
        };
        let value = line.get(start..).unwrap_or_default();
        let length = if start == end {
            0
        } else {
            value.find(['&', '"', '\'', '\n']).unwrap_or(value.len())
        };
        covered.push_str(line.get(done..start).unwrap_or_default());
        covered.push_str(&"*".repeat(length));
        done = start + length;
    }
    covered.push_str(line.get(done..).unwrap_or_default());
    covered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_covered_without_moving_anything() {
        for (text, expected) in [
            ("url = \"postgres://u:geheim@h/d\" # x\n", "url = \"postgres://u:******@h/d\" # x\n"),
            ("postgres://u:a@b/c@h:5432/d", "postgres://u:*****@h:5432/d"),
            ("postgres://h:5432/d", "postgres://h:5432/d"),
            ("postgres://u:geheim/d", "postgres://u:********"),
            ("postgres://h/d?password=pw&sslmode=x", "postgres://h/d?password=**&sslmode=x"),
            (
                "env = { DB_PASSWORD = \"pw\", B = \"b\" }",
                "env = { DB_PASSWORD = \"**\", B = \"b\" }",
            ),
            ("a = \"${PASSWORD:-pw}/${PASSWORD}\"", "a = \"${PASSWORD:****************\""),
            ("SECRET_KEY = \"0123\", B = 1", "SECRET_KEY = \"****\", B = 1"),
            ("the password is nice", "the password is nice"),
            ("sqlite:////data/x.db\nb = 1", "sqlite:////data/x.db\nb = 1"),
        ] {
            assert_eq!(covered(text), expected);
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "DB_PWD", "API_KEY"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["UPLOAD_FOLDER", "HOME", "PWD", "KEYBOARD", "SITE", "PATH", "CI_COMMIT_REF"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn covering_keeps_every_length(text in r"(://|:|@|=|password|Secret|[a-zé\n'& ]){0,20}") {
            prop_assert_eq!(covered(&text).len(), text.len());
        }
    }
}
