//! A repository that names a file of the host as its profile or catalogue, to have a line of it told
//! by an error. Whoever wrote the repository reads what its CI job says.

use crate::ground::sqlite::SqliteGround;
use crate::refusal;
use crate::site::Site;

const SECRETS: [&str; 4] = [
    "db.example:5432:shop:admin:hunter2\nline 2\n",
    "version = 1\nhunter2 = \"x\"\n",
    "version = \"hunter2\"\n",
    "{\"format_version\": \"hunter2\", \"x\": 1}\n",
];

#[test]
fn show_nothing_of_it() {
    for secret in SECRETS {
        let site = Site::new(&SqliteGround);
        let outside = tempfile::tempdir().unwrap();
        let file = outside.path().join("private");
        std::fs::write(&file, secret).unwrap();
        std::os::unix::fs::symlink(&file, site.path("inside.toml")).unwrap();
        let plain = site.read("ttplan.toml");
        let other = file.display();
        for (how, text) in [
            (
                "profile",
                plain.replacen("version = 1", &format!("version = 1\nprofile = \"{other}\""), 1),
            ),
            ("link", plain.replacen("version = 1", "version = 1\nprofile = \"./inside.toml\"", 1)),
            (
                "catalogue",
                plain.replacen("[revisions]", &format!("[revisions]\ncatalogue = \"{other}\""), 1),
            ),
        ] {
            assert_ne!(text, plain, "{how}: the configuration was not changed");
            std::fs::write(site.path("ttplan.toml"), text).unwrap();
            for command in
                [&["inspect"][..], &["plan"], &["doctor"], &["inspect", "--format", "json"]]
            {
                let said = site.run(command);
                let all = refusal::all_of(&said);
                assert!(!all.contains("hunter2"), "{how}, {command:?}:\n{all}");
                assert!(said.code != 0 || command[0] == "doctor", "{how}, {command:?}:\n{all}");
            }
        }
    }
}

#[test]
fn of_the_application_s_own_are_told_with_the_line() {
    let site = Site::new(&SqliteGround);
    site.put("mine.toml", "version = 1\nmistake = 1\n");
    let text = site.read("ttplan.toml");
    let text = text.replacen("version = 1", "version = 1\nprofile = \"./mine.toml\"", 1);
    std::fs::write(site.path("ttplan.toml"), text).unwrap();
    site.run(&["inspect"]).ends(1).complains(&["mistake = 1", "mine.toml:2:1"]);
}
