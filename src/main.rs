//! argv in, exit code out: no thread and no runtime before the applet is known.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = match coracle::applet::dispatch(std::env::args_os().collect()) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.tell();
            failure.exit
        }
    };
    ExitCode::from(exit.0)
}
