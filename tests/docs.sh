#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The man pages say what the program does: they are correct mdoc; entitymux.8 and the completions have
# the commands and options of --help and no others; entitymux.conf.5 has the keys that src/config/*.c
# accepts and no others.  The packages have the version of the program.
#
#	docs.sh		($ENTITYMUX is the program, $srcdir the sources)
#
# In entitymux.8 a command is `.It Cm NAME` in COMMANDS, its options `.It Fl ...` below it; in
# entitymux.conf.5 a key is `.It Ic NAME`, once for each group that has it.
set -eu
export LC_ALL=C

srcdir=${srcdir:-.}
program=${ENTITYMUX:-./entitymux}
commands_page=$srcdir/man/entitymux.8
keys_page=$srcdir/man/entitymux.conf.5
status=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

complain()
{
	echo "docs: $*"
	status=1
}

# usage: compare FOUND IN-FOUND DOCUMENTED IN-DOCUMENTED (files of lines, and what they are)
compare()
{
	sort "$1" >"$work/found"
	sort "$3" >"$work/documented"
	# An empty list is one that this script could not read.
	[ -s "$work/found" ] || complain "nothing found in $2"
	[ -s "$work/documented" ] || complain "nothing found in $4"
	missing=$(comm -23 "$work/found" "$work/documented")
	[ -z "$missing" ] || complain "in $2, but not in $4:
$missing"
	extra=$(comm -13 "$work/found" "$work/documented")
	[ -z "$extra" ] || complain "in $4, but not in $2:
$extra"
}

# Pages of other packages need not be installed; ours are found in this folder.
lint()
{
	(cd "$srcdir/man" && mandoc -Tlint "$@" 2>/dev/null) |
		awk '!/referenced manual not found/ || /Xr entitymux/' | head -n 20
}

# "COMMAND" and "COMMAND OPTION" of each command that --help lists.
list_of_help()
{
	"$program" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | while read -r command; do
		echo "$command"
		"$program" "$command" --help | sed -n "s/^usage: entitymux $command//p" |
			grep -oE -- '(^|[[| ])-(-[a-z][a-z-]*|[a-zA-Z])' | sed "s/^[^-]*/$command /"
	done
}

# The same of the page.
list_of_page()
{
	awk '
	/^\.Sh / { inside = $0 == ".Sh COMMANDS" }
	!inside { next }
	/^\.It Cm / { command = $3; print command }
	/^\.It Fl / {
		for (i = 2; i < NF; i++)
			if ($i == "Fl")
				print command, "-" $(i + 1)
	}' "$commands_page"
}

# What bash completes; it leaves out options of one letter.
list_of_completion()
{
	bash -c '. "$1"
	candidates()
	{
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_entitymux && printf "%s\n" "${COMPREPLY[@]}"
	}
	for command in $(candidates entitymux ""); do
		[[ $command == -* || $command == help ]] && continue
		echo "$command"
		candidates entitymux "$command" - | sed "/^--help\$/d; s/^/$command /"
	done' bash "$srcdir/etc/completion.bash"
}

# The same of zsh, whose functions print here what they are given.
list_of_zsh()
{
	zsh -fc '_arguments() { print -rl -- "$@" }
	_describe() { print -rl -- $commands }
	file=$1
	candidates() {
		local -a words=(entitymux "$@")
		local CURRENT=$#words
		. $file
	}
	candidates "" | sed -n "s/^\([a-z]*\):.*/\1/p" | while read -r command; do
		[[ $command == help ]] && continue
		print -r -- $command
		candidates $command "" | grep -oE "^(\([^)]*\))?--[a-z][a-z-]*" |
			sed "s/^([^)]*)//; /^--help\$/d; s/^/$command /"
	done' zsh "$srcdir/etc/completion.zsh"
}

# And of fish.
list_of_fish()
{
	# Without what this host adds.  Before 3.2, fish has no option for that, nor passes arguments.
	# shellcheck disable=SC2016 # of fish
	env -u XDG_CONFIG_HOME -u XDG_DATA_HOME HOME="$work" file="$srcdir/etc/completion.fish" \
		fish -c 'set fish_complete_path
	source $file
	for command in (complete -C "entitymux " | string replace -r "\t.*" "")
		test $command = help; and continue
		echo $command
		complete -C "entitymux $command --" | string replace -rf "^(--[a-z-]+).*" "$command \$1" |
			string match -v "* --help"
	end'
}

# The options that go without a command: words of OPTIONS that the program has to know.
options_of_page()
{
	awk '
	/^\.Sh / { inside = $0 == ".Sh OPTIONS" }
	inside && /^\.It Fl / {
		for (i = 2; i < NF; i++)
			if ($i == "Fl")
				print "-" $(i + 1)
	}' "$commands_page"
}

# The keys of the tables in the reader, each as often as there is a table with it.
keys_of_source()
{
	sed -nE 's/^[[:space:]]+(\{|EM_KEY_[A-Z]+\()"([a-z_]+)"[,}].*/\2/p' \
		"$srcdir"/src/config/*.c
}

keys_of_page()
{
	sed -nE 's/^\.It Ic ([a-z_]+).*/\1/p' "$keys_page"
}

if command -v mandoc >/dev/null; then
	mistakes=$(lint entitymux.7 entitymux.8 entitymux.conf.5)
	[ -z "$mistakes" ] || complain "mandoc -Tlint:
$mistakes"
else
	complain "mandoc is missing (Debian: mandoc)"
fi

list_of_help >"$work/help"
list_of_page >"$work/page"
compare "$work/help" "entitymux --help" "$work/page" "entitymux.8, COMMANDS"

grep -v ' -[a-zA-Z]$' "$work/help" >"$work/long"
list_of_completion >"$work/completion"
compare "$work/long" "entitymux --help" "$work/completion" "etc/completion.bash"
for shell in zsh fish; do
	command -v $shell >/dev/null || { complain "$shell is missing (Debian: $shell)"; continue; }
	list_of_$shell >"$work/completion" 2>&1 || complain "$shell fails: exit status $?"
	compare "$work/long" "entitymux --help" "$work/completion" "etc/completion.$shell"
done

options_of_page >"$work/options"
[ -s "$work/options" ] || complain "nothing found in entitymux.8, OPTIONS"
while read -r option; do
	"$program" "$option" >/dev/null 2>&1 ||
		complain "in entitymux.8, OPTIONS, but not known to the program: $option"
done <"$work/options"

keys_of_source >"$work/keys"
keys_of_page >"$work/page"
compare "$work/keys" "src/config/*.c" "$work/page" "entitymux.conf.5"

# The configurations that are installed as examples are correct, and so is the first with its entity.
example=$srcdir/etc/entitymux.conf
sed '/^ *#{ name/{s/#//;:rest;n;b rest}' "$example" >"$work/entity.conf"
cmp -s "$example" "$work/entity.conf" && complain "no entity found in $example"
for file in "$example" "$work/entity.conf" "$srcdir"/etc/examples/*.conf; do
	"$program" check "$file" >/dev/null || complain "entitymux check $file"
done

# The packages have the version of the program; a candidate (1.0.0-rc1) comes before the release (1.0.0~rc1).
version=$("$program" --version | sed -n '1s/^entitymux //p' | tr - '~')
[ -n "$version" ] || complain "nothing found in --version"
[ "$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' "$srcdir/debian/changelog")" = "$version" ] ||
	complain "debian/changelog is not for version $version"
grep -q "^Version:  *$version\$" "$srcdir/packaging/entitymux.spec" ||
	complain "packaging/entitymux.spec is not for version $version"

exit $status
