# What people do here. `just` alone lists it.

default:
    @just --list

# Format, lint, floors, tests: what has to pass before anything lands.
check: fmt-check lint test

# Format.
fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

lint:
    cargo clippy --all-targets -- -D warnings

# All tests. Installs what they need on a bare Debian (PostgreSQL, SQLite, OpenSSH).
test:
    ./tests/run

# Kill and fail runs at every point there is, on both engines (hours; `just crash 50` for so many of a kind).
crash faults="full":
    TTPLAN_CRASH={{faults}} cargo test --test crash -- --show-output

# Feed every reader of documents that come from outside (a million inputs each).
fuzz inputs="1000000":
    TTPLAN_FUZZ={{inputs}} cargo test --test fuzz -- --show-output

# Kill a move of 20,000 files so often, copied and linked.
interrupt times="100":
    TTPLAN_INTERRUPTIONS={{times}} cargo test --test uploads killing -- --show-output

# Ours and the rivals side by side, on the same data in one run.
bench *NAMES:
    ./tests/bench {{NAMES}}

# Rewrite the snapshots and transcripts from what the program prints now, to be read in a diff.
snap:
    TTPLAN_SNAP=1 cargo test --test cli

# The documentation of the code.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# The main job on a temporary site.
demo:
    cargo run -- demo

# A static binary that starts on an older glibc; says its size and start time.
release:
    ./tests/release
