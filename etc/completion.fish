# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
# fish completion for entitymux(8)

# Listeners of what is applied, and their entities once there is a "/": as for bash.
function __entitymux_names
    command -q entitymux; or return
    set -l word (commandline -ct)
    set -l value '"([^"\\\\]*)"'
    if string match -q '*/*' -- $word
        entitymux stats --prometheus -- (string split -m 1 / -- $word)[1] 2>/dev/null |
            string replace -rf "^entitymux_entity_packets_total\{listener=$value(?|,format=$value|()),entity=$value\} .*" '$1:$2/$3' |
            string replace ':/' /
    else
        entitymux stats --prometheus 2>/dev/null |
            string replace -rf "^entitymux_packets_total\{listener=$value\} .*" '$1'
    end
end

function __entitymux_interfaces
    string replace -r '.*/' '' -- /sys/class/net/*
end

# The command on the line, if it is one of these.
function __entitymux_is
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end

function __entitymux_none
    test (count (commandline -opc)) -eq 1
end

complete -c entitymux -f
complete -c entitymux -n __entitymux_none -a apply -d 'install a policy'
complete -c entitymux -n __entitymux_none -a check -d 'report mistakes in a configuration'
complete -c entitymux -n __entitymux_none -a confirm -d 'keep an apply that waits for confirmation'
complete -c entitymux -n __entitymux_none -a diff -d 'show what apply would change'
complete -c entitymux -n __entitymux_none -a entity -d 'change an entity of the policy in force'
complete -c entitymux -n __entitymux_none -a explain -d 'say what a policy does with packets'
complete -c entitymux -n __entitymux_none -a heal -d 'put the policy in its place when it is taken away'
complete -c entitymux -n __entitymux_none -a help -d 'list the options of a command'
complete -c entitymux -n __entitymux_none -a probe -d 'show what this host can carry'
complete -c entitymux -n __entitymux_none -a remove -d 'remove everything'
complete -c entitymux -n __entitymux_none -a rollback -d 'undo the last apply'
complete -c entitymux -n __entitymux_none -a ruleset -d 'print the ruleset of the nft backend'
complete -c entitymux -n __entitymux_none -a sample -d 'copy packets to a capture'
complete -c entitymux -n __entitymux_none -a showconf -d 'print the policy in force'
complete -c entitymux -n __entitymux_none -a stats -d 'show or reset the counters'
complete -c entitymux -n __entitymux_none -a status -d 'show what is applied'
complete -c entitymux -n __entitymux_none -a unknown -d 'show the tags that no entity has'
complete -c entitymux -n __entitymux_none -s V -l version -d 'print the version'
complete -c entitymux -s h -l help -d 'list the commands, or the options of one'

complete -c entitymux -n '__entitymux_is apply check diff explain probe ruleset' -F
complete -c entitymux -n '__entitymux_is apply check diff entity explain heal probe stats status unknown' -l json -d 'print one JSON document'
complete -c entitymux -n '__entitymux_is apply entity' -s n -l dry-run -d 'only print what would be done'
complete -c entitymux -n '__entitymux_is apply' -x -l backend -a 'auto xdp xdp-generic tc nft' -d 'use this backend'
complete -c entitymux -n '__entitymux_is apply entity' -x -l confirm -d 'undo it, unless confirmed in time'
complete -c entitymux -n '__entitymux_is entity' -a 'add move delete (__entitymux_names)'
complete -c entitymux -n '__entitymux_is entity' -l save -d 'in the entities file as well'
complete -c entitymux -n '__entitymux_is check' -x -l folder -a '(__fish_complete_directories)' -d 'relative paths are relative to this folder'
complete -c entitymux -n '__entitymux_is status' -r -F -l config -d 'whether it is what is in force'
complete -c entitymux -n '__entitymux_is explain' -x -s i -l interface -a '(__entitymux_interfaces)' -d 'where packets were received'
complete -c entitymux -n '__entitymux_is explain' -r -F -s r -l read -d 'a capture'
complete -c entitymux -n '__entitymux_is explain' -x -l frame -d 'an Ethernet frame, in hex'
complete -c entitymux -n '__entitymux_is explain' -x -l payload -d 'the payload of a datagram, in hex'
complete -c entitymux -n '__entitymux_is rollback' -l when-due -d 'wait for confirmation first'
complete -c entitymux -n '__entitymux_is heal' -l once -d 'look once, and do not stay'
complete -c entitymux -n '__entitymux_is unknown' -l config -d 'print them as entities'
complete -c entitymux -n '__entitymux_is sample' -x -l reason -a 'source length check unknown' -d 'only for this reason'
complete -c entitymux -n '__entitymux_is sample' -x -s c -l count -d 'end after so many packets'
complete -c entitymux -n '__entitymux_is sample' -r -F -s w -l write -d 'write to a file'
complete -c entitymux -n '__entitymux_is sample stats unknown' -a '(__entitymux_names)'
complete -c entitymux -n '__entitymux_is stats' -l prometheus -d 'print the text format of Prometheus'
complete -c entitymux -n '__entitymux_is stats' -r -F -l output -d 'write to a file'
complete -c entitymux -n '__entitymux_is stats' -x -l sort -a 'config name packets bytes last' -d 'the order of entities'
complete -c entitymux -n '__entitymux_is stats' -x -l top -d 'print the first entities'
complete -c entitymux -n '__entitymux_is stats' -x -l silent -d 'print silent entities'
complete -c entitymux -n '__entitymux_is stats' -l watch -d 'show rates on the terminal'
complete -c entitymux -n '__entitymux_is stats' -l reset -d 'set all of them to zero'
complete -c entitymux -n '__entitymux_is help' -a 'apply check confirm diff entity explain heal probe remove rollback ruleset sample showconf stats status unknown'
