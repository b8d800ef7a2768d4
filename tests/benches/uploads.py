"""Scanning, copying and linking upload trees, beside the tools that people use for it.

Ours is a whole `ttplan` process each time: configuration, trust, preflight, journal and report included. A
rival copies and then syncs the filesystem; none of them but rclone verifies what it wrote.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Copies take seconds: fewer runs than of what takes milliseconds.
RUNS = max(1, int(os.environ.get("TTPLAN_BENCH_UPLOAD_RUNS", "3")))
# 1 is the full size: 100,000 files of 10 kB and 2,000 files of 1 MB.
SCALE = float(os.environ.get("TTPLAN_BENCH_SCALE", "1"))

LINK_LOOP = """
import os, sys
old, new = sys.argv[1:]
for folder, _, names in os.walk(old):
    there = new + folder[len(old):]
    os.makedirs(there, exist_ok=True)
    for name in names:
        os.link(folder + '/' + name, there + '/' + name)
os.sync()
"""

TREES = [("100,000 files of 10 kB", 100_000, 10_000), ("2,000 files of 1 MB", 2_000, 1_000_000)]


def must(command, **how):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
    if done.returncode:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stdout.decode(errors='replace')}")
    return done


def make_tree(root, files, size):
    """Files of random content, a thousand to a directory."""
    for n in range(files):
        if n % 1000 == 0:
            (root / f"{n // 1000:04}").mkdir(parents=True)
        (root / f"{n // 1000:04}" / f"{n:07}.bin").write_bytes(os.urandom(size))
    os.sync()


class Site:
    """A site with an empty SQLite database, whose only upload moves `old` to `new`."""

    def __init__(self, program, home, old, new, mode=None):
        self.program, self.home, self.old, self.new = program, home, old, new
        home.mkdir()
        (home / "migrations").mkdir()
        (home / "migrations/1.py").write_text("revision = '1'\ndown_revision = None\n")
        import sqlite3

        with sqlite3.connect(home / "app.db") as database:
            database.execute("create table alembic_version (version_num varchar(32))")
            database.execute("insert into alembic_version values ('1')")
            database.execute("create table documents (id integer primary key, path text)")
        new.mkdir(parents=True, exist_ok=True)
        extra = f"mode = '{mode}'\n" if mode else ""
        (home / "ttplan.toml").write_text(
            "version = 1\nsite = 'bench'\n[revisions]\nsystem = 'alembic'\ndirectory = 'migrations'\n"
            f"[tables.core]\ndocuments = ['id', 'path']\n[[uploads]]\nname = 'files'\nfrom = ['{old}']\nto = '{new}'\n{extra}"
        )
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "DATABASE_URL": f"sqlite:///{home}/app.db"}
        roots = ["--allow-root", str(old), "--allow-root", str(new), "--state", "state"]
        self.run("trust", "init", "--site", "bench", "--directory", "host", "--principal", "you", *roots)

    def command(self, *words):
        return [self.program, *words]

    def run(self, *words):
        return must(self.command(*words), cwd=self.home, env=self.env)

    def plan(self):
        self.run("plan", "-o", "move.ttplan.json")
        self.run("sign", "move.ttplan.json", "--key", "host/you.key", "--principal", "you", "--yes")

    def apply(self):
        return self.command("apply", "move.ttplan.json", "--host-config", "host/host.toml", "--auto-approve")

    def forget(self):
        """As if nothing had been applied: what was copied and the papers of the run go."""
        clear(self.new)
        clear(self.home / "state")


def clear(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    os.sync()


def in_turn(title, contenders):
    """Contenders are (name, prepare, command, how); prints medians of whole processes, run in turn."""
    took = {name: [] for name, *_ in contenders}
    for turn in range(RUNS + 1):
        for name, prepare, command, how in contenders:
            prepare()
            start = time.perf_counter()
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **how)
            spent = time.perf_counter() - start
            if done.returncode:
                sys.exit(f"{name}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")
            if turn:
                took[name].append(spent)
    print(f"  {title}")
    first = statistics.median(took[contenders[0][0]])
    for name, times in took.items():
        middle = statistics.median(times)
        print(f"    {name:26} {middle:7.2f} s  ({min(times):.2f} to {max(times):.2f})  {middle / first:5.2f}x", flush=True)


def sh(line, *words):
    return ["sh", "-c", line, "sh", *map(str, words)]


def rivals(old, new):
    lines = {"cp -a, sync": 'cp -a "$1/." "$2" && sync -f "$2"', "rsync -a, sync": 'rsync -a "$1/" "$2" && sync -f "$2"'}
    lines["rclone copy, sync"] = 'rclone copy "$1" "$2" && sync -f "$2"'
    return [
        (name, lambda: clear(new), sh(line, old, new), {}) for name, line in lines.items() if shutil.which(line.split()[0])
    ]


def of_tree(program, work, title, files, size):
    files = max(1, int(files * SCALE))
    print(f"{title} (here {files:,} files), {RUNS} runs each after one to warm up, in turn")
    old = work / "old"
    make_tree(old, files, size)
    nothing = lambda: None
    site = Site(program, work / "site", old, work / "new", "0640")
    how = {"cwd": site.home, "env": site.env}
    scans = [("ttplan inspect", nothing, site.command("inspect", "--files-only", "-o", "seen.json"), how)]
    if shutil.which("rclone"):
        scans.append(("rclone hashsum sha256", nothing, ["rclone", "hashsum", "sha256", str(old)], {}))
    in_turn("scan and hash", scans)
    site.plan()
    in_turn("copy on one filesystem", [("ttplan apply", site.forget, site.apply(), how), *rivals(old, work / "theirs")])
    site.forget()
    must(site.apply(), **how)
    in_turn("apply a second time", [("ttplan apply", nothing, site.apply(), how)])
    for place in ("new", "theirs"):
        shutil.rmtree(work / place, ignore_errors=True)

    linked = Site(program, work / "linked", old, work / "links")
    linked.plan()
    loop = [sys.executable, "-c", LINK_LOOP, str(old), str(work / "theirs")]
    how = {"cwd": linked.home, "env": linked.env}
    in_turn(
        "move on one filesystem",
        [
            ("ttplan apply", linked.forget, linked.apply(), how),
            ("a loop of link(), sync", lambda: clear(work / "theirs"), loop, {}),
            ("cp -al, sync", lambda: clear(work / "theirs"), sh('cp -al "$1/." "$2" && sync -f "$2"', old, work / "theirs"), {}),
        ],
    )
    for place in ("links", "theirs"):
        shutil.rmtree(work / place, ignore_errors=True)
    memory = Path("/dev/shm")
    if memory.is_dir() and os.stat(memory).st_dev != os.stat(work).st_dev:
        with tempfile.TemporaryDirectory(prefix="ttplan-bench-", dir=memory) as there:
            across = Site(program, work / "across", old, Path(there) / "new")
            across.plan()
            how = {"cwd": across.home, "env": across.env}
            in_turn("copy to another filesystem", [("ttplan apply", across.forget, across.apply(), how), *rivals(old, Path(there) / "theirs")])


def bench(program, work):
    for n, (title, files, size) in enumerate(TREES):
        here = work / f"tree{n}"
        here.mkdir()
        of_tree(program, here, title, files, size)
        shutil.rmtree(here)
