/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tree - the settings of a configuration as they are written.
 */
#include "config/tree.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* A million entities are some five million settings: they are not allocated one by one. */
#define BLOCK_SIZE 65536

struct em_tree_block {
	struct em_tree_block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

static void *allocate(struct em_tree *tree, size_t size, size_t alignment)
{
	struct em_tree_block *block = tree->blocks;
	size_t start = block ? (block->used + alignment - 1) / alignment * alignment : 0;
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

	if (!block || start + size > block->size) {
		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct em_tree_block){.next = tree->blocks, .size = room};
		tree->blocks = block;
		start = 0;
	}
	block->used = start + size;
	return block->bytes + start;
}

char *em_tree_text(struct em_tree *tree, size_t size)
{
	return allocate(tree, size, 1);
}

struct em_setting *em_tree_new(struct em_tree *tree, struct em_setting *parent)
{
	struct em_setting *setting = allocate(tree, sizeof(*setting), alignof(struct em_setting));

	if (!setting)
		return NULL;
	*setting = (struct em_setting){.parent = parent};
	tree->n++;
	return setting;
}

void em_setting_link(struct em_setting *setting)
{
	struct em_setting *parent = setting->parent;

	setting->index = parent->n++;
	if (parent->last)
		parent->last->next = setting;
	else
		parent->first = setting;
	parent->last = setting;
}

int em_tree_init(struct em_tree *tree)
{
	*tree = (struct em_tree){0};
	tree->root = em_tree_new(tree, NULL);
	return tree->root ? 0 : -ENOMEM;
}

void em_tree_clear(struct em_tree *tree)
{
	while (tree->blocks) {
		struct em_tree_block *block = tree->blocks;

		tree->blocks = block->next;
		free(block);
	}
}

struct em_setting *em_setting_member(const struct em_setting *group, const char *name)
{
	struct em_setting *member = group->first;

	while (member && strcmp(member->name, name) != 0)
		member = member->next;
	return member;
}

bool em_setting_true(const struct em_setting *setting)
{
	return setting->text[0] == 't' || setting->text[0] == 'T';
}
