#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# A folder as the configuration: its files, in order, are one policy, and each mistake has its file.  As
# root, in a network namespace and a /run of its own.
set -u

: "${ENTITYMUX:=./entitymux}"

if [ -z "${folder_inside-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'makes network namespaces: run as root (sudo make check)'; exit 77; }
	folder_inside=yes ENTITYMUX=$(realpath "$ENTITYMUX")
	export folder_inside ENTITYMUX
	exec timeout 600 unshare --mount --propagation private --net /bin/sh "$0"
fi
# shellcheck source=tests/lib/checks.sh
. "$(dirname "$0")/../../lib/checks.sh"
mount -t tmpfs folder /run || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
ip link set lo up

# listener NAME PORT KEYS
listener() {
	cat <<-END
	listeners = ( { name = "$1"; interfaces = [ "lo" ]; port = $2; tag = { offset = 0; length = 1; };
		$3 } );
	END
}

mkdir d d/sub d/20-folder.conf
check 'an empty folder' exits 2 1 '^entitymux: d: a folder without a configuration, expected \*\.conf$' "$ENTITYMUX" check d
echo 'backend = "nft";' >d/00-backend.conf
check 'no listeners' exits 2 1 '^entitymux: d: no file has listeners, expected one at least$' "$ENTITYMUX" check d
listener b 5001 'entities = ();' >d/20-b.conf
listener a 5000 'entities_file = "sub/a";' >d/10-a.conf
echo '0x01,6001,plant' >d/sub/a
echo 'not read' | tee d/c.conf~ d/.hidden.conf d/README >/dev/null
is 'what is in it' 'd: correct: listeners: 2, entities: 1' "$("$ENTITYMUX" check d 2>&1)"
is 'applied' "$tmp/d: applied: backend nft (asked for)
  lo: nft-ingress" "$("$ENTITYMUX" apply d 2>&1)"
is 'in order' 'name = "a";
name = "b";' "$("$ENTITYMUX" showconf | grep -o 'name = "[ab]";')"
listener c 5002 'entities = ();' >d/30-c.conf
is 'a listener dropped in' '+ c: entities 0' "$("$ENTITYMUX" diff d/)"
is 'whose policy it is' "$tmp/d" "$("$ENTITYMUX" status | sed -n 's/^config: *//p')"

listener a 5003 'entities = ();' >d/40-a.conf
check 'a name twice' exits 2 1 '^entitymux: d/40-a.conf:1: .*d/10-a.conf:1' "$ENTITYMUX" check d
listener d 5000 'entities = ();' >d/40-a.conf
check 'a port twice' exits 2 1 '^entitymux: d/40-a.conf:1: .*d/10-a.conf:1' "$ENTITYMUX" check d
echo 'backend = "tc";' >d/40-a.conf
check 'a backend twice' exits 2 1 '^entitymux: d/40-a.conf:1: backend: is there already \(d/00-backend.conf, line 1\)$' \
	"$ENTITYMUX" check d
printf 'listeners = ();\nprot = 1;\n' >d/40-a.conf
printf 'listeners = (\n' >d/50-z.conf
"$ENTITYMUX" check d 2>err
says 'mistakes of each file' 'd/40-a.conf:2: prot: unknown key' "$(cat err)"
says 'also of syntax' 'd/50-z.conf:1: ' "$(cat err)"
{
	echo 'listeners = ('
	seq 7000 7253 | sed 's/.*/{ name = "x&"; interfaces = [ "lo" ]; port = &; tag = { offset = 0; length = 1; }; entities = (); }/; $!s/$/,/'
	echo ');'
} >d/50-z.conf
rm d/40-a.conf
check 'too many in all' exits 2 1 'd/50-z.conf:1: listeners: 257 with those of the files before, expected at most 256' \
	"$ENTITYMUX" check d
rm d/30-c.conf
is '256 in all' 'd: correct: listeners: 256, entities: 1' "$("$ENTITYMUX" check d 2>&1)"

# Checked beside its place, as a file and as a folder.
cp -r d beside
rm -r beside/sub
cp "$(grep -l 'sub/a' d/*.conf)" one.conf
check 'beside its place' exits 1 1 'sub/a: No such file' "$ENTITYMUX" check one.conf
is 'with its folder' 'one.conf: correct: listeners: 1, entities: 1' "$("$ENTITYMUX" check --folder=d one.conf 2>&1)"
check 'a folder beside its place' exits 1 1 'sub/a: No such file' "$ENTITYMUX" check beside
is 'a folder with its folder' 'beside: correct: listeners: 256, entities: 1' "$("$ENTITYMUX" check --folder="$tmp/d" beside 2>&1)"
check 'no such folder' exits 1 1 'nowhere/sub/a: No such file' "$ENTITYMUX" check --folder=nowhere one.conf

ln -s nowhere d/60-z.conf
check 'a file that is not there' exits 1 1 'd/60-z.conf: No such file' "$ENTITYMUX" check d
is 'nothing was changed' "$tmp/d" "$("$ENTITYMUX" status | sed -n 's/^config: *//p')"
check 'remove' "$ENTITYMUX" remove

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
