/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#define POSSIBLE "/sys/devices/system/cpu/possible"

/* "0-3,8-11": the last number is the highest one. */
int em_cpus_count(void)
{
	FILE *file = fopen(POSSIBLE, "re");
	int number = -1, failed = 0, c;

	if (!file)
		return -errno;
	for (bool inside = false; (c = fgetc(file)) != EOF; inside = isdigit(c))
		if (isdigit(c))
			number = (inside ? number * 10 : 0) + c - '0';
	if (ferror(file))
		failed = errno;
	fclose(file);
	if (failed)
		return -failed;
	return number < 0 ? -EINVAL : number + 1;
}
