//! `cargo xtask dev`: the stack from a developer's side.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

pub(crate) mod logs;
mod status;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use xshell::Shell;

use crate::flags;
use crate::interrupt;
use crate::places::Places;
use crate::stack::{Build, PROGRAMS, Stack};

/// Runs one of its commands.
pub(crate) fn run(sh: &Shell, flags: flags::Dev) -> anyhow::Result<()> {
    let places = Places::new(sh, flags.state)?;
    match flags.subcommand {
        flags::DevCmd::Up(up) => bring_up(sh, &places, &up),
        flags::DevCmd::Status(status) => status::show(sh, &places, status.json),
        flags::DevCmd::Logs(logs) => logs::show(sh, &places, &logs.part, logs.follow),
        flags::DevCmd::Down(_) => match Stack::find(sh, &places)? {
            Some(stack) => stack.down(),
            None => {
                say_nothing_there(&places);
                Ok(())
            }
        },
        flags::DevCmd::Reset(_) => match Stack::find(sh, &places)? {
            Some(stack) => stack.reset(),
            None if places.is_ours() => places.delete_state(),
            None => {
                say_nothing_there(&places);
                Ok(())
            }
        },
        flags::DevCmd::Env(_) => {
            println!("{}", open(sh, &places)?.addresses()?.exports());
            Ok(())
        }
    }
}

/// The stack, which has to have been started.
fn open<'a>(sh: &'a Shell, places: &'a Places) -> anyhow::Result<Stack<'a>> {
    let stack = Stack::find(sh, places)?;
    stack.with_context(|| format!("no stack in {}: run `{}`", places.state.display(), places.dev()))
}

fn say_nothing_there(places: &Places) {
    println!("no stack in {}", places.state.display());
}

fn bring_up(sh: &Shell, places: &Places, up: &flags::Up) -> anyhow::Result<()> {
    interrupt::catch()?;
    let started = Instant::now();
    let build = Build::unless(up.no_build);
    places.claim()?;
    // Until we have it, nothing is ours to stop again.
    let lock = places.lock()?;
    let result = Stack::up_locked(sh, places, build);
    drop(lock);
    let stack = match result {
        Ok(stack) => stack,
        Err(error) if interrupt::asked() => {
            println!("\n{error:#}: stopping what was started");
            interrupt::clear();
            return Stack::find(sh, places)?.map_or(Ok(()), |stack| stack.down());
        }
        Err(error) => return Err(error),
    };
    let secs = started.elapsed().as_secs_f64();
    println!("\nUp in {secs:.1} s. State in {}", places.state.display());
    println!("{}", stack.addresses()?.welcome(&places.dev()));
    if up.detach {
        println!("Runs on. `{} down` stops it.", places.dev());
        return Ok(());
    }
    println!("Ctrl-C stops it. The data stays.");
    watch(&stack);
    interrupt::clear();
    stack.down()
}

/// Until Ctrl-C. Says so once when a part ends by itself.
fn watch(stack: &Stack<'_>) {
    let mut ended: Vec<&str> = Vec::new();
    while interrupt::sleep(Duration::from_secs(1)).is_ok() {
        for name in PROGRAMS {
            let gone = stack.check_alive(name);
            match gone {
                Err(error) if !ended.contains(&name) => {
                    let dev = stack.places.dev();
                    println!("\n{error:#}\n`{dev}` in another terminal starts it again.");
                    ended.push(name);
                }
                Err(_) => {}
                Ok(()) => ended.retain(|it| *it != name),
            }
        }
    }
    println!();
}
