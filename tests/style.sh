#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# What CONTRIBUTING.md says of style, as far as a program can see it: formatting, the length of
# functions and files, whose a file is and under which licence, and what shellcheck warns of.
#
# clang-format has to be version 14, that of Debian 12: others format differently.  Where it is another
# one, or one of the two programs is missing, the rest is checked and the result is "skipped".
set -u
cd "${srcdir:-.}" || exit 1

formatter=14
licence='SPDX-License-Identifier: GPL-2.0-or-later'
copyright='Copyright (C) 2026 the entitymux authors'
status=0
skipped=

# The files that are written by people.
sources()
{
	find .ci Makefile.am bootstrap configure.ac bpf debian etc man nft src tests -type f \
		! -path 'tests/vm/work/*' ! -path 'tests/*/golden/*' "$@" ! -name '*.skel.h'
}

c_files() { sources -name '*.[ch]'; }

# What has a #! line; other files of shell are read by one of these.
scripts()
{
	sources ! -name '*.[cho]' | while read -r file; do
		head -n 1 "$file" | grep -q '^#!.*sh$' && echo "$file"
	done
}

complain()
{
	[ -z "$2" ] && return
	echo "$1:"
	echo "$2"
	status=1
}

# usage: long LIMIT FILE...: functions, from brace to brace, that have more lines
long()
{
	limit=$1
	shift
	awk -v limit="$limit" '
	FNR == 1 { begin = 0 }
	/^{/ { begin = FNR }
	/^}/ && begin {
		if (FNR - begin + 1 > limit)
			print FILENAME ":" begin ": " FNR - begin + 1 " lines"
		begin = 0
	}' "$@"
}

# Files that do not begin with both lines: C in one form, others in a comment of their own kind, behind
# a #! line.
unmarked()
{
	marks=$(printf '/* %s */\n' "$licence" "$copyright")
	c_files | while read -r file; do
		[ "$(head -n 2 "$file")" = "$marks" ] || echo "$file"
	done
	sources \( -name '*.sh' -o -name '*.inc' -o -name '*.am' -o -name '*.ac' \
		-o -name '*.[578]' -o -name '*.conf' -o -name '*.in' -o -name 'completion.*' \
		-o -name bootstrap -o -name cases -o -name known -o -name mutants -o -name sentences \
		-o -path ".ci/*" -o -path "tests/vm/*" ! -name work ! -name README.md \) |
		while read -r file; do
			[ "$(head -n 3 "$file" | grep -cF -e "$licence" -e "$copyright")" -eq 2 ] ||
				echo "$file"
		done
}

# Where this is a checkout: what is made from other files is not part of it.
made()
{
	[ ! -e .git ] || git -c safe.directory='*' ls-files --cached --ignored --exclude-standard
}

# shellcheck disable=SC2046 # no file has a blank in its name
{
	complain 'functions of more than 40 lines' "$(long 40 $(c_files | grep -v '^tests/\|^bpf/kernel/'))"
	complain 'functions of more than 60 lines' "$(long 60 $(c_files | grep '^tests/\|^bpf/kernel/'))"
	complain 'files of more than 500 lines' "$(wc -l $(c_files | grep -v '^tests/') |
		awk '$1 > 500 && $2 != "total"')"
	complain 'made from other files, and in the repository' "$(made)"
	complain "without \"$licence\" or \"$copyright\" at the top" "$(unmarked)"

	if command -v shellcheck >/dev/null; then
		complain 'shellcheck' "$(shellcheck -x -S warning $(scripts) 2>&1)"
	else
		skipped='shellcheck is missing'
	fi

	version=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')
	if [ "$version" = $formatter ]; then
		complain 'clang-format' "$(clang-format --dry-run -Werror $(c_files) 2>&1)"
	else
		skipped="${skipped:+$skipped, }clang-format is ${version:-missing}, not $formatter"
	fi
}

[ -z "$skipped" ] || echo "not checked: $skipped"
[ $status -ne 0 ] || [ -z "$skipped" ] || status=77
exit $status
