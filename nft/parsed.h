/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * parsed - answers of the kernel as objects of libnftnl.
 *
 * Each function returns MNL_CB_OK and the object, to be freed by the caller, in *out.  It is NULL
 * where libnftnl does not understand the answer, as it does not where others use expressions that
 * are newer than it.  Out of memory, it returns MNL_CB_ERROR, errno is ENOMEM, and *out is NULL.
 */
#ifndef EM_NFT_PARSED_H
#define EM_NFT_PARSED_H

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

int em_parsed_table(struct nftnl_table **out, const struct nlmsghdr *message);
int em_parsed_chain(struct nftnl_chain **out, const struct nlmsghdr *message);
int em_parsed_rule(struct nftnl_rule **out, const struct nlmsghdr *message);
int em_parsed_set(struct nftnl_set **out, const struct nlmsghdr *message);
int em_parsed_obj(struct nftnl_obj **out, const struct nlmsghdr *message);

/* For __attribute__((cleanup(…))). */
void em_parsed_table_freep(struct nftnl_table **table);
void em_parsed_chain_freep(struct nftnl_chain **chain);
void em_parsed_rule_freep(struct nftnl_rule **rule);
void em_parsed_set_freep(struct nftnl_set **set);
void em_parsed_obj_freep(struct nftnl_obj **object);

#endif
