/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "policy/flow.h"

#include <errno.h>
#include <stdlib.h>

int em_flow_list_add(struct em_flow_list *list, const struct em_flow *flow)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct em_flow *all = reallocarray(list->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		list->all = all;
		list->room = room;
	}
	list->all[list->n++] = *flow;
	return 0;
}

void em_flow_list_clear(struct em_flow_list *list)
{
	free(list->all);
	*list = (struct em_flow_list){0};
}
