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
  --binary PATH   install this executable instead of building one
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
case $prefix in
/*) ;;
*) fail "the prefix \"$prefix\" is not absolute: write the whole path" 2 ;;
esac
prefix=${prefix%/}
case $binary in
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

# The hardening that a system unit gets; most of it needs root, so a user's unit goes without.
hardening() {
    cat <<UNIT
StateDirectory=coracle
StateDirectoryMode=0700
RuntimeDirectory=coracle
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
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
ExecStart=$prefix/bin/coracle daemon
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

install_all() {
    if [ -z "$binary" ]; then binary=$(build); fi
    [ -x "$binary" ] || fail "\"$binary\" is no executable: give one with --binary"
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
}

# Removes the file and the folders that it leaves empty, up to the root.
take() {
    rm -f -- "$1"
    folder=$(dirname -- "$1")
    while [ "$folder" != "$root" ] && rmdir -- "$folder" 2>/dev/null; do
        folder=$(dirname -- "$folder")
    done
}

uninstall_all() {
    links | while read -r name; do
        # Only our own link: another program may have the name by now.
        if [ "$(readlink "$root/bin/$name")" = coracle ]; then take "$root/bin/$name"; fi
    done
    data_files | while read -r _ destination; do take "$root/$destination"; done
    take "$unit"
    take "$root/bin/coracle"
    echo "removed $root/bin/coracle"
}

case $action in
install) install_all ;;
uninstall) uninstall_all ;;
esac
