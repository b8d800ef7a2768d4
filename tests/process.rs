//! Running commands: their output in the log without secrets, their end told rightly, and nothing
//! of them left running.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ttplan::error::Kind;
use ttplan::model::names::{FilePath, Secret};
use ttplan::process::command::{Command, Exit};
use ttplan::process::run;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap()
    }

    fn run(&self, command: &Command) -> Exit {
        run(command, &self.at("log")).unwrap()
    }

    fn shell(&self, script: &str) -> Command {
        shell(self.directory.path(), script)
    }
}

fn shell(directory: &Path, script: &str) -> Command {
    Command {
        argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
        directory: FilePath::from(directory),
        env: Vec::new(),
        redact: Vec::new(),
        timeout: Duration::from_secs(600),
    }
}

fn failed(exit: Exit) -> (String, String) {
    match exit {
        Exit::Failed { how, tail } => (how, tail),
        other => panic!("expected a failure, found {other:?}"),
    }
}

#[test]
fn both_streams_come_in_order_into_a_private_log() {
    let place = Place::new();
    let exit = place.run(&place.shell("echo one; echo two >&2; echo three; pwd"));
    assert_eq!(exit, Exit::Success);
    let directory = place.directory.path().canonicalize().unwrap();
    assert_eq!(place.log(), format!("one\ntwo\nthree\n{}\n", directory.display()));
    assert_eq!(place.at("log").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_failure_tells_how_and_shows_the_last_lines() {
    let place = Place::new();
    let (how, tail) = failed(place.run(&place.shell("seq 100; exit 3")));
    assert_eq!(how, "exit code 3");
    assert_eq!(tail, (61..=100).map(|n| n.to_string()).collect::<Vec<_>>().join("\n"));
    fs::remove_file(place.at("log")).unwrap();
    assert_eq!(failed(place.run(&place.shell("kill -9 $$"))).0, "SIGKILL");
}

#[test]
fn no_secret_reaches_the_log_or_the_tail_however_it_is_written() {
    let place = Place::new();
    let mut command = place.shell(
        "printf 'url=postgresql://u:hun'; printf 'ter2@db\\n'; echo $PASSWORD >&2; env | grep PASSWORD; \
         printf 'key: line one\\nline two.\\n'; exit 1",
    );
    command.env = vec![("PASSWORD".into(), "hunter2".into())];
    command.redact = ["hunter2", "line one\nline two", ""].map(Secret::new).into();
    let (_, tail) = failed(place.run(&command));
    let expected = "url=postgresql://u:***@db\n***\nPASSWORD=***\nkey: ***.";
    assert_eq!(tail, expected);
    assert_eq!(place.log(), format!("{expected}\n"));
}

#[test]
fn the_environment_is_what_the_command_says_and_nothing_is_inherited() {
    let place = Place::new();
    let mut command = place.shell(
        "echo ${CARGO_MANIFEST_DIR-unset} ${HOME-unset} $ADDED; read x || echo nothing to read",
    );
    command.env = vec![("ADDED".into(), "added".into())];
    place.run(&command);
    assert_eq!(place.log(), "unset unset added\nnothing to read\n");
}

#[test]
fn output_without_an_end_of_line_is_logged_whole_and_shown_in_part() {
    let place = Place::new();
    let (_, tail) =
        failed(place.run(&place.shell("head -c 5000000 /dev/zero | tr '\\0' x; exit 1")));
    assert_eq!(place.at("log").metadata().unwrap().len(), 5_000_000);
    assert!(tail.len() < 5000 && tail.starts_with("xxx"));
}

#[test]
fn what_cannot_be_started_says_why_and_leaves_no_log() {
    let place = Place::new();
    let script = place.at("script");
    fs::write(&script, "#!/nowhere/python\n").unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(place.at("text"), "x").unwrap();
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let cases = [
        (vec!["/nowhere/flask".to_owned()], "No such file"),
        (vec![text(place.at("text"))], "ermission denied"),
        (vec![text(script)], "interpreter"),
        (vec!["flask".to_owned()], "absolute path"),
        (vec![], "absolute path"),
        (vec!["/bin/echo".to_owned(), "a\0b".to_owned()], "nul byte"),
    ];
    for (argv, words) in cases {
        let command = Command { argv, ..place.shell("") };
        let error = run(&command, &place.at("log")).unwrap_err();
        assert_eq!(error.kind(), Kind::Failed);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!place.at("log").exists());
    }
    let command = Command { directory: FilePath::from("/nowhere"), ..place.shell("") };
    let error = run(&command, &place.at("log")).unwrap_err();
    assert!(error.to_string().contains("working directory `/nowhere`"), "{error}");
}

#[test]
fn a_log_that_is_there_already_is_never_written_over() {
    let place = Place::new();
    fs::write(place.at("log"), "precious").unwrap();
    let error = run(&place.shell("touch started"), &place.at("log")).unwrap_err();
    assert_eq!(error.kind(), Kind::Failed);
    assert_eq!(place.log(), "precious");
    assert!(!place.at("started").exists());
}

/// Whoever holds this open is alive: reading it to its end waits for all of them to be gone.
struct Lifeline {
    path: PathBuf,
}

impl Lifeline {
    fn new(place: &Place) -> Self {
        let path = place.at("lifeline");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path }
    }

    /// Calls `meanwhile` when something was written, then waits for the end.
    fn wait(&self, meanwhile: impl FnOnce()) {
        let mut file = fs::File::open(&self.path).unwrap();
        let mut first = [0];
        file.read_exact(&mut first).unwrap();
        meanwhile();
        file.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn when_the_time_is_up_the_whole_group_ends() {
    let place = Place::new();
    let lifeline = Lifeline::new(&place);
    let mut command =
        place.shell("exec 3>lifeline; echo begun | tee /dev/fd/3; sleep 1000 & sleep 1000");
    command.timeout = Duration::from_millis(500);
    std::thread::scope(|scope| {
        scope.spawn(|| lifeline.wait(|| ()));
        assert_eq!(place.run(&command), Exit::TimedOut { tail: "begun".into() });
    });
}

#[test]
fn who_does_not_listen_is_killed() {
    let place = Place::new();
    let lifeline = Lifeline::new(&place);
    let mut command = place
        .shell("trap 'echo no' TERM; exec 3>lifeline; echo begun >&3; while :; do sleep 1; done");
    command.timeout = Duration::from_millis(500);
    std::thread::scope(|scope| {
        scope.spawn(|| lifeline.wait(|| ()));
        assert!(matches!(place.run(&command), Exit::TimedOut { .. }));
    });
    assert!(place.log().contains("no\n"));
}

#[test]
fn who_does_not_listen_and_says_nothing_is_killed_too() {
    let place = Place::new();
    let lifeline = Lifeline::new(&place);
    let mut command = place.shell(
        "exec 3>lifeline; (trap '' TERM; exec >/dev/null 2>&1; echo begun >&3; while :; do sleep 1; done) & wait",
    );
    command.timeout = Duration::from_millis(500);
    std::thread::scope(|scope| {
        scope.spawn(|| lifeline.wait(|| ()));
        assert!(matches!(place.run(&command), Exit::TimedOut { .. }));
    });
}

#[test]
fn who_outlives_the_command_and_holds_its_output_is_ended() {
    let place = Place::new();
    let lifeline = Lifeline::new(&place);
    let command = place.shell("exec 3>lifeline; echo begun >&3; sleep 1000 & echo done");
    std::thread::scope(|scope| {
        scope.spawn(|| lifeline.wait(|| ()));
        assert_eq!(place.run(&command), Exit::Success);
    });
    assert_eq!(place.log(), "done\n");
}

#[test]
fn who_left_the_group_and_holds_the_output_is_not_waited_for() {
    let place = Place::new();
    let command = place
        .shell("setsid sh -c 'touch left; exec sleep 20' & until [ -e left ]; do :; done; exit 4");
    assert_eq!(failed(place.run(&command)).0, "exit code 4");
}

/// Names the place of a test that runs itself again, to be killed.
const AGAIN: &str = "TTPLAN_TEST_AGAIN";

#[test]
fn a_command_does_not_survive_the_one_who_runs_it() {
    if let Some(directory) = std::env::var_os(AGAIN).map(PathBuf::from) {
        let command = shell(
            &directory,
            "exec 3>lifeline; echo begun | tee /dev/fd/3; sleep 1000 & sleep 1000",
        );
        run(&command, &directory.join("log")).unwrap();
        return;
    }
    let place = Place::new();
    let lifeline = Lifeline::new(&place);
    let mut myself = std::process::Command::new(std::env::current_exe().unwrap());
    myself.args(["--exact", "a_command_does_not_survive_the_one_who_runs_it"]);
    myself.env(AGAIN, place.directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut runner = myself.spawn().unwrap();
    lifeline.wait(|| {
        // What the command said is in the log, so the one who runs it has come past its start.
        while fs::read(place.at("log")).unwrap().is_empty() {
            std::thread::yield_now();
        }
        runner.kill().unwrap();
        runner.wait().unwrap();
    });
}
