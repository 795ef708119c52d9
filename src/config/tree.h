/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * tree - the settings of a configuration as they are written, before anything is known about keys.
 *
 * All memory belongs to the tree and goes with it.
 */
#ifndef EM_TREE_H
#define EM_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

enum em_setting_type {
	EM_SETTING_GROUP, /* { name = value; … } */
	EM_SETTING_LIST,  /* ( value, … ) */
	EM_SETTING_ARRAY, /* [ value, … ] */
	EM_SETTING_STRING,
	EM_SETTING_NUMBER, /* begins with a digit; whether it is a number is the reader's to say */
	EM_SETTING_FRACTION, /* 1.5, 5e3 */
	EM_SETTING_BOOL,
};

struct em_setting {
	struct em_place place;
	enum em_setting_type type;
	unsigned int index;	   /* among those of its parent, from 0 */
	const char *name;	   /* NULL: an element of a list or an array */
	const char *text;	   /* a string without quotes and escapes; others as written */
	struct em_setting *parent; /* NULL: the file */
	struct em_setting *next;   /* in the parent */
	struct em_setting *first;  /* of its members or elements, */
	struct em_setting *last;
	unsigned int n; /* how many there are */
};

struct em_tree {
	struct em_setting *root; /* the group that the file is */
	struct em_tree_block *blocks;
	size_t n; /* settings */
};

/* An empty tree.  Returns 0 or -ENOMEM.  It is freed by em_tree_clear() in any case. */
int em_tree_init(struct em_tree *tree);
void em_tree_clear(struct em_tree *tree);

/* Memory for so many bytes of text, or NULL. */
char *em_tree_text(struct em_tree *tree, size_t size);
/* An empty group of this parent, not yet among its members; NULL: out of memory. */
struct em_setting *em_tree_new(struct em_tree *tree, struct em_setting *parent);
/* Makes it the last member of its parent. */
void em_setting_link(struct em_setting *setting);

/* The group's member of this name, or NULL. */
struct em_setting *em_setting_member(const struct em_setting *group, const char *name);
bool em_setting_true(const struct em_setting *setting);

#endif
