"""Sits in front of a shell on a pseudo terminal and runs commands under a lock there.

Its arguments are the words before the command: `lockctl ... exec NAME --`.
"""

import json
import os
import pty
import shlex
import subprocess
import sys
import time

PATIENCE_S = 60
exec_words = shlex.join(sys.argv[1:])
shell, terminal = pty.fork()
if shell == 0:
    os.environ["PS1"] = ""
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
os.set_blocking(terminal, False)
seen = ""


def expect(words):
    """Waits until the terminal shows the words behind what was seen before."""
    global seen
    deadline = time.monotonic() + PATIENCE_S
    while words not in seen:
        if time.monotonic() > deadline:
            sys.exit(f"never saw {words!r}, but {seen!r}")
        try:
            seen += os.read(terminal, 4096).decode()
        except BlockingIOError:
            time.sleep(0.01)
    seen = seen.split(words, 1)[1]


def type_in(text):
    os.write(terminal, text.encode())


def until(is_so, words):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"never {words}")
        time.sleep(0.01)


def somebody_waits():
    info = sys.argv[1:-3] + ["info", "deploy", "-o", "json"]
    return json.loads(subprocess.check_output(info))["waiting"]


def a_command_has_it():
    return os.tcgetpgrp(terminal) != shell


type_in("stty -echo\n")
# The words that are typed are not those that are waited for.
type_in(f"{exec_words} sh -c 'echo rea''dy; read word; echo got-$word'; echo code-$?\n")
expect("ready")
type_in("hello\n")
expect("got-hello")
expect("code-0")
type_in(f"{exec_words} sh -c 'echo rea''dy; exec sleep 600'; echo code-$?\n")
expect("ready")
type_in("\x03")
expect("code-130")
type_in(f"{exec_words} sh -c 'echo rea''dy; exec sleep 600'\n")
expect("ready")
type_in("\x1a")
expect("Stopped")
type_in("echo sh''ell\n")
expect("shell")
type_in("fg\n")
until(a_command_has_it, "had a command the terminal")
type_in("\x03")
type_in("echo co''de-$?\n")
expect("code-130")
# In a pipe the terminal stays with who else reads it, until the command wants it.
type_in(f"{exec_words} sh -c 'echo rea''dy; read word </dev/tty; echo got-$word' | cat\n")
expect("ready")
type_in("again\n")
expect("got-again")
# In line, too, Ctrl-Z stops and Ctrl-C ends.
type_in(f"{exec_words} sh -c 'echo rea''dy; exec sleep 600' &\n")
expect("ready")
type_in(f"{exec_words} true\n")
until(somebody_waits, "did somebody wait")
type_in("\x1a")
expect("Stopped")
type_in("fg\n")
until(a_command_has_it, "had a command the terminal")
type_in("\x03")
type_in("echo co''de-$?; kill %1; wait\n")
expect("code-130")
type_in("exit\n")
os.waitpid(shell, 0)
