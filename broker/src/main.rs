//! The `henhouse` command.

fn main() -> std::process::ExitCode {
    henhouse::command::main()
}
