//! Key revocation lists made by `ssh-keygen -k`, and what `ssh-keygen -Q` says of each key.

use std::path::Path;

use crate::oracle::{bench, run, succeed};
use ttplan::openssh::certificate::Key;
use ttplan::openssh::revoked_keys::RevokedKeys;

/// Names of public key files that are held against every list.
const PLAIN: &[&str] = &["ed25519", "other", "authority", "p256", "p384", "p521", "rsa3072"];

/// Certificates: name, authority, serial number, key id.
const CERTIFIED: &[(&str, &str, &str, &str)] = &[
    ("c-zero", "authority", "0", "nobody"),
    ("c-one", "authority", "1", "one"),
    ("c-seven", "authority", "7", "seven"),
    ("c-forty", "authority", "40", "forty"),
    ("c-hundred", "authority", "100", "hundred"),
    ("c-large", "authority", "18446744073709551615", "large"),
    ("c-elsewhere", "p256", "7", "seven"),
];

fn file_of(name: &str) -> std::path::PathBuf {
    let certified = CERTIFIED.iter().any(|(certified, ..)| *certified == name);
    bench().path(&if certified { format!("{name}-cert.pub") } else { format!("{name}.pub") })
}

fn queried(krl: &Path, name: &str) -> bool {
    let file = file_of(name);
    let output = run(&["-Q", "-f", krl.to_str().unwrap(), file.to_str().unwrap()], "UTC", None);
    match output.status.code() {
        Some(0) => false,
        Some(1) if String::from_utf8_lossy(&output.stdout).contains("REVOKED") => true,
        other => panic!(
            "ssh-keygen -Q ended with {other:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

fn key(name: &str) -> Key {
    let line = std::fs::read(file_of(name)).unwrap();
    Key::from_line(&line).unwrap().0
}

#[test]
fn a_revocation_list_says_the_same_here_and_there() {
    let bench = bench();
    for (name, authority, serial, id) in CERTIFIED {
        bench.copy_key("ed25519", name);
        let (ca, public) = (bench.path(authority), bench.path(&format!("{name}.pub")));
        let (ca, public) = (ca.to_str().unwrap(), public.to_str().unwrap());
        succeed(&run(
            &["-q", "-s", ca, "-I", id, "-n", "alice", "-z", serial, public],
            "UTC",
            None,
        ));
    }
    let line = |name: &str| bench.public_line(name);
    let hash = |name: &str| {
        let output = run(&["-l", "-f", bench.path(name).to_str().unwrap()], "UTC", None);
        String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    };
    let many: String = (1..300).filter(|n| n % 3 == 1).map(|n| format!("serial: {n}\n")).collect();
    let mixed = format!("serial: 40-99\nid: seven\nkey: {}\n", line("p521"));
    let specifications = [
        ("key", None, format!("key: {}\nkey: {}\n", line("other"), line("rsa3072"))),
        ("sha1", None, format!("sha1: {}\n", line("p384"))),
        ("sha256", None, format!("sha256: {}\nsha256: {}\n", line("ed25519"), line("p256"))),
        ("hash", None, format!("hash: {}\n", hash("p521"))),
        ("plain", None, format!("{}\n", line("other"))),
        ("authority", None, format!("{}\n", line("authority"))),
        ("serial", Some("authority"), "serial: 7\n".to_owned()),
        ("range", Some("authority"), "serial: 5-50\n".to_owned()),
        ("last", Some("authority"), "serial: 18446744073709551615\n".to_owned()),
        (
            "list",
            Some("authority"),
            "serial: 7\nserial: 1000\nserial: 100000\nserial: 10000000\n".to_owned(),
        ),
        ("bitmap", Some("authority"), many),
        ("id", Some("authority"), "id: forty\nid: nobody\n".to_owned()),
        ("mixed", Some("authority"), mixed),
        ("any", Some("NONE"), "serial: 1-10\nid: large\n".to_owned()),
        ("empty", None, "# nothing\n".to_owned()),
    ];
    let mut revoked_in_all = 0;
    for (name, authority, specification) in &specifications {
        let (list, file) = (
            bench.path(&format!("{name}.krl")),
            bench.write(&format!("{name}.spec"), specification),
        );
        let mut arguments = vec!["-q", "-k", "-f", list.to_str().unwrap()];
        let authority = authority.map(|name| match name {
            "NONE" => "none".to_owned(),
            name => bench.path(&format!("{name}.pub")).to_str().unwrap().to_owned(),
        });
        if let Some(authority) = &authority {
            arguments.extend(["-s", authority]);
        }
        arguments.push(file.to_str().unwrap());
        succeed(&run(&arguments, "UTC", None));
        let ours = RevokedKeys::parse(name, &std::fs::read(&list).unwrap()).unwrap();
        for held in PLAIN.iter().copied().chain(CERTIFIED.iter().map(|(held, ..)| *held)) {
            let revoked = ours.revokes(&key(held)).is_some();
            assert_eq!(revoked, queried(&list, held), "{held} in the list `{name}`");
            revoked_in_all += usize::from(revoked);
        }
    }
    assert!(revoked_in_all > 30, "{revoked_in_all}");
    // A list that is cut off is only read, as a shorter one, where a section ends. So it is with
    // OpenSSH.
    let whole = std::fs::read(bench.path("mixed.krl")).unwrap();
    let mut readable = 0;
    for cut in 8..whole.len() {
        let parsed = RevokedKeys::parse("cut", &whole[..cut]);
        readable += usize::from(parsed.is_ok());
    }
    assert!(readable <= 2, "{readable}");
}
