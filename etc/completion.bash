# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# bash completion for entitymux(8)

# Listeners of what is applied, and their entities once there is a "/".
_entitymux_names()
{
	local series='entitymux_entity_packets_total\{listener=' value='"([^"\\]*)"'

	if [[ $1 == */* ]]; then
		entitymux stats --prometheus -- "${1%%/*}" 2>/dev/null |
			sed -nE "s|^$series$value,entity=$value\}.*|\1/\2|p
			s|^$series$value,format=$value,entity=$value\}.*|\1:\2/\3|p"
	else
		entitymux stats --prometheus 2>/dev/null |
			sed -nE "s/^entitymux_packets_total\{listener=$value\}.*/\1/p"
	fi
}

# Those that begin with the word before the cursor.  ":" breaks words: what is before it stays.
_entitymux_named()
{
	local word=$cur before='' name

	if [[ $cur == : ]]; then
		before=$prev: word=$prev:
	elif [[ $prev == : ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}: word=$before$cur
	fi
	while IFS= read -r name; do
		[[ $name == "$word"* ]] || continue
		printf -v name %q "${name#"$before"}"
		COMPREPLY+=("$name")
	done < <(_entitymux_names "$word")
}

# Interfaces that begin with a word.
_entitymux_interfaces()
{
	local names=(/sys/class/net/*)

	mapfile -t COMPREPLY < <(compgen -W "${names[*]##*/}" -- "$1")
}

_entitymux()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local backends='auto xdp xdp-generic tc nft'
	local commands='apply check confirm diff entity explain heal probe rollback ruleset sample showconf status stats unknown remove'
	local orders='config name packets bytes last'
	local options='' files='' names=

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$commands help --help --version" -- "$cur")
		return
	fi
	# "=" breaks words: --backend = nft
	if [[ $cur == = && $prev == --backend ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$backends")
		return
	fi
	if [[ $prev == --backend || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --backend) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$backends" -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	help | --help)
		((COMP_CWORD > 2)) || mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
		return
		;;
	apply) options='--dry-run --backend --confirm --json' files=yes ;;
	entity)
		options='--dry-run --save --confirm --json'
		if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'add move delete' -- "$cur")
			return
		fi
		[[ $prev == add || $prev == move || $prev == delete ]] && names=yes
		;;
	explain)
		options='--read --frame --payload --interface --json' files=yes
		if [[ $prev == -i || $prev == --interface ||
			($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --interface) ]]; then
			_entitymux_interfaces "${cur#=}"
			return
		fi
		if [[ $prev == -r || $prev == --read || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --read) ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${cur#=}")
			return
		fi
		;;
	check)
		options='--json --folder' files=yes
		if [[ $prev == --folder || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --folder) ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "${cur#=}")
			return
		fi
		;;
	diff | probe) options='--json' files=yes ;;
	ruleset) files=yes ;;
	rollback) options='--when-due' ;;
	heal) options='--json --once' ;;
	status)
		options='--json --config'
		[[ $prev == --config || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --config) ]] && files=yes
		cur=${cur#=}
		;;
	stats)
		if [[ $prev == --sort || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --sort) ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$orders" -- "${cur#=}")
			return
		fi
		names=yes options='--json --prometheus --output --sort --top --silent --watch --reset'
		;;
	unknown) names=yes options='--json --config' ;;
	sample)
		names=yes options='--reason --count --write'
		if [[ $prev == --reason || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --reason) ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'source length check unknown' -- "${cur#=}")
			return
		fi
		if [[ $prev == -w || $prev == --write || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --write) ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${cur#=}")
			return
		fi
		;;
	confirm | remove | showconf) ;;
	*) return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$cur")
	elif [[ $names ]]; then
		_entitymux_named
	elif [[ $files ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.conf' -- "$cur")
	fi
}

complete -F _entitymux entitymux
