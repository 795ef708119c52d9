#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The backends of this build against the reference, with packets made up at random.
#
# EQUIVALENCE_SEED	the first policy; any number
# EQUIVALENCE_PACKETS	how many go through each backend
# EQUIVALENCE_CONVERSED	how many in conversations, instead of as many
if [ "$(id -u)" -ne 0 ]; then
	echo 'the equivalence test makes network namespaces: run as root (sudo make check-equivalence)'
	exit 77
fi
seed=${EQUIVALENCE_SEED:-1}
packets=${EQUIVALENCE_PACKETS:-100000}
status=0

# usage: compare PROGRAM PACKETS [OPTION]
compare()
{
	# shellcheck disable=SC2086 # lists of words
	"tests/equivalence/$1" ${3-} -s "$seed" -n "$2" "$ENTITYMUX" none $E2E_BACKENDS || status=1
}

# Where connection tracking does the replies, they do not go with all that may be on a router.
if "$ENTITYMUX" probe 2>/dev/null | grep -q 'netdev-egress  *yes'; then
	arranged=-a
else
	arranged=''
	echo 'conversations on a plain router only: no chains at egress (Linux 5.16)'
fi

compare equivalence "$packets"
# Without chains at egress, nft makes no copies.
copying=$E2E_BACKENDS
[ -n "$arranged" ] || copying=$(echo " $E2E_BACKENDS " | sed 's/ nft / /')
# shellcheck disable=SC2086 # a list of words
case $copying in *[a-z]*)
	tests/equivalence/equivalence -c -s "$seed" -n "$packets" "$ENTITYMUX" $copying || status=1
esac
compare routed "${EQUIVALENCE_CONVERSED:-$packets}" "$arranged"
exit $status
