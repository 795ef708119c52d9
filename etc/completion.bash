# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# bash completion for entitymux(8)

_entitymux()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local backends='auto xdp xdp-generic tc nft'
	local commands='apply check diff explain probe ruleset showconf status stats remove'
	local options='' files=

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
	apply) options='--dry-run --backend --json' files=yes ;;
	explain)
		options='--read --frame --payload --interface --json' files=yes
		if [[ $prev == -r || $prev == --read || ($prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --read) ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${cur#=}")
			return
		fi
		;;
	check | diff | probe) options='--json' files=yes ;;
	ruleset) files=yes ;;
	status) options='--json' ;;
	stats) options='--json --prometheus --output --sort --top --reset' ;;
	remove | showconf) ;;
	*) return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$cur")
	elif [[ $files ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.conf' -- "$cur")
	fi
}

complete -F _entitymux entitymux
