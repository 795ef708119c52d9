/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "base/decimal.h"

char *em_decimal(uint64_t number, char text[EM_DECIMAL_MAX])
{
	char *digit = text + EM_DECIMAL_MAX - 1;

	*digit = '\0';
	do {
		*--digit = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return digit;
}
