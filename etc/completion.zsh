#compdef entitymux
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors

# Listeners of what is applied, and their entities once there is a "/": as for bash.
_entitymux_names() {
	local series='entitymux_entity_packets_total{listener="' none='[^"\\]*'
	local -a names

	if [[ $PREFIX == */* ]]; then
		names=(${(f)"$(entitymux stats --prometheus -- "${PREFIX%%/*}" 2>/dev/null |
			sed -n "s/^$series\($none\)\",entity=\"\($none\)\"}.*/\1\/\2/p
			s/^$series\($none\)\",format=\"\($none\)\",entity=\"\($none\)\"}.*/\1:\2\/\3/p")"})
	else
		names=(${(f)"$(entitymux stats --prometheus 2>/dev/null |
			sed -n 's/^entitymux_packets_total{listener="\([^"]*\)"}.*/\1/p')"})
	fi
	compadd -a names
}

_entitymux() {
	local -a commands common config json
	local backends='(auto xdp xdp-generic tc nft)'

	commands=(
		'apply:install a policy'
		'check:report mistakes in a configuration'
		'confirm:keep an apply that waits for confirmation'
		'diff:show what apply would change'
		'entity:change an entity of the policy in force'
		'heal:put the policy in its place when it is taken away'
		'help:list the options of a command'
		'explain:say what a policy does with packets'
		'probe:show what this host can carry'
		'remove:remove everything'
		'rollback:undo the last apply'
		'ruleset:print the ruleset of the nft backend'
		'sample:copy packets to a capture'
		'showconf:print the policy in force'
		'stats:show or reset the counters'
		'status:show what is applied'
		'unknown:show the tags that no entity has'
	)
	if ((CURRENT == 2)); then
		_describe -t commands command commands
		_arguments '(- *)'{-h,--help}'[list the commands]' '(- *)'{-V,--version}'[print the version]'
		return
	fi
	common=('(- *)'{-h,--help}'[list the options]')
	json=('--json[print one JSON document]')
	config=('1:configuration:_files')
	shift words
	((CURRENT--))
	case $words[1] in
	help) ((CURRENT > 2)) || _describe -t commands command commands ;;
	apply)
		_arguments $common $json $config '(-n --dry-run)'{-n,--dry-run}'[only print what would be done]' \
			"--backend=[use this backend]:backend:$backends" \
			'--confirm=[undo it, unless confirmed in time]:seconds: '
		;;
	check) _arguments $common $json $config '--folder=[relative paths are relative to this]:folder:_files -/' ;;
	status) _arguments $common $json '--config=-[whether it is what is in force]::configuration:_files' ;;
	diff | probe) _arguments $common $json $config ;;
	entity)
		_arguments $common $json '(-n --dry-run)'{-n,--dry-run}'[only print what would be done]' \
			'--save[in the entities file as well]' \
			'--confirm=[undo it, unless confirmed in time]:seconds: ' \
			'1:change:(add move delete)' '2:listener:_entitymux_names' '3:tag: ' '4:port:(pass drop)' '5:name: '
		;;
	explain)
		_arguments $common $json $config \
			'(-i --interface)'{-i+,--interface=}'[where packets were received]:interface:_net_interfaces' \
			'(-r --read)'{-r+,--read=}'[a capture]:capture:_files' \
			'--frame=[an Ethernet frame]:hex: ' '--payload=[the payload of a datagram]:hex: '
		;;
	rollback) _arguments $common '--when-due[wait for confirmation first]' ;;
	ruleset) _arguments $common $config ;;
	heal) _arguments $common $json '--once[look once, and do not stay]' ;;
	sample)
		_arguments $common '--reason=[only for this reason]:reason:(source length check unknown)' \
			'(-c --count)'{-c+,--count=}'[end after so many packets]:number: ' \
			'(-w --write)'{-w+,--write=}'[write to a file]:file:_files' '*:listener or entity:_entitymux_names'
		;;
	stats)
		_arguments $common $json '--prometheus[print the text format of Prometheus]' \
			'--output=[write to a file]:file:_files' '--top=[print the first entities]:number: ' \
			'--sort=[the order of entities]:key:(config name packets bytes last)' \
			'--silent=[print silent entities]:seconds: ' \
			'--watch=-[show rates on the terminal]::seconds: ' \
			'--reset[set all of them to zero]' '*:listener or entity:_entitymux_names'
		;;
	unknown)
		_arguments $common $json '--config[print them as entities]' '*:listener:_entitymux_names'
		;;
	confirm | remove | showconf) _arguments $common ;;
	esac
}

_entitymux "$@"
