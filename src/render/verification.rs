//! Who signed a plan, for a terminal.

use crate::model::verification::Verification;
use crate::render::style::{care, good, plain};

/// One line a signature; how many are needed; whether it came too late.
pub fn verification(seen: &Verification) -> String {
    let mut text = String::new();
    for signed in &seen.signed {
        let (who, key) = (plain(&signed.principal), plain(&signed.fingerprint));
        text.push_str(&format!("{} {who} ({key})\n", good("signed by")));
    }
    for (file, why) in &seen.not_counted {
        text.push_str(&format!("not counted: {}: {}\n", plain(file), plain(why)));
    }
    let roles = seen.one_of.iter().flatten().map(|role| format!(", one of them a {}", plain(role)));
    let roles: String = roles.collect();
    let author = seen.author.iter().map(|author| format!(" beside its author {}", plain(author)));
    let author: String = author.collect();
    text.push_str(&format!(
        "needs {} of them{author}{roles}; sha256 {}\n",
        seen.needed, seen.sha256
    ));
    if let Some(at) = seen.expires_at.filter(|_| seen.expired) {
        let line = format!(
            "{} at {at}: it can be gone on with and taken back, not begun\n",
            care("expired")
        );
        text.push_str(&line);
    }
    text
}
