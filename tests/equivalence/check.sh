#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The backends of this build against the reference, with packets made up at random.
#
# EQUIVALENCE_SEED	the first policy; any number
# EQUIVALENCE_PACKETS	how many go through each backend
if [ "$(id -u)" -ne 0 ]; then
	echo 'the equivalence test makes network namespaces: run as root (sudo make check-equivalence)'
	exit 77
fi
status=0
for program in equivalence routed; do
	# shellcheck disable=SC2086 # a list of words
	tests/equivalence/$program -s "${EQUIVALENCE_SEED:-1}" -n "${EQUIVALENCE_PACKETS:-100000}" \
		"$ENTITYMUX" none $E2E_BACKENDS || status=1
done
exit $status
