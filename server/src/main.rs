//! The binary `latchkey`.

use std::process::ExitCode;

fn main() -> ExitCode {
    latchkey_server::cli::run()
}
