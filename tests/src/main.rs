//! The `henhouse` command, built with the tests.

fn main() -> std::process::ExitCode {
    henhouse::command::main()
}
