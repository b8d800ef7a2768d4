//! The transcripts in README.md and docs: every line after `$` in a `console` block is run, all of
//! a page in one untouched site, and what follows it is what the program prints.
//!
//! In a `console one` block only the first line is a command. A line `…` stands for lines that are
//! left out. What differs from run to run (digests, times, keys, sizes of a disk, temporary names)
//! is masked on both sides; what is told only of directories on a tmpfs or in a container is left
//! out. TTPLAN_SNAP=1 rewrites what no longer fits; whole parts are then left out again by hand.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use crate::site::{Site, clean};

/// Held by whoever rewrites pages.
pub static WRITING: Mutex<()> = Mutex::new(());

/// Where the pages say that the site is.
const HOME: &str = "/srv/shop";

#[test]
fn transcripts_are_what_the_program_prints() {
    let snap = std::env::var_os("TTPLAN_SNAP").is_some();
    let _one_writer = WRITING.lock();
    let mut wrong = Vec::new();
    let mut commands = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        let mut differing = Vec::new();
        let told = retold(&page, &mut commands, &mut differing);
        if told != page && snap {
            std::fs::write(&path, told).unwrap();
        } else {
            wrong.extend(differing.iter().map(|one| format!("{}{one}", path.display())));
        }
    }
    assert!(commands > 10, "only {commands} commands were found in the pages");
    assert!(wrong.is_empty(), "{}\nTTPLAN_SNAP=1 rewrites them", wrong.join("\n"));
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The page with its transcripts as they are now; those that still fit stay as they were, and of
/// the others `differing` gets the first line that does not.
fn retold(page: &str, commands: &mut usize, differing: &mut Vec<String>) -> String {
    let mut shell = None;
    let mut told = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        told.push_str(line);
        told.push('\n');
        let is_one = line == "```console one";
        if line != "```console" && !is_one {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command: {line}"));
            let mut shown = Vec::new();
            while let Some(line) =
                lines.next_if(|line| *line != "```" && (is_one || !line.starts_with("$ ")))
            {
                shown.push(line);
            }
            *commands += 1;
            let printed = shell.get_or_insert_with(Shell::new).run(command);
            let printed: Vec<&str> = printed.lines().collect();
            told.push_str(line);
            told.push('\n');
            let at = page.lines().count() - lines.clone().count() - shown.len();
            differing.extend(difference(at + 1, command, &shown, &printed));
            let kept = if fits(&shown, &printed) { shown } else { printed };
            kept.iter().for_each(|line| told.push_str(&format!("{line}\n")));
        }
    }
    told
}

/// One page's shell: its site, and how the last command ended.
struct Shell {
    site: Site,
    code: i32,
}

impl Shell {
    fn new() -> Self {
        let site = Site::new();
        // The examples, where the pages name them.
        let examples = site.home.join("plans/0.9");
        std::fs::create_dir_all(&examples).unwrap();
        for entry in std::fs::read_dir("plans/0.9").unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, examples.join(path.file_name().unwrap())).unwrap();
        }
        Self { site, code: 0 }
    }

    /// What a command prints, its talk included, in the order in which it comes.
    fn run(&mut self, command: &str) -> String {
        let mut shell = clean("sh");
        shell.arg("-c").arg(format!("exec 2>&1\n(exit {})\n{command}", self.code));
        let output = shell.current_dir(&self.site.home).stdin(Stdio::null()).output().unwrap();
        self.code = output.status.code().unwrap();
        let home = self.site.home.to_str().unwrap();
        on_a_disk(&String::from_utf8(output.stdout).unwrap().replace(home, HOME))
    }
}

/// Without what is only told where the tests' own directory is a tmpfs or in a container.
fn on_a_disk(printed: &str) -> String {
    let mut told = String::new();
    let mut lines = printed.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if line.trim_end().ends_with(" [upload_place]") {
            lines.next_if(|line| line.starts_with("    hint: "));
        } else {
            told.push_str(line);
        }
    }
    told
}

/// Whether the lines fit, `…` standing for any number of them.
fn fits(shown: &[&str], printed: &[&str]) -> bool {
    furthest(shown, printed) == (shown.len(), printed.len())
}

/// How many lines of the page fit at most, and how many that are printed they stand for.
fn furthest(shown: &[&str], printed: &[&str]) -> (usize, usize) {
    match (shown.split_first(), printed.split_first()) {
        (Some((first, rest)), _) if first.trim() == "…" => (0..=printed.len())
            .map(|left_out| {
                let (lines, of) = furthest(rest, &printed[left_out..]);
                (1 + lines, left_out + of)
            })
            // What is shown last may stand anywhere; of several ways the first is the likely one.
            .min_by_key(|(lines, of)| {
                (usize::MAX - lines, if *lines == shown.len() { printed.len() - of } else { *of })
            })
            .unwrap(),
        (Some((first, rest)), Some((line, after))) if masked(first) == masked(line) => {
            let (lines, of) = furthest(rest, after);
            (1 + lines, 1 + of)
        }
        _ => (0, 0),
    }
}

/// A line without what differs from run to run.
fn masked(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "+/:.-".contains(c);
    // How far apart the two stand depends on the longest of the lines, with the paths of this host.
    if let Some((said, source)) = line.split_once(" <- ") {
        return format!("{} <- {}", masked(said.trim_end()), masked(source));
    }
    let mut masked = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, after) = rest.split_at(length);
        masked.push_str(&mask(word));
        rest = after;
    }
    masked
}

fn mask(word: &str) -> String {
    let is_hex = |text: &str| {
        let is_run = text.len() == 8 && text.bytes().any(|b| b.is_ascii_digit());
        (is_run || text.len() >= 12) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let looks_like = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(b, form)| match form {
                b'0' => b.is_ascii_digit(),
                other => b == other,
            })
    };
    let is_time =
        |text: &str| text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    if is_hex(word) {
        "DIGEST".to_owned()
    } else if is_time(word) {
        "TIME".to_owned()
    } else if looks_like(word, "0000-00-00") {
        "DATE".to_owned()
    } else if looks_like(word, "00:00") {
        "CLOCK".to_owned()
    } else if word.starts_with("SHA256:") {
        "KEY".to_owned()
    } else if word.contains('.') && word.parse::<f64>().is_ok() {
        "NUMBER".to_owned()
    } else if ["kB", "MB", "GB", "TB"].contains(&word) {
        "UNIT".to_owned()
    } else {
        // `/tmp/ttplan-demo-Xy12Za/app`: six characters at random.
        match word.split_once("ttplan-demo-") {
            Some((before, after)) => {
                format!("{before}ttplan-demo-RANDOM{}", after.get(6..).unwrap_or_default())
            }
            None => word.to_owned(),
        }
    }
}

/// Where what is shown from a line of the page on stops being what is printed.
fn difference(at: usize, command: &str, shown: &[&str], printed: &[&str]) -> Option<String> {
    if fits(shown, printed) {
        return None;
    }
    let (lines, of) = furthest(shown, printed);
    let part = |lines: &[&str]| {
        let some: String = lines.iter().take(3).map(|line| format!("    {line}\n")).collect();
        if some.is_empty() { "    (no more)\n".to_owned() } else { some }
    };
    Some(format!(
        ":{}: in `{command}` the page says\n{}  and the program prints\n{}",
        at + lines,
        part(&shown[lines..]),
        part(&printed[of..])
    ))
}

#[test]
fn a_transcript_that_is_not_true_does_not_fit() {
    let printed = ["made 2026-11-20T16:05:50Z by ttplan", "sha256 d78a06d67f172d8c", "steps: 3"];
    assert!(fits(&["made 2020-01-01T00:00:00Z by ttplan", "…", "steps: 3"], &printed));
    assert!(fits(&["…"], &printed));
    assert!(!fits(&["…", "steps: 4"], &printed));
    assert!(!fits(&["made 2020-01-01T00:00:00Z by ttplan"], &printed));
    assert!(!fits(&[], &printed));
    let shown = ["made 2020-01-01T00:00:00Z by ttplan", "…", "steps: 4"];
    assert_eq!(
        difference(7, "plan", &shown[..1], &printed[..2]).unwrap(),
        ":8: in `plan` the page says\n    (no more)\n  and the program prints\n    sha256 d78a06d67f172d8c\n"
    );
    assert_eq!(
        difference(7, "plan", &shown, &printed).unwrap(),
        ":9: in `plan` the page says\n    steps: 4\n  and the program prints\n    sha256 d78a06d67f172d8c\n    steps: 3\n"
    );
    assert_eq!(masked("51.1 GB free"), masked("3.4 TB free"));
    assert_ne!(masked("3 files"), masked("4 files"));
    assert_eq!(masked("until 2026-12-06 09:03 UTC"), masked("until 2027-01-01 00:00 UTC"));
    assert_ne!(masked("table 12345"), masked("table 12346"));
    assert_eq!(
        masked("in `/tmp/ttplan-demo-a1B2c3/app`"),
        masked("in `/tmp/ttplan-demo-zzzzzz/app`")
    );
    assert!(Path::new("README.md").exists());
}
