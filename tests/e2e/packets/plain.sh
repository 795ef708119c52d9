#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 the entitymux authors
#
# The end-to-end table on the programs for kernels without BTF and before 5.6, on this kernel.
: "${WITHOUT_BTF:=tests/e2e/hosts/without_btf}" "${srcdir:=.}"
if [ "$(id -u)" -ne 0 ]; then
	echo 'the end-to-end tests make network namespaces: run as root (sudo make check)'
	exit 77
fi
exec tests/e2e/packets/e2e -c "$srcdir/tests/e2e/packets/cases" "$WITHOUT_BTF" xdp tc
