//! RunContext over to [`ttplan::cli`] and returns its exit code.

fn main() -> std::process::ExitCode {
    ttplan::cli::main()
}
