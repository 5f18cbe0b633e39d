//! The command.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    rialto::cli::main(env::args_os())
}
