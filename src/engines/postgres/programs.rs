//! PostgreSQL's own client programs: finding a pair that fits the server, and running them.
//!
//! Nothing secret stands in an argument or a variable: a password travels in a file in memory that
//! only we can read and that is gone when we are. Must never run a program that others could have
//! put there.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

use super::connect::ConnInfo;
use super::program_places::{is_of_the_host, places, version_of};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::ownership::check_ownership;
use crate::model::client_programs::ClientPrograms;
use crate::model::names::Secret;
use crate::process::environment;

/// How much of what a program complained about is told.
const TAIL: u64 = 2_000;

/// `pg_dump` and `pg_restore` of one version, not older than the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) dump: PathBuf,
    pub(super) restore: PathBuf,
}

impl Programs {
    /// The pair that the host names, or else the oldest in the fixed places of distributions that
    /// can work with a server of this major version: `pg_dump` refuses a server newer than itself.
    /// Never along the `PATH` of whoever runs ttplan, who would choose the program by it.
    pub(super) fn find(named: &ClientPrograms, major: u32) -> Result<Self> {
        if let (Some(dump), Some(restore)) = (&named.pg_dump, &named.pg_restore) {
            return Self::named(dump.as_path(), restore.as_path(), major);
        }
        Self::find_along(places().filter(|place| is_of_the_host(place)), major).ok_or_else(|| {
            Error::new(
                Kind::Failed,
                format!("no `pg_dump` and `pg_restore` of PostgreSQL {major} or later are on this machine"),
            )
            .because("backups and saved objects are made with them, so nothing is begun without")
            .hint(format!("apt-get install postgresql-client-{major}"))
            .hint("or name them in host.toml: `[programs]` `pg_dump` and `pg_restore`")
        })
    }

    fn named(dump: &Path, restore: &Path, major: u32) -> Result<Self> {
        for program in [dump, restore] {
            let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
            check_ownership(&real)?;
        }
        match version_of(dump) {
            Some(version) if version >= major => {
                Ok(Self { dump: dump.to_owned(), restore: restore.to_owned() })
            }
            found => {
                let found = found.map_or("of no known version".to_owned(), |v| format!("of {v}"));
                let message = format!("`{}` cannot back up PostgreSQL {major}", dump.display());
                Err(Error::new(Kind::Failed, message)
                    .because(format!("it is {found}"))
                    .hint("name programs of that version in host.toml: `[programs]`"))
            }
        }
    }

    fn find_along(places: impl Iterator<Item = PathBuf>, major: u32) -> Option<Self> {
        places
            .filter_map(|place| {
                let (dump, restore) = (place.join("pg_dump"), place.join("pg_restore"));
                // Debian's wrapper picks a version by itself; the real ones are found where they
                // are.
                let wrapped = dump.canonicalize().ok()?.file_name()? == "pg_wrapper";
                let version = if wrapped || !restore.is_file() { None } else { version_of(&dump) }?;
                (version >= major).then_some((version, Self { dump, restore }))
            })
            .min_by_key(|(version, _)| *version)
            .map(|(_, programs)| programs)
    }

    /// `pg_dump` for this server into the file that its output goes to, still without what is to be
    /// dumped. By that name it opens the very file we made, wherever a path would lead by then; of
    /// a plain output it would not use that one can go back in it.
    pub(super) fn dump(&self, target: &ConnInfo) -> Result<Program> {
        let mut program = Program::new(&self.dump);
        program.arg("--format=custom").arg("--file=/proc/self/fd/1").arg("--no-sync");
        program
            .arg(format!("--dbname={}", target.conninfo))
            .arg("--no-password")
            .arg("--encoding=UTF8");
        if let Some(password) = &target.password {
            program.give_password(password)?;
        }
        Ok(program)
    }

    /// `pg_restore` that writes what it would do to its output; it connects to nothing.
    pub(super) fn restore(&self) -> Program {
        Program::new(&self.restore)
    }

    /// `pg_restore` of all that its input holds, into a database that has nothing yet.
    pub(super) fn restore_into(&self, target: &ConnInfo) -> Result<Program> {
        let mut program = Program::new(&self.restore);
        // A subscription would keep its database from being dropped.
        program.args(["--single-transaction", "--no-subscriptions", "--no-password"]);
        program.arg(format!("--dbname={}", target.conninfo));
        if let Some(password) = &target.password {
            program.give_password(password)?;
        }
        Ok(program)
    }
}

/// One run of a client program.
pub(super) struct Program {
    command: Command,
    name: String,
    /// Kept until the program has ended.
    password: Option<File>,
}

impl Program {
    pub(super) fn new(path: &Path) -> Self {
        let mut command = Command::new(path);
        // In the plain language, so that what it complains about can be understood.
        environment::clear(&mut command).env("LC_ALL", "C").stdin(Stdio::null());
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { command, name, password: None }
    }

    pub(super) fn arg(&mut self, arg: impl Into<OsString>) -> &mut Self {
        self.command.arg(arg.into());
        self
    }

    pub(super) fn args(
        &mut self,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> &mut Self {
        self.command.args(args.into_iter().map(Into::into));
        self
    }

    pub(super) fn input(&mut self, file: File) -> &mut Self {
        self.command.stdin(file);
        self
    }

    fn give_password(&mut self, password: &Secret) -> Result<()> {
        if password.reveal().contains(['\n', '\r']) {
            return Err(Error::new(
                Kind::Config,
                "a password with a line break cannot be handed to `pg_dump`",
            ));
        }
        let escaped = Secret::new(password.reveal().replace('\\', "\\\\").replace(':', "\\:"));
        // In memory only: whatever ends this process, no file with the password is left. By this
        // name the program finds it as long as we live, and nobody else may open it.
        let write = || -> std::io::Result<File> {
            let mut file = File::from(memfd_create("ttplan-pgpass", MemfdFlags::CLOEXEC)?);
            fchmod(&file, Mode::RUSR | Mode::WUSR)?;
            file.write_all(b"*:*:*:*:")?;
            file.write_all(escaped.reveal().as_bytes())?;
            file.write_all(b"\n")?;
            Ok(file)
        };
        let file = write().map_err(|cause| {
            Error::new(Kind::Failed, "the password for `pg_dump` cannot be handed over")
                .because(cause)
        })?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        self.command.env("PGPASSFILE", path);
        self.password = Some(file);
        Ok(())
    }

    /// Runs it to its end with its output going to `file`.
    pub(super) fn run_into(mut self, file: File) -> Result<()> {
        self.command.stdout(file);
        self.start()?.end()
    }

    /// Starts it with its output to be read.
    pub(super) fn start_reading(mut self) -> Result<(Running, ChildStdout)> {
        self.command.stdout(Stdio::piped());
        let mut running = self.start()?;
        let output = running.child.stdout.take();
        let output = output.ok_or_else(|| {
            Error::new(Kind::Failed, format!("`{}` gives no output", running.name))
        })?;
        Ok((running, output))
    }

    /// Runs it to its end and gives what it wrote.
    pub(super) fn read(self) -> Result<String> {
        let name = self.name.clone();
        let (running, mut output) = self.start_reading()?;
        let mut bytes = Vec::new();
        let read = output.read_to_end(&mut bytes);
        running.end()?;
        read.map_err(|cause| {
            Error::new(Kind::Failed, format!("the output of `{name}` cannot be read"))
                .because(cause)
        })?;
        String::from_utf8(bytes).map_err(|cause| {
            Error::new(Kind::Failed, format!("the output of `{name}` is not UTF-8")).because(cause)
        })
    }

    fn start(mut self) -> Result<Running> {
        let fail = |cause: std::io::Error| {
            Error::new(Kind::Failed, format!("`{}` cannot be started", self.name)).because(cause)
        };
        // A file and no pipe: it may complain while nobody listens.
        let complaints = tempfile::tempfile().map_err(fail)?;
        self.command.stderr(complaints.try_clone().map_err(fail)?);
        let child = fault::point("program: before it is started")
            .and_then(|()| self.command.spawn())
            .map_err(fail)?;
        Ok(Running { child, complaints, name: self.name, _password: self.password })
    }
}

/// A client program at work. Ended when it is dropped.
pub(super) struct Running {
    child: Child,
    complaints: File,
    name: String,
    _password: Option<File>,
}

impl Running {
    /// Waits for its end. Errors: in its own words when it did not end well.
    pub(super) fn end(mut self) -> Result<()> {
        let status = self.child.wait().map_err(|cause| {
            Error::new(Kind::Failed, format!("`{}` cannot be waited for", self.name)).because(cause)
        })?;
        if status.success() {
            return Ok(());
        }
        let tail = self.tail();
        Err(complaint(&self.name, &tail, &status.to_string()))
    }

    fn tail(&mut self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read is not told; that the program failed is.
        let _ = self.complaints.metadata().and_then(|meta| {
            self.complaints.seek(SeekFrom::Start(meta.len().saturating_sub(TAIL)))?;
            (&self.complaints).take(TAIL).read_to_end(&mut bytes)
        });
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail harmlessly on a program that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn complaint(name: &str, tail: &str, status: &str) -> Error {
    if tail.contains("No space left on device") {
        return Error::new(Kind::Failed, format!("the disk became full while `{name}` wrote"))
            .because(tail)
            .hint("make room, or choose another place by `[backup] directory`");
    }
    if tail.contains("canceling statement due to lock timeout")
        || tail.contains("could not obtain lock")
    {
        return Error::new(Kind::Locked, format!("`{name}` waited too long for a lock"))
            .because(tail)
            .transient();
    }
    let error = Error::new(Kind::Failed, format!("`{name}` failed ({status})"));
    if tail.is_empty() { error } else { error.because(tail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fake(directory: &Path, name: &str, script: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::create_dir_all(directory).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn fake_pair(root: &Path, major: u32) -> PathBuf {
        let directory = root.join(major.to_string());
        fake(&directory, "pg_dump", &format!("echo 'pg_dump (PostgreSQL) {major}.3 (Debian)'"));
        fake(&directory, "pg_restore", "true");
        directory
    }

    #[test]
    fn the_oldest_pair_that_is_new_enough_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let places: Vec<PathBuf> =
            [17, 14, 16].iter().map(|major| fake_pair(root.path(), *major)).collect();
        let found = |major| Programs::find_along(places.clone().into_iter(), major);
        assert_eq!(found(15).unwrap().dump, root.path().join("16/pg_dump"));
        assert_eq!(found(14).unwrap().dump, root.path().join("14/pg_dump"));
        assert_eq!(found(18), None);
    }

    #[test]
    fn a_full_disk_is_told_as_that() {
        let root = tempfile::tempdir().unwrap();
        let path = fake(
            root.path(),
            "pg_dump",
            "echo 'could not write: No space left on device' >&2; exit 1",
        );
        let error = Program::new(&path).run_into(tempfile::tempfile().unwrap()).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (Kind::Failed, "the disk became full while `pg_dump` wrote")
        );
    }

    #[test]
    fn the_password_is_in_a_file_that_only_we_can_read_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let path = fake(
            root.path(),
            "show",
            r#"stat -Lc %a "$PGPASSFILE"; cat "$PGPASSFILE"; echo "$*"; env | grep -c 's:ecret'"#,
        );
        let mut program = Program::new(&path);
        program.give_password(&Secret::new("s:ecret\\")).unwrap();
        program.arg("--dbname=x");
        let file = program.command.get_envs().find(|(name, _)| *name == "PGPASSFILE");
        let file = PathBuf::from(file.unwrap().1.unwrap());
        // `grep -c` finds nothing and so ends with 1; the shell's own status is the last one.
        program.command.env("IGNORED", "1");
        let (running, mut output) = program.start_reading().unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        drop(running);
        let left = std::fs::read(&file).unwrap_or_default();
        assert!(!left.starts_with(b"*:"), "nothing is left of it");
        assert_eq!(text, "600\n*:*:*:*:s\\:ecret\\\\\n--dbname=x\n0\n");
    }
}
