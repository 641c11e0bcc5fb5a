#!/bin/sh
# Installs coracle: the executable, its links, completions, manual pages and a systemd unit.
#
# The names of the links are those of completions/bash, which a test holds to the table of applets.
# Run twice, it changes nothing more; --uninstall removes exactly what it installs.
set -eu

usage() {
    cat <<USAGE
usage: ./install.sh [--prefix DIR] [--binary PATH] [--uninstall]

  --prefix DIR    where to install (default /usr/local; as an ordinary user: --prefix ~/.local)
  --binary PATH   install this executable instead of building a static one
  --uninstall     remove what an installation with the same prefix made

DESTDIR, when set, stands before every path that is written.
USAGE
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit "${2:-1}"
}

prefix=/usr/local
binary=
action=install
while [ $# -gt 0 ]; do
    case $1 in
    --prefix | --binary)
        [ $# -ge 2 ] || fail "$1 wants a value: see ./install.sh --help" 2
        if [ "$1" = --prefix ]; then prefix=$2; else binary=$2; fi
        shift
        ;;
    --prefix=*) prefix=${1#*=} ;;
    --binary=*) binary=${1#*=} ;;
    --uninstall) action=uninstall ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) fail "$1 is not known: see ./install.sh --help" 2 ;;
    esac
    shift
done
# The shell leaves the ~ of --prefix=~/.local as it is.
case $prefix in
\~ | \~/*) prefix=${HOME:?}${prefix#\~} ;;
esac
case $prefix in
*[\"\\%\$]*) fail "the prefix has one of \" \\ % \$: a unit cannot name such a path plainly" 2 ;;
/*) ;;
*) fail "the prefix \"$prefix\" is not absolute: write the whole path" 2 ;;
esac
prefix=${prefix%/}
case $binary in
\~/*) binary=${HOME:?}${binary#\~} ;;
'' | /*) ;;
*) binary=$PWD/$binary ;;
esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${DESTDIR:-}$prefix

# A prefix in a home is a user's: systemd looks for the user's units in another folder there.
user_unit=no
case $prefix in
"${HOME:-/nonexistent}"/*) user_unit=yes ;;
esac
if [ "$(id -u)" -ne 0 ] && [ -z "${DESTDIR:-}" ]; then user_unit=yes; fi
if [ $user_unit = yes ]; then
    unit=$root/share/systemd/user/coracle.service
else
    unit=$root/lib/systemd/system/coracle.service
fi

# Whether systemd looks for units where ours goes; elsewhere it is told the whole path.
unit_name=$unit
case $prefix in
/usr | /usr/local) unit_name=coracle ;;
'') if [ $user_unit = no ]; then unit_name=coracle; fi ;;
"${HOME:-/nonexistent}/.local") unit_name=coracle ;;
esac

# The hardening that a system unit gets; most of it needs root, so a user's unit goes without.
hardening() {
    cat <<UNIT
StateDirectory=coracle
StateDirectoryMode=0700
RuntimeDirectory=coracle
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
# Another data-dir than /var/lib/coracle has to be named here (systemctl edit coracle):
#ReadWritePaths=/srv/coracle
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
UNIT
}

unit_text() {
    cat <<UNIT
[Unit]
Description=coracle daemon
Documentation=man:coracle-daemon(1)
UNIT
    if [ $user_unit = no ]; then
        printf 'After=network-online.target\nWants=network-online.target\n'
    fi
    cat <<UNIT

[Service]
Type=notify
# Settings, one a line: CORACLE_DATA_DIR=/srv/coracle, or CORACLE_CONFIG=/etc/coracle.toml.
EnvironmentFile=-%E/coracle.env
ExecStart="$prefix/bin/coracle" daemon
Restart=on-failure
RestartSec=1
LimitNOFILE=65536
UNIT
    if [ $user_unit = no ]; then hardening; fi
    printf '\n[Install]\nWantedBy=%s\n' \
        "$(if [ $user_unit = yes ]; then echo default.target; else echo multi-user.target; fi)"
}

# Prints each installed data file as "SOURCE DESTINATION", both below here and the root.
data_files() {
    (cd "$here" && for source in completions/bash/* completions/zsh/* completions/fish/* man/*; do
        name=${source##*/}
        case $source in
        completions/bash/*) echo "$source share/bash-completion/completions/$name" ;;
        completions/zsh/*) echo "$source share/zsh/site-functions/$name" ;;
        completions/fish/*) echo "$source share/fish/vendor_completions.d/$name" ;;
        man/*) echo "$source share/man/man${name##*.}/$name" ;;
        esac
    done)
}

links() {
    (cd "$here/completions/bash" && for name in *; do
        if [ "$name" != coracle ]; then echo "$name"; fi
    done)
}

build() {
    target=$(rustc -vV | sed -n 's/^host: //p')
    (cd "$here" && RUSTFLAGS='-C target-feature=+crt-static' \
        cargo build --locked --profile dist --target "$target" >&2)
    echo "${CARGO_TARGET_DIR:-$here/target}/$target/dist/coracle"
}

# Copies by a new name and a rename, so that a running executable is never written to.
put() {
    mkdir -p "$(dirname -- "$3")"
    cp -- "$2" "$3.new"
    chmod "$1" "$3.new"
    mv -f -- "$3.new" "$3"
}

# Asked before anything is built or changed.
check_target() {
    folder=$root/bin
    while [ ! -e "$folder" ] && [ ! -L "$folder" ]; do folder=$(dirname -- "$folder"); done
    if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
        hint=
        if [ "$(id -u)" -ne 0 ]; then hint=': run as root, or give --prefix ~/.local'; fi
        fail "cannot write to \"$folder\"$hint"
    fi
}

# Refuses to write over what is not ours.
check_names() {
    if [ -d "$root/bin/coracle" ]; then fail "\"$root/bin/coracle\" is a directory"; fi
    for name in $(links); do
        link=$root/bin/$name
        if [ ! -e "$link" ] && [ ! -L "$link" ]; then continue; fi
        case $(readlink "$link") in
        coracle | */coracle) ;;
        *) fail "\"$link\" is not ours: move it away, or give another --prefix" ;;
        esac
    done
}

# What is left to do; a package (DESTDIR) says that itself.
say_next() {
    if [ -n "${DESTDIR:-}" ]; then return; fi
    user=
    settings=/etc/coracle.env
    if [ $user_unit = yes ]; then
        user=' --user'
        settings=${XDG_CONFIG_HOME:-${HOME:-~}/.config}/coracle.env
    fi
    case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) printf "\nnot in PATH yet:\n    export PATH='%s':\$PATH\n" "$prefix/bin" ;;
    esac
    if [ "$unit_name" = coracle ]; then
        start="systemctl$user daemon-reload && systemctl$user enable --now coracle"
    else
        start="systemctl$user enable --now '$unit_name'"
    fi
    cat <<NEXT

next, as a service (settings, if you want any, go to $settings):
    $start
or in the foreground:
    coracle daemon
and then:
    kvctl put greeting hello && kvctl get greeting
NEXT
}

install_all() {
    check_target
    check_names
    if [ -z "$binary" ]; then
        echo "building the static executable; --binary PATH would take one that is built" >&2
        binary=$(build)
    fi
    if [ ! -f "$binary" ] || [ ! -x "$binary" ]; then
        fail "\"$binary\" is no executable file: give one with --binary"
    fi
    put 755 "$binary" "$root/bin/coracle"
    links | while read -r name; do ln -sf coracle "$root/bin/$name"; done
    data_files | while read -r source destination; do
        put 644 "$here/$source" "$root/$destination"
    done
    mkdir -p "$(dirname -- "$unit")"
    unit_text >"$unit.new"
    chmod 644 "$unit.new"
    mv -f -- "$unit.new" "$unit"
    echo "installed $root/bin/coracle"
    say_next
}

# Removes the file, the folders that it leaves empty and an empty prefix; prints what was there.
take() {
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then return; fi
    rm -f -- "$1"
    echo "$1"
    folder=$(dirname -- "$1")
    while rmdir -- "$folder" 2>/dev/null && [ "$folder" != "$root" ]; do
        folder=$(dirname -- "$folder")
    done
}

take_all() {
    links | while read -r name; do
        # Only our own link: another program may have the name by now.
        if [ "$(readlink "$root/bin/$name")" = coracle ]; then take "$root/bin/$name"; fi
    done
    data_files | while read -r _ destination; do take "$root/$destination"; done
    take "$unit"
    take "$root/bin/coracle"
}

uninstall_all() {
    if [ ! -d "${root:-/}" ]; then
        echo "nothing of coracle is in $root"
        return
    fi
    check_target
    removed=$(take_all)
    if [ -z "$removed" ]; then
        echo "nothing of coracle is in $root"
    else
        echo "removed $(printf '%s\n' "$removed" | wc -l) files of coracle from $root"
    fi
}

case $action in
install) install_all ;;
uninstall) uninstall_all ;;
esac
