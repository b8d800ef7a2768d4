"""Scanning, copying and linking upload trees, beside the tools that people use for it.

Ours is a whole `ttplan` process each time: configuration, trust, preflight, journal and report included. A
rival copies and then syncs the filesystem; none of them but rclone verifies what it wrote. The tree is read through
before every run, since rclone drops what it has read from the kernel's cache, and the next to come would pay for it.
Peak memory is the process's own as the kernel counts it, but never less than what this script itself holds.
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

# So many small files, besides: their memory, the size of the plan and its list, times. None by default: it takes minutes.
MILLION = int(os.environ.get("TTPLAN_BENCH_MILLION", "0"))

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


def read_through(root):
    """Brings the content of a tree into the kernel's cache."""
    for folder, _, names in os.walk(root):
        for name in names:
            with open(f"{folder}/{name}", "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


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
        self.run("trust", "init", "--site", "bench", "--directory", "host", "--principal", "you", "--yes", *roots)

    def command(self, *words):
        return [self.program, *words]

    def run(self, *words):
        return must(self.command(*words), cwd=self.home, env=self.env)

    def plan(self):
        self.run("plan", "-o", "move.ttplan.json")
        self.sign()

    def sign(self):
        self.run("sign", "move.ttplan.json", "--key", "host/you.key", "--principal", "you", "--yes")

    def apply(self):
        return self.command("apply", "move.ttplan.json", "--host-config", "host/host.toml", "--auto-approve")

    def undo(self):
        return self.command("undo", "--last", "--host-config", "host/host.toml", "--auto-approve")

    def forget(self):
        """As if nothing had been applied: what was copied and the papers of the run go."""
        clear(self.new)
        clear(self.home / "state")


def clear(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    os.sync()


def measured(name, command, how):
    """Runs a process; gives the seconds it took and its peak memory in bytes."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, **how)
        _, status, usage = os.wait4(child.pid, 0)
        spent = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.exit(f"{name}: exit code {child.returncode}\n{said.read().decode(errors='replace')}")
    return spent, usage.ru_maxrss * 1024


def in_turn(title, tree, contenders, runs=RUNS, warm_up=1):
    """Contenders are (name, prepare, command, how); prints medians of whole processes, run in turn."""
    took = {name: [] for name, *_ in contenders}
    peaks = dict.fromkeys(took, 0)
    for turn in range(runs + warm_up):
        for name, prepare, command, how in contenders:
            prepare()
            read_through(tree)
            spent, peak = measured(name, command, how)
            peaks[name] = max(peaks[name], peak)
            if turn >= warm_up:
                took[name].append(spent)
    print(f"  {title} (load {os.getloadavg()[0]:.1f})")
    first = statistics.median(took[contenders[0][0]])
    for name, times in took.items():
        middle = statistics.median(times)
        span = f"({min(times):.2f} to {max(times):.2f})"
        print(f"    {name:26} {middle:7.2f} s  {span:18} {middle / first:5.2f}x  {peaks[name] / 1e6:5.0f} MB", flush=True)


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
    in_turn("scan and hash", old, scans)
    site.plan()
    in_turn("copy on one filesystem", old, [("ttplan apply", site.forget, site.apply(), how), *rivals(old, work / "theirs")])
    site.forget()
    must(site.apply(), **how)
    in_turn("apply a second time", old, [("ttplan apply", nothing, site.apply(), how)])
    for place in ("new", "theirs"):
        shutil.rmtree(work / place, ignore_errors=True)

    linked = Site(program, work / "linked", old, work / "links")
    linked.plan()
    loop = [sys.executable, "-c", LINK_LOOP, str(old), str(work / "theirs")]
    how = {"cwd": linked.home, "env": linked.env}
    in_turn(
        "move on one filesystem",
        old,
        [
            ("ttplan apply", lambda: (linked.forget(), clear(work / "theirs")), linked.apply(), how),
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
            theirs = rivals(old, Path(there) / "theirs")
            in_turn("copy to another filesystem", old, [("ttplan apply", across.forget, across.apply(), how), *theirs])


def many(program, work, files):
    """So many files of 200 bytes: what a list of them takes."""
    print(f"{files:,} files of 200 bytes, one run each, in turn")
    old = work / "old"
    make_tree(old, files, 200)
    nothing = lambda: None
    for title, place, mode in [("a hard link each", "links", None), ("a copy each", "new", "0640")]:
        site = Site(program, work / f"site-{place}", old, work / place, mode)
        how = {"cwd": site.home, "env": site.env}
        in_turn(f"{title}: plan", old, [("ttplan plan", nothing, site.command("plan", "-o", "move.ttplan.json"), how)], 1, 0)
        for paper in ("move.ttplan.json", "move.files.zst"):
            print(f"    {paper:26} {(site.home / paper).stat().st_size / 1e6:7.3f} MB", flush=True)
        site.sign()
        loop = [sys.executable, "-c", LINK_LOOP, str(old), str(work / "theirs")]
        theirs = work / "theirs"
        rival = ("cp -a, sync", lambda: clear(theirs), sh('cp -a "$1/." "$2" && sync -f "$2"', old, theirs), {})
        if not mode:
            rival = ("a loop of link(), sync", lambda: clear(theirs), loop, {})
        in_turn(f"{title}: apply", old, [("ttplan apply", nothing, site.apply(), how), rival], 1, 0)
        in_turn(f"{title}: apply a second time", old, [("ttplan apply", nothing, site.apply(), how)], 1, 0)
        shutil.rmtree(theirs)
        in_turn(f"{title}: undo", old, [("ttplan undo", nothing, site.undo(), how)], 1, 0)
        shutil.rmtree(work / place)


def bench(program, work):
    for n, (title, files, size) in enumerate(TREES):
        here = work / f"tree{n}"
        here.mkdir()
        of_tree(program, here, title, files, size)
        shutil.rmtree(here)
    if MILLION:
        here = work / "million"
        here.mkdir()
        many(program, here, MILLION)
